"""Servers that are killed again and again, while people talk: nothing said is lost."""

import asyncio
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fastapi_echochat import RedisRooms, Rooms, SQLiteRooms
from tests.conftest import Keep
from tests.rooms.crowd import Crowd
from tests.servers import Process, redis_process, uvicorn_process

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


class Scene:
    """A store of rooms, the servers that come and go on it, and a crowd on them.

    Args:
        name: Of the store.
        servers: One or the other of them is killed and started again.
        rooms: What they serve.
    """

    def __init__(self, name: str, servers: list[Process], rooms: Rooms) -> None:
        self._name = name
        self._servers = servers
        self._rooms = rooms
        urls = [server.ws(f"/rooms/{name}") for server in servers]
        self._crowd = Crowd(urls, rooms, name)
        self._kills = 0

    async def talk(self) -> None:
        try:
            await self._crowd.talk_during(self._kill_again_and_again)
        finally:
            await self._rooms.close()

    def check(self) -> str:
        """Assert what is promised, and return the figures."""
        crowd = self._crowd.check()
        figures = f"{self._name}: {self._kills} kills in {SECONDS:g} s; {crowd}"
        assert self._kills >= SECONDS / 10, figures
        return figures

    async def _kill_again_and_again(self) -> None:
        chance = random.Random()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            await asyncio.sleep(chance.uniform(0.05, 1.5))
            server = chance.choice(self._servers)
            server.kill()
            self._kills += 1
            # Its clients may find out before it is back, and the other server is on its own.
            await asyncio.sleep(chance.uniform(0, 0.5))
            await asyncio.to_thread(server.start)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 240)
def test_nothing_is_lost_when_servers_are_killed(
    keep: Keep,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """What was acknowledged is in the history once, and every reader saw all of it, in its order.

    On one file and on one Redis there are two servers each, of which one or the other is killed
    with SIGKILL and started again, with both stores at the same time.
    """
    url = keep(redis_process(tmp_path)).url(scheme="redis")
    history = 1_000_000

    def serve(rooms: str, name: str) -> Process:
        return keep(uvicorn_process(HOST.format(rooms=rooms), tmp_path, name=name))

    scenes = [
        Scene(
            "sqlite",
            [serve('SQLiteRooms("rooms.db")', "in_a_file") for _ in range(2)],
            SQLiteRooms(tmp_path / "rooms.db"),
        ),
        Scene(
            "redis",
            [serve(f'RedisRooms("{url}", history={history})', "in_redis") for _ in range(2)],
            RedisRooms(url, history=history),
        ),
    ]

    async def talk() -> None:
        await asyncio.gather(*(scene.talk() for scene in scenes))

    asyncio.run(talk())

    for scene in scenes:
        figures = scene.check()
        record_property("figures", figures)
        print(figures)
