"""How fast a client's frames are worked on, of any kind that costs more than to send it."""

import contextlib
import json
import time
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close
from websockets.sync.client import ClientConnection, connect

from fastapi_echochat import Limits, MemoryRooms, Message
from tests.apps import make_app
from tests.clients import MUCH, V1, Client, receive
from tests.conftest import Serve
from tests.waiting import PATIENCE

FRAMES = [
    '{"type":"enter"}',
    '{"type":"name","name":"Ada"}',
    '{"type":"typing"}',
    '{"type":"stop","id":"1"}',
    '{"type":"earlier","before":1}',
    '{"type":"feedback","id":1,"verdict":"up"}',
    '{"type":"nothing"}',
    "[]",
]


async def note(message: Message, answer: str, verdict: str) -> None:
    """Take no notice of what somebody thinks."""


def close_of(websocket: ClientConnection) -> Close | None:
    """Read until a connection is closed, and return with what."""
    while True:
        try:
            websocket.recv(PATIENCE)
        except ConnectionClosed as exc:
            return exc.rcvd


def test_too_many_frames(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a client sends without end, but messages and pings, it is closed with 1008."""
    limits = Limits(frames_per_second=100, burst=10)
    # A client that sends without end may be too late with its pong.
    server = serve(
        make_app(rooms=MemoryRooms(), limits=limits, feedback=note), ws_ping_interval=None
    )
    with contextlib.ExitStack() as clients:
        opened = {
            frame: clients.enter_context(
                connect(server.ws("/chat"), subprotocols=V1, max_queue=MUCH)
            )
            for frame in FRAMES
        }
        for frame, websocket in opened.items():
            with contextlib.suppress(ConnectionClosed):
                for _ in range(20_000):
                    websocket.send(frame)
        for frame, websocket in opened.items():
            assert close_of(websocket) == Close(1008, "too many frames"), frame
    assert caplog.text.count("closed: its client sends frames too fast") == len(FRAMES)
    # The others are served, and so is this one when it comes back.
    with Client(server.ws("/chat"), "Ada") as ada:
        ada.tell("hello")


def test_frames_wait_for_their_turn(serve: Serve) -> None:
    """What comes faster than it may waits, and nothing is lost; messages and pings do not wait."""
    server = serve(make_app(None, limits=Limits(frames_per_second=20, burst=5)))
    begun = time.monotonic()
    with Client(server.ws("/chat"), "Ada") as ada:
        for number in range(24):
            ada.send(type="name", name=f"Ada {number}")
        names = [ada.hear("named")["name"] for _ in range(24)]
        # The first five, of which one is that it entered, are at once.
        assert time.monotonic() - begun >= 20 / 20
        assert names == [f"Ada {number}" for number in range(24)]
        assert ada.tell("hello")["author"]["name"] == "Ada 23"


@pytest.mark.parametrize("options", [{}, {"rooms": MemoryRooms()}], ids=["alone", "room"])
def test_messages_and_pings_are_not_counted(serve: Serve, options: dict[str, Any]) -> None:
    """Messages have a rate of their own, and a page may ask whether anybody is there."""
    server = serve(make_app(limits=Limits(frames_per_second=0.001, burst=1), **options))
    with connect(server.ws("/chat"), subprotocols=V1, max_queue=MUCH) as websocket:
        if options:
            websocket.send('{"type":"enter","name":"Ada"}')
        for number in range(150):
            websocket.send('{"type":"ping"}')
            websocket.send(json.dumps({"type": "message", "id": f"{number}", "text": "hi"}))
        answered = {"pong": 150, "entry" if options else "reply": 150}
        while any(answered.values()):
            kind = receive(websocket)["type"]
            if kind in answered:
                answered[kind] = max(0, answered[kind] - 1)


def test_no_bound_on_frames(serve: Serve) -> None:
    """A host may switch the bound off."""
    server = serve(make_app(None, limits=Limits(frames_per_second=None)))
    begun = time.monotonic()
    with Client(server.ws("/chat"), "Ada") as ada:
        for number in range(300):
            ada.send(type="name", name=f"Ada {number}")
        assert [ada.hear("named")["name"] for _ in range(300)][-1] == "Ada 299"
    assert time.monotonic() - begun < PATIENCE
