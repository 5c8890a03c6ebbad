"""Rooms whose store is out of reach, or broken: messages wait, and nobody is left hanging."""

import contextlib
import time
from collections.abc import AsyncGenerator

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from fastapi_echochat import Entry, Limits, MemoryRooms, Message, RoomsUnavailableError
from tests.apps import make_app
from tests.clients import V1, Client, close_code, is_free, name_of
from tests.conftest import Serve, ServeRoom
from tests.waiting import patient, wait_until


class Away(MemoryRooms):
    """Rooms that are out of reach for a while, or that fail in ways nobody has thought of."""

    failure: Exception | None = None

    def _fail(self) -> None:
        if self.failure is not None:
            # A new one each time: one that is kept keeps all that its traceback has seen.
            raise type(self.failure)(*self.failure.args)

    async def append(self, room: str, entry: Entry) -> Entry:
        self._fail()
        return await super().append(room, entry)

    async def read(
        self, room: str, *, after: int = 0, limit: int = 100, max_bytes: int | None = None
    ) -> list[Entry]:
        self._fail()
        return await super().read(room, after=after, limit=limit, max_bytes=max_bytes)

    async def read_back(
        self,
        room: str,
        *,
        before: int | None = None,
        limit: int = 100,
        max_bytes: int | None = None,
    ) -> list[Entry]:
        self._fail()
        return await super().read_back(room, before=before, limit=limit, max_bytes=max_bytes)

    async def follow(self, room: str, *, after: int = 0) -> AsyncGenerator[Entry, None]:
        async for entry in super().follow(room, after=after):
            self._fail()
            yield entry


def test_room_out_of_reach(serve_room: ServeRoom, caplog: pytest.LogCaptureFixture) -> None:
    """Where a room is out of reach messages wait, without an error, and then are kept.

    Who wants to come in meanwhile is sent away with 1013, which means: come again.
    """
    rooms = Away()
    url = serve_room(rooms)
    with Client(url, "Ann") as ann:
        rooms.failure = RoomsUnavailableError("on holiday")
        for number in range(5):
            ann.say(f"{number}")
        for room in ("lobby", "another"):
            with connect(url.replace("lobby", room), subprotocols=V1) as bob:
                bob.send('{"type":"enter"}')
                assert close_code(bob) == 1013
        assert ann.heard_so_far("entry") == ann.heard_so_far("error") == []
        rooms.failure = None
        assert ann.texts(5) == [f"{number}" for number in range(5)]
        with Client(url, "Bob") as bob_again:
            assert bob_again.texts(5) == [f"{number}" for number in range(5)]
    # What is out of reach says so itself, once; it is not told again with each message and try.
    assert not any(record.name == "fastapi_echochat" for record in caplog.records)


def test_name_that_changes_while_a_message_waits(serve_room: ServeRoom) -> None:
    """What waits for the store is kept under the name that its author had when it was sent."""
    rooms = Away()
    with Client(serve_room(rooms), "Ann") as ann:
        rooms.failure = RoomsUnavailableError("on holiday")
        for number in range(3):
            ann.say(f"{number}")
        ann.send(type="name", name="Anna")
        ann.hear("named")
        ann.say("3")
        ann.send(type="name", name="Zoe")
        ann.hear("named")
        rooms.failure = None
        names = [name_of(entry) for entry in ann.entries(4)]
        assert names == ["Ann", "Ann", "Ann", "Anna"]
        assert name_of(ann.tell("4")) == "Zoe"


def test_stop_of_what_waits_for_the_store(serve: Serve) -> None:
    """A message that is stopped before it can be kept is kept, and not answered."""
    asked: list[str] = []

    def reply(message: Message) -> str:
        asked.append(message.text)
        return "yes"

    rooms = Away()
    with Client(serve(make_app(reply, rooms=rooms)).ws(), "Ann") as ann:
        rooms.failure = RoomsUnavailableError("on holiday")
        for text in ("first", "second", "third"):
            ann.say(text, text)
        ann.stop("first")
        ann.stop("second")
        assert ann.heard_so_far("entry") == []
        rooms.failure = None
        outcomes = {}
        for _ in range(3):
            answer = ann.answer()
            outcomes[ann.asked_in(answer)] = answer["outcome"]
        assert outcomes == {"first": "stopped", "second": "stopped", "third": "done"}
    assert asked == ["third"]


def test_who_leaves_while_the_store_is_out_of_reach(serve_room: ServeRoom) -> None:
    """Whatever waits for the store, the place of a client that leaves is free soon after."""
    rooms = Away()
    url = serve_room(rooms, limits=Limits(connections=1))
    with Client(url, "Ann") as ann:
        rooms.failure = RoomsUnavailableError("on holiday")
        for number in range(200):
            ann.say(f"{number}")
        ann.heard_so_far("pong")
    begun = time.monotonic()
    wait_until(lambda: is_free(url), "the place is free")
    assert time.monotonic() - begun < patient(4)


def test_earlier_out_of_reach(serve_room: ServeRoom) -> None:
    """Who asks for earlier entries of a room that is out of reach is sent away with 1013."""
    rooms = Away()
    with Client(serve_room(rooms), "Ann") as ann:
        rooms.failure = RoomsUnavailableError("on holiday")
        ann.send(type="earlier", before=7)
        assert ann.close_code() == 1013


@pytest.mark.parametrize("waiting", [1, 16])
def test_store_that_fails(
    serve_room: ServeRoom,
    caplog: pytest.LogCaptureFixture,
    expected_errors: list[str],
    waiting: int,
) -> None:
    """A store of the user's own that raises what no store may closes with 1011, and is logged."""
    expected_errors.append("ended by an error")
    rooms = Away()
    url = serve_room(rooms, limits=Limits(waiting_messages=waiting))
    for _ in range(2):
        with Client(url, "Ann") as ann:
            rooms.failure = ZeroDivisionError("nobody thought of it")
            ann.say("lost")
            # The connection may be closed by now.
            with contextlib.suppress(ConnectionClosedError):
                ann.say("lost, too")
            assert ann.close_code() == 1011
        rooms.failure = None
    with Client(url, "Bob") as bob:
        # Who was closed is not there any more.
        assert bob.meet("Bob")["others"] == 0
        assert bob.tell("kept")["text"] == "kept"
    assert len([record for record in caplog.records if record.exc_info]) == 2
