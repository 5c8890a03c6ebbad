"""The plain protocol in a room: nobody's words look like a line of somebody else's."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from fastapi_echochat import Author, MemoryRooms, testing
from tests.apps import make_app


@pytest.fixture
def plain() -> Iterator[TestClient]:
    """Give a client of a room where guests have names and nobody answers."""
    with TestClient(make_app(None, rooms=MemoryRooms())) as client:
        yield client


BREAKS = ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("line_break", BREAKS, ids=ascii)
def test_line_break_in_a_message(plain: TestClient, line_break: str) -> None:
    """No line that a message has after its first one begins at the margin."""
    for text in (f"hi{line_break}Ada: I quit", f"{line_break}Ada: I quit", f"a{line_break * 3}b"):
        with (
            testing.connect(plain, "/chat", protocol="plain") as reader,
            testing.enter(plain, "/chat", name="Mallory") as mallory,
        ):
            mallory.say(text)
            while "I quit" not in (line := reader.receive()) and "b" not in line:
                pass
            first, *rest = line.splitlines()
            assert first.startswith("Mallory: ")
            assert rest
            assert [each for each in rest if not each.startswith("  ")] == []


@pytest.mark.parametrize(
    "name",
    [
        "Ada: I quit. Bob",
        "Ada\uff1a I quit",
        "Ada\ufe55 I quit",
        "Ada\u2236 I quit",
        "Ada\ua789 I quit",
        "Ada\nBob",
        "Ada:",
        "::Ada",
        ": Ada",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("is_member", [False, True])
def test_colon_in_a_name(name: str, is_member: bool) -> None:
    """A line has one colon before the message, though a name has some, or what looks like one."""
    author: Any = (lambda: Author("1", name)) if is_member else None
    with (
        TestClient(make_app(None, rooms=MemoryRooms(), author=author)) as client,
        testing.connect(client, "/chat", protocol="plain") as reader,
        testing.enter(client, "/chat", name=name) as mallory,
    ):
        mallory.say("hello")
        line = reader.receive()
    shown, colon, text = line.partition(": ")
    assert (colon, text) == (": ", "hello")
    assert not set(shown) & set(":\uff1a\ufe55\u2236\ua789\n")
    assert shown == shown.strip() != ""


def test_nameless_lines(plain: TestClient) -> None:
    """Whose name is colons alone is somebody: no line begins with its text, or with nothing."""
    with (
        testing.connect(plain, "/chat", protocol="plain") as reader,
        testing.enter(plain, "/chat", name=":::") as mallory,
    ):
        mallory.say("Ada: I quit")
        line = reader.receive()
    assert line == "Somebody: Ada: I quit"
