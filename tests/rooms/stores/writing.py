"""What a forked process runs that uses a store: nothing here that it does not need."""

import asyncio
import itertools
import os
import sys
from datetime import datetime, timezone
from multiprocessing.connection import Connection

from fastapi_echochat.rooms.stores.contract import Entry, Rooms
from fastapi_echochat.rooms.stores.memory import MemoryRooms
from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from fastapi_echochat.rooms.stores.sqlite.rooms import SQLiteRooms


def write(output: Connection, store: str, where: str, name: str) -> None:
    """Append to the lobby as fast as can be, and print the id of each entry that is acknowledged.

    Args:
        output: Where it prints.
        store: Which one, `sqlite` or `redis`.
        where: Its path or URL.
        name: What the ids begin with.
    """
    os.dup2(output.fileno(), sys.stdout.fileno())
    output.close()
    asyncio.run(_write(SQLiteRooms(where) if store == "sqlite" else RedisRooms(where), name))


async def _append(rooms: Rooms, id_: str) -> Entry:
    now = datetime.now(timezone.utc)
    entry = Entry(kind="message", id=id_, author=None, text="hello", sent_at=now)
    return await rooms.append("lobby", entry)


async def _write(rooms: Rooms, name: str) -> None:
    numbers = itertools.count()

    async def append() -> None:
        for number in numbers:
            print((await _append(rooms, f"{name}-{number}")).id, flush=True)

    await asyncio.gather(*(append() for _ in range(8)))


def take_key(pipe: Connection, path: str) -> None:
    """Open SQLite's rooms once the word is given, and send their key for pseudonyms."""
    pipe.send("ready")
    pipe.recv()
    pipe.send(asyncio.run(SQLiteRooms(path).pseudonym_key()))


def fork_workers(log: str, children: int) -> None:
    """Use rooms in memory, and then in so many processes forked from here, all at the same time.

    What they write to the standard error goes into a file.
    """
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), sys.stderr.fileno())
    rooms = MemoryRooms()
    asyncio.run(_append(rooms, "before"))
    done, tell = os.pipe()
    ended, end = os.pipe()
    for number in range(children):
        if os.fork() == 0:
            os.close(end)
            asyncio.run(_append(rooms, f"{number}"))
            os.write(tell, b".")
            os.read(ended, 1)
            os._exit(0)
    for _ in range(children):
        os.read(done, 1)
    os.close(end)
    for _ in range(children):
        assert os.wait()[1] == 0
