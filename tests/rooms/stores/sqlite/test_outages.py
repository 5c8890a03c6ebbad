"""A file that cannot be used, is removed or replaced: it is said once, and nothing is lost."""

import asyncio
import contextlib
import logging
import os
import resource
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from fastapi_echochat.rooms.stores.contract import Entry, RoomsUnavailableError
from fastapi_echochat.rooms.stores.sqlite.rooms import SQLiteRooms
from tests.rooms.stores.conftest import entry
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.anyio

Change = Callable[[Path, Path], None]
"""Does something to the file, for which there is a copy."""


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy.db"


@pytest.fixture
async def followed(rooms: SQLiteRooms) -> AsyncIterator[list[str]]:
    """Follow the lobby, and return the ids of what has come."""
    seen: list[str] = []

    async def follow() -> None:
        async for one in rooms.follow("lobby"):
            seen.append(one.id)  # noqa: PERF401  # it does not end

    following = asyncio.ensure_future(follow())
    yield seen
    following.cancel()
    await asyncio.wait([following])


def said(caplog: pytest.LogCaptureFixture, path: Path) -> list[str]:
    """Return what the log says of a file, without the reasons and how long it took."""
    lines = [one.getMessage() for one in caplog.records if one.name == "fastapi_echochat"]
    short = [line.partition(" (")[0].partition(" after ")[0] for line in lines]
    return [line.replace(str(path), "it") for line in short]


def ids(path: Path) -> list[str]:
    """Return what a file has, if it is in order."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [row[0] for row in database.execute("SELECT id FROM entries ORDER BY position")]


def back_up(path: Path, copy: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(path)) as database,
        contextlib.closing(sqlite3.connect(copy)) as other,
    ):
        database.backup(other)


async def append_at_last(rooms: SQLiteRooms) -> Entry:
    """Append as rooms do: again until it is kept."""
    one = entry()
    while True:
        with contextlib.suppress(RoomsUnavailableError):
            return await rooms.append("lobby", one)
        await asyncio.sleep(0.05)


# --- What fails for a while ----------------------------------------------------------------------


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the file for other writers, as `BEGIN EXCLUSIVE` in a shell does."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextlib.contextmanager
def full(path: Path) -> Iterator[None]:
    """Let no file of this process grow beyond what the write-ahead log has."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = path.with_name(f"{path.name}-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("trouble", "reason"), [(locked, "locked"), (full, "disk")])
async def test_a_file_that_cannot_be_written_is_read_on(
    rooms: SQLiteRooms,
    path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[Path], contextlib.AbstractContextManager[None]],
    reason: str,
) -> None:
    """While it is locked or its disk is full reads go on, and the log has one line in all.

    Leases cannot be taken then; a new room can be read for the first time. A second line says
    when it is over, and not before something was really written.
    """
    monkeypatch.setattr("fastapi_echochat.rooms.stores.sqlite.schema._BUSY_SECONDS", 0.05)
    kept = [await rooms.append("lobby", entry()) for _ in range(3)]
    key = await rooms.pseudonym_key()
    with trouble(path):
        for number in range(4):
            with pytest.raises(RoomsUnavailableError, match=reason):
                await rooms.append("lobby", entry("much " * 10_000))
            with pytest.raises(RoomsUnavailableError, match=reason):
                await rooms.hold("lobby", number, "a", 60)
            assert await rooms.read("lobby") == await rooms.read_back("lobby") == kept
            assert await rooms.pseudonym_key() == key
            assert await rooms.read("kitchen") == []
        assert said(caplog, path) == ["it cannot be written"]
    kept.append(await rooms.append("lobby", entry()))
    assert await rooms.hold("lobby", 1, "a", 60)
    assert await rooms.read("lobby") == kept
    assert said(caplog, path) == ["it cannot be written", "it can be written again"]


async def test_reads_do_not_wait_for_a_lock(rooms: SQLiteRooms, path: Path) -> None:
    """While a write waits for another process's lock, reads and opening a room take no time."""
    kept = await rooms.append("lobby", entry())
    key = await rooms.pseudonym_key()
    with locked(path):
        writing = asyncio.ensure_future(rooms.append("lobby", entry()))
        await asyncio.sleep(0.1)
        begun = time.monotonic()
        for _ in range(10):
            assert await rooms.read("lobby") == [kept]
        assert await rooms.pseudonym_key() == key
        assert time.monotonic() - begun < 2
        assert not writing.done()
    new = await writing
    assert await rooms.read("lobby", after=kept.position) == [new]


async def test_a_write_that_changes_nothing_does_not_end_an_outage(
    rooms: SQLiteRooms, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """On a full disk neither a message that is sent again nor a refused lease looks like an end."""
    other = SQLiteRooms(path)
    assert await other.hold("lobby", 1, "b", 60)
    kept = await rooms.append("lobby", entry())
    # Somebody is in the room, so that the write-ahead log stays.
    assert await rooms.read("lobby") == [kept]
    await other.close()
    with full(path):
        for _ in range(3):
            with contextlib.suppress(RoomsUnavailableError):
                await rooms.append("lobby", entry("much " * 10_000))
            with contextlib.suppress(RoomsUnavailableError):
                await rooms.append("lobby", kept)
            with contextlib.suppress(RoomsUnavailableError):
                await rooms.hold("lobby", 1, "a", 60)
        assert said(caplog, path) == ["it cannot be written"]


async def test_the_end_is_said_though_nobody_writes_any_more(
    rooms: SQLiteRooms,
    path: Path,
    followed: list[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where those who tried have left, the log says within seconds that the file can be written."""
    monkeypatch.setattr("fastapi_echochat.rooms.stores.sqlite.schema._BUSY_SECONDS", 0.05)
    kept = await rooms.append("lobby", entry())
    await until(lambda: followed == [kept.id], "it is followed")
    with locked(path), pytest.raises(RoomsUnavailableError):
        await rooms.append("lobby", entry())
    both = ["it cannot be written", "it can be written again"]
    await until(lambda: said(caplog, path) == both, "the end is said")


# --- What is removed or replaced -----------------------------------------------------------------


def _remove(path: Path, *suffixes: str) -> None:
    for suffix in suffixes:
        Path(f"{path}{suffix}").unlink()


def _empty(path: Path, _: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.truncate(path, 0)


def _put_junk(path: Path, _: Path) -> None:
    path.with_name("junk").write_text("nothing that one could read " * 1000)
    path.with_name("junk").replace(path)


def _move(path: Path, other: Path) -> None:
    path.rename(other)


def _put_back(path: Path, copy: Path) -> None:
    copy.replace(path)


GONE: dict[str, tuple[Change, Change]] = {
    "removed": (lambda path, _: _remove(path, "", "-wal", "-shm"), _put_back),
    "removed without what is beside it": (lambda path, _: _remove(path, ""), _put_back),
    "emptied": (_empty, _put_back),
    "replaced by something else": (_put_junk, _put_back),
    "moved away": (
        lambda path, _: _move(path, path.with_name("moved.db")),
        lambda path, _: _move(path.with_name("moved.db"), path),
    ),
    "in a folder that is away": (
        lambda path, _: _move(path.parent, path.parent.with_name("moved")),
        lambda path, _: _move(path.parent.with_name("moved"), path.parent),
    ),
}


@pytest.mark.parametrize("how", GONE)
async def test_nothing_is_acknowledged_while_the_file_is_away(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that is not there any more is missed at once, and used when it, or a copy, is there.

    The log says so of reads and of writes, once. All that was acknowledged is in the file, or was
    there when it was removed.
    """
    change, repair = GONE[how]
    path, copy = tmp_path / "folder" / "rooms.db", tmp_path / "copy.db"
    path.parent.mkdir()
    rooms = SQLiteRooms(path)
    await rooms.read("lobby")
    kept = [await rooms.append("lobby", entry()) for _ in range(5)]
    back_up(path, copy)
    change(path, copy)
    waits = entry()
    for _ in range(3):
        with pytest.raises(RoomsUnavailableError):
            await rooms.append("lobby", waits)
        with pytest.raises(RoomsUnavailableError):
            await rooms.read("lobby")
    repair(path, copy)
    kept.append(await rooms.append("lobby", waits))
    assert await rooms.read("lobby") == kept
    await rooms.close()
    assert ids(path) == [one.id for one in kept]
    lines = [line for line in said(caplog, path) if "replaced" not in line]
    assert lines == [
        "it cannot be written",
        "it cannot be read",
        "it can be written again",
        "it can be read again",
    ]


@pytest.mark.parametrize("beside", [("-wal",), ("-shm",), ("-wal", "-shm")])
async def test_files_beside_that_are_removed_are_made_again(
    rooms: SQLiteRooms, path: Path, beside: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """What the write-ahead log had is in the file although the log was removed."""
    kept = [await rooms.append("lobby", entry()) for _ in range(5)]
    await rooms.read("lobby")
    _remove(path, *beside)
    kept.append(await rooms.append("lobby", entry()))
    assert await rooms.read("lobby") == kept
    kept.append(await rooms.append("lobby", entry()))
    await rooms.close()
    assert ids(path) == [one.id for one in kept]
    assert said(caplog, path) == ["files beside it were removed: it is opened again"]


async def test_a_copy_takes_the_place_of_the_file(
    rooms: SQLiteRooms,
    path: Path,
    copy: Path,
    followed: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An older copy that is moved there is used within seconds, though nobody writes.

    Nothing of the other file's write-ahead log gets into it. New entries go on above all that
    followers have seen, so that they miss none.
    """
    kept = [await rooms.append("lobby", entry()) for _ in range(5)]
    back_up(path, copy)
    gone = [await rooms.append("lobby", entry()) for _ in range(5)]
    await until(lambda: len(followed) == 10, "all is followed")
    _move(path, path.with_name("moved.db"))
    _put_back(path, copy)
    replaced = ["it was replaced: rooms go on with the file there is now"]
    await until(lambda: said(caplog, path) == replaced, "it is noticed")
    new = await rooms.append("lobby", entry())
    assert new.position > gone[-1].position
    assert await rooms.read("lobby") == [*kept, new]
    await until(lambda: followed[10:] == [new.id], "what is new is followed")
    await rooms.close()
    assert ids(path) == [one.id for one in (*kept, new)]
    # What was written there before the writer looked was written again, and then acknowledged.
    assert ids(path.with_name("moved.db"))[:10] == [one.id for one in (*kept, *gone)]
    assert said(caplog, path) == replaced


async def test_an_older_state_is_restored_into_the_file(
    rooms: SQLiteRooms, path: Path, copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After `.restore` positions go on above those that the file had before."""
    kept = [await rooms.append("lobby", entry()) for _ in range(5)]
    back_up(path, copy)
    gone = await rooms.append("lobby", entry())
    await rooms.read("lobby")
    back_up(copy, path)
    new = await rooms.append("lobby", entry())
    assert new.position > gone.position
    assert await rooms.read("lobby") == [*kept, new]
    assert said(caplog, path) == []


async def test_what_is_under_way_when_the_file_is_replaced_is_kept_in_the_new_one(
    rooms: SQLiteRooms, path: Path, copy: Path
) -> None:
    """Of many appends all that are acknowledged after a change are in the file that is there."""
    await rooms.append("lobby", entry())
    back_up(path, copy)
    writing = [asyncio.ensure_future(append_at_last(rooms)) for _ in range(50)]
    _put_back(path, copy)
    written_before = {one.result().id for one in writing if one.done()}
    written = {one.id for one in await asyncio.wait_for(asyncio.gather(*writing), PATIENCE)}
    await rooms.close()
    assert written - written_before <= set(ids(path))
