"""What a page says before anybody has: a welcome, and suggestions of what to send."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches

from fastapi import Request

from .languages import LANGUAGES
from .texts import is_text

MOST_SUGGESTIONS = 6
"""More than these are a menu, and fill a phone."""

WelcomeText = str | Mapping[str, str]
Welcome = WelcomeText | Callable[[Request], WelcomeText]
Suggestions = Sequence[str] | Mapping[str, Sequence[str]]


class Greeting:
    """The words of an empty page, by language.

    Args:
        welcome: A text, a mapping from language tag to text, or a function from the page's request
            to one of these. Languages without a text have the packaged one.
        suggestions: At most six texts, or a mapping from language tag to them. Languages that are
            missing have none.
        message_bytes: The longest message in bytes of UTF-8, if there is a bound.

    Raises:
        TypeError: `welcome` is a coroutine function.
        ValueError: Another one of them is not valid; the message says which, and what to write.
    """

    def __init__(
        self,
        welcome: Welcome | None,
        suggestions: Suggestions,
        message_bytes: int | None,
    ) -> None:
        if callable(welcome):
            if inspect.iscoroutinefunction(welcome):
                raise TypeError("welcome= takes a text, or a function that is no coroutine: `def`")
        elif welcome is not None:
            welcome = _welcomes(welcome)
        self.welcome = welcome
        self._suggestions = {
            lang: _checked_suggestions(texts, message_bytes)
            for lang, texts in _by_language("suggestions", suggestions).items()
        }

    def welcome_in(self, lang: str, request: Request | None) -> str | None:
        """Return the welcome for a language, or None where the host has none for it.

        Raises:
            ValueError: The host's function returned something else than texts.
        """
        welcome = self.welcome
        if callable(welcome) and request is not None:
            welcome = _welcomes(welcome(request))
        return welcome.get(lang) if isinstance(welcome, Mapping) else None

    def suggestions_in(self, lang: str) -> Sequence[str]:
        """Return the suggestions for a language."""
        return self._suggestions.get(lang, ())


def _by_language(option: str, value: object) -> dict[str, object]:
    if not isinstance(value, Mapping):
        return dict.fromkeys(LANGUAGES, value)
    for tag in value:
        if tag not in LANGUAGES:
            near = get_close_matches(str(tag), LANGUAGES) or LANGUAGES
            raise ValueError(
                f"{option}= has the language {tag!r}, which the page does not speak; it speaks "
                + ", ".join(map(repr, near))
            )
    return dict(value)


def _welcomes(value: object) -> dict[str, str]:
    welcomes = {}
    for tag, text in _by_language("welcome", value).items():
        if not is_text(text) or not text.strip():
            raise ValueError(
                "welcome= takes a text, a mapping from language to text, or a function from the "
                f"request to one of these; this is {text!r}"
            )
        welcomes[tag] = text
    return welcomes


def _checked_suggestions(texts: object, message_bytes: int | None) -> tuple[str, ...]:
    if isinstance(texts, str):
        raise ValueError(f"suggestions= takes a list of texts; write [{texts!r}]")
    if not isinstance(texts, Sequence):
        raise ValueError(f"suggestions= takes a list of texts, not {texts!r}")
    if len(texts) > MOST_SUGGESTIONS:
        raise ValueError(f"suggestions= takes at most {MOST_SUGGESTIONS} texts, not {len(texts)}")
    for text in texts:
        if not is_text(text) or not text.strip():
            raise ValueError(f"suggestions= has {text!r}, which is no text to send")
        if message_bytes is not None and len(text.encode()) > message_bytes:
            raise ValueError(
                f"suggestions= has {text!r}, which is longer than Limits(message_bytes="
                f"{message_bytes})"
            )
    return tuple(texts)
