"""A Redis of the test's own."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from fastapi_echochat.rooms.stores.contract import Entry, Rooms, RoomsUnavailableError
from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from tests.conftest import Keep
from tests.servers import Process, redis_process
from tests.waiting import PATIENCE

PASSWORD = "p-4-s-5-w-6-d"


@pytest.fixture
def server(tmp_path: Path, keep: Keep) -> Process:
    """Give a Redis of the test's own, with a password."""
    return keep(redis_process(tmp_path, "--requirepass", PASSWORD))


def url(server: Process) -> str:
    return f"redis://:{PASSWORD}@{server.authority}/0"


@pytest.fixture
async def rooms(server: Process) -> AsyncIterator[RedisRooms]:
    rooms = RedisRooms(url(server))
    yield rooms
    await rooms.close()


@pytest.fixture
async def admin(server: Process) -> AsyncIterator[Any]:
    """Give a client that tells Redis what to do, in commands."""
    client: Any = Redis.from_url(url(server), decode_responses=True)
    yield client
    await client.connection_pool.disconnect()


async def append(rooms: Rooms, room: str, new: Entry) -> Entry:
    """Append an entry, as often as it takes."""
    deadline = time.monotonic() + 3 * PATIENCE
    while True:
        try:
            return await rooms.append(room, new)
        except RoomsUnavailableError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if record.name == "fastapi_echochat"
    ]
