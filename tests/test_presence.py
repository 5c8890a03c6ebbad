"""Presence: who is in a room, counted over connections and processes."""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_echochat import Entry, Limits, MemoryRooms, RoomsUnavailableError, echo
from fastapi_echochat.protocol.frames import PersonFrame
from fastapi_echochat.replies import Replier
from fastapi_echochat.rooms.announcer import Announcer
from fastapi_echochat.rooms.broadcast import presence_frame
from fastapi_echochat.rooms.channel import Channel
from fastapi_echochat.rooms.hub import Hub
from fastapi_echochat.rooms.presence import NOBODY, Presence, Present
from fastapi_echochat.rooms.processes import HEARTBEAT_SECONDS, SILENT_SECONDS
from fastapi_echochat.rooms.room import Room
from fastapi_echochat.rooms.signals import (
    Here,
    Piece,
    Signal,
    decode_signal,
    encode_signal,
)
from tests.waiting import in_loop, until


def test_who_is_there_twice_is_there_until_the_last_goes() -> None:
    """A person is there once, however many connections they have, and until the last has gone."""
    presence = Presence()
    for pseudonym, name in (("1", "Ann"), ("2", "Bob"), ("1", "Ann")):
        presence.add(pseudonym, name)
    assert presence.everybody == Present({"1": "Ann", "2": "Bob"}, 0)
    presence.remove("1", "Ann")
    assert presence.everybody == Present({"1": "Ann", "2": "Bob"}, 0)
    presence.remove("1", "Ann")
    assert presence.everybody == presence.here == Present({"2": "Bob"}, 0)


def test_two_of_one_name() -> None:
    """Two people are two, whatever they are called."""
    presence = Presence()
    presence.add("1", "Ann")
    presence.add("2", "Ann")
    assert presence.everybody.names == {"1": "Ann", "2": "Ann"}
    presence.remove("1", "Ann")
    assert presence.everybody.names == {"2": "Ann"}


def test_two_names_of_one_person() -> None:
    """Who is called something else in one of two tabs has the newest name that is still theirs."""
    presence = Presence()
    presence.add("1", "Ann")
    presence.add("1", "Ann")
    presence.remove("1", "Ann")
    presence.add("1", "Anna")
    assert presence.everybody.names == {"1": "Anna"}
    presence.remove("1", "Anna")
    assert presence.everybody.names == {"1": "Ann"}


def test_participants_without_a_name() -> None:
    """Who has no name is counted, here and in other processes, until they have one or leave."""
    presence = Presence()
    presence.add(None, "")
    presence.add(None, "")
    presence.hear("other", Present({}, 3))
    assert presence.here == Present({}, 2)
    assert presence.everybody == Present({}, 5)
    presence.remove(None, "")
    presence.add("1", "Ann")
    assert presence.everybody == Present({"1": "Ann"}, 4)
    presence.hear("other", NOBODY)
    presence.remove(None, "")
    presence.remove("1", "Ann")
    assert presence.everybody == presence.here == NOBODY


def test_people_of_other_processes() -> None:
    """Who is there in any process is there, and of each process the last word counts."""
    presence = Presence()
    presence.add("1", "Ann")
    presence.hear("other", Present({"1": "Ann", "2": "Bob"}, 0))
    presence.hear("third", Present({"3": "Cleo"}, 0))
    assert presence.everybody.names == {"1": "Ann", "2": "Bob", "3": "Cleo"}
    assert presence.here.names == {"1": "Ann"}
    assert presence.processes == ["other", "third"]
    presence.hear("other", Present({"4": "Dora"}, 0))
    assert presence.everybody.names == {"1": "Ann", "3": "Cleo", "4": "Dora"}
    presence.hear("other", NOBODY)
    assert presence.everybody.names == {"1": "Ann", "3": "Cleo"}
    assert presence.processes == ["third"]


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
        assert set(presence.everybody.names) == {pseudonym for pseudonym, _ in model}
        assert set(presence.here.names.items()) <= set(model)


def test_frame() -> None:
    """People are told in alphabetical order, a hundred of them by name and the others counted."""
    frame = presence_frame(Present({"1": "Zoe", "2": "bob", "3": "Ann", "4": "Ann"}, 0))
    assert frame.people == [
        PersonFrame(id="3", name="Ann"),
        PersonFrame(id="4", name="Ann"),
        PersonFrame(id="2", name="bob"),
        PersonFrame(id="1", name="Zoe"),
    ]
    assert frame.others == 0
    crowd = presence_frame(Present({f"{-number}": f"{number:03}" for number in range(130)}, 7))
    assert [person.name for person in crowd.people] == [f"{number:03}" for number in range(100)]
    assert crowd.others == 37


class Heard(Channel):
    """What an announcer has told, and what it announced; that comes back, unless it is lost."""

    def __init__(self) -> None:
        super().__init__(MemoryRooms(), "lobby", "here")
        self.announced: list[Present] = []
        self.told: list[Present] = []
        self.told_at: list[float] = []
        self.is_lost = False
        self.may_pass = asyncio.Event()
        self.may_pass.set()
        self.announcer = Announcer(self, self._note)

    async def tell(self, signal: Signal) -> None:
        assert isinstance(signal, Here)
        self.announced.append(signal.present)
        await self.may_pass.wait()
        if not self.is_lost:
            self.announcer.hear(signal)

    def _note(self, present: Present) -> None:
        self.told.append(present)
        self.told_at.append(asyncio.get_running_loop().time())

    async def until(self, names: dict[str, str]) -> None:
        present = Present(names, 0)
        await until(lambda: self.told[-1:] == [present], f"{present} is told")


@in_loop
async def test_comings_and_goings_are_told_together() -> None:
    """A hundred who come in a moment are one frame; to other processes the first is told alone."""
    heard = Heard()
    people = {f"{number}": f"name {number}" for number in range(100)}
    for pseudonym, name in people.items():
        heard.announcer.add(pseudonym, name)
    await heard.until(people)
    # It is announced a step after it is told.
    await until(lambda: len(heard.announced) == 2, "they are announced")
    assert heard.announced == [Present({"0": "name 0"}, 0), Present(people, 0)]
    assert len(heard.told) == 1
    heard.announcer.remove("7", "name 7")
    heard.announcer.add("7", "seven")
    heard.announcer.remove("8", "name 8")
    heard.announcer.add("8", "name 8")
    await heard.until(people | {"7": "seven"})
    heard.announcer.close()


@in_loop
async def test_announcements_do_not_pile_up() -> None:
    """While a store takes its time one announcement waits for it, however often others ask.

    What has changed meanwhile is announced once, afterwards.
    """
    heard = Heard()
    heard.may_pass.clear()
    heard.announcer.add("1", "Ann")
    heard.announcer.add("2", "Bob")
    for _ in range(100):
        heard.announcer.announce()
        await asyncio.sleep(0)
    assert heard.announced == [Present({"1": "Ann"}, 0)]
    heard.may_pass.set()
    await until(lambda: len(heard.announced) == 2, "the change is announced")
    await heard.until({"1": "Ann", "2": "Bob"})
    assert heard.announced[1:] == [Present({"1": "Ann", "2": "Bob"}, 0)]
    heard.announcer.close()


@in_loop
async def test_who_changes_all_the_time_is_told_once_a_second() -> None:
    """One who is renamed without end, here or elsewhere, is told to the room once a second.

    The last of their names is told as well.
    """
    heard = Heard()
    name = "Ann"
    heard.announcer.add("1", name)
    begun = asyncio.get_running_loop().time()
    for number in range(50):
        heard.announcer.remove("1", name)
        name = f"Ann {number}"
        heard.announcer.add("1", name)
        heard.announcer.hear(Here(process="other", people={"2": f"Bob {number}"}))
        await asyncio.sleep(0.05)
    await heard.until({"1": "Ann 49", "2": "Bob 49"})
    seconds = asyncio.get_running_loop().time() - begun
    assert 3 <= len(heard.told) <= seconds + 1
    # The loop's clock, and the timers, are exact to a few milliseconds.
    assert all(b - a > 0.95 for a, b in zip(heard.told_at, heard.told_at[1:], strict=False))
    heard.announcer.close()


@pytest.mark.slow
@in_loop
async def test_announcement_that_is_lost() -> None:
    """What the other processes could not hear is announced again until they can, and no longer."""
    heard = Heard()
    heard.is_lost = True
    heard.announcer.add("1", "Ann")
    await until(lambda: len(heard.announced) == 2, "it is announced again")
    heard.is_lost = False
    await until(lambda: len(heard.announced) == 3, "it is announced once more")
    assert heard.announced == [Present({"1": "Ann"}, 0)] * 3
    assert len(heard.told) == 1
    timer = heard.announcer._timer
    assert timer is not None
    timer.cancel()
    heard.announcer._wake()
    assert len(heard.announced) == 3
    assert heard.announcer._timer is None


@in_loop
async def test_nothing_is_announced_after_the_end() -> None:
    """Once closed, nobody's coming or going is told or announced, and no timer or task is left."""
    heard = Heard()
    heard.announcer.add("1", "Ann")
    await heard.until({"1": "Ann"})
    await until(lambda: bool(heard.announced), "it is announced")
    heard.announcer.close()
    heard.announcer.remove("1", "Ann")
    heard.announcer.hear(Here(process="other", people={"3": "Cleo"}))
    told, announced = len(heard.told), len(heard.announced)
    await asyncio.sleep(0.5)
    assert (len(heard.told), len(heard.announced)) == (told, announced)
    assert len(asyncio.all_tasks()) == 1


class Telling(MemoryRooms):
    """Rooms that keep count of what is told in them, by kind and room."""

    def __init__(self) -> None:
        super().__init__()
        self.told: Counter[tuple[str, str]] = Counter()
        self.deaf: set[str] = set()

    async def signal(self, room: str, text: str) -> None:
        signal = decode_signal(text)
        assert signal is not None
        self.told[signal.kind, room] += 1
        # What a process says that nobody can hear is lost.
        if getattr(signal, "process", "").partition("-")[0] not in self.deaf:
            await super().signal(room, text)

    def number(self, kind: str) -> int:
        return sum(number for (told, _), number in self.told.items() if told == kind)


class Process:
    """One process of a chat, with people in its rooms."""

    def __init__(self, store: Telling) -> None:
        self.hub = Hub(store, Limits(), None, is_shared=True)
        self.id = self.hub._processes._id
        self.rooms: dict[str, Room] = {}

    async def enter(self, room: str, name: str) -> None:
        self.rooms[room] = await self.hub.enter(room, is_new=True)
        self.rooms[room]._announcer.add(name, name)

    def leave(self, room: str, name: str) -> None:
        self.rooms[room]._announcer.remove(name, name)
        self.hub.leave(self.rooms.pop(room))

    def sees(self, room: str) -> set[str]:
        return set(self.rooms[room]._announcer.present.names)

    async def until(self, room: str, *names: str) -> None:
        await until(lambda: self.sees(room) == set(names), f"{names} are in {room}")


@pytest.mark.slow
@in_loop
async def test_idle_rooms_tell_nothing() -> None:
    """Of two processes with a hundred rooms each beats once every two seconds, and no room does."""
    store = Telling()
    processes = [Process(store), Process(store)]
    for number in range(100):
        await processes[0].enter(f"{number}", "Ann")
        await processes[1].enter(f"{number}", "Bob")
    for number in range(100):
        for process in processes:
            await process.until(f"{number}", "Ann", "Bob")
    # Until nothing is on its way any more, and what was announced has come back.
    await asyncio.sleep(HEARTBEAT_SECONDS + 1)
    store.told.clear()
    await asyncio.sleep(2.5 * HEARTBEAT_SECONDS)
    assert {kind for kind, _ in store.told} == {"alive"}
    assert 4 <= store.number("alive") <= 6
    for process in processes:
        await process.hub.close()


@pytest.mark.slow
@in_loop
async def test_process_that_falls_silent_takes_its_people_along() -> None:
    """A process of which three heartbeats are missed is in no room any more.

    When it beats again its people are back, in all of them.
    """
    store = Telling()
    here, there = Process(store), Process(store)
    for room in ("one", "two"):
        await here.enter(room, "Ann")
        await there.enter(room, "Bob")
        await here.until(room, "Ann", "Bob")
        await there.until(room, "Ann", "Bob")
    begun = asyncio.get_running_loop().time()
    store.deaf.add(there.id)
    await here.until("one", "Ann")
    await here.until("two", "Ann")
    took = asyncio.get_running_loop().time() - begun
    assert SILENT_SECONDS == 3 * HEARTBEAT_SECONDS == 6
    assert SILENT_SECONDS - HEARTBEAT_SECONDS < took < SILENT_SECONDS + 2 * HEARTBEAT_SECONDS + 1
    assert there.sees("one") == {"Ann", "Bob"}
    store.deaf.clear()
    await here.until("one", "Ann", "Bob")
    await here.until("two", "Ann", "Bob")
    for process in (here, there):
        await process.hub.close()


@in_loop
async def test_process_that_takes_leave() -> None:
    """Who leaves is gone in every process at once, and so are the people of one that ends."""
    store = Telling()
    here, there = Process(store), Process(store)
    for room in ("one", "two"):
        await here.enter(room, "Ann")
        await there.enter(room, "Bob")
        await here.until(room, "Ann", "Bob")
    there.leave("one", "Bob")
    await here.until("one", "Ann")
    assert here.sees("two") == {"Ann", "Bob"}
    await there.hub.close()
    await here.until("two", "Ann")
    await here.hub.close()


@in_loop
async def test_what_was_missed_is_asked_for() -> None:
    """Where a store says that signals may have been lost, who is there elsewhere is asked for."""
    store = Telling()
    here, there = Process(store), Process(store)
    for room in ("one", "two"):
        await here.enter(room, "Ann")
    await until(lambda: store.number("here") == 2, "their people are announced")
    store.deaf.add(there.id)
    for room in ("one", "two"):
        await there.enter(room, "Bob")
    await until(lambda: store.number("here") == 4, "there it was said and not heard")
    await here.until("one", "Ann")
    store.deaf.clear()
    await MemoryRooms.signal(store, "one", "")
    await here.until("one", "Ann", "Bob")
    await here.until("two", "Ann", "Bob")
    for process in (here, there):
        await process.hub.close()


@in_loop
async def test_last_who_leaves_leaves_nothing() -> None:
    """When nobody is in any room, no heart beats and no task is left behind."""
    hub = Hub(MemoryRooms(), Limits(), None, is_shared=True)
    for _ in range(2):
        hub.leave(await hub.enter("lobby", is_new=True))
        await until(lambda: len(asyncio.all_tasks()) == 1, "no task is left but this")


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
    room = await hub.enter("lobby", is_new=True)
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


class Silent(MemoryRooms):
    """Rooms whose histories cannot be read, and in which telling takes until it is over."""

    def __init__(self) -> None:
        super().__init__()
        self.is_read = False
        self.is_over = asyncio.Event()

    async def read_back(self, *_: Any, **__: Any) -> list[Entry]:
        if not self.is_read:
            raise RoomsUnavailableError
        return []

    async def signal(self, room: str, text: str) -> None:
        await self.is_over.wait()

    def is_awaited(self, room: str) -> bool:
        return self._followers.is_awaited(room)


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Leave what is in a circle where it is."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
@in_loop
async def test_room_that_cannot_be_opened_is_not_listened_to() -> None:
    """Nobody listens to a room whose history could not be read, before garbage is collected."""
    store = Silent()
    hub = Hub(store, Limits(), None, is_shared=False)
    with pytest.raises(RoomsUnavailableError):
        await hub.enter("lobby", is_new=True)
    await until(lambda: not store.is_awaited("lobby"), "nobody listens")


@pytest.mark.usefixtures("no_collection")
@in_loop
async def test_room_that_is_left_while_it_answers_is_not_listened_to() -> None:
    """Nobody listens to a room that was closed while it told another process who is there."""
    store = Silent()
    store.is_read = True
    hub = Hub(store, Limits(), Replier(echo, 1, has_dependencies=False), is_shared=True)
    room = await hub.enter("lobby", is_new=True)
    room._drafts.add(1, 1, "a", is_whole=False)
    # Of an answer of which a piece is missing the rest is asked for, which takes its time here.
    piece = Piece(in_reply_to=1, number=3, text="c", is_whole=False)
    await MemoryRooms.signal(store, "lobby", encode_signal(piece))
    await until(lambda: not room._drafts.so_far(), "the gap is seen")
    hub.leave(room)
    await until(lambda: not store.is_awaited("lobby"), "nobody listens")
    store.is_over.set()
    await hub.close()
