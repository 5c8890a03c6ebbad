"""A game of packing: a reply function with a memory."""

from typing import Annotated

from fastapi import Depends

from fastapi_echochat import Message

ROOM = 20
"""How many things the suitcase holds; what a visitor can fill has a bound."""


# The list is made once per connection and goes with it: every conversation has a suitcase of its
# own, and a page that is loaded again, or connects again, begins with an empty one.
def pack(message: Message, packed: Annotated[list[str], Depends(list)]) -> str:
    """Put the message into the suitcase, and say all that is in it."""
    if len(packed) == ROOM:
        return f"The suitcase does not close any more. It has {ROOM} things in it."
    packed.append(message.text)
    return f"I pack my suitcase and take with me: {', '.join(packed)}."
