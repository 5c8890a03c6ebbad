"""A process that appends to a room as fast as it can, and prints what was acknowledged.

Its arguments are the store, its path or URL, the room, and what its ids begin with.
"""

import asyncio
import itertools
import sys

from fastapi_echochat.rooms.stores.contract import Rooms
from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from fastapi_echochat.rooms.stores.sqlite.rooms import SQLiteRooms
from tests.rooms.conftest import entry


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
