"""Leases are in the file, where other processes see them; what is there may be stale."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fastapi_echochat.rooms.stores.sqlite.rooms import SQLiteRooms
from tests.rooms.stores.conftest import entry
from tests.waiting import until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def other(path: Path) -> AsyncIterator[SQLiteRooms]:
    """Give the same rooms as another process has them."""
    other = SQLiteRooms(path)
    yield other
    await other.close()


def change(path: Path, statement: str, *values: object) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(statement, values)


def leases(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as database:
        count: int = database.execute("SELECT count(*) FROM leases").fetchone()[0]
        return count


async def test_one_process_has_a_lease(rooms: SQLiteRooms, other: SQLiteRooms) -> None:
    """What one process has the other has not, until it is given up or has expired."""
    assert await rooms.hold("lobby", 1, "a", 60)
    assert not await other.hold("lobby", 1, "b", 60)
    assert not await other.hold("lobby", 1, "b", 0)
    assert not await other.hold("lobby", 1, "b", 60)
    assert await other.hold("kitchen", 1, "b", 60)
    assert not await rooms.hold("lobby", 1, "a", 0)
    assert await other.hold("lobby", 1, "b", 0.05)
    assert not await rooms.hold("lobby", 1, "a", 60)
    time.sleep(0.06)  # noqa: ASYNC251  # nothing else is to run
    assert await rooms.hold("lobby", 1, "a", 60)


async def test_a_message_is_leased_together_with_its_append(
    rooms: SQLiteRooms, other: SQLiteRooms, path: Path
) -> None:
    """Once leases are asked for, a process has that of a message which it has appended.

    The first who asks for it there gets it, and with a lease that is given up goes that of what
    waits for its turn.
    """
    assert (await rooms.append("lobby", entry())).position
    assert leases(path) == 0
    assert await rooms.hold("lobby", 1, "a", 60)
    kept = [await rooms.append("lobby", entry()) for _ in range(3)]
    for one in kept:
        assert not await other.hold("lobby", one.position, "b", 60)
    assert await rooms.hold("lobby", kept[0].position, "a", 60)
    assert not await rooms.hold("lobby", kept[0].position, "c", 60)
    assert not await rooms.hold("lobby", 1, "a", 0)
    assert not await other.hold("lobby", kept[0].position, "b", 60)
    for one in kept[1:]:
        assert await other.hold("lobby", one.position, "b", 60)
        assert not await rooms.hold("lobby", one.position, "a", 60)
    # A message that is sent again is nobody's anew.
    assert await rooms.append("lobby", kept[1]) == kept[1]
    assert not await rooms.hold("lobby", kept[1].position, "a", 60)


async def test_nobody_has_the_lease_of_an_answered_message(
    rooms: SQLiteRooms, other: SQLiteRooms, path: Path
) -> None:
    """What has an answer in the history no process may answer again, when leases are over too.

    A process that was stopped for a minute may not have seen the answer yet.
    """
    assert await rooms.hold("lobby", 7, "a", 60)
    question = await rooms.append("lobby", entry())
    assert await rooms.hold("lobby", question.position, "a", 60)
    answer = entry("yes", id_=str(question.position), kind="answer", author=None)
    await rooms.append("lobby", answer)
    change(path, "DELETE FROM leases")
    for process in (rooms, other):
        assert not await process.hold("lobby", question.position, "b", 60)
        assert await process.hold("kitchen", question.position, "b", 60) is (process is rooms)


async def test_a_lease_from_before_the_machine_was_started_is_free(
    rooms: SQLiteRooms, path: Path
) -> None:
    """The clock of leases begins anew then: a lease that was taken later than now holds up nobody.

    So a file that comes from another machine freezes no answer either.
    """
    assert not await rooms.hold("lobby", 1, "a", 0)
    now = time.monotonic()
    taken = "INSERT INTO leases VALUES ('lobby', ?, 'gone', ?, ?)"
    change(path, taken, 1, now + 1000, now + 1006)
    change(path, taken, 2, now - 1, now + 1000)
    assert await rooms.hold("lobby", 1, "a", 60)
    assert not await rooms.hold("lobby", 2, "a", 60)


async def test_a_clock_that_is_set_changes_no_lease(
    rooms: SQLiteRooms, other: SQLiteRooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of day that goes back or forth by a day ends no lease, and prolongs none."""
    assert await rooms.hold("lobby", 1, "a", 60)
    assert await rooms.hold("lobby", 2, "a", 0.01)
    over = time.monotonic() + 0.02
    real = time.time
    for seconds in (-86_400, 86_400):
        with monkeypatch.context() as patch:
            patch.setattr("time.time", lambda seconds=seconds: real() + seconds)
            patch.setattr("time.time_ns", lambda seconds=seconds: int((real() + seconds) * 1e9))
            assert not await other.hold("lobby", 1, "b", 60)
            assert await other.hold("lobby", 2, "b", 0) is False
    await until(lambda: time.monotonic() > over, "the short one is over")
    assert await other.hold("lobby", 2, "b", 60)


async def test_a_lease_that_could_not_be_renewed_is_not_taken_at_once(
    rooms: SQLiteRooms, other: SQLiteRooms, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a lock is over its holder may renew a lease that has expired meanwhile, and goes on.

    Else a shell that holds a lock for longer than leases last would have long answers begun anew.
    """
    monkeypatch.setattr("fastapi_echochat.rooms.stores.sqlite.schema._BUSY_SECONDS", 0.05)
    monkeypatch.setattr("fastapi_echochat.rooms.stores.sqlite.writer._GRACE_SECONDS", 0.5)
    assert await rooms.hold("lobby", 1, "a", 0.1)
    await other.append("lobby", entry())
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as shell:
        shell.execute("BEGIN EXCLUSIVE")
        time.sleep(0.2)  # noqa: ASYNC251  # nothing else is to run
        with pytest.raises(Exception, match="locked"):
            await other.hold("lobby", 1, "b", 60)
    assert not await other.hold("lobby", 1, "b", 60)
    assert await rooms.hold("lobby", 1, "a", 0.1)
    begun = time.monotonic()
    while not await other.hold("lobby", 1, "b", 60):
        assert time.monotonic() - begun < 5


async def test_old_leases_are_deleted(
    rooms: SQLiteRooms, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leases that have expired are deleted in time, and what is from before the machine's start."""
    monkeypatch.setattr("fastapi_echochat.rooms.stores.sqlite.writer._SWEEP_SECONDS", 0.05)
    await rooms.append("lobby", entry())
    now = time.monotonic()
    taken = "INSERT INTO leases VALUES ('lobby', ?, 'gone', ?, ?)"
    for number, ago in enumerate((1000, 100, 1, -100)):
        change(path, taken, number, now - ago, now - ago + 6)
    await until(lambda: time.monotonic() > now + 0.1, "it is looked for them again")
    await rooms.append("lobby", entry())
    assert leases(path) == 1


async def test_no_lease_is_deleted_that_may_be_renewed(
    rooms: SQLiteRooms, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a time in which nobody could write, what has expired meanwhile stays for a while."""
    monkeypatch.setattr("fastapi_echochat.rooms.stores.sqlite.writer._SWEEP_SECONDS", 0.0)
    monkeypatch.setattr("fastapi_echochat.rooms.stores.sqlite.writer._LONG_WAIT_SECONDS", 0.1)
    await rooms.append("lobby", entry())
    with contextlib.closing(
        sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    ) as shell:
        shell.execute("BEGIN EXCLUSIVE")
        now = time.monotonic()
        shell.execute("INSERT INTO leases VALUES ('lobby', 1, 'b', ?, ?)", (now - 99, now - 93))
        waiting = asyncio.ensure_future(rooms.hold("lobby", 1, "a", 60))
        await asyncio.sleep(0.3)
        shell.execute("COMMIT")
    assert not await waiting
    assert leases(path) == 1
