"""A Redis that comes and goes, hangs, is full, or loses its writers: no entry is lost."""

import asyncio
import contextlib
import logging
import re
import signal
import time
from typing import Any

import pytest

from fastapi_echochat.rooms.stores.contract import Entry, Rooms, RoomsUnavailableError
from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from tests.rooms.stores.conftest import entry, take
from tests.rooms.stores.redis.conftest import PASSWORD, append, said, url
from tests.rooms.stores.writer import Writer
from tests.servers import Process
from tests.waiting import PATIENCE, patient, until

pytestmark = pytest.mark.anyio


async def test_a_redis_that_is_killed_under_load_loses_nothing(
    server: Process, rooms: RedisRooms, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed and started again, twice: all entries are there once, and followed once."""
    caplog.set_level(logging.INFO)
    other = RedisRooms(url(server))
    acknowledged: list[Entry] = []
    ends = asyncio.Event()

    async def write(client: Rooms, name: str) -> None:
        number = 0
        while not ends.is_set():
            number += 1
            acknowledged.append(await append(client, "lobby", entry(id_=f"{name}-{number}")))
            await asyncio.sleep(0.001)

    seen: dict[str, list[Entry]] = {"here": [], "there": []}

    async def follow(client: Rooms, name: str) -> None:
        async for one in client.follow("lobby"):
            seen[name].append(one)

    tasks = [asyncio.create_task(write(rooms, f"{number}")) for number in range(3)]
    tasks += [asyncio.create_task(write(other, f"other-{number}")) for number in range(3)]
    followers = [
        asyncio.create_task(follow(rooms, "here")),
        asyncio.create_task(follow(other, "there")),
    ]
    for count in (100, 200):
        await until(lambda count=count: len(acknowledged) > count, "much was appended")  # type: ignore[misc]  # bound now
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(server.start)
    length = len(acknowledged)
    await until(lambda: len(acknowledged) > length + 100, "it goes on")
    ends.set()
    await asyncio.gather(*tasks)
    history = await rooms.read("lobby", limit=1_000_000)
    assert {one.id for one in acknowledged} == {one.id for one in history}
    assert len({one.id for one in history}) == len(history)
    for got in seen.values():
        await until(lambda got=got: len(got) == len(history), "all was followed")  # type: ignore[misc]  # bound now
        assert got == history
    for follower in followers:
        follower.cancel()
    await asyncio.wait(followers)
    await other.close()
    lines = said(caplog)
    # Each of the two clients says it once at each of the two outages.
    assert [level for level, _ in lines].count("WARNING") == 4
    assert [level for level, _ in lines].count("INFO") == 4
    name = re.escape(f"Redis at {server.authority}")
    for level, line in lines:
        if level == "WARNING":
            assert re.fullmatch(f"{name} does not answer \\(.+\\): trying again; .+", line)
        else:
            seconds = re.fullmatch(f"{name} answers again after ([0-9.]+) s", line)
            assert seconds is not None
            assert float(seconds[1]) >= 0.4
    assert PASSWORD not in caplog.text


async def test_a_redis_that_comes_late_is_found(
    server: Process, rooms: RedisRooms, caplog: pytest.LogCaptureFixture
) -> None:
    """Before Redis is there calls say so at once, and followers and listeners wait for it."""
    server.kill()
    begun = time.monotonic()
    signals = await rooms.signals("lobby")
    following = asyncio.create_task(take(rooms, "lobby", 1))
    await rooms.signal("lobby", "lost")
    with pytest.raises(RoomsUnavailableError, match="does not answer"):
        await rooms.append("lobby", entry())
    with pytest.raises(RoomsUnavailableError):
        await rooms.read("lobby")
    with pytest.raises(RoomsUnavailableError):
        await rooms.read_back("lobby")
    with pytest.raises(RoomsUnavailableError):
        await rooms.hold("lobby", 1, "a", 10)
    assert time.monotonic() - begun < patient(2)
    await asyncio.to_thread(server.start)
    kept = await append(rooms, "lobby", entry())
    assert await following == [kept]
    # One listens by now: the follower's subscription is the listener's.
    await rooms.signal("lobby", "heard")
    assert await asyncio.wait_for(anext(signals), PATIENCE) == ""
    assert await asyncio.wait_for(anext(signals), PATIENCE) == "heard"
    await signals.aclose()
    assert [level for level, _ in said(caplog)].count("WARNING") == 1


async def test_a_subscription_that_is_cut_is_made_again(rooms: RedisRooms, admin: Any) -> None:
    """When Redis closes the subscriber's connection, again and again, nothing is missed."""
    following = asyncio.create_task(take(rooms, "lobby", 300))
    kept = []
    for number in range(300):
        kept.append(await rooms.append("lobby", entry()))
        if number % 30 == 0:
            await admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    assert await following == kept


async def test_who_listens_is_told_that_signals_may_be_lost(rooms: RedisRooms, admin: Any) -> None:
    """An empty signal comes when a lost subscription is there again, and not with the first."""
    signals, other = await rooms.signals("lobby"), await rooms.signals("other")
    for number in range(3):
        await rooms.signal("lobby", str(number))
        assert await asyncio.wait_for(anext(signals), PATIENCE) == str(number)
        await admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        assert await asyncio.wait_for(anext(signals), PATIENCE) == ""
        assert await asyncio.wait_for(anext(other), PATIENCE) == ""
    late = await rooms.signals("late")
    await signals.aclose()
    signals = await rooms.signals("lobby")
    for name, heard in (("late", late), ("lobby", signals), ("other", other)):
        await rooms.signal(name, "heard")
        assert await asyncio.wait_for(anext(heard), PATIENCE) == "heard"
        await heard.aclose()


async def test_a_redis_that_hangs_is_noticed(
    server: Process, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A Redis that accepts and says nothing is given up in time, and found when it is back."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("fastapi_echochat.rooms.stores.redis.subscription._SILENCE_SECONDS", 0.2)
    rooms = RedisRooms(f"{url(server)}?socket_timeout=1")
    following = rooms.follow("lobby")
    first = await rooms.append("lobby", entry())
    assert await asyncio.wait_for(anext(following), PATIENCE) == first
    waiting = asyncio.ensure_future(anext(following))
    server.send_signal(signal.SIGSTOP)
    await until(lambda: "WARNING" in dict(said(caplog)), "its silence is noticed")
    begun = time.monotonic()
    with pytest.raises(RoomsUnavailableError):
        await rooms.append("lobby", entry())
    assert time.monotonic() - begun < patient(4)
    server.send_signal(signal.SIGCONT)
    second = await append(rooms, "lobby", entry("second"))
    while (got := await asyncio.wait_for(waiting, PATIENCE)) != second:
        # What was sent while it hung may have been kept.
        waiting = asyncio.ensure_future(anext(following))
        assert got.text == "hello"
    await following.aclose()
    await rooms.close()


async def test_a_redis_that_is_full_is_said_once(
    rooms: RedisRooms, admin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """What Redis refuses is unavailable, the log says so once, and once when it is over."""
    caplog.set_level(logging.INFO)
    await admin.config_set("maxmemory", 1)
    for _ in range(3):
        with pytest.raises(RoomsUnavailableError, match="refuses"):
            await rooms.append("lobby", entry())
        assert await rooms.read("lobby") == []
    await admin.config_set("maxmemory", 0)
    await rooms.append("lobby", entry())
    assert [level for level, _ in said(caplog)] == ["WARNING", "INFO"]
    assert "maxmemory" in said(caplog)[0][1]


async def test_writers_that_are_killed_lose_nothing(server: Process, rooms: RedisRooms) -> None:
    """Entries that killed processes acknowledged are in the history once, and followed."""
    seen: list[Entry] = []

    async def follow() -> None:
        async for one in rooms.follow("lobby"):
            seen.append(one)  # noqa: PERF401 - it never ends

    follower = asyncio.create_task(follow())
    acknowledged: list[str] = []
    for number in range(3):
        writers = [Writer("redis", url(server), f"{number}-{other}") for other in range(2)]
        for writer in writers:
            acknowledged += await asyncio.to_thread(writer.lines, 50)
        for writer in writers:
            acknowledged += await asyncio.to_thread(writer.kill)
    last = await rooms.append("lobby", entry())
    await until(lambda: bool(seen) and seen[-1] == last, "all was followed")
    follower.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await follower
    ids = [one.id for one in await rooms.read("lobby", limit=1_000_000)]
    assert len(acknowledged) >= 300
    assert set(acknowledged) <= set(ids)
    assert len(set(ids)) == len(ids)
    assert [one.id for one in seen] == ids


async def test_a_redis_that_hangs_holds_up_nobody_who_waits(server: Process) -> None:
    """Of many commands all say soon that it does not answer, those that wait for a turn as well."""
    rooms = RedisRooms(f"{url(server)}?socket_timeout=0.5")
    await rooms.append("lobby", entry())
    server.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    results = await asyncio.gather(
        *(rooms.read("lobby") for _ in range(500)), return_exceptions=True
    )
    assert {type(one) for one in results} == {RoomsUnavailableError}
    assert time.monotonic() - begun < patient(4)
    server.send_signal(signal.SIGCONT)
    await append(rooms, "lobby", entry())
    await rooms.close()


LIMITED = {
    "channels": ("resetchannels", "allchannels"),
    "reads": ("-xrevrange", "+xrevrange"),
    "writes": ("-xadd", "+xadd"),
}
"""What takes a right from a user, and gives it back."""


@pytest.mark.parametrize("right", LIMITED)
async def test_a_user_without_a_right(
    server: Process, admin: Any, caplog: pytest.LogCaptureFixture, right: str
) -> None:
    """What Redis refuses a user is said once, and once when it is over, and the rest goes on.

    It is tried again with pauses.
    """
    caplog.set_level(logging.INFO)
    taken, given = LIMITED[right]
    await admin.execute_command(
        "ACL", "SETUSER", "ada", "on", ">secret", "~{echochat*", "+@all", "allchannels"
    )
    rooms = RedisRooms(f"redis://ada:secret@{server.authority}/0")
    first = await rooms.append("lobby", entry())
    await admin.execute_command("ACL", "SETUSER", "ada", taken)
    following = asyncio.create_task(take(rooms, "lobby", 2))
    signals = await rooms.signals("lobby")
    calls = (await admin.info("stats"))["total_commands_processed"]
    begun = time.monotonic()
    refused = 0
    while time.monotonic() - begun < 2:
        for one in (rooms.read_back("lobby"), rooms.append("lobby", entry(id_="second"))):
            with contextlib.suppress(RoomsUnavailableError):
                await one
                continue
            refused += 1
        await rooms.signal("lobby", "hello")
        await asyncio.sleep(0.2)
    assert (refused > 0) == (right != "channels")
    tried = (await admin.info("stats"))["total_commands_processed"] - calls
    assert tried < 200, "no pause"
    await admin.execute_command("ACL", "SETUSER", "ada", given)
    second = await append(rooms, "lobby", entry(id_="second"))
    assert await following == [first, second]
    await rooms.signal("lobby", "heard")
    while await asyncio.wait_for(anext(signals), PATIENCE) != "heard":
        pass
    await rooms.read_back("lobby")
    await signals.aclose()
    await rooms.close()
    lines = said(caplog)
    assert [level for level, _ in lines] == ["WARNING", "INFO"], lines
    assert f"refuses {right} (" in lines[0][1]
    assert f"accepts {right} again after" in lines[1][1]
