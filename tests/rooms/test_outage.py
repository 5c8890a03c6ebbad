"""Redis is away for a while, under load: all wait, nothing is lost, and it goes on by itself."""

import asyncio
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from fastapi_echochat import RedisRooms
from tests.conftest import Keep
from tests.rooms.crowd import WINDOW, Crowd
from tests.servers import Process, redis_process, uvicorn_process
from tests.waiting import until

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


def lines_logged(server: Process) -> list[str]:
    """Return what the package has logged, in full."""
    return re.findall(r"^\w+ fastapi_echochat .*", server.log(), re.MULTILINE)


class Outage:
    """A Redis of which one hears nothing for a while, two servers on it, and a crowd on them.

    Args:
        how: It is stopped in order, killed, or frozen: it hangs without a word.
        folder: For what they write.
        keep: What stops what is started.
    """

    def __init__(self, how: str, folder: Path, keep: Keep) -> None:
        self.how = how
        folder.mkdir()
        self._redis = keep(redis_process(folder))
        url = self._redis.url(scheme="redis")
        source = HOST.format(url=url)
        self._servers = [keep(uvicorn_process(source, folder)) for _ in range(2)]
        self._rooms = RedisRooms(url, history=1_000_000)
        urls = [server.ws(f"/rooms/{how}") for server in self._servers]
        self._crowd = Crowd(urls, self._rooms, how)
        self._before = self._during = 0

    async def happen(self) -> None:
        try:
            await self._crowd.talk_during(self._trouble)
        finally:
            await self._rooms.close()

    def check(self) -> str:
        """Assert what is promised, and return the figures."""
        figures = f"{self.how} for {SECONDS:g} s: {self._crowd.check()}"
        # What was under way when it went, and no more.
        assert self._during - self._before <= len(self._crowd.writers) * WINDOW, figures
        clients = (*self._crowd.writers, *self._crowd.readers)
        assert sum(client.cuts for client in clients) == 0, figures
        for server in self._servers:
            lines = lines_logged(server)
            print("\n".join(lines))
            assert len(lines) == 2, (self.how, lines)
            assert re.fullmatch(
                r"WARNING fastapi_echochat Redis at 127\.0\.0\.1:\d+ does not answer .*: trying "
                "again; new messages wait",
                lines[0],
            ), self.how
            assert re.fullmatch(
                r"INFO fastapi_echochat Redis at 127\.0\.0\.1:\d+ answers again after [\d.]+ s",
                lines[1],
            ), self.how
            assert "Traceback" not in server.log(), self.how
        return figures

    def _acknowledged(self) -> int:
        return sum(len(writer.acknowledged) for writer in self._crowd.writers)

    async def _trouble(self) -> None:
        await until(lambda: self._acknowledged() > 300, f"messages before it is {self.how}")
        if self.how == "frozen":
            self._redis.send_signal(signal.SIGSTOP)
        else:
            end = self._redis.stop if self.how == "stopped" else self._redis.kill
            await asyncio.to_thread(end)
        self._before = self._acknowledged()
        await asyncio.sleep(SECONDS)
        self._during = self._acknowledged()
        if self.how == "frozen":
            self._redis.send_signal(signal.SIGCONT)
        else:
            await asyncio.to_thread(self._redis.start)
        goal = self._during + 500
        await until(lambda: self._acknowledged() > goal, f"messages after it was {self.how}")


@pytest.fixture
def outages(tmp_path: Path, keep: Keep) -> list[Outage]:
    """Prepare one of each kind."""
    return [Outage(how, tmp_path / how, keep) for how in ("stopped", "killed", "frozen")]


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 240)
def test_redis_is_away_for_a_while(
    outages: list[Outage], record_property: Callable[[str, object], None]
) -> None:
    """While Redis is away senders wait without an error, and after it all is there, once.

    The log has one line when it goes and one when it comes back, whatever the load; nobody's
    connection ends. Of three one is stopped in order, one killed, and one hangs without a word.
    """

    async def happen() -> None:
        await asyncio.gather(*(outage.happen() for outage in outages))

    asyncio.run(happen())

    for outage in outages:
        figures = outage.check()
        record_property("figures", figures)
        print(figures)
