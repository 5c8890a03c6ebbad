"""Elsie, a listener: a reply function that streams its answers, word by word.

She knows nothing, and gives you back what you said, as Joseph Weizenbaum's Eliza did in 1966.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator

from fastapi_echochat import Message

PAUSE = 0.05
"""Seconds between two words."""

_CLAUSE = r"(?P<rest>[^\s.,;:!?][^\n.,;:!?]*)"
_RELATIVES = "mother|mum|father|dad|sister|brother|wife|husband|partner|son|daughter|grandmother"
_OTHERS = "friend|boss|teacher|neighbour|colleague|cat|dog"

# What she listens for, and what she may say to it. The first that is found counts.
_RULES = {
    r"^(hi|hello|hey|good (morning|afternoon|evening))\b": [
        "Hello, come in. What have you brought with you today?",
        "Good to see you. Shall we begin with the weather, or with the truth?",
    ],
    r"^(bye|goodbye|good night|see you)\b": [
        "Go well. You find me where you left me: I have no legs.",
        "Until next time. I shall think of nothing else, since I think of nothing at all.",
    ],
    rf"\bbecause {_CLAUSE}": [
        "Is that the reason, “{rest}”, or the one that you tell people?",
        "And if it were not so that {rest}?",
    ],
    rf"\bi( feel| felt|'m feeling| am feeling) {_CLAUSE}": [
        "When did you first feel {rest}?",
        "If you did not feel {rest}, what would there be room for?",
    ],
    rf"\bi (?P<verb>need|want|wish|hope) {_CLAUSE}": [
        "Who would be surprised to hear that you {verb} {rest}?",
        "You {verb} {rest}. And on the morning after, what do you do?",
    ],
    rf"\bi (can't|cannot|can not) {_CLAUSE}": [
        "Could you {rest} if nobody were looking?",
        "What happens in the minute before you find that you cannot {rest}?",
    ],
    rf"\bi (?P<verb>love|like|hate|miss|fear|remember) {_CLAUSE}": [
        "What comes to mind first, now that you say you {verb} {rest}?",
        "Do you {verb} {rest} on Mondays as well?",
    ],
    rf"\bi('m| am) {_CLAUSE}": [
        "How long have you been {rest}?",
        "Who else knows that you are {rest}?",
    ],
    rf"\bmy (?P<rest>{_RELATIVES}|{_OTHERS})\b": [
        "What would your {rest} say if I asked about this?",
        "Tell me more about your {rest}. Leave the best part out.",
    ],
    rf"\byou('re| are) {_CLAUSE}": [
        "Suppose I am {rest}. What does that make you?",
        "I have been called worse than {rest}, by better keyboards.",
    ],
    r"\b(computer|machine|robot|chatbot|bot|program|python)s?\b": [
        "I am a list of patterns and a pause. Would you tell this to a longer list?",
        "Does it trouble you to be understood by so few lines of Python?",
    ],
    r"\b(?P<rest>always|never|everybody|everyone|nobody)\b": [
        "“{rest}” is a large word. Can you find one small exception?",
        "Really {rest}? Even on the second of March?",
    ],
    r"\?\s*$": [
        "What answer were you hoping for?",
        "I know nothing, which makes me good company. What do you think yourself?",
    ],
    r"^(yes|yeah|yep)\b": [
        "So it is. And now?",
        "You say that as though it had cost you something.",
    ],
    r"^(no|nope)\b": [
        "A plain no, or one with a but behind it?",
        "Then what would be closer to it?",
    ],
}

_ELSE = [
    "Go on, I have the whole afternoon.",
    "Say that again, with the important word a little louder.",
    "And which part of it did you leave out?",
    "I see. What did the furniture think of it?",
]

_SEEN_FROM_HERE = {
    "i": "you",
    "i'm": "you're",
    "i've": "you've",
    "i'll": "you'll",
    "i'd": "you'd",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "am": "are",
    "you": "me",
    "you're": "I'm",
    "your": "my",
    "yours": "mine",
    "yourself": "myself",
}
# A clause that is longer is given back without its end.
_WORDS = 12


async def listen(message: Message) -> AsyncIterator[str]:
    """Answer a message, word by word."""
    answer = random.choice(answers(message.text))
    for word in re.findall(r"\S+\s*", answer):
        yield word
        await asyncio.sleep(PAUSE)


def answers(text: str) -> list[str]:
    """Return everything that may be said to a text."""
    text = " ".join(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
    for rule, forms in _RULES.items():
        if found := re.search(rule, text, re.IGNORECASE):
            parts = {name: _turn_round(part) for name, part in found.groupdict().items()}
            return [form.format(**parts) for form in forms]
    return _ELSE


def _turn_round(clause: str) -> str:
    """Say what somebody said from the other side: `my cat` becomes `your cat`."""
    words = clause.split()[:_WORDS]
    return " ".join(_SEEN_FROM_HERE.get(word.lower(), word) for word in words)
