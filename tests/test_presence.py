"""Presence: who is in a room, counted over connections and processes."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_echochat import Limits, MemoryRooms
from fastapi_echochat.protocol.frames import PersonFrame
from fastapi_echochat.rooms.announcer import Announcer
from fastapi_echochat.rooms.broadcast import presence_frame
from fastapi_echochat.rooms.hub import Hub
from fastapi_echochat.rooms.presence import HEARTBEAT_SECONDS, SILENT_SECONDS, Presence
from tests.waiting import in_loop, until


def test_who_is_there_twice_is_there_until_the_last_goes() -> None:
    """A person is there once, however many connections they have, and until the last has gone."""
    presence = Presence()
    for pseudonym, name in (("1", "Ann"), ("2", "Bob"), ("1", "Ann")):
        presence.add(pseudonym, name)
    assert presence.everybody(0) == {"1": "Ann", "2": "Bob"}
    presence.remove("1", "Ann")
    assert presence.everybody(0) == {"1": "Ann", "2": "Bob"}
    presence.remove("1", "Ann")
    assert presence.everybody(0) == {"2": "Bob"}
    assert presence.here == {"2": "Bob"}


def test_two_of_one_name() -> None:
    """Two people are two, whatever they are called."""
    presence = Presence()
    presence.add("1", "Ann")
    presence.add("2", "Ann")
    assert presence.everybody(0) == {"1": "Ann", "2": "Ann"}
    presence.remove("1", "Ann")
    assert presence.everybody(0) == {"2": "Ann"}


def test_two_names_of_one_person() -> None:
    """Who is called something else in one of two tabs has the newest name that is still theirs."""
    presence = Presence()
    presence.add("1", "Ann")
    presence.add("1", "Ann")
    presence.remove("1", "Ann")
    presence.add("1", "Anna")
    assert presence.everybody(0) == {"1": "Anna"}
    presence.remove("1", "Anna")
    assert presence.everybody(0) == {"1": "Ann"}


def test_people_of_other_processes() -> None:
    """Who is there in any process is there, and of each process the last word counts."""
    presence = Presence()
    presence.add("1", "Ann")
    presence.hear("other", {"1": "Ann", "2": "Bob"}, 0)
    presence.hear("third", {"3": "Cleo"}, 0)
    assert presence.everybody(0) == {"1": "Ann", "2": "Bob", "3": "Cleo"}
    assert presence.here == {"1": "Ann"}
    presence.hear("other", {"4": "Dora"}, 1)
    assert presence.everybody(1) == {"1": "Ann", "3": "Cleo", "4": "Dora"}
    presence.hear("other", {}, 1)
    assert presence.everybody(1) == {"1": "Ann", "3": "Cleo"}


def test_silent_process() -> None:
    """The people of a process of which three heartbeats are missed are gone; ours never are."""
    presence = Presence()
    presence.add("1", "Ann")
    presence.hear("other", {"2": "Bob"}, 10)
    assert presence.everybody(10 + SILENT_SECONDS) == {"1": "Ann", "2": "Bob"}
    assert presence.everybody(10.1 + SILENT_SECONDS) == {"1": "Ann"}
    assert SILENT_SECONDS == 3 * HEARTBEAT_SECONDS == 6


_PARTICIPANTS = st.tuples(st.sampled_from("123"), st.sampled_from(["Ann", "Bob"]))


@given(st.lists(st.tuples(st.booleans(), _PARTICIPANTS), max_size=40))
def test_counting(steps: list[tuple[bool, tuple[str, str]]]) -> None:
    """Who came more often than they went is there, by the newest name that they have."""
    presence = Presence()
    model: list[tuple[str, str]] = []
    for comes, participant in steps:
        if comes:
            presence.add(*participant)
            model.append(participant)
        elif participant in model:
            presence.remove(*participant)
            model.remove(participant)
        assert set(presence.everybody(0)) == {pseudonym for pseudonym, _ in model}
        assert set(presence.here.items()) <= set(model)


def test_frame() -> None:
    """People are told in alphabetical order, a hundred of them by name and the others counted."""
    frame = presence_frame({"1": "Zoe", "2": "bob", "3": "Ann", "4": "Ann"})
    assert frame.people == [
        PersonFrame(id="3", name="Ann"),
        PersonFrame(id="4", name="Ann"),
        PersonFrame(id="2", name="bob"),
        PersonFrame(id="1", name="Zoe"),
    ]
    assert frame.others == 0
    crowd = presence_frame({f"{-number}": f"{number:03}" for number in range(130)})
    assert [person.name for person in crowd.people] == [f"{number:03}" for number in range(100)]
    assert crowd.others == 30


class Heard:
    """What an announcer has told."""

    def __init__(self) -> None:
        self.announced: list[dict[str, str]] = []
        self.told: list[dict[str, str]] = []
        self.announcer = Announcer(self._announce, self.told.append)

    async def _announce(self, people: dict[str, str]) -> None:
        self.announced.append(people)

    async def until(self, people: dict[str, str]) -> None:
        await until(lambda: self.told[-1:] == [people], f"{people} are told about")


@in_loop
async def test_comings_and_goings_are_told_together() -> None:
    """A hundred who come in a moment are one frame, and one word to the other processes."""
    heard = Heard()
    people = {f"{number}": f"name {number}" for number in range(100)}
    for pseudonym, name in people.items():
        heard.announcer.add(pseudonym, name)
    await heard.until(people)
    # It is announced a step after it is told.
    await until(lambda: bool(heard.announced), "it is announced")
    assert len(heard.told) == len(heard.announced) == 1
    heard.announcer.remove("7", "name 7")
    heard.announcer.add("7", "seven")
    heard.announcer.remove("8", "name 8")
    heard.announcer.add("8", "name 8")
    await heard.until(people | {"7": "seven"})
    heard.announcer.close()


@pytest.mark.slow
@in_loop
async def test_process_that_falls_silent_is_missed() -> None:
    """A room in which somebody is says so every two seconds, and misses a process that does not.

    What is told again is no news to those who are there.
    """
    heard = Heard()
    heard.announcer.add("1", "Ann")
    heard.announcer.hear("other", {"2": "Bob"})
    await heard.until({"1": "Ann", "2": "Bob"})
    begun = asyncio.get_running_loop().time()
    await heard.until({"1": "Ann"})
    took = asyncio.get_running_loop().time() - begun
    assert SILENT_SECONDS - 1 < took < SILENT_SECONDS + HEARTBEAT_SECONDS + 1
    assert len(heard.announced) >= 3
    assert all(people == {"1": "Ann"} for people in heard.announced)
    assert len(heard.told) <= 3
    heard.announcer.close()


@in_loop
async def test_nobody_says_nothing() -> None:
    """A room of nobody has no heart that beats: it leaves no task behind."""
    heard = Heard()
    heard.announcer.add("1", "Ann")
    await heard.until({"1": "Ann"})
    heard.announcer.remove("1", "Ann")
    await heard.until({})
    await until(lambda: len(asyncio.all_tasks()) == 1, "no task is left but this")
    assert heard.announced[-1] == {}


@in_loop
async def test_nothing_is_announced_after_the_end() -> None:
    """Once closed, nobody's coming or going is told or announced, and no timer or task is left."""
    heard = Heard()
    heard.announcer.add("1", "Ann")
    await heard.until({"1": "Ann"})
    await until(lambda: bool(heard.announced), "it is announced")
    heard.announcer.close()
    heard.announcer.remove("1", "Ann")
    heard.announcer.hear("other", {"3": "Cleo"})
    told, announced = len(heard.told), len(heard.announced)
    await asyncio.sleep(0.5)
    assert (len(heard.told), len(heard.announced)) == (told, announced)
    assert len(asyncio.all_tasks()) == 1


@in_loop
async def test_room_that_is_left_as_its_event_loop_ends() -> None:
    """A room has fallen silent once the last has left, though the task that closes it never runs.

    What its timer began in an event loop that ends would never be awaited.
    """
    announced: list[str] = []

    class Announced(MemoryRooms):
        async def signal(self, room: str, signal: str) -> None:
            announced.append(signal)

    hub = Hub(Announced(), Limits(), None, is_shared=True)
    room = await hub.enter("lobby")
    before = asyncio.all_tasks()
    room._announcer.add("1", "Ann")
    hub.leave(room)
    for task in asyncio.all_tasks() - before:
        task.cancel()
    heard = len(announced)
    await asyncio.sleep(0.5)
    assert len(announced) == heard
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
