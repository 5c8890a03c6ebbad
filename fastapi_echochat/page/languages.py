"""The labels of the page, and the language that a visitor sees them in."""

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files

from .texts import is_text

# One file for each language: the labels that only the template shows, those of every page's script,
# of pages on which one is alone with a bot, of those for developers, of pages with rooms, and of
# pages with buttons under answers. What stands in braces is filled in by the page.
_LOCALES = {
    locale.name.removesuffix(".json"): json.loads(locale.read_text("utf-8"))
    for locale in (files(__package__) / "locales").iterdir()
    if locale.name.endswith(".json")
}
_DEFAULT = "en"
_GROUPS = {name: group for group, words in _LOCALES[_DEFAULT].items() for name in words}

LANGUAGES: dict[str, dict[str, str]] = {
    tag: {name: text for words in _LOCALES[tag].values() for name, text in words.items()}
    for tag in sorted(_LOCALES, key=lambda tag: (tag != _DEFAULT, tag))
}
"""Text by the name of the label, by language tag (RFC 5646). The first is the default."""

ENGLISH = LANGUAGES["en"]
# Who answers has a name in no language.
_REPLACEABLE = frozenset({*ENGLISH, "answer"})
CHINESE = LANGUAGES["zh"]

# RFC 9110, section 12.5.4, with the weight of section 12.4.2.
_LANGUAGE_RANGE = re.compile(
    r"(?P<language>\*|[a-z]{1,8})(?:-[a-z0-9]{1,8})*"
    r"(?:[ \t]*;[ \t]*q=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?",
    re.ASCII | re.IGNORECASE,
)
# Browsers send a handful of different headers; this is a bound on what others make up.
_KEPT_CHOICES = 256


@lru_cache(_KEPT_CHOICES)
def choose_language(accepted: str) -> str:
    """Return the tag of the language that an `Accept-Language` header prefers.

    A range matches by its first subtag, so that `zh-CN` gets Chinese and `en-GB` English. Anything
    that is not a language range is ignored.
    """
    weights: dict[str, float] = {}
    for item in accepted.split(","):
        match = _LANGUAGE_RANGE.fullmatch(item.strip())
        if match:
            language = match["language"].lower()
            # Of "zh-TW;q=0.9, zh-CN;q=0.8" the better one counts.
            weights[language] = max(weights.get(language, 0.0), float(match["weight"] or 1))
    others = weights.get("*", 0.0)
    accepted_ones = [tag for tag, weight in weights.items() if tag in LANGUAGES and weight > 0]
    unnamed = [tag for tag in LANGUAGES if tag not in weights]
    # `max` takes the first of equals, so what the header says first comes first.
    return max(
        [*accepted_ones, *unnamed],
        key=lambda tag: weights.get(tag, others),
        default=next(iter(LANGUAGES)),
    )


def replace_labels(
    labels: Mapping[str, str] | None, *, title: str, with_rooms: bool, with_buttons: bool
) -> dict[str, dict[str, str]]:
    """Return the labels of every language, with a host's own text in place of the packaged one.

    Args:
        labels: Text by the name of the label, for all languages alike.
        title: The page's title, under which the reply function answers if no label says otherwise.
        with_rooms: Whether the page has rooms, and so needs their labels.
        with_buttons: Whether it has buttons under answers.

    Returns:
        Text by the name of the label, by language tag.

    Raises:
        ValueError: The page has no label of this name, or its text is not a str.
    """
    replaced = {} if labels is None else labels
    if not isinstance(replaced, Mapping):
        raise ValueError(f"labels= takes a mapping from label to text, not {labels!r}")
    for name, text in replaced.items():
        if name not in _REPLACEABLE:
            near = get_close_matches(str(name), _REPLACEABLE) or sorted(_REPLACEABLE)
            raise ValueError(
                f"labels= has {name!r}, which is not a label of the page; there is "
                + ", ".join(map(repr, near))
            )
        if not is_text(text):
            raise ValueError(f"labels= has {text!r} for {name!r}, which is no text")
    answer = {"answer": replaced.get("answer", title)}
    is_left_out = {"rooms": not with_rooms, "buttons": not with_buttons}
    return {
        tag: answer
        | {
            name: replaced.get(name, text)
            for name, text in words.items()
            if not is_left_out.get(_GROUPS[name])
        }
        for tag, words in LANGUAGES.items()
    }


def labels_of_script(labels: Mapping[str, str], *, is_shared: bool, debug: bool) -> dict[str, str]:
    """Return, of the labels of a page, those that its script shows.

    Args:
        labels: Text by the name of the label.
        is_shared: Whether the page is a room in which people talk.
        debug: Whether it has a row for developers.
    """
    is_left_out = {"template": True, "alone": is_shared, "debug": is_shared or not debug}
    return {
        name: text for name, text in labels.items() if not is_left_out.get(_GROUPS.get(name, ""))
    }
