"""Servers that are killed again and again, while people talk."""

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

from fastapi_echochat import RedisRooms, Rooms, SQLiteRooms
from tests.rooms.crowd import Crowd
from tests.servers import Process, redis_process, uvicorn_process

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

    Attributes:
        name: Of the store.
        crowd: Who is in a room of it.
        kills: How often a server was killed.
        seconds: For how long that went on.
    """

    def __init__(self, name: str, servers: list[Process], rooms: Rooms) -> None:
        self.name = name
        self._servers = servers
        self._rooms = rooms
        urls = [server.ws(f"/rooms/{name}") for server in servers]
        self.crowd = Crowd(urls, rooms, name)
        self.kills = 0
        self.seconds = 0.0

    async def talk(self, seconds: float) -> None:
        """Have people talk while servers are killed for some seconds, and until all is seen."""
        self.seconds = seconds
        try:
            await self.crowd.talk_during(self._kill_again_and_again)
        finally:
            await self._rooms.close()

    def check(self) -> str:
        """Assert what is promised, and return the figures."""
        figures = f"{self.name}: {self.kills} kills in {self.seconds:g} s; {self.crowd.check()}"
        # No more than that: on a busy machine a server takes its time to start.
        assert self.kills, figures
        return figures

    async def _kill_again_and_again(self) -> None:
        chance = random.Random()
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            await asyncio.sleep(chance.uniform(0.05, 1.5))
            server = chance.choice(self._servers)
            server.kill()
            self.kills += 1
            # Its clients may find out before it is back, and the other server is on its own.
            await asyncio.sleep(chance.uniform(0, 0.5))
            await asyncio.to_thread(server.start)


def kill_servers(seconds: float, folder: Path, keep: Callable[[Process], Process]) -> list[Scene]:
    """Kill servers of each store that several can share, and return what came of it.

    On one file and on one Redis there are two servers each, of which one or the other is killed
    with SIGKILL and started again, with both stores at the same time.

    Args:
        seconds: For how long.
        folder: For their files.
        keep: Is given each process, and stops it in the end.
    """
    url = keep(redis_process(folder)).url(scheme="redis")
    history = 1_000_000

    def serve(rooms: str, name: str) -> Process:
        return keep(uvicorn_process(HOST.format(rooms=rooms), folder, name=name))

    scenes = [
        Scene(
            "sqlite",
            [serve('SQLiteRooms("rooms.db")', "in_a_file") for _ in range(2)],
            SQLiteRooms(folder / "rooms.db"),
        ),
        Scene(
            "redis",
            [serve(f'RedisRooms("{url}", history={history})', "in_redis") for _ in range(2)],
            RedisRooms(url, history=history),
        ),
    ]

    async def talk() -> None:
        await asyncio.gather(*(scene.talk(seconds) for scene in scenes))

    asyncio.run(talk())
    return scenes
