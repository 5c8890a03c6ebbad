"""The documents: their links lead somewhere, and what they promise is held by tests that exist."""

import ast
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.documents import DOCUMENTS, MANUAL, README, ROOT, anchors, headings, links

FOLDER = ROOT / ".github" / "screenshots"
SECTIONS = [
    "Install",
    "Quickstart",
    "Reply functions",
    "Rooms",
    "Storage",
    "Mounting",
    "Authentication",
    "Customizing",
    "Limits",
    "Deployment",
    "Testing",
    "Protocol",
]


def test_sections_of_the_readme() -> None:
    """The README is short, has the sections that people look for, and lists them at its top."""
    lines = README.splitlines()
    contents = " · ".join(f"[{name}](#{name.lower().replace(' ', '-')})" for name in SECTIONS)

    assert len(lines) <= 350
    assert headings(README, "##") == SECTIONS
    assert 15 <= lines.index(contents) <= 25


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links(document: Path) -> None:
    """Each relative link leads to a file or folder, and its anchor to a heading there."""
    dead = []
    for link in links(document.read_text()):
        url = urlsplit(link)
        if not url.scheme:
            target = (document.parent / url.path).resolve() if url.path else document
            is_there = target.exists() and target.is_relative_to(ROOT)
            if not is_there or (url.fragment and url.fragment not in anchors(target.read_text())):
                dead.append(link)

    assert dead == []


def test_pictures() -> None:
    """The README shows each of its pictures, and none takes long to load."""
    pictures = {path.relative_to(ROOT).as_posix(): path for path in FOLDER.iterdir()}

    assert set(pictures) == {link for link in links(README) if link.endswith(".png")}
    assert max(path.stat().st_size for path in pictures.values()) < 120_000


def test_contents_of_the_documents() -> None:
    """A document that lists its sections lists all of them, in their order."""
    listing = 0
    for document in DOCUMENTS:
        text = document.read_text()
        for contents in re.findall(r"^\[[^\n]* · [^\n]*$", text, re.MULTILINE):
            listing += 1
            names = re.findall(r"\[([^\]]+)\]", contents)
            assert names == headings(text, "##"), document

    assert listing >= 5


def functions_of(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return {n.name for n in nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}


def test_promises_name_their_tests() -> None:
    """Each promise of rooms names tests, and whatever test the documents name exists."""
    (promises,) = re.findall(r"^## Promises\n(.*?)^## ", MANUAL, re.MULTILINE | re.DOTALL)
    named = r"`(tests/[\w/]+\.py)::(test_\w+)`"
    kept = [line for line in promises.splitlines() if line.startswith("- ")]

    assert {"Stored before shown.", "Once.", "Order.", "No gap.", "One answer."} <= {
        line.split("**")[1] for line in kept
    }
    for line in kept:
        assert re.search(named, line), line
    for document in DOCUMENTS:
        for path, name in re.findall(named, document.read_text()):
            assert name in functions_of(ROOT / path), f"{document}: {path}::{name}"


def test_install_is_true() -> None:
    """As long as there is no release, nobody is told to install one from an index."""
    assert "\npip install fastapi-echochat" not in MANUAL
    assert not re.search(r"pip install ['\"]?fastapi-echochat", MANUAL)
