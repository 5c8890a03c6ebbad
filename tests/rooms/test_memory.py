"""Rooms in memory: they are bounded, and say so where there are several processes."""

import asyncio
import contextlib
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fastapi_echochat.rooms.stores.memory import MemoryRooms
from tests.conftest import Keep
from tests.rooms.conftest import entry, take
from tests.servers import uvicorn_command
from tests.waiting import PATIENCE, wait_until

ROOT = Path(__file__).parent.parent.parent

HOST = """
import os
import time
from fastapi import FastAPI
from fastapi_echochat.rooms.stores.memory import MemoryRooms
from fastapi_echochat.rooms.stores.sqlite.rooms import SQLiteRooms
from tests.rooms.conftest import entry

app = FastAPI()
stores = {"memory": [MemoryRooms(), MemoryRooms()], "sqlite": [SQLiteRooms("rooms.db")] * 2}

@app.get("/{store}")
async def append(store: str) -> int:
    for rooms in stores[store]:
        await rooms.append("lobby", entry(id_=str(time.time_ns())))
    # Long enough that the other worker takes the next request.
    time.sleep(0.02)
    return os.getpid()
"""


@pytest.mark.anyio
async def test_the_rooms_longest_not_used_are_dropped() -> None:
    """With more rooms than are kept the one goes that was neither written nor read for longest."""
    rooms = MemoryRooms(rooms=3)
    for name in ("a", "b", "c"):
        await rooms.append(name, entry())
    await rooms.read("a")
    await rooms.append("d", entry())
    assert [bool(await rooms.read(name)) for name in ("a", "b", "c", "d")] == [1, 0, 1, 1]


@pytest.mark.anyio
async def test_a_room_that_somebody_follows_stays() -> None:
    """Followed rooms are not dropped, even if that makes more than are kept."""
    rooms = MemoryRooms(rooms=2)
    async with contextlib.AsyncExitStack() as stack:
        for name in ("a", "b", "c"):
            following = await stack.enter_async_context(contextlib.aclosing(rooms.follow(name)))
            await rooms.append(name, entry())
            await anext(following)
        await rooms.append("d", entry())
        assert [len(await rooms.read(name)) for name in ("a", "b", "c", "d")] == [1, 1, 1, 1]
    for number in range(10):
        await rooms.append(f"new {number}", entry())
    kept = [name for name in ("a", "b", "c", "d") if await rooms.read(name)]
    assert kept == []


@pytest.mark.anyio
async def test_a_room_that_was_dropped_goes_on_above_its_positions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A follower comes back to a room that began anew, though the clock was set back."""
    rooms = MemoryRooms(rooms=1)
    old = await rooms.append("a", entry())
    await rooms.append("b", entry())
    assert await rooms.read("a") == []
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000)
    new = await rooms.append("a", entry())
    assert await take(rooms, "a", 1, after=old.position) == [new]


@pytest.mark.parametrize("bounds", [{"history": 0}, {"rooms": 0}])
def test_a_bound_is_at_least_one(bounds: dict[str, int]) -> None:
    """Nothing can be kept in no room, or in rooms that keep nothing."""
    with pytest.raises(ValueError, match="at least one"):
        MemoryRooms(**bounds)


@pytest.mark.parametrize(("store", "what"), [("memory", "MemoryRooms"), ("sqlite", "SQLiteRooms")])
def test_workers_with_rooms_of_their_own_are_warned_of(
    tmp_path: Path, keep: Keep, store: str, what: str
) -> None:
    """With two workers the log says once what is wrong and what to do; with one nothing."""

    def ask(url: str, count: int) -> set[bytes]:
        def get(_: int) -> bytes:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                body: bytes = answer.read()
                return body

        with ThreadPoolExecutor(count) as threads:
            return set(threads.map(get, range(count)))

    lone = keep(uvicorn_command(HOST, tmp_path))
    assert len(ask(lone.url(f"/{store}"), 4)) == 1
    lone.stop()
    assert what not in lone.log()
    pair = keep(uvicorn_command(HOST, tmp_path, "--workers", "2"))
    workers: set[bytes] = set()

    def both_answered() -> bool:
        workers.update(ask(pair.url(f"/{store}"), 8))
        return len(workers) == 2

    wait_until(both_answered, "both workers have answered", 4 * PATIENCE)
    pair.stop()
    warnings = [line for line in pair.log().splitlines() if what in line]
    assert len(warnings) == 1
    assert "RedisRooms(url)" in warnings[0]


def test_two_servers_do_not_warn_of_each_other(tmp_path: Path, keep: Keep) -> None:
    """Servers started with different commands are not workers of one server."""
    servers = [keep(uvicorn_command(HOST, tmp_path, name=name)) for name in ("one", "other")]
    for server in servers:
        urllib.request.urlopen(server.url("/memory"), timeout=PATIENCE).close()
    for server in servers:
        server.stop()
    assert all("MemoryRooms" not in server.log() for server in servers)


@pytest.mark.parametrize(("children", "warnings"), [(1, 0), (2, 1)])
def test_forked_workers_are_processes_of_their_own(children: int, warnings: int) -> None:
    """Rooms that were used before a fork warn of a second worker, and not of the parent."""
    program = """
import asyncio, os, sys
from fastapi_echochat.rooms.stores.memory import MemoryRooms
from tests.rooms.conftest import entry

rooms = MemoryRooms()
asyncio.run(rooms.append("lobby", entry()))
done, tell = os.pipe()
ended, end = os.pipe()
children = int(sys.argv[1])
for _ in range(children):
    if os.fork() == 0:
        os.close(end)
        asyncio.run(rooms.append("lobby", entry()))
        os.write(tell, b".")
        os.read(ended, 1)
        os._exit(0)
for _ in range(children):
    os.read(done, 1)
os.close(end)
for _ in range(children):
    assert os.wait()[1] == 0
"""
    command = [sys.executable, "-W", "ignore", "-c", program, str(children)]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stderr.count("RedisRooms(url)") == warnings


def test_asking_again_in_one_process_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Two sets of rooms in one process are not two workers."""

    async def use() -> None:
        for _ in range(2):
            await MemoryRooms().append("lobby", entry())

    asyncio.run(use())
    assert "MemoryRooms" not in caplog.text
