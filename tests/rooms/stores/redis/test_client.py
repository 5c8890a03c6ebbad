"""Connections to Redis: made from a URL, used by few, and closed."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from tests.rooms.stores.conftest import entry, take
from tests.rooms.stores.redis.conftest import PASSWORD, url
from tests.servers import ROOT, Process
from tests.waiting import PATIENCE

pytestmark = pytest.mark.anyio


async def test_a_quiet_subscription_stays(
    rooms: RedisRooms, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing comes pings are answered, and the connection stays the same."""
    monkeypatch.setattr("fastapi_echochat.rooms.stores.redis.subscription._SILENCE_SECONDS", 0.05)
    signals = await rooms.signals("lobby")
    before = [one["id"] for one in await admin.client_list(_type="pubsub")]
    await asyncio.sleep(0.5)
    assert [one["id"] for one in await admin.client_list(_type="pubsub")] == before
    await rooms.signal("lobby", "hello")
    assert await asyncio.wait_for(anext(signals), PATIENCE) == "hello"
    await signals.aclose()


async def test_only_what_somebody_attends_to_is_subscribed(rooms: RedisRooms, admin: Any) -> None:
    """Rooms are subscribed to with their first follower, and the connection ends with the last."""

    async def wait_for(*names: str) -> None:
        expected = [f"{{echochat:{name}}}:live:0" for name in names]
        for _ in range(round(PATIENCE / 0.01)):
            subscribers = await admin.client_list(_type="pubsub")
            if sorted(await admin.pubsub_channels()) == expected and len(subscribers) == bool(
                names
            ):
                return
            await asyncio.sleep(0.01)
        pytest.fail(f"waited in vain until there is one subscriber, to {names}")

    first = asyncio.create_task(take(rooms, "a", 1))
    await wait_for("a")
    others = [asyncio.create_task(take(rooms, name, 1)) for name in ("b", "c", "b")]
    await wait_for("a", "b", "c")
    others[2].cancel()
    others[1].cancel()
    await wait_for("a", "b")
    kept = await rooms.append("b", entry())
    assert await others[0] == [kept]
    await wait_for("a")
    first.cancel()
    await wait_for()
    again = asyncio.create_task(take(rooms, "b", 2))
    await wait_for("b")
    later = await rooms.append("b", entry())
    assert await again == [kept, later]


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "localhost:6379",
        "http://localhost",
        f"redis://:{PASSWORD}/x@localhost:6379",
        f"redis://:{PASSWORD}#@localhost:6379",
        "redis://localhost:port/0",
        "redis://localhost:6379/0?colour=blue",
        "redis://localhost:6379/0?protocol=3",
        "redis://localhost:6379/0?decode_responses=no",
    ],
)
def test_a_wrong_url_is_refused_at_once(bad: str) -> None:
    """What is no URL of a Redis is refused when the rooms are made, without its password."""
    with pytest.raises(ValueError, match="URL") as refused:
        RedisRooms(bad)
    assert PASSWORD[:8] not in str(refused.value)
    assert refused.value.__cause__ is None
    with pytest.raises(ValueError, match="at least one"):
        RedisRooms("redis://localhost", history=0)


def test_without_the_package_it_is_said_how_to_get_it() -> None:
    """An import without redis says what to install."""
    program = (
        "import sys; sys.modules['redis'] = None; import fastapi_echochat.rooms.stores.redis.rooms"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "ImportError: RedisRooms needs the redis package: pip install redis" in ended.stderr


def test_rooms_that_nobody_closes_leave_nothing_open(server: Process) -> None:
    """An event loop that ends with a follower takes its connections with it, without a word."""
    program = f"""
import asyncio
from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from tests.rooms.stores.conftest import entry

rooms = RedisRooms({url(server)!r})

async def main():
    # Python's development mode reports what took long, as everything does on a busy machine.
    asyncio.get_running_loop().slow_callback_duration = 60
    await rooms.append("lobby", entry())
    global following
    following = rooms.follow("lobby")
    print((await anext(following)).text)

for _ in range(2):
    asyncio.run(main())
"""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=4 * PATIENCE, check=False
    )
    assert (ended.returncode, ended.stderr, ended.stdout) == (0, "", "hello\nhello\n")
