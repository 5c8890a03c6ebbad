"""Servers that are killed again and again, while people talk: nothing said is lost."""

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fastapi_echochat import RedisRooms, Rooms, SQLiteRooms
from tests.redis_server import redis_process
from tests.rooms.crowd import Crowd
from tests.servers import Process, uvicorn_process

SECONDS = float(os.environ.get("ECHOCHAT_KILL_SECONDS", "10"))
"""How long servers are killed; a minute shows more."""

HOST = """
import logging
from fastapi import FastAPI
from fastapi_echochat import EchoChat, RedisRooms, SQLiteRooms

logging.basicConfig(level=logging.INFO)
app = FastAPI()
app.include_router(EchoChat(reply=None, rooms={rooms}).router, prefix="/rooms/{{room}}")
"""

Serve = Callable[..., list[Process]]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start processes that serve rooms, until the test ends, and then read their logs."""
    processes: list[Process] = []

    def start(rooms: str, count: int) -> list[Process]:
        source = HOST.format(rooms=rooms)
        processes.extend(uvicorn_process(source, tmp_path) for _ in range(count))
        return processes

    yield start
    for process in processes:
        process.stop()
    logs = "".join(process.log() for process in processes)
    assert "Traceback" not in logs
    assert "ERROR" not in logs


@pytest.mark.timeout(SECONDS + 240)
@pytest.mark.parametrize("place", ["sqlite", "redis"])
def test_nothing_is_lost_when_servers_are_killed(
    serve: Serve,
    tmp_path: Path,
    place: str,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    """Whatever was acknowledged is in the log once, and every reader saw all of it, in its order.

    Of SQLite there is one server, of Redis there are two, of which one or the other is killed with
    SIGKILL and started again.
    """
    rooms: Rooms
    if place == "sqlite":
        servers = serve('SQLiteRooms("rooms.db")', 1)
        rooms = SQLiteRooms(tmp_path / "rooms.db")
    else:
        redis = redis_process(tmp_path)
        request.addfinalizer(redis.stop)
        url = redis.url(scheme="redis")
        servers = serve(f'RedisRooms("{url}", history=1_000_000)', 2)
        rooms = RedisRooms(url, history=1_000_000)
    crowd = Crowd([server.url("/rooms/lobby/ws", "ws") for server in servers], rooms)
    chance = random.Random()
    kills = 0

    async def kill_again_and_again() -> None:
        nonlocal kills
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            await asyncio.sleep(chance.uniform(0.05, 1.5))
            server = chance.choice(servers)
            server.kill()
            kills += 1
            # Its clients may find out before it is back, and the other server is on its own.
            await asyncio.sleep(chance.uniform(0, 0.5))
            await asyncio.to_thread(server.start)

    async def talk() -> None:
        try:
            await crowd.talk_during(kill_again_and_again)
        finally:
            await rooms.close()

    asyncio.run(talk())

    figures = f"{place}: {kills} kills in {SECONDS:g} s; {crowd.check()}"
    record_property("figures", figures)
    print(figures)
    assert kills >= SECONDS / 10
