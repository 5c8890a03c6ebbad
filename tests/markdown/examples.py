"""Texts of every section of CommonMark that the page covers, and of what GitHub adds to it."""

import json
from pathlib import Path


def _read() -> dict[str, list[str]]:
    """Return the texts of each section: in the file each is a line, as a JSON string."""
    sections: dict[str, list[str]] = {}
    for line in Path(__file__).with_suffix(".txt").read_text("utf-8").splitlines():
        if line.startswith("# "):
            texts = sections[line[2:]] = []
        elif line:
            texts.append(json.loads(line))
    return sections


EXAMPLES = {
    **_read(),
    "nesting": ["> " * 33 + "a", "*a " * 34 + "b" + "*" * 34],
    "lengths": [
        f"[a](https://example.org '{'b' * 1001}')",
        f"[a](https://example.org/{'b' * 2100})",
    ],
}

_STRIPPED = "a paragraph's lines lose their indentation, in code too (CommonMark, section 4.8)"
_UNITED = "it is a paragraph until its definitions are read, and an empty item ends none"
_TAB = "the rest of a tab that is a quote's space is two spaces (CommonMark, section 2.2)"
_NOWHERE = "a link to nowhere is text"
_SPACED = "the spaces of Chinese are not those of Markdown, at the beginning of a line neither"
_MAIL = "without its escape it is an address, and a bare address is a link"
_BREAK = "two spaces break a line after a backslash too (CommonMark, section 6.7)"
_LISTED = "a table can be in an item of a list, as on GitHub"
_DECODED = "of a bare address the references are read as in other text, as on GitHub"
_UNSCHEMED = "a file has a name like example.org: without https:// or www. nothing is an address"
_TRAILING = "punctuation after an address belongs to the sentence, as on GitHub"
_BRACKET = "an address goes on until a space: a bracket in it may be part of it"
_LINKED = "a link has no link in it: an image there is its text"
_CHINESE = "Chinese has no space beside emphasis, and CommonMark wants one beside punctuation"
_DEEP = "32 levels are nested; what is deeper is text, so that nothing overflows"
_LONG = "a title has at most 999 characters, an address 2,048: no text is read again and again"
_NAMED = "of HTML's 2,231 names for characters the page knows those that people write"
_SHORT = "cells that a row lacks are not made up: a short text would make a large table"

# Where the page's tree is not that of markdown-it-py, and why.
DEVIATIONS = {
    "> ```\n>\ttab in a fence of a quote\n> ```": _TAB,
    "\u3000\u3000你好\n\u3000世界": _SPACED,
    "`a\n   b`": _STRIPPED,
    "[a]: https://example.org\n-\n\n[a]": _UNITED,
    "[a]()": _NOWHERE,
    "[a]()\n\n[a]: https://example.org": _NOWHERE,
    "<a\\+@example.org>": _MAIL,
    "a\\  \nb": _BREAK,
    "- a | b\n  --|--\n  1 | 2\n- c": _LISTED,
    "| a | b |\n|---|---|\n| c |": _SHORT,
    "https://example.org/?a=1&amp;b=2": _DECODED,
    "example.org": _UNSCHEMED,
    "https://example.org/_a_": _TRAILING,
    "[a](https://example.org/(b and)c)": _BRACKET,
    "[![a](https://example.org/a.png)](https://example.org)": _LINKED,
    "**重点。**下文": _CHINESE,
    "这是**“重点”**的": _CHINESE,
    "~~旧「价」~~新": _CHINESE,
    "&Aacute;": _NAMED,
    **dict.fromkeys(EXAMPLES["nesting"], _DEEP),
    **dict.fromkeys(EXAMPLES["lengths"], _LONG),
}
