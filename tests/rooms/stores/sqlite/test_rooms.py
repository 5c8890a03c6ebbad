"""Rooms in a file: it survives its writers, and is shared with other processes."""

import asyncio
import gc
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fastapi_echochat.identity import Author
from fastapi_echochat.rooms.stores.sqlite.rooms import SQLiteRooms
from tests.rooms.stores.conftest import entry, take
from tests.rooms.stores.writer import Writer
from tests.servers import ROOT
from tests.waiting import PATIENCE, patient, until

pytestmark = pytest.mark.anyio


def watchers() -> int:
    return sum(thread.name == "echochat watch" for thread in threading.enumerate())


@pytest.mark.slow
async def test_what_was_acknowledged_survives_kill_9(rooms: SQLiteRooms, path: Path) -> None:
    """Of writers that are killed again and again every acknowledged entry is there, once."""
    acknowledged: list[str] = []
    for number in range(5):
        writers = [Writer("sqlite", str(path), f"{number}-{other}") for other in range(2)]
        for process in writers:
            acknowledged += process.lines(20 * number + 5)
        for process in writers:
            acknowledged += process.kill()
    stored = Counter(one.id for one in await rooms.read("lobby", limit=1_000_000))
    await rooms.close()
    assert len(acknowledged) >= 450
    assert set(acknowledged) <= set(stored)
    assert set(stored.values()) == {1}


async def test_what_another_process_says_arrives(rooms: SQLiteRooms, path: Path) -> None:
    """Entries of another process are followed within two seconds."""
    following = rooms.follow("lobby")
    waiting = asyncio.ensure_future(anext(following))
    await rooms.append("kitchen", entry())
    process = await asyncio.to_thread(Writer, "sqlite", str(path), "other")
    await asyncio.to_thread(process.lines, 1)
    acknowledged_at = time.monotonic()
    assert (await asyncio.wait_for(waiting, PATIENCE)).id == "other-0"
    assert time.monotonic() - acknowledged_at < patient(2)
    await asyncio.to_thread(process.kill)
    await following.aclose()


async def test_the_file_is_looked_at_while_somebody_follows(rooms: SQLiteRooms) -> None:
    """The thread that looks for other processes' entries comes and ends with the followers."""
    await until(lambda: watchers() == 0, "those of other tests have ended")
    kept = await rooms.append("lobby", entry())
    await rooms.read("lobby")
    assert watchers() == 0
    for _ in range(2):
        assert await take(rooms, "lobby", 1) == [kept]
        assert watchers() == 1
        await until(lambda: watchers() == 0, "it has ended")


def test_a_file_is_made_by_many_at_once(path: Path) -> None:
    """Processes and threads that open one new file at the same time all append to it."""
    writers = [Writer("sqlite", str(path), str(number)) for number in range(3)]

    def append(number: int) -> None:
        async def once() -> None:
            rooms = SQLiteRooms(path)
            await rooms.append("lobby", entry(id_=f"here-{number}"))
            await rooms.close()

        asyncio.run(once())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(append, range(40)))
    for process in writers:
        assert len(process.lines(1)) == 1
        process.kill()
    rooms = SQLiteRooms(path)
    ids = {one.id for one in asyncio.run(rooms.read("lobby", limit=1_000_000))}
    asyncio.run(rooms.close())
    assert {f"here-{number}" for number in range(40)} | {"0-0", "1-0", "2-0"} <= ids


@pytest.mark.parametrize("history", [None, 10])
async def test_what_cannot_be_kept_fails_alone(tmp_path: Path, history: int | None) -> None:
    """Half of a surrogate pair is refused; what was committed together with it is kept."""
    rooms = SQLiteRooms(tmp_path / "rooms.db", history=history)
    for bad in (
        rooms.append("lobby", entry("\ud800")),
        rooms.append("lobby", entry(id_="\ud800")),
        rooms.append("lobby", entry(author=Author("17", "\ud800"))),
        rooms.append("\ud800", entry()),
    ):
        outcomes = await asyncio.gather(
            rooms.append("lobby", entry("a")),
            bad,
            rooms.append("lobby", entry("b")),
            return_exceptions=True,
        )
        assert isinstance(outcomes[1], UnicodeEncodeError)
        assert (await rooms.read_back("lobby", limit=2)) == [outcomes[0], outcomes[2]]
    await rooms.close()


async def test_a_cancelled_append_harms_nobody(rooms: SQLiteRooms) -> None:
    """Appends whose callers are cancelled may or may not be kept; all others are."""
    tasks = [asyncio.create_task(rooms.append("lobby", entry(str(one)))) for one in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.wait(tasks)
    stored = [one.text for one in await rooms.read("lobby")]
    assert {str(one) for one in range(1, 20, 2)} <= set(stored)
    assert len(stored) == len(set(stored))


async def test_rooms_that_nobody_closes_leave_no_warning(path: Path) -> None:
    """A connection that is forgotten is closed with its rooms."""
    rooms = SQLiteRooms(path)
    await rooms.append("lobby", entry())
    assert path.with_name("rooms.db-wal").exists()
    del rooms

    def is_closed() -> bool:
        # The thread that wrote holds the rooms a moment longer than the one who waited for it.
        gc.collect()
        # The last connection that closes takes the write-ahead log with it.
        return not path.with_name("rooms.db-wal").exists()

    await until(is_closed, "the connection is closed")


def test_rooms_that_nobody_closes_do_not_hold_up_the_end(tmp_path: Path) -> None:
    """A process that leaves rooms open, with a follower, ends at once and says nothing."""
    program = f"""
import asyncio
from fastapi_echochat.rooms.stores.sqlite.rooms import SQLiteRooms
from tests.rooms.stores.conftest import entry

rooms = SQLiteRooms({str(tmp_path / "rooms.db")!r})

async def main():
    # What takes its time on a slow machine is no complaint.
    asyncio.get_running_loop().slow_callback_duration = 3600
    await rooms.append("lobby", entry())
    global following
    following = rooms.follow("lobby")
    await anext(following)

asyncio.run(main())
print("ends", flush=True)
"""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ends\n"
        ends_at = time.monotonic()
        _, errors = process.communicate(timeout=4 * PATIENCE)
    assert (process.returncode, errors) == (0, "")
    # A thread without work ends by itself after 10 seconds.
    assert time.monotonic() - ends_at < patient(5)
