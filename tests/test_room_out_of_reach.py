"""Rooms whose store is out of reach, or broken: what is said waits, and nobody is left hanging."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from fastapi import FastAPI
from websockets.sync.client import connect

from fastapi_echochat import EchoChat, Entry, Limits, MemoryRooms, RoomsUnavailableError
from tests.clients import V1, Client, close_code
from tests.conftest import Serve

ServeRoom = Callable[..., str]


@pytest.fixture
def serve_room(serve: Serve) -> ServeRoom:
    """Serve rooms in which people talk among themselves, and return the lobby's address."""

    def start(rooms: MemoryRooms, **options: Any) -> str:
        app = FastAPI()
        chat = EchoChat(reply=None, rooms=rooms, **options)
        app.include_router(chat.router, prefix="/rooms/{room}")
        return serve(app).ws("/rooms/lobby")

    return start


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

    async def read(self, room: str, *, after: int = 0, limit: int = 100) -> list[Entry]:
        self._fail()
        return await super().read(room, after=after, limit=limit)

    async def read_back(
        self, room: str, *, before: int | None = None, limit: int = 100
    ) -> list[Entry]:
        self._fail()
        return await super().read_back(room, before=before, limit=limit)

    async def follow(self, room: str, *, after: int = 0) -> AsyncGenerator[Entry, None]:
        async for entry in super().follow(room, after=after):
            self._fail()
            yield entry


def test_room_out_of_reach(serve_room: ServeRoom, caplog: pytest.LogCaptureFixture) -> None:
    """Where a room is out of reach what is said waits, without an error, and then is kept.

    Whoever wants to come in meanwhile is sent away with 1013, which means: come again.
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
            ann.say("lost, too")
            assert ann.close_code() == 1011
        rooms.failure = None
    with Client(url, "Bob") as bob:
        # Whoever was closed is not there any more.
        assert bob.meet("Bob")["others"] == 0
        assert bob.tell("kept")["text"] == "kept"
    assert len([record for record in caplog.records if record.exc_info]) == 2
