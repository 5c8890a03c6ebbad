"""A day of rooms in a few seconds, after which a server is as it was before."""

import asyncio
import contextlib
import json
import random
import re
from pathlib import Path
from typing import NamedTuple

import pytest
import redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.clients import MUCH, V1
from tests.conftest import Keep
from tests.servers import Process, redis_process, uvicorn_process
from tests.waiting import get, patient, wait_until

ROUNDS = 2
# What a connection to Redis consists of: a socket, and these of redis-py 8.
CONNECTION_OBJECTS = 41
PEOPLE = 40
ROOMS = 12

HOST = """
import asyncio
import gc
import os
import threading
from fastapi import FastAPI
from fastapi_echochat import EchoChat, RedisRooms

app = FastAPI()
chat = EchoChat(rooms=RedisRooms("{url}", history=20))
app.include_router(chat.router, prefix="/rooms/{{room}}")

@app.get("/left")
async def left() -> dict[str, int]:
    gc.collect()
    return {{
        "objects": len(gc.get_objects()),
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "descriptors": len(os.listdir("/proc/self/fd")),
    }}
"""


class Left(NamedTuple):
    """What is there while nobody is in any room."""

    in_server: dict[str, int]
    keys: set[str]

    def size(self) -> int:
        """Return the number of objects, without those of connections."""
        return self.in_server["objects"] - CONNECTION_OBJECTS * self.in_server["descriptors"]


class Day:
    """A server, its Redis, and people who come and go.

    Args:
        folder: For what they write.
        keep: What stops what is started.
    """

    def __init__(self, folder: Path, keep: Keep) -> None:
        self._chance = random.Random(1)
        self._redis = keep(redis_process(folder))
        self._url = self._redis.url(scheme="redis")
        self.server: Process = keep(uvicorn_process(HOST.format(url=self._url), folder))

    async def pass_by(self, *, has_outage: bool) -> None:
        """Let people come into rooms, be renamed, speak, hear an answer, and go."""
        visits = [asyncio.create_task(self._visit(number)) for number in range(PEOPLE)]
        if has_outage:
            await asyncio.sleep(0.2)
            await asyncio.to_thread(self._redis.kill)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(self._redis.start)
        await asyncio.wait_for(asyncio.gather(*visits), patient(60))

    async def _visit(self, number: int) -> None:
        url = self.server.ws(f"/rooms/{self._chance.randrange(ROOMS)}")
        is_told = False
        while not is_told:
            # While Redis is away who comes in is asked to come again.
            with contextlib.suppress(ConnectionClosed):
                async with connect(url, subprotocols=V1, max_queue=MUCH) as websocket:
                    is_told = await self._talk(websocket, number)

    async def _talk(self, websocket: ClientConnection, number: int) -> bool:
        renames = [{"type": "name", "name": f"Guest {number} {letter}"} for letter in "abc"]
        frames = [
            {"type": "enter", "name": f"Guest {number}"},
            *renames,
            {"type": "typing"},
            {"type": "message", "id": "1", "text": f"from {number}"},
        ]
        for frame in frames:
            await websocket.send(json.dumps(frame))
        position = None
        async for text in websocket:
            entry = json.loads(text)
            if entry.get("text") == f"from {number}":
                position = entry["position"]
            if position is not None and entry.get("in_reply_to") == position:
                return True
        return False

    def left(self) -> Left:
        """Return what is there once all have gone, and the last heart has stopped."""
        with contextlib.closing(redis.Redis.from_url(self._url, decode_responses=True)) as client:
            wait_until(lambda: not client.pubsub_channels(), "nobody listens any more")
            keys = {re.sub(r":\d+}", ":N}", str(key)) for key in client.scan_iter()}
        in_server = get(self.server.url("/left")).json()
        return Left(in_server, keys)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_day_leaves_nothing(tmp_path: Path, keep: Keep) -> None:
    """Rooms opened and left, people renamed, and a Redis that comes and goes leave nothing behind.

    No task, thread or descriptor in the server, no channel, lease or key in Redis but those of the
    rooms' histories, and no objects.
    """
    day = Day(tmp_path, keep)

    def pass_rounds(number: int) -> Left:
        for round_ in range(number):
            asyncio.run(day.pass_by(has_outage=round_ == 0))
        return day.left()

    # What a server needs once, after an outage too, is no loss: that is why there are two halves.
    before, middle = pass_rounds(2), pass_rounds(ROUNDS)
    pass_rounds(ROUNDS)

    def is_over() -> bool:
        left = day.left()
        # Leases that are not renewed end by themselves.
        return left.in_server["tasks"] <= 3 and not any("lease" in key for key in left.keys)

    wait_until(is_over, "no task is left, and no lease")
    after = day.left()
    assert after.in_server["threads"] == before.in_server["threads"]
    # Connections to Redis, of which there are as many as were needed at a time.
    assert after.in_server["descriptors"] <= before.in_server["descriptors"] + 20
    assert min(middle.size() - before.size(), after.size() - middle.size()) < 40
    assert after.keys == {"{echochat}:pseudonym-key", "{echochat:N}:history", "{echochat:N}:ids"}
    assert "Traceback" not in day.server.log()
