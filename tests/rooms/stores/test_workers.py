"""Several workers of one server that each keep rooms of their own: the log warns."""

import asyncio
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fastapi_echochat.rooms.stores.memory import MemoryRooms
from tests.conftest import Keep
from tests.rooms.stores import writing
from tests.rooms.stores.conftest import entry
from tests.servers import Process, fork, uvicorn_command, uvicorn_process
from tests.waiting import PATIENCE, wait_until

HOST = """
import os
import time
from fastapi import FastAPI
from fastapi_echochat.rooms.stores.memory import MemoryRooms
from fastapi_echochat.rooms.stores.sqlite.rooms import SQLiteRooms
from tests.rooms.stores.conftest import entry

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


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Run one process."""
    server = uvicorn_command(HOST, tmp_path_factory.mktemp("lone"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Run two workers of one server."""
    server = uvicorn_command(HOST, tmp_path_factory.mktemp("pair"), "--workers", "2")
    yield server
    server.stop()


def ask(url: str, count: int) -> set[bytes]:
    """Ask so many times at once, and return which processes have answered."""

    def get(_: int) -> bytes:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            body: bytes = answer.read()
            return body

    with ThreadPoolExecutor(count) as threads:
        return set(threads.map(get, range(count)))


@pytest.mark.slow
@pytest.mark.parametrize(("store", "what"), [("memory", "MemoryRooms"), ("sqlite", "SQLiteRooms")])
def test_workers_with_rooms_of_their_own_are_warned_of(
    lone: Process, pair: Process, store: str, what: str
) -> None:
    """With two workers the log says once what is wrong and what to do; with one nothing."""
    assert len(ask(lone.url(f"/{store}"), 4)) == 1
    assert what not in lone.log()
    workers: set[bytes] = set()

    def both_answered() -> bool:
        workers.update(ask(pair.url(f"/{store}"), 8))
        return len(workers) == 2

    wait_until(both_answered, "both workers have answered", 4 * PATIENCE)
    warnings = [line for line in pair.log().splitlines() if what in line]
    assert len(warnings) == 1
    assert "RedisRooms(url)" in warnings[0]
    assert pair.complaints() == lone.complaints() == []


def test_two_servers_do_not_warn_of_each_other(tmp_path: Path, keep: Keep) -> None:
    """Servers started with different commands are not workers of one server."""
    servers = [keep(uvicorn_process(HOST, tmp_path, name=name)) for name in ("one", "other")]
    for server in servers:
        urllib.request.urlopen(server.url("/memory"), timeout=PATIENCE).close()
    for server in servers:
        server.stop()
    assert all("MemoryRooms" not in server.log() for server in servers)


@pytest.mark.parametrize(("children", "warnings"), [(1, 0), (2, 1)])
def test_forked_workers_are_processes_of_their_own(
    tmp_path: Path, children: int, warnings: int
) -> None:
    """Rooms that were used before a fork warn of a second worker, and not of the parent."""
    log = tmp_path / "log"
    parent = fork(writing.fork_workers, str(log), children)
    parent.join(4 * PATIENCE)
    assert parent.exitcode == 0, log.read_text()
    assert log.read_text().count("RedisRooms(url)") == warnings


def test_asking_again_in_one_process_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Two sets of rooms in one process are not two workers."""

    async def use() -> None:
        for _ in range(2):
            await MemoryRooms().append("lobby", entry())

    asyncio.run(use())
    assert "MemoryRooms" not in caplog.text
