"""What a forked process runs that uses a store: nothing here that it does not need."""

import asyncio
import itertools
import os
import sys
from datetime import datetime, timezone
from multiprocessing.connection import Connection

from fastapi_echochat.rooms.stores.contract import Entry, Rooms
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


async def _write(rooms: Rooms, name: str) -> None:
    numbers = itertools.count()

    async def append() -> None:
        for number in numbers:
            now = datetime.now(timezone.utc)
            entry = Entry(
                kind="message", id=f"{name}-{number}", author=None, text="hello", sent_at=now
            )
            print((await rooms.append("lobby", entry)).id, flush=True)

    await asyncio.gather(*(append() for _ in range(8)))


def take_key(pipe: Connection, path: str) -> None:
    """Open SQLite's rooms once the word is given, and send their key for pseudonyms."""
    pipe.send("ready")
    pipe.recv()
    pipe.send(asyncio.run(SQLiteRooms(path).pseudonym_key()))
