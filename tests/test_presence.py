"""Presence: who is in a room, counted over connections and processes."""

import asyncio

import pytest
from fastapi_echochat.rooms.attendance import Attendance
from hypothesis import given
from hypothesis import strategies as st

from fastapi_echochat.rooms.broadcast import say_presence
from fastapi_echochat.rooms.presence import HEARTBEAT_SECONDS, SILENT_SECONDS, Presence
from tests.waiting import until


def test_who_is_there_twice_is_there_until_the_last_goes() -> None:
    """One name is there once, however many connections have it, and until the last has gone."""
    presence = Presence()
    for author in ("Ann", "Bob", "Ann"):
        presence.come(author)
    assert presence.everybody(0) == {"Ann", "Bob"}
    presence.go("Ann")
    assert presence.everybody(0) == {"Ann", "Bob"}
    presence.go("Ann")
    assert presence.everybody(0) == {"Bob"}
    assert presence.here == ["Bob"]


def test_people_of_other_processes() -> None:
    """Who is there in any process is there, and of each process the last word counts."""
    presence = Presence()
    presence.come("Ann")
    presence.hear("other", ["Ann", "Bob"], 0)
    presence.hear("third", ["Cleo"], 0)
    assert presence.everybody(0) == {"Ann", "Bob", "Cleo"}
    assert presence.here == ["Ann"]
    presence.hear("other", ["Dora"], 1)
    assert presence.everybody(1) == {"Ann", "Cleo", "Dora"}
    presence.hear("other", [], 1)
    assert presence.everybody(1) == {"Ann", "Cleo"}


def test_silent_process() -> None:
    """The people of a process of which three heartbeats are missed are gone; ours never are."""
    presence = Presence()
    presence.come("Ann")
    presence.hear("other", ["Bob"], 10)
    assert presence.everybody(10 + SILENT_SECONDS) == {"Ann", "Bob"}
    assert presence.everybody(10.1 + SILENT_SECONDS) == {"Ann"}
    assert SILENT_SECONDS == 3 * HEARTBEAT_SECONDS == 6


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), max_size=40))
def test_counting(steps: list[tuple[bool, str]]) -> None:
    """Whoever came more often than they went is there."""
    presence = Presence()
    model: list[str] = []
    for comes, author in steps:
        if comes:
            presence.come(author)
            model.append(author)
        elif author in model:
            presence.go(author)
            model.remove(author)
        assert presence.everybody(0) == set(model)
        assert sorted(presence.here) == sorted(set(model))


def test_frame() -> None:
    """People are told in alphabetical order, a hundred of them by name and the others counted."""
    assert '"authors":["Ann","bob","Zoe"],"others":0' in say_presence({"Zoe", "bob", "Ann"}).v1
    crowd = say_presence(f"{number:03}" for number in range(130))
    assert '"others":30' in crowd.v1
    assert '"099"' in crowd.v1
    assert '"100"' not in crowd.v1
    assert crowd.plain is None


class Heard:
    """What an attendance has told."""

    def __init__(self) -> None:
        self.announced: list[list[str]] = []
        self.told: list[set[str]] = []
        self.attendance = Attendance(self._announce, self.told.append)

    async def _announce(self, authors: list[str]) -> None:
        self.announced.append(authors)

    async def until(self, people: set[str]) -> None:
        await until(lambda: self.told[-1:] == [people], f"{people} are told about")


def test_comings_and_goings_are_told_together() -> None:
    """A hundred who come in a moment are one frame, and one word to the other processes."""

    async def check() -> None:
        heard = Heard()
        for number in range(100):
            heard.attendance.change(None, f"{number}")
        await heard.until({f"{number}" for number in range(100)})
        # It is announced a step after it is told.
        await until(lambda: bool(heard.announced), "it is announced")
        assert len(heard.told) == len(heard.announced) == 1
        heard.attendance.change("7", "seven")
        heard.attendance.change("8", "8")
        await heard.until({f"{number}" for number in range(100) if number != 7} | {"seven"})
        heard.attendance.close()

    asyncio.run(check())


@pytest.mark.slow
def test_process_that_falls_silent_is_missed() -> None:
    """A room in which somebody is says so every two seconds, and misses a process that does not.

    What is told again is no news to those who are there.
    """

    async def check() -> None:
        heard = Heard()
        heard.attendance.change(None, "Ann")
        heard.attendance.hear("other", ["Bob"])
        await heard.until({"Ann", "Bob"})
        begun = asyncio.get_running_loop().time()
        await heard.until({"Ann"})
        took = asyncio.get_running_loop().time() - begun
        assert SILENT_SECONDS - 1 < took < SILENT_SECONDS + HEARTBEAT_SECONDS + 1
        assert len(heard.announced) >= 3
        assert set(map(tuple, heard.announced)) == {("Ann",)}
        assert len(heard.told) <= 3
        heard.attendance.close()

    asyncio.run(check())


def test_nobody_says_nothing() -> None:
    """A room of nobody has no heart that beats: it leaves no task behind."""

    async def check() -> None:
        heard = Heard()
        heard.attendance.change(None, "Ann")
        await heard.until({"Ann"})
        heard.attendance.change("Ann", None)
        await heard.until(set())
        await until(lambda: len(asyncio.all_tasks()) == 1, "no task is left but this")
        assert heard.announced[-1] == []

    asyncio.run(check())
