"""The documents of this repository: what stands in them, for tests that hold them to the code."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()

DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(
        path
        for folder in (".github", "example_host", "fastapi_echochat", "tests")
        for path in sorted((ROOT / folder).rglob("*.md"))
    ),
]
"""Every document."""

MANUAL = "\n".join(path.read_text() for path in DOCUMENTS if path.name == "README.md")
"""What users read: the README, and those in folders that it links."""


class Block(NamedTuple):
    language: str
    code: str


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a document."""
    found = re.findall(r"^```([^\n]+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(*block) for block in found]


def only_block(language: str) -> str:
    """Return the code of the one block of the manual that is of this language."""
    (code,) = (block.code for block in blocks(MANUAL) if block.language == language)
    return code


def table_source(head: str) -> str:
    """Return the lines of the one table of the manual whose first row begins so."""
    (rows,) = re.findall(
        rf"^\| {re.escape(head)} \|.*\n\|[ |-]+\n((?:\|.*\n)+)", MANUAL, re.MULTILINE
    )
    assert isinstance(rows, str)
    return rows


def table(head: str) -> list[list[str]]:
    """Return the cells of a table."""
    return [re.split(r" ?\| ?", row.strip("| ")) for row in table_source(head).splitlines()]


def named_in(head: str) -> list[str]:
    """Return what a table is about: what its first cells have in backticks."""
    return [name for first, *_ in table(head) for name in re.findall(r"`([^`]+)`", first)]


def _without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(text: str, level: str = "#+") -> list[str]:
    return re.findall(rf"^{level} (.*)$", _without_code(text), re.MULTILINE)


def anchors(text: str) -> set[str]:
    """Return what GitHub makes of a document's headings."""
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings(text)}


def links(text: str) -> Iterator[str]:
    """Yield the targets of a document's links and pictures."""
    prose = re.sub(r"`[^`\n]+`", "", _without_code(text))
    yield from re.findall(r"\]\(([^)\s]+)\)", prose)
    yield from re.findall(r'\b(?:src|srcset|href)="([^"]+)"', prose)
