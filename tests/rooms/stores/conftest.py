"""Stores of rooms, for each test its own."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from fastapi_echochat.identity import Author
from fastapi_echochat.rooms.stores.contract import Entry, Kind, Rooms
from fastapi_echochat.rooms.stores.memory import MemoryRooms
from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from fastapi_echochat.rooms.stores.sqlite.rooms import SQLiteRooms
from tests.waiting import PATIENCE

Open = Callable[..., Rooms]
"""Opens a store; called again it opens the same one as another process would."""

STORES = ["memory", "sqlite", "redis"]

ADA = Author("17", "Ada")

_numbers = itertools.count()


def entry(
    text: str = "hello",
    *,
    id_: str | None = None,
    kind: Kind = "message",
    author: Author | None = ADA,
) -> Entry:
    return Entry(
        kind=kind,
        id=f"id-{next(_numbers)}" if id_ is None else id_,
        author=author,
        text=text,
        sent_at=datetime.now(timezone.utc),
    )


async def take(rooms: Rooms, room: str, count: int, *, after: int = 0) -> list[Entry]:
    """Follow a room until so many entries have come."""
    entries: list[Entry] = []
    following = rooms.follow(room, after=after)

    async def collect() -> None:
        async for followed in following:
            entries.append(followed)
            if len(entries) == count:
                return

    try:
        await asyncio.wait_for(collect(), 2 * PATIENCE)
    finally:
        await following.aclose()
    return entries


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    """Name a store."""
    name: str = request.param
    return name


@pytest.fixture
async def open_rooms(
    store: str, request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Open]:
    """Open a store, and close what was opened when the test ends."""
    opened: list[Rooms] = []
    prefix = f"test-{uuid.uuid4()}"

    def open_(**options: Any) -> Rooms:
        rooms: Rooms
        if store == "memory":
            # Another process would not see it.
            rooms = opened[0] if opened else MemoryRooms(**options)
        elif store == "sqlite":
            rooms = SQLiteRooms(tmp_path / "rooms.db", **options)
        else:
            url = request.getfixturevalue("shared_redis").url(scheme="redis")
            rooms = RedisRooms(url, prefix=prefix, **options)
        opened.append(rooms)
        return rooms

    yield open_
    for rooms in opened:
        await rooms.close()


@pytest.fixture
def rooms(open_rooms: Open) -> Rooms:
    """Give rooms in every store."""
    return open_rooms()
