"""A client that never reads among a thousand: nobody waits for it, and it costs next to nothing."""

import asyncio
import contextlib
import json
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.clients import V1, Client
from tests.conftest import Keep
from tests.raw_client import RawClient
from tests.servers import Process, uvicorn_process
from tests.waiting import get, until, wait_until

READERS = 999
ROUNDS = 2

HOST = """
import gc
from pathlib import Path
from fastapi import FastAPI
from fastapi_echochat import EchoChat, Limits, MemoryRooms
from fastapi_echochat.rooms.fanout import Outbox

app = FastAPI()
# Stuck for as long as the test takes: what is shown is not that it is given up in the end.
limits = Limits(outbox_characters=200_000, send_seconds=300)
chat = EchoChat(reply=None, rooms=MemoryRooms(history=50), limits=limits)
app.include_router(chat.router, prefix="/rooms/{room}")

@app.get("/stuck")
async def stuck() -> tuple[int, int]:
    gc.collect()
    outboxes = [thing for thing in gc.get_objects() if isinstance(thing, Outbox)]
    return sum(one.is_busy for one in outboxes), sum(one.is_behind for one in outboxes)

@app.get("/memory")
async def memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
"""


@pytest.fixture
def server(tmp_path: Path, keep: Keep) -> Process:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * READERS)), hard))
    # Nor does uvicorn give up who answers no ping, however long this machine takes.
    return keep(uvicorn_process(HOST, tmp_path, "--ws-ping-interval", "3600"))


def enter_deaf(url: str, name: str) -> RawClient:
    """Enter, and then read nothing, with little room for it in the kernel."""
    return RawClient(url, subprotocol="echochat.v1", is_small=True).enter(name)


class Audience:
    """Many who read, and one who speaks and takes the time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._arrived = 0
        self._times: list[float] = []
        self._sent_at = 0.0
        self._number = 0
        self._readers: list[ClientConnection] = []
        self._reading: list[asyncio.Task[None]] = []

    async def come(self) -> None:
        for start in range(0, READERS, 50):
            coming = range(start, min(start + 50, READERS))
            self._readers += await asyncio.gather(*(self._enter(number) for number in coming))
        self._speaker = await self._enter(READERS)
        self._readers.append(self._speaker)
        self._reading += [asyncio.ensure_future(self._read(reader)) for reader in self._readers]

    async def leave(self) -> None:
        for reader in self._readers:
            reader.transport.abort()
        await asyncio.gather(*self._reading, return_exceptions=True)

    async def hear(self, times: int, size: int) -> list[float]:
        """Have something said again and again, each time when all have heard the last.

        Returns:
            How long each took to come to each of them, in milliseconds.
        """
        times_taken: list[float] = []
        for _ in range(times):
            self._number += 1
            self._arrived, self._times = 0, []
            frame = {"type": "message", "id": f"{self._number}", "text": "x" * size}
            self._sent_at = time.perf_counter()
            await self._speaker.send(json.dumps(frame))
            await until(lambda: self._arrived == READERS + 1, "all have heard it")
            times_taken += self._times
        return times_taken

    async def _enter(self, number: int) -> ClientConnection:
        reader = await connect(self._url, subprotocols=V1, compression=None, ping_interval=None)
        await reader.send(json.dumps({"type": "enter", "name": f"reader {number}"}))
        return reader

    async def _read(self, reader: ClientConnection) -> None:
        while True:
            try:
                data = await reader.recv(decode=False)
            except ConnectionClosed:
                return
            if data.startswith(b'{"type":"entry"') and f'"id":"{self._number}"'.encode() in data:
                self._times.append(1000 * (time.perf_counter() - self._sent_at))
                self._arrived += 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nobody_waits_for_a_client_that_never_reads(
    server: Process, record_property: Callable[[str, object], None]
) -> None:
    """The other 999 hear everything, as fast as before, while it is stuck and when it is let go.

    When it reads at last it finds what had been sent to it, and 1013.
    """
    url = server.ws("/rooms/lobby")
    times: dict[str, list[float]] = {"without it": [], "while it is stuck": [], "let go": []}

    def stuck() -> list[int]:
        counts: list[int] = get(server.url("/stuck")).json()
        return counts

    async def is_stuck() -> bool:
        # For longer than the kernel takes to pass on the last of what it has room for.
        for _ in range(10):
            if await asyncio.to_thread(stuck) != [1, 0]:
                return False
            await asyncio.sleep(0.05)
        return True

    async def talk() -> None:
        audience = Audience(url)
        try:
            await audience.come()
            await audience.hear(20, 100)
            # In turn, so that what else this machine does meanwhile is in all of them.
            for _ in range(ROUNDS):
                times["without it"] += await audience.hear(20, 100)
                with await asyncio.to_thread(enter_deaf, url, "deaf") as deaf:
                    while not await is_stuck():
                        await audience.hear(5, 4000)
                    times["while it is stuck"] += await audience.hear(20, 100)
                    assert await asyncio.to_thread(stuck) == [1, 0]
                    while await asyncio.to_thread(stuck) != [1, 1]:
                        await audience.hear(10, 4000)
                    times["let go"] += await audience.hear(20, 100)
                    heard, code = await asyncio.to_thread(deaf.receive_rest)
                    assert len(heard) > 1
                    assert code == 1013
        finally:
            await audience.leave()

    asyncio.run(talk())

    for when, taken in times.items():
        assert len(taken) == ROUNDS * 20 * (READERS + 1)
        percentiles = statistics.quantiles(taken, n=100)
        line = f"{when}: median {percentiles[49]:.0f} ms, 99th percentile {percentiles[98]:.0f} ms"
        record_property("delivery", line)
        print(line)


@pytest.mark.timeout(300)
def test_memory_is_bounded(server: Process, record_property: Callable[[str, object], None]) -> None:
    """Whatever is said while twenty clients read nothing, little of it is kept for them."""

    def memory() -> int:
        used: int = get(server.url("/memory")).json()
        return used

    url = server.ws("/rooms/lobby")
    text = "x" * 60_000
    said = 0
    # What a server needs to be warm is not counted.
    with Client(server.ws("/rooms/warm"), "Ann") as ann:
        for _ in range(200):
            ann.tell(text)
    with Client(url, "Ann") as ann, contextlib.ExitStack() as clients:
        before = most = memory()
        deaf = [clients.enter_context(enter_deaf(url, f"deaf {number}")) for number in range(20)]
        ann.meet("Ann", *sorted(f"deaf {number}" for number in range(20)))
        while said < 100_000_000:
            for _ in range(50):
                ann.tell(text)
                said += len(text)
            most = max(most, memory())
        wait_until(lambda: bool(get(server.url("/stuck")).json()[1] == 20), "all are behind")
        for client in deaf:
            assert client.receive_rest()[1] == 1013
    grown = (most - before) / 1_000_000
    line = f"{said / 1_000_000:.0f} MB said to 20 that read nothing: memory grew by {grown:.1f} MB"
    record_property("memory", line)
    print(line)
    # Each may have 200,000 characters and what the server's transport buffers.
    assert grown < 20
