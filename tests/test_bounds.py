"""Bounds come before work: what a client's frames cost, beside a raw ASGI application."""

import json
import time
from typing import Any

import pytest
from websockets.sync.client import connect

from fastapi_echochat import Limits
from fastapi_echochat.protocol.frames import ErrorFrame
from fastapi_echochat.protocol.v1 import EchochatV1
from tests.benchmarks.process import processor_seconds
from tests.clients import V1
from tests.servers import Process, uvicorn_process
from tests.waiting import PATIENCE

HOST = """
from fastapi import FastAPI, Depends
from fastapi_echochat import EchoChat, MemoryRooms

app = FastAPI()

async def own(message):
    return "yes"

def plain(message, value: int = 1):
    return "yes"

rooms = MemoryRooms()
app.include_router(EchoChat().router, prefix="/echo")
app.include_router(EchoChat(own).router, prefix="/own")
app.include_router(EchoChat(plain).router, prefix="/plain")
app.include_router(EchoChat(own, rooms=rooms).router, prefix="/room")
app.include_router(EchoChat(own, rooms=rooms, private=True).router, prefix="/kept")

async def raw(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
    while (event := await receive())["type"] == "websocket.receive":
        if len(event["text"]) < 100:
            await send({"type": "websocket.send", "text": '{"type":"pong"}'})

app.mount("/raw", raw)
"""
SMALLER = 390_000
"""Characters that a frame may have, for a message of 64 KiB may have been escaped."""
HUGE = 2 * 2**20


def hostile_frames(length: int) -> dict[str, str]:
    """Return frames of a length, most of which are small when they are compressed."""
    lists = "[" + "[]," * (length // 3) + "[]]"
    return {
        "lists": lists,
        "lists in a message": f'{{"type":"message","id":"1","text":{lists}}}',
        "lists beside a message": f'{{"type":"message","id":"1","text":"x","more":{lists}}}',
        "lists as a type": f'{{"type":{lists}}}',
        "objects": '{"type":"stop","id":[' + "{}," * (length // 3) + "{}]}",
        "depth": "[" * length,
        "closed depth": '{"type":' + "[" * (length // 2) + "]" * (length // 2) + "}",
        "keys": "{" + ",".join(f'"{n}":1' for n in range(length // 12)) + "}",
        "one key": "{" + '"type":"ping",' * (length // 14) + '"type":"ping"}',
        "digits": "1" * length,
        "digits in a message": f'{{"type":"message","id":"1","text":{"1" * length}}}',
        "digits of a position": f'{{"type":"earlier","before":{"1" * length}}}',
        "fraction": f'{{"type":"earlier","before":0.{"1" * length}}}',
        "numbers": f'{{"type":"stop","id":[{"1.5e9," * (length // 6)}1]}}',
        "quotes": '"' * length,
        "backslashes": '{"type":"message","id":"1","text":"' + "\\" * length,
        "name": f'{{"type":"name","name":"{chr(0x300) * (length // 2)}"}}',
        "secret": f'{{"type":"enter","guest":"{"x" * length}"}}',
        "white space": " " * length,
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Serve chats of several functions, and a raw ASGI application."""
    server = uvicorn_process(HOST, tmp_path_factory.mktemp("bounds"))
    yield server
    server.stop()
    assert server.complaints() == []


def work(server: Process, path: str, frame: str, times: int) -> float:
    """Return what the server works until it has read a frame so many times, and a ping."""
    with connect(server.ws(path), subprotocols=V1, max_queue=None) as websocket:
        begun = processor_seconds(server.pid)
        for _ in range(times):
            websocket.send(frame)
        websocket.send('{"type":"ping"}')
        while json.loads(websocket.recv(PATIENCE))["type"] != "pong":
            pass
        return processor_seconds(server.pid) - begun


@pytest.mark.slow
@pytest.mark.parametrize("length", [SMALLER, HUGE])
def test_huge_frames(server: Process, length: int) -> None:
    """A client's huge frames take no more work than a raw application has with them.

    That is what they hold up others for. A factor, for a message's length in bytes is counted, and
    a little for what was going on besides.
    """
    times = 2
    for kind, frame in hostile_frames(length).items():
        raw = work(server, "/raw", frame, times)
        paths = ("/echo", "/own", "/plain", "/room", "/kept") if kind == "lists" else ("/own",)
        for path in paths:
            ours = work(server, path, frame, times)
            assert ours < 4 * raw + 0.02 * times, (kind, path, ours, raw)


@pytest.mark.parametrize("length", [1000, 4000, SMALLER])
def test_work_per_frame(length: int) -> None:
    """No frame, of any length, takes the time of a hundred ordinary ones of this length."""
    v1 = EchochatV1(Limits())

    def seconds(frame: str) -> float:
        def once() -> float:
            begun = time.thread_time()
            v1.read(frame)
            return time.thread_time() - begun

        return min(once() for _ in range(3))

    ordinary = "Ünd so weiter. " * (min(length, 60_000) // 16)
    usual = seconds(json.dumps({"type": "message", "id": "1", "text": ordinary}))
    assert {
        kind: taken / usual
        for kind, frame in hostile_frames(length).items()
        if (taken := seconds(frame)) > 100 * max(usual, 2e-5)
    } == {}


@pytest.mark.parametrize(
    "text",
    [
        "[" * 60_000,
        "{" * 60_000,
        '"' * 30_000,
        "\\" * 30_000,
        '\\"' * 15_000,
        '\\\\"[{' * 6_000,
        "{}[]" * 200 + '"',
        "\n\t\x00" * 3_000,
        "🐈" * 16_000,
    ],
    ids=ascii,
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_message_of_any_text(text: str, ascii_only: bool) -> None:
    """A long message is read whatever it is made of, in any spelling of its JSON."""
    v1 = EchochatV1(Limits(message_bytes=2**17))
    frame = json.dumps({"text": text, "type": "message", "id": '"[{\\'}, ensure_ascii=ascii_only)
    for spelling in (frame, f"  {frame}\n", frame.replace("/", "\\/")):
        read = v1.read(spelling)
        assert not isinstance(read, ErrorFrame), read
        assert getattr(read, "text", None) == text


@pytest.mark.parametrize("length", [100, SMALLER, HUGE])
def test_hostile_frame_is_answered(length: int) -> None:
    """What is wrong with such a frame is told in a line; the client may go on."""
    v1 = EchochatV1(Limits())
    for kind, frame in hostile_frames(length).items():
        read = v1.read(frame)
        if length == HUGE or kind not in ("name", "one key", "lists beside a message"):
            assert isinstance(read, ErrorFrame), kind
            assert len(read.detail) <= 200
            assert "\n" not in read.detail
