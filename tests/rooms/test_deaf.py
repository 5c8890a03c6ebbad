"""A client that never reads among a thousand: nobody waits for it, and it costs next to nothing."""

import contextlib
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.benchmarks.__main__ import raise_descriptors
from tests.benchmarks.audience import MARK, Audience
from tests.benchmarks.rows.room import our_manners
from tests.clients import Client
from tests.conftest import Keep
from tests.raw_client import RawClient
from tests.servers import Process, uvicorn_process
from tests.waiting import get, wait_until

READERS = 999
ROUNDS = 2
TIMES = 5
"""How often something short is said before, while and after one of them is stuck."""
SHORT, LONG = (MARK.decode() + "x" * length for length in (100, 40_000))
BOUND = 200_000
"""Characters that are kept for a client before it is behind."""
DEEP = 80_000
"""With so many kept it is stuck, though a kernel asks again after seconds and takes a bit more."""

HOST = f"""
import gc
from pathlib import Path
from fastapi import FastAPI
from fastapi_echochat import EchoChat, Limits, MemoryRooms
from fastapi_echochat.rooms.fanout import Outbox

app = FastAPI()
# Stuck for as long as the test takes: what is shown is not that it is given up in the end.
limits = Limits(outbox_bytes={BOUND}, send_seconds=300)
chat = EchoChat(reply=None, rooms=MemoryRooms(history=5), limits=limits)
app.include_router(chat.router, prefix="/rooms/{{room}}")

outboxes = []

@app.get("/find")
async def find() -> int:
    outboxes.clear()
    gc.collect()
    outboxes.extend(thing for thing in gc.get_objects() if type(thing) is Outbox)
    return len(outboxes)

@app.get("/stuck")
async def stuck() -> tuple[int, int, int]:
    busy = [one for one in outboxes if one.is_busy]
    deep = sum(one._size >= {DEEP} for one in busy)
    return len(busy), deep, sum(one.is_behind for one in outboxes)

@app.get("/memory")
async def memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
"""


@pytest.fixture
def server(tmp_path: Path, keep: Keep) -> Process:
    raise_descriptors()
    # Nor does uvicorn give up who answers no ping, however long this machine takes.
    return keep(uvicorn_process(HOST, tmp_path, "--ws-ping-interval", "3600"))


def find_outboxes(server: Process, count: int) -> None:
    """Let the server look for the outboxes of those who are there, till it has found them all."""

    def are_found() -> bool:
        return bool(get(server.url("/find")).json() == count)

    wait_until(are_found, "everybody has an outbox")


class Stuck(NamedTuple):
    """How many of them wait for their client, for how many of these much is kept, who is behind."""

    busy: int
    deep: int
    behind: int


def stuck(server: Process) -> Stuck:
    return Stuck(*get(server.url("/stuck")).json())


def enter_deaf(url: str, name: str) -> RawClient:
    """Enter, and then read nothing, with little room for it in the kernel."""
    return RawClient(url, subprotocol="echochat.v1", is_small=True).enter(name)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nobody_waits_for_a_client_that_never_reads(
    server: Process, record_property: Callable[[str, object], None]
) -> None:
    """The other 999 hear everything, as fast as before, while it is stuck and when it is let go.

    When it reads at last it finds what had been sent to it, and 1013.
    """
    times: dict[str, list[float]] = {"without it": [], "while it is stuck": [], "let go": []}
    audience = Audience(server.port, our_manners("/rooms/lobby/ws"), READERS)

    def is_stuck() -> bool:
        if stuck(server) != (1, 1, 0):
            return False
        # For longer than the kernel takes to pass on the last of what it has room for.
        time.sleep(0.5)
        return stuck(server) == (1, 1, 0)

    def all_hear(when: str) -> None:
        for _ in range(TIMES):
            audience.say(SHORT, times[when])

    with contextlib.closing(audience):
        # In turn, so that what else this machine does meanwhile is in all of them.
        for _ in range(ROUNDS):
            all_hear("without it")
            with enter_deaf(server.ws("/rooms/lobby"), "deaf") as deaf:
                find_outboxes(server, READERS + 2)
                while not is_stuck():
                    audience.say(LONG, [])
                all_hear("while it is stuck")
                after = stuck(server)
                assert (after.busy, after.behind) == (1, 0)
                while stuck(server).behind != 1:
                    audience.say(LONG, [])
                all_hear("let go")
                heard, code = deaf.receive_rest()
                assert len(heard) > 1
                assert code == 1013

    for when, taken in times.items():
        assert len(taken) == ROUNDS * TIMES * (READERS + 1)
        percentiles = statistics.quantiles(taken, n=100)
        median, last = 1000 * percentiles[49], 1000 * percentiles[98]
        line = f"{when}: median {median:.0f} ms, 99th percentile {last:.0f} ms"
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
        for _ in range(50):
            ann.tell(text)
    with Client(url, "Ann") as ann, contextlib.ExitStack() as clients:
        before = most = memory()
        deaf = [clients.enter_context(enter_deaf(url, f"deaf {number}")) for number in range(20)]
        ann.meet("Ann", *sorted(f"deaf {number}" for number in range(20)))
        find_outboxes(server, 21)
        while said < 40_000_000:
            for _ in range(50):
                ann.tell(text)
                said += len(text)
            most = max(most, memory())
        wait_until(lambda: stuck(server).behind == 20, "all are behind")
        for client in deaf:
            assert client.receive_rest()[1] == 1013
    grown = (most - before) / 1_000_000
    line = f"{said / 1_000_000:.0f} MB said to 20 that read nothing: memory grew by {grown:.1f} MB"
    record_property("memory", line)
    print(line)
    # Each may have 200,000 characters and what the server's transport buffers.
    assert grown < 20
