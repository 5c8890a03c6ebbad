"""A process that appends to a room as fast as it can, and prints what was acknowledged.

Its arguments are the store, its path or URL, the room, and what its ids begin with.
"""

import asyncio
import itertools
import subprocess
import sys
from pathlib import Path

from fastapi_echochat.rooms.stores.contract import Rooms
from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from fastapi_echochat.rooms.stores.sqlite.rooms import SQLiteRooms
from tests.rooms.stores.conftest import entry

ROOT = Path(__file__).parents[3]


def start_writer(store: str, where: str, name: str) -> "subprocess.Popen[str]":
    """Start a process that appends to the lobby of a store."""
    command = [sys.executable, "-m", __name__, store, where, "lobby", name]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def lines(process: "subprocess.Popen[str]", count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def kill(process: "subprocess.Popen[str]") -> list[str]:
    """Kill a writer, and return the whole lines that it had printed and nobody had read."""
    process.kill()
    with process:
        assert process.stdout is not None
        return [line.strip() for line in process.stdout if line.endswith("\n")]


async def write(rooms: Rooms, room: str, name: str) -> None:
    numbers = itertools.count()

    async def append() -> None:
        for number in numbers:
            kept = await rooms.append(room, entry(id_=f"{name}-{number}"))
            print(kept.id, flush=True)

    await asyncio.gather(*(append() for _ in range(8)))


if __name__ == "__main__":
    store, where, room, name = sys.argv[1:]
    asyncio.run(write(SQLiteRooms(where) if store == "sqlite" else RedisRooms(where), room, name))
