"""Rooms in a file: it survives its writers, is shared with care, and is refused with reasons."""

import asyncio
import gc
import logging
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fastapi_echochat.rooms.stores.contract import RoomsUnavailableError
from fastapi_echochat.rooms.stores.sqlite.rooms import SQLiteRooms
from tests.rooms.conftest import entry, take
from tests.waiting import PATIENCE, patient, until

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent.parent


def start_writer(path: Path, name: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.rooms.writer", "sqlite", str(path), "lobby", name]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def lines(process: "subprocess.Popen[str]", count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def kill(process: "subprocess.Popen[str]") -> list[str]:
    """Kill a writer, and return the whole lines that it had printed and nobody had read."""
    process.kill()
    with process:
        assert process.stdout is not None
        return [line.strip() for line in process.stdout if line.endswith("\n")]


def watchers() -> int:
    return sum(thread.name == "echochat watch" for thread in threading.enumerate())


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    """Of writers that are killed again and again every acknowledged entry is there, once."""
    path = tmp_path / "rooms.db"
    acknowledged: list[str] = []
    for number in range(5):
        writers = [start_writer(path, f"{number}-{other}") for other in range(2)]
        for process in writers:
            acknowledged += lines(process, 20 * number + 5)
        for process in writers:
            acknowledged += kill(process)
    rooms = SQLiteRooms(path)
    stored = Counter(one.id for one in await rooms.read("lobby", limit=1_000_000))
    await rooms.close()
    assert len(acknowledged) >= 450
    assert set(acknowledged) <= set(stored)
    assert set(stored.values()) == {1}


async def test_what_another_process_says_arrives(tmp_path: Path) -> None:
    """Entries of another process are followed within two seconds."""
    path = tmp_path / "rooms.db"
    rooms = SQLiteRooms(path)
    following = rooms.follow("lobby")
    waiting = asyncio.ensure_future(anext(following))
    await rooms.append("kitchen", entry())
    process = await asyncio.to_thread(start_writer, path, "other")
    await asyncio.to_thread(lines, process, 1)
    acknowledged_at = time.monotonic()
    assert (await asyncio.wait_for(waiting, PATIENCE)).id == "other-0"
    assert time.monotonic() - acknowledged_at < patient(2)
    await asyncio.to_thread(kill, process)
    await following.aclose()
    await rooms.close()


async def test_the_file_is_looked_at_while_somebody_follows(tmp_path: Path) -> None:
    """The thread that looks for other processes' entries comes and ends with the followers."""
    await until(lambda: watchers() == 0, "those of other tests have ended")
    rooms = SQLiteRooms(tmp_path / "rooms.db")
    kept = await rooms.append("lobby", entry())
    await rooms.read("lobby")
    assert watchers() == 0
    for _ in range(2):
        assert await take(rooms, "lobby", 1) == [kept]
        assert watchers() == 1
        await until(lambda: watchers() == 0, "it has ended")
    await rooms.close()


async def test_the_history_can_be_read_with_sql(tmp_path: Path) -> None:
    """The columns are plain text and numbers, and say what the entry says."""
    path = tmp_path / "rooms.db"
    rooms = SQLiteRooms(path)
    kept = await rooms.append("lobby", entry("Grüße"))
    await rooms.close()
    database = sqlite3.connect(path)
    rows = database.execute(
        "SELECT room, position, kind, id, author_id, author_name, is_guest, text, sent_at, outcome"
        " FROM entries"
    ).fetchall()
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database.execute("PRAGMA user_version").fetchone() == (2,)
    database.close()
    sent_at = kept.sent_at.isoformat(timespec="microseconds")
    assert rows == [
        ("lobby", kept.position, "message", kept.id, "17", "Ada", 0, "Grüße", sent_at, "done"),
    ]


def test_a_file_is_made_by_many_at_once(tmp_path: Path) -> None:
    """Processes and threads that open one new file at the same time all append to it."""
    path = tmp_path / "rooms.db"
    writers = [start_writer(path, str(number)) for number in range(3)]

    def append(number: int) -> None:
        async def once() -> None:
            rooms = SQLiteRooms(path)
            await rooms.append("lobby", entry(id_=f"here-{number}"))
            await rooms.close()

        asyncio.run(once())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(append, range(40)))
    for process in writers:
        assert len(lines(process, 1)) == 1
        kill(process)
    rooms = SQLiteRooms(path)
    ids = {one.id for one in asyncio.run(rooms.read("lobby", limit=1_000_000))}
    asyncio.run(rooms.close())
    assert {f"here-{number}" for number in range(40)} | {"0-0", "1-0", "2-0"} <= ids


async def test_positions_grow_though_the_clock_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a clock that stands or goes back each entry is one further than the one before."""
    rooms = SQLiteRooms(tmp_path / "rooms.db")
    first = await rooms.append("lobby", entry())
    await rooms.close()
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000)
    later = [await rooms.append("lobby", entry()) for _ in range(3)]
    assert [one.position - first.position for one in later] == [1, 2, 3]
    assert await rooms.read("lobby") == [first, *later]
    await rooms.close()


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("missing/rooms.db", "make the folder .*missing first"),
        (".", "is a folder"),
        (":memory:", "MemoryRooms"),
    ],
)
def test_a_path_that_cannot_be_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, what: str
) -> None:
    """A folder, a missing folder and no file at all are refused when the rooms are made."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=what):
        SQLiteRooms(where)
    with pytest.raises(ValueError, match="at least one"):
        SQLiteRooms("rooms.db", history=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", [1, 3])
async def test_a_file_of_another_version_is_refused(tmp_path: Path, version: int) -> None:
    """A file of an older or newer schema is not touched, and it is said what to do."""
    path = tmp_path / "rooms.db"
    rooms = SQLiteRooms(path)
    await rooms.append("lobby", entry())
    await rooms.close()
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {version}")
    database.close()
    refusal = (
        f"version {version}, here they are of 2.*install that version, or give .* another path"
    )
    for _ in range(2):
        with pytest.raises(ValueError, match=refusal):
            await rooms.append("lobby", entry())
        with pytest.raises(ValueError, match=refusal):
            await rooms.read("lobby")
        with pytest.raises(ValueError, match=refusal):
            await rooms.pseudonym_key()


async def test_somebody_elses_file_is_refused(tmp_path: Path) -> None:
    """A database of something else, and what is no database, stay as they are."""
    path = tmp_path / "shop.db"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE entries (price)")
    database.close()
    with pytest.raises(ValueError, match="something else"):
        await SQLiteRooms(path).append("lobby", entry())
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    database.close()
    text = tmp_path / "notes.txt"
    text.write_text("not a database, and longer than the head of one. " * 100)
    with pytest.raises(ValueError, match="not an SQLite database"):
        await SQLiteRooms(text).append("lobby", entry())


async def test_a_locked_file_is_unavailable_and_then_available_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locked longer than it waits it raises, the log says so once, and followers go on after."""
    monkeypatch.setattr("fastapi_echochat.rooms.stores.sqlite.database._BUSY_SECONDS", 0.1)
    caplog.set_level(logging.INFO)
    path = tmp_path / "rooms.db"
    rooms = SQLiteRooms(path)
    first = await rooms.append("lobby", entry())
    following = rooms.follow("lobby")
    assert await anext(following) == first
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(3):
        with pytest.raises(RoomsUnavailableError, match="locked"):
            await rooms.append("lobby", entry())
    other.execute("ROLLBACK")
    other.close()
    second = await rooms.append("lobby", entry())
    assert await asyncio.wait_for(anext(following), PATIENCE) == second
    await following.aclose()
    await rooms.close()
    levels = [one.levelname for one in caplog.records if one.name == "fastapi_echochat"]
    assert levels[:2] == ["WARNING", "INFO"]
    assert "locked" in caplog.text
    assert "can be used again" in caplog.text


async def test_what_cannot_be_kept_fails_alone(tmp_path: Path) -> None:
    """Half of a surrogate pair is refused; what was committed together with it is kept."""
    rooms = SQLiteRooms(tmp_path / "rooms.db")
    texts = ["a", "\ud800", "b", "c"]
    outcomes = await asyncio.gather(
        *(rooms.append("lobby", entry(text)) for text in texts), return_exceptions=True
    )
    assert isinstance(outcomes[1], UnicodeEncodeError)
    assert [one.text for one in await rooms.read("lobby")] == ["a", "b", "c"]
    await rooms.close()


async def test_a_cancelled_append_harms_nobody(tmp_path: Path) -> None:
    """Appends whose callers are cancelled may or may not be kept; all others are."""
    rooms = SQLiteRooms(tmp_path / "rooms.db")
    tasks = [asyncio.create_task(rooms.append("lobby", entry(str(one)))) for one in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.wait(tasks)
    stored = [one.text for one in await rooms.read("lobby")]
    assert {str(one) for one in range(1, 20, 2)} <= set(stored)
    assert len(stored) == len(set(stored))
    await rooms.close()


async def test_rooms_that_nobody_closes_leave_no_warning(tmp_path: Path) -> None:
    """A connection that is forgotten is closed with its rooms."""
    path = tmp_path / "rooms.db"
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
from tests.rooms.conftest import entry

rooms = SQLiteRooms({str(tmp_path / "rooms.db")!r})

async def main():
    await rooms.append("lobby", entry())
    global following
    following = rooms.follow("lobby")
    await anext(following)

asyncio.run(main())
"""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    begun = time.monotonic()
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=4 * PATIENCE, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert time.monotonic() - begun < PATIENCE
