"""Reading Markdown takes time in proportion to its length, and no text overflows anything."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.servers import find_program
from tests.waiting import patient

# What readers of Markdown have taken quadratic time or deep recursion for.
UNITS = [
    *("[", "![", "]", "*", "*a ", "_a_ ", "**a", "*_", "**a_b*c__", "~~", "`", "` `` ``` ", "<"),
    *("<a:", "a@", "aaa@", "&", "&amp;", "\\", "[a](b", "[a](<b", "[a](https://b 'c", "[a][b]"),
    *("[a]: ", "[a](https://b)", "![a](https://b)", "[a]: https://b 'c\n", ">", "> ", "- ", "1. "),
    *("- a\n", "- a\n\n", "|", "|-", "a|b\n|-|-\n", "a|b|\n", "https://a_", "https://a.b/", "www."),
    *("(", "#", "# a\n", " ", "\t", "\n", "a ", "x", ".", "- - ", "    a\n", "```\n", "~~~ a\n"),
    *("a\n=\n", "a\n", "a  \n", "https://a)", "😀*", "<a@b", "> a\n", ">- ", "[a]\n\n", "\r"),
]


def repeat(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]


def nested(length: int) -> str:
    """Return lists in lists, as deep as the text is long, and out again."""
    lines = [" " * (2 * depth) + "- a\n" for depth in range(int(length**0.5))]
    return "".join(lines)[:length]


def defined(length: int) -> str:
    """Return many references, and their definitions after them."""
    count = length // 25
    used = "".join(f"[a{number}]\n" for number in range(count))
    return used + "\n" + "".join(f"[a{number}]: https://a\n" for number in range(count))


def emphasized(length: int) -> str:
    """Return a run that opens, and one as long that closes."""
    return "*" * (length // 2) + "a" + "*" * (length // 2)


MADE: list[Callable[[int], str]] = [nested, defined, emphasized]


def texts(length: int) -> list[str]:
    return [repeat(unit, length) for unit in UNITS] + [make(length) for make in MADE]


NAMES = [*UNITS, *(make.__name__ for make in MADE)]


def run(script: str, several: list[str], *options: str) -> list[Any]:
    ran = subprocess.run(
        [find_program("node"), *options, Path(__file__).with_name(script)],
        input=json.dumps(several),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found: list[Any] = json.loads(ran.stdout)
    return found


@pytest.mark.slow
def test_twice_the_text_takes_twice_the_steps() -> None:
    """A text of twice the length takes at most 2.5 times the steps, and few a character."""
    # What V8 optimises it does not count.
    steps = run("counting.js", texts(4000) + texts(8000), "--no-opt", "--no-sparkplug")

    for name, few, many in zip(NAMES, steps, steps[len(NAMES) :], strict=False):
        assert many <= 2.5 * few + 500, name
        assert many <= 100 * 8000, name


@pytest.mark.slow
def test_long_texts_are_read_soon() -> None:
    """A text of 100,000 characters is read in seconds, searches within V8 included, and not deep.

    What takes quadratic time takes minutes for it.
    """
    for name, found in zip(NAMES, run("timing.js", texts(100_000)), strict=True):
        assert found["seconds"] < patient(2), name
        # 32 lists with their items, a paragraph, 32 levels of emphasis, a link and its text.
        assert found["depth"] <= 2 * 32 + 1 + 32 + 2, name
