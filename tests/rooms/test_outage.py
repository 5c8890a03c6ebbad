"""Redis is away for a while, under load: all wait, nothing is lost, and it goes on by itself."""

import asyncio
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fastapi_echochat import RedisRooms
from tests.redis_server import redis_process
from tests.rooms.crowd import WINDOW, Crowd
from tests.servers import Process, uvicorn_process

SECONDS = float(os.environ.get("ECHOCHAT_OUTAGE_SECONDS", "10"))
"""How long Redis is away."""

HOST = """
import logging
from fastapi import FastAPI
from fastapi_echochat import EchoChat, RedisRooms

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
app = FastAPI()
chat = EchoChat(reply=None, rooms=RedisRooms("{url}", history=1_000_000))
app.include_router(chat.router, prefix="/rooms/{{room}}")
"""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Process]:
    process = redis_process(tmp_path)
    yield process
    process.stop()


@pytest.fixture
def servers(redis: Process, tmp_path: Path) -> Iterator[list[Process]]:
    source = HOST.format(url=redis.url(scheme="redis"))
    processes = [uvicorn_process(source, tmp_path) for _ in range(2)]
    yield processes
    for process in processes:
        process.stop()


def said_in_the_log(server: Process) -> list[str]:
    """Return what the package has logged, in full."""
    return re.findall(r"^\w+ fastapi_echochat .*", server.log(), re.MULTILINE)


@pytest.mark.timeout(SECONDS + 240)
@pytest.mark.parametrize("how", ["stopped", "killed", "frozen"])
def test_redis_is_away_for_a_while(
    redis: Process,
    servers: list[Process],
    how: str,
    record_property: Callable[[str, object], None],
) -> None:
    """While Redis is away senders wait without an error, and after it all is there, once.

    The log has one line when it goes and one when it comes back, whatever the load; nobody's
    connection ends. It is stopped in order, killed, or hangs without a word.
    """
    rooms = RedisRooms(redis.url(scheme="redis"), history=1_000_000)
    crowd = Crowd([server.url("/rooms/lobby/ws", "ws") for server in servers], rooms)
    before = during = 0

    def acknowledged() -> int:
        return sum(len(writer.acknowledged) for writer in crowd.writers)

    async def trouble() -> None:
        nonlocal before, during
        await asyncio.sleep(2)
        if how == "frozen":
            redis.popen.send_signal(signal.SIGSTOP)
        else:
            await asyncio.to_thread(redis.stop if how == "stopped" else redis.kill)
        before = acknowledged()
        await asyncio.sleep(SECONDS)
        during = acknowledged()
        if how == "frozen":
            redis.popen.send_signal(signal.SIGCONT)
        else:
            await asyncio.to_thread(redis.start)
        await asyncio.sleep(3)

    async def talk() -> None:
        try:
            await crowd.talk_during(trouble)
        finally:
            await rooms.close()

    asyncio.run(talk())

    figures = f"{how} for {SECONDS:g} s: {crowd.check()}"
    record_property("figures", figures)
    print(figures)
    assert before > 100
    # What was under way when it went, and no more.
    assert during - before <= len(crowd.writers) * WINDOW
    assert acknowledged() > during + 100
    assert sum(client.cuts for client in (*crowd.writers, *crowd.readers)) == 0
    for server in servers:
        lines = said_in_the_log(server)
        print("\n".join(lines))
        assert len(lines) == 2, lines
        assert re.fullmatch(
            r"WARNING fastapi_echochat Redis at 127\.0\.0\.1:\d+ does not answer .*: trying again; "
            "what is said waits",
            lines[0],
        )
        assert re.fullmatch(
            r"INFO fastapi_echochat Redis at 127\.0\.0\.1:\d+ answers again after [\d.]+ s",
            lines[1],
        )
        assert "Traceback" not in server.log()
