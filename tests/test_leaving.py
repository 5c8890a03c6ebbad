"""A client that leaves is noticed, and a Stop is heard, however much was sent before."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from fastapi_echochat import Entry, Limits, MemoryRooms, Message, RoomsUnavailableError
from tests.apps import make_app
from tests.clients import Client, is_free
from tests.conftest import Serve
from tests.raw_client import RawClient
from tests.waiting import PATIENCE, patient, wait_until

# A second or two, and a little for a machine that has other work.
SOON = patient(4)


class Slow:
    """Reply functions that take long, and know when they are cancelled.

    Attributes:
        begun: How many times they were called.
        ended: How many of these calls have ended.
    """

    def __init__(self) -> None:
        self.begun = self.ended = 0

    async def coroutine(self, message: Message) -> str:
        self.begun += 1
        try:
            await asyncio.sleep(60)
        finally:
            self.ended += 1
        return "late"

    async def generator(self, message: Message) -> AsyncIterator[str]:
        self.begun += 1
        try:
            yield "early"
            await asyncio.sleep(60)
        finally:
            self.ended += 1

    def steps(self, message: Message) -> Iterator[str]:
        self.begun += 1
        try:
            while True:
                yield "more "
                time.sleep(0.05)
        finally:
            self.ended += 1


def leave(client: RawClient, how: str) -> None:
    if how == "reset":
        client.reset()
    elif how == "hang up":
        client.socket.close()
    else:
        client.protocol.send_close(1001)
        client.flush()
        # Older servers wait for the end of a connection that was closed in order.
        client.socket.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("waiting", [0, 16, 17, 200])
@pytest.mark.parametrize(
    ("form", "subprotocol", "how"),
    [
        ("coroutine", "echochat.v1", "close"),
        ("coroutine", None, "hang up"),
        ("generator", "echochat.v1", "reset"),
        ("steps", "echochat.v1", "close"),
    ],
)
def test_client_that_leaves(
    serve: Serve, waiting: int, form: str, subprotocol: str | None, how: str
) -> None:
    """The function is cancelled soon, none is called for what waits, and the place is free."""
    slow = Slow()
    server = serve(make_app(getattr(slow, form), limits=Limits(connections=1)))
    with RawClient(server.ws(), subprotocol=subprotocol) as client:
        for number in range(waiting + 1):
            text = f"{number} {'x' * 500}"
            if subprotocol:
                client.send(type="message", id=f"{number}", text=text)
            else:
                client.send_text(text.encode())
        wait_until(lambda: slow.begun == 1, "it is called")
        assert not is_free(server.ws())
        leave(client, how)
        wait_until(lambda: slow.ended == 1, "it is cancelled", SOON)
        wait_until(lambda: is_free(server.ws()), "the place is free", SOON)
    assert slow.begun == 1


@pytest.mark.parametrize("kind", ["conversation", "room", "kept"])
@pytest.mark.parametrize("before", [16, 17, 200])
def test_stop_after_many_messages(serve: Serve, kind: str, before: int) -> None:
    """A Stop is heard that is the 18th frame, or the 200th, and a ping after it is answered."""
    slow = Slow()
    options: dict[str, Any] = {} if kind == "conversation" else {"rooms": MemoryRooms()}
    app = make_app(slow.coroutine, private=kind == "kept", **options)
    enters = {"enters": kind != "conversation", "conversation": "c" * 22}
    with Client(serve(app).ws(), "Ada", **enters) as ada:  # type: ignore[arg-type]  # of several types
        for number in range(before + 1):
            ada.say(f"{number}", f"{number}")
        wait_until(lambda: slow.begun == 1, "it is called")
        begun = time.monotonic()
        ada.stop("0")
        if kind == "conversation":
            assert ada.hear("error")["in_reply_to"] == "0"
        else:
            assert ada.hear("entry", kind="answer")["outcome"] == "stopped"
        assert time.monotonic() - begun < SOON
        wait_until(lambda: slow.ended == 1, "it is cancelled", SOON)
        ada.send(type="ping")
        ada.hear("pong")


class Away(MemoryRooms):
    """Rooms that are out of reach after a while: they refuse, or they do not answer at all."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.is_away = False
        self._seconds = seconds

    async def _ask(self) -> None:
        if self.is_away:
            await asyncio.sleep(self._seconds)
            raise RoomsUnavailableError("out of reach")

    async def append(self, room: str, entry: Entry) -> Entry:
        await self._ask()
        return await super().append(room, entry)

    async def read(
        self, room: str, *, after: int = 0, limit: int = 100, max_bytes: int | None = None
    ) -> list[Entry]:
        await self._ask()
        return await super().read(room, after=after, limit=limit, max_bytes=max_bytes)

    async def signal(self, room: str, text: str) -> None:
        with contextlib.suppress(RoomsUnavailableError):
            await self._ask()
            await super().signal(room, text)


@pytest.mark.parametrize("waiting", [1, 17, 200])
@pytest.mark.parametrize("seconds", [0, 5], ids=["refuses", "does not answer"])
@pytest.mark.parametrize("private", [False, True])
def test_client_that_leaves_while_the_store_is_out_of_reach(
    serve: Serve, waiting: int, seconds: float, private: bool
) -> None:
    """Its place is free soon, though nothing of what it sent could be kept."""
    rooms = Away(seconds)
    app = make_app(rooms=rooms, private=private, limits=Limits(connections=1))
    url = serve(app).ws()
    with Client(url, "Ada", conversation="c" * 22) as ada:
        rooms.is_away = True
        for number in range(waiting):
            ada.say("x" * 500, f"{number}")
        ada.send(type="ping")
        ada.hear("pong")
        assert not is_free(url)
    wait_until(lambda: is_free(url), "the place is free", SOON + 2)


@pytest.mark.parametrize("seconds", [0, 5], ids=["refuses", "does not answer"])
def test_stops_while_the_store_is_out_of_reach(serve: Serve, seconds: float) -> None:
    """Stops, and who is writing, which other processes are told, do not keep a ping waiting."""
    rooms = Away(seconds)
    url = serve(make_app(rooms=rooms, limits=Limits(connections=1))).ws()
    with Client(url, "Ada") as ada:
        rooms.is_away = True
        for number in range(5):
            ada.stop(f"{number}")
            ada.send(type="typing")
        begun = time.monotonic()
        ada.send(type="ping")
        ada.hear("pong")
        assert time.monotonic() - begun < SOON
    wait_until(lambda: is_free(url), "the place is free", SOON + 2)


def test_end_of_a_stopped_answer_is_not_waited_for(serve: Serve) -> None:
    """A client leaves whose function swallows its cancellation: its place is free all the same."""
    begun: list[str] = []

    async def stubborn(message: Message) -> str:
        begun.append(message.text)
        for _ in range(3):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(PATIENCE / 2)
        return "late"

    url = serve(make_app(stubborn, limits=Limits(connections=1))).ws()
    with Client(url, enters=False) as ada:
        ada.say("1")
        ada.say("2")
        wait_until(lambda: begun == ["1"], "it is called")
    wait_until(lambda: is_free(url), "the place is free", SOON)
    assert begun == ["1"]
