"""Bounds come before work, and in bytes: what clients may cost in time and in memory."""

import contextlib
import importlib.util
import itertools
import json
import time
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from websockets.sync.client import connect

from fastapi_echochat import Limits, Message
from fastapi_echochat.exchanges import Exchanges
from fastapi_echochat.protocol.frames import ErrorFrame
from fastapi_echochat.protocol.v1 import EchochatV1
from tests.benchmarks.process import processor_seconds
from tests.clients import V1
from tests.raw_client import RawClient
from tests.servers import Process, uvicorn_process
from tests.waiting import PATIENCE, get, patient

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


# --- Memory ------------------------------------------------------------------------------------

MEMORY_HOST = """
import asyncio, ctypes, gc
from fastapi import FastAPI
from fastapi_echochat import EchoChat, Limits, MemoryRooms, SQLiteRooms

app = FastAPI()

released = []

async def think(message):
    while not released:
        await asyncio.sleep(0.1)
    return "yes"

people = EchoChat(None, rooms=SQLiteRooms("people.db"))
memory = EchoChat(None, rooms=MemoryRooms(max_bytes=8 * 2**20))
app.include_router(EchoChat().router, prefix="/page")
app.include_router(EchoChat(think).router, prefix="/bot")
app.include_router(people.router, prefix="/people/{room}")
app.include_router(memory.router, prefix="/memory/{room}")

@app.get("/post")
async def post(room: str, text: str, count: int, *, kept: bool = True) -> None:
    for _ in range(count):
        await (people if kept else memory).post(room, text * (60_000 // len(text.encode())))

@app.get("/release")
async def release() -> None:
    released.append(True)

@app.get("/collect")
async def collect() -> None:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
"""
MIB = 2**20
CLIENTS = 8
LONG = 60_000


@pytest.fixture(scope="module")
def memory_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Serve what clients may fill, with nobody let go meanwhile; warm."""
    folder = tmp_path_factory.mktemp("memory")
    server = uvicorn_process(MEMORY_HOST, folder, "--ws-ping-interval", "3600", "--no-access-log")
    get(server.url("/page"))
    for kept in (True, False):
        get(server.url("/post"), params={"room": "warm", "text": "x", "count": 10, "kept": kept})
    with raw_client(server, "/people/warm") as client:
        client.enter("Ann").receive("entry")
    yield server
    # Who has left while so many of their messages wait is not noticed before.
    get(server.url("/release"))
    server.stop()
    assert server.complaints() == []


def raw_client(server: Process, path: str) -> RawClient:
    """Connect a client that reads nothing by itself, and for which no kernel keeps much."""
    return RawClient(server.ws(path), subprotocol="echochat.v1", is_small=True)


def memory(server: Process) -> int:
    """Return the bytes of a process, without what nothing holds any more."""
    get(server.url("/collect"))
    for line in Path(f"/proc/{server.pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("smaps_rollup has no line Pss")


def most_memory(server: Process) -> int:
    """Return the most bytes of a process until they grow no more."""
    most, still = 0, 0
    while still < 4:
        now = memory(server)
        still = still + 1 if now < most + 100_000 else 0
        most = max(most, now)
        time.sleep(patient(0.05))
    return most


def made_up() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield queries and headers that nobody has sent before."""
    for number in itertools.count():
        yield f"{number}={'x' * LONG}", {}
        yield f"{number}={quote('é' * 100)}&'&'&'", {}
        yield "", {"accept-language": f"x{number}{'y' * LONG}"}


def test_memory_of_pages(memory_server: Process) -> None:
    """What is kept of pages stays small, whatever addresses and languages are asked for."""
    before = memory(memory_server)
    with httpx.Client(base_url=memory_server.url("/page")) as client:
        for query, headers in itertools.islice(made_up(), 120):
            assert client.get(f"?{query}", headers=headers).status_code == 200
    assert memory(memory_server) - before < 3 * MIB


@pytest.mark.parametrize("text", ["x", "🐈"])
def test_memory_of_clients_that_read_nothing(memory_server: Process, text: str) -> None:
    """A client that comes into a room of long messages, and asks for more, and reads nothing.

    So does one that comes back after a long time. Each takes less than one MiB.
    """
    room = f"room-{ord(text)}"
    get(memory_server.url("/post"), params={"room": room, "text": text, "count": 60})
    path = f"/people/{room}"
    with raw_client(memory_server, path) as client:
        client.enter("Ann")
        oldest = client.receive("entry")["position"]
        client.receive("presence")
        client.send(type="earlier", before=oldest)
        earlier = client.receive("history")
        # 44 bytes ask for no more than this.
        assert sum(len(one["text"].encode()) for one in earlier["entries"]) <= 256 * 1024
        assert earlier["has_earlier"] is True
        oldest = earlier["entries"][0]["position"]
    before = memory(memory_server)
    with contextlib.ExitStack() as stack:
        for number in range(CLIENTS):
            after = oldest if number % 2 else None
            client = stack.enter_context(raw_client(memory_server, path))
            client.enter(f"{number}", after)
            for _ in range(20):
                client.send(type="earlier", before=2**53 - 1)
        assert (most_memory(memory_server) - before) / CLIENTS < MIB


# Releases of uvicorn that read a WebSocket ahead queue 32 messages before the chat sees one.
_READS_AHEAD = (
    importlib.util.find_spec("uvicorn.protocols.websockets.websockets_sansio_impl") is None
)
_QUEUED = 32 * LONG if _READS_AHEAD else 0


@pytest.mark.parametrize("text", ["x" * LONG, "é" * (LONG // 2), "🐈" * (LONG // 4)], ids=len)
def test_memory_of_messages_that_wait(memory_server: Process, text: str) -> None:
    """A client that sends long messages and gets no answer takes less than 2 MiB."""

    def frames() -> Iterator[bytes]:
        # More than what the operating system takes of them.
        for number in range(2000):
            frame = {"type": "message", "id": f"{number}", "text": text}
            yield json.dumps(frame, ensure_ascii=False).encode()

    before = memory(memory_server)
    with contextlib.ExitStack() as stack:
        for _ in range(CLIENTS):
            client = stack.enter_context(raw_client(memory_server, "/bot"))
            client.fill(frames(), still=patient(0.2))
        assert (most_memory(memory_server) - before) / CLIENTS < 2 * MIB + _QUEUED


def test_memory_of_rooms_in_memory(memory_server: Process) -> None:
    """Rooms in memory take as many bytes as they may, however many of them are filled."""
    before = memory(memory_server)
    for number in range(5):
        where = f"/post?room={number}&text=é&count=100&kept=false"
        get(memory_server.url(where))
    assert memory(memory_server) - before < 12 * MIB


def test_memory_of_an_answer_in_many_pieces() -> None:
    """An answer that may be judged takes what its text does, in however many pieces it comes."""
    pieces = [chr(0x4E00 + number % 20_000) for number in range(60_000)]
    exchanges = Exchanges()
    tracemalloc.start()
    try:
        for piece in pieces:
            # A text of its own, as a network brings them.
            exchanges.add_piece(piece.encode().decode())
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < MIB
    exchanges.end(Message("1", "?", None, datetime.now(timezone.utc)))
    found = exchanges.find("1")
    assert found is not None
    assert found.answer == "".join(pieces)
