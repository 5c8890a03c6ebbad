"""Followers and listeners of every store: each entry once and in order, each signal at once."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor

import pytest

from fastapi_echochat.rooms.stores.contract import Entry, Rooms
from tests.rooms.stores.conftest import Open, entry, take
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.anyio


async def test_history_and_live_entries_have_no_seam(open_rooms: Open) -> None:
    """Followers who begin at any time while many write see each entry once and in order."""
    writers = [open_rooms() for _ in range(3)]
    count = 3 * 60

    async def write(rooms: Rooms) -> None:
        for number in range(60):
            await rooms.append("lobby", entry(str(number)))

    async def follow(delay: float) -> list[Entry]:
        await asyncio.sleep(delay)
        return await take(open_rooms(), "lobby", count)

    followers = [asyncio.create_task(follow(number * 0.01)) for number in range(8)]
    await asyncio.gather(*(write(rooms) for rooms in writers))
    history = await writers[0].read("lobby", limit=1000)
    assert len(history) == count
    for follower in followers:
        assert await follower == history


async def test_a_follower_begins_after_a_position(rooms: Rooms) -> None:
    """Following from a position gives what is behind it, and then what comes."""
    kept = [await rooms.append("lobby", entry()) for _ in range(250)]
    following = rooms.follow("lobby", after=kept[99].position)
    got = [await asyncio.wait_for(anext(following), PATIENCE) for _ in range(150)]
    assert got == kept[100:]
    waiting = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0)
    live = await rooms.append("lobby", entry())
    assert await asyncio.wait_for(waiting, PATIENCE) == live
    await following.aclose()


async def test_two_followers_have_nothing_to_do_with_each_other(rooms: Rooms) -> None:
    """A follower who takes nothing holds up neither another one nor those who write."""
    async with contextlib.aclosing(rooms.follow("lobby")) as idle:
        first = await rooms.append("lobby", entry())
        assert await asyncio.wait_for(anext(idle), PATIENCE) == first
        kept = [await rooms.append("lobby", entry()) for _ in range(300)]
        assert await take(rooms, "lobby", 301) == [first, *kept]
        late = [await asyncio.wait_for(anext(idle), PATIENCE) for _ in range(300)]
        assert late == kept


async def test_a_cancelled_follower_leaves_nothing_behind(rooms: Rooms) -> None:
    """When followers and listeners are cancelled or closed, their tasks are gone."""
    before = asyncio.all_tasks()

    async def follow() -> None:
        async for _ in rooms.follow("lobby"):
            pass

    async def listen(signals: AsyncGenerator[str, None]) -> None:
        async for _ in signals:
            pass

    tasks = [asyncio.create_task(follow()) for _ in range(5)]
    tasks += [asyncio.create_task(listen(await rooms.signals("lobby"))) for _ in range(5)]
    unused = await rooms.signals("lobby")
    await rooms.append("lobby", entry())
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await unused.aclose()
    assert all(task.cancelled() for task in tasks)
    await until(lambda: asyncio.all_tasks() <= before, "no task is left")


async def test_a_follower_comes_back_after_another_was_cancelled(rooms: Rooms) -> None:
    """Followers that come and go in quick succession miss nothing."""
    kept: list[Entry] = []
    for _ in range(20):
        task = asyncio.create_task(take(rooms, "lobby", 1000))
        await asyncio.sleep(0.001)
        kept.append(await rooms.append("lobby", entry()))
        task.cancel()
        assert await take(rooms, "lobby", 1, after=kept[-1].position - 1) == kept[-1:]
    assert await take(rooms, "lobby", 20) == kept


async def test_signals_are_heard_from_now_on(open_rooms: Open) -> None:
    """Who listens hears every signal of the room after that, their own among them, in order."""
    rooms = open_rooms()
    await rooms.signal("lobby", "too early")
    one, other = await rooms.signals("lobby"), await rooms.signals("lobby")
    for text in ["a", "", "~ü😀", "+1 2 {}"]:
        await rooms.signal("lobby", text)
    for signals in (one, other):
        heard = [await asyncio.wait_for(anext(signals), PATIENCE) for _ in range(4)]
        assert heard == ["a", "", "~ü😀", "+1 2 {}"]
        await signals.aclose()
    assert await rooms.read("lobby") == []


async def test_a_listener_who_is_behind_loses_the_oldest(rooms: Rooms) -> None:
    """Signals nobody takes are kept up to a bound, the latest ones, after word of the loss."""
    signals = await rooms.signals("lobby")
    for number in range(1000):
        await rooms.signal("lobby", str(number))
    heard: list[str] = []
    while not heard or heard[-1] != "999":
        heard.append(await asyncio.wait_for(anext(signals), PATIENCE))
    assert heard[0] == ""
    assert heard[1:] == [str(number) for number in range(1000)][-len(heard) + 1 :]
    assert len(heard) < 1000
    await signals.aclose()


@pytest.mark.parametrize("length", [50_000, 300_000])
async def test_what_waits_for_a_listener_is_bounded_in_bytes(rooms: Rooms, length: int) -> None:
    """Of long signals fewer are kept, 256 KiB; of one longer than that the newest alone."""
    behind, other = await rooms.signals("lobby"), await rooms.signals("lobby")
    for number in range(40):
        await rooms.signal("lobby", f"{number:03}{'x' * length}")
        # Delivered to both.
        assert (await asyncio.wait_for(anext(other), PATIENCE)).startswith(f"{number:03}")
    heard: list[str] = []
    while not heard or not heard[-1].startswith("039"):
        heard.append(await asyncio.wait_for(anext(behind), PATIENCE))
    assert heard[0] == ""
    kept = len(heard) - 1
    assert [text[:3] for text in heard[1:]] == [f"{number:03}" for number in range(40)][-kept:]
    assert kept == max(1, 262_144 // (length + 3))
    await behind.aclose()
    await other.aclose()


async def test_several_event_loops_share_rooms(rooms: Rooms) -> None:
    """Entries and signals of one event loop reach others, each in a thread of its own."""
    count = 40

    def follow() -> list[Entry]:
        return asyncio.run(take(rooms, "lobby", 2 * count))

    def write() -> None:
        async def append() -> None:
            for _ in range(count):
                await rooms.append("lobby", entry())
                await rooms.signal("lobby", "said")

        asyncio.run(append())

    signals = await rooms.signals("lobby")
    with ThreadPoolExecutor(5) as threads:
        loop = asyncio.get_running_loop()
        followers = [loop.run_in_executor(threads, follow) for _ in range(3)]
        writers = [loop.run_in_executor(threads, write) for _ in range(2)]
        here = await take(rooms, "lobby", 2 * count)
        await asyncio.gather(*writers)
        for follower in followers:
            assert await follower == here
    assert await rooms.read("lobby", limit=1000) == here
    assert await asyncio.wait_for(anext(signals), PATIENCE) == "said"
    await signals.aclose()
