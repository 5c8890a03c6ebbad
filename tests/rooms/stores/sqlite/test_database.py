"""The file: its tables can be read with SQL, and another's are refused with reasons."""

import multiprocessing
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from fastapi_echochat.identity import Author
from fastapi_echochat.rooms.stores.sqlite.rooms import SQLiteRooms
from tests.rooms.stores import writing
from tests.rooms.stores.conftest import entry
from tests.servers import fork
from tests.waiting import PATIENCE

pytestmark = pytest.mark.anyio


async def test_the_history_can_be_read_with_sql(rooms: SQLiteRooms, path: Path) -> None:
    """The columns are plain text and numbers, and say what the entry says."""
    kept = await rooms.append("lobby", entry("Grüße"))
    await rooms.close()
    database = sqlite3.connect(path)
    rows = database.execute(
        "SELECT room, position, kind, id, author_id, author_name, is_guest, text, sent_at, outcome"
        " FROM entries"
    ).fetchall()
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database.execute("PRAGMA user_version").fetchone() == (3,)
    database.close()
    sent_at = kept.sent_at.isoformat(timespec="microseconds")
    assert rows == [
        ("lobby", kept.position, "message", kept.id, "17", "Ada", 0, "Grüße", sent_at, "done"),
    ]


async def test_a_host_finds_and_deletes_a_person_with_sql(rooms: SQLiteRooms, path: Path) -> None:
    """By author_id and is_guest the entries of one person are found and deleted, of nobody else."""
    authors = [Author("17", "Ada"), Author("17", "ada"), Author("17", "Ada", is_guest=True), None]
    kept = [await rooms.append("lobby", entry(author=author)) for author in authors]
    database = sqlite3.connect(path)
    person = "FROM entries WHERE author_id = ? AND NOT is_guest"
    names = database.execute(f"SELECT author_name {person} ORDER BY position", ("17",)).fetchall()
    assert names == [("Ada",), ("ada",)]
    with database:
        database.execute(f"DELETE {person}", ("17",))
    database.close()
    assert await rooms.read("lobby") == kept[2:]
    again = await rooms.append("lobby", entry(id_=kept[0].id, author=authors[0]))
    assert await rooms.read("lobby") == [*kept[2:], again]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kind", "shout"),
        ("outcome", "lost"),
        ("is_guest", 2),
        ("author_id", None),
        ("sent_at", "yesterday"),
        ("sent_at", "2026-11-25 10:00:00"),
        ("sent_at", "2026-11-25T10:00:00.000000"),
        ("sent_at", "2026-11-25T10:00:00.000000+01:00"),
        ("sent_at", "2026-02-30T10:00:00.000000+00:00"),
        ("sent_at", "2026-11-25T24:00:00.000000+00:00"),
    ],
)
async def test_what_could_not_be_read_cannot_be_written(
    rooms: SQLiteRooms, path: Path, column: str, value: object
) -> None:
    """The database itself refuses values that no entry has, so that they stop no reader."""
    kept = await rooms.append("lobby", entry())
    database = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError):
        database.execute(f"UPDATE entries SET {column} = ?", (value,))
    database.close()
    assert await rooms.read("lobby") == [kept]


@pytest.mark.parametrize("year", [1, 1969, 2026, 9999])
async def test_every_time_can_be_written(rooms: SQLiteRooms, year: int) -> None:
    """The first and last microseconds of years are kept, and come back in UTC."""
    zone = timezone(timedelta(hours=0 if year in {1, 9999} else 5))
    times = [datetime(year, 1, 1, tzinfo=zone), datetime(year, 12, 31, 23, 59, 59, 999_999, zone)]
    for time in times:
        await rooms.append("lobby", replace(entry(), sent_at=time))
    kept = [one.sent_at for one in await rooms.read("lobby")]
    assert kept == times
    assert {time.tzinfo for time in kept} == {timezone.utc}


async def test_each_file_has_a_pseudonym_key(tmp_path: Path) -> None:
    """Two files have two keys; one that was deleted from its table is made anew."""
    one, other = SQLiteRooms(tmp_path / "one.db"), SQLiteRooms(tmp_path / "other.db")
    key = await one.pseudonym_key()
    assert key != await other.pseudonym_key()
    database = sqlite3.connect(tmp_path / "one.db")
    with database:
        database.execute("DELETE FROM pseudonym_key")
    database.close()
    assert await one.pseudonym_key() not in {key, await other.pseudonym_key()}
    await one.close()
    await other.close()


def test_processes_that_race_have_one_pseudonym_key(path: Path) -> None:
    """Processes that open a new file at the same time all get the same key."""
    ours, theirs = zip(*(multiprocessing.Pipe() for _ in range(4)), strict=True)
    racers = [fork(writing.take_key, its, str(path)) for its in theirs]
    for pipe in ours:
        assert pipe.poll(4 * PATIENCE)
        assert pipe.recv() == "ready"
    for pipe in ours:
        pipe.send("go")
    keys = set()
    for pipe in ours:
        assert pipe.poll(4 * PATIENCE)
        keys.add(pipe.recv())
    for racer in racers:
        racer.join(PATIENCE)
    assert len(keys) == 1
    assert len(keys.pop()) == 32


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


@pytest.mark.parametrize("version", [1, 4])
async def test_a_file_of_another_version_is_refused(
    rooms: SQLiteRooms, path: Path, version: int
) -> None:
    """A file of an older or newer schema is not touched, and it is said what to do."""
    await rooms.append("lobby", entry())
    await rooms.close()
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {version}")
    database.close()
    refusal = (
        f"version {version}, here they are of 3.*install that version, or give .* another path"
    )
    for _ in range(2):
        with pytest.raises(ValueError, match=refusal):
            await rooms.append("lobby", entry())
        with pytest.raises(ValueError, match=refusal):
            await rooms.read("lobby")
        with pytest.raises(ValueError, match=refusal):
            await rooms.pseudonym_key()


async def test_a_file_without_leases_gets_them(rooms: SQLiteRooms, path: Path) -> None:
    """A file of the version before leases were in it is used, with all that it has."""
    kept = await rooms.append("lobby", entry())
    key = await rooms.pseudonym_key()
    await rooms.close()
    database = sqlite3.connect(path)
    database.execute("DROP TABLE leases")
    database.execute("PRAGMA user_version = 2")
    database.close()
    assert await rooms.read("lobby") == [kept]
    assert await rooms.pseudonym_key() == key
    assert await rooms.hold("lobby", kept.position, "a", 60)
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA user_version").fetchone() == (3,)
    assert database.execute("SELECT position FROM leases").fetchone() == (kept.position,)
    database.close()


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


async def test_positions_grow_though_the_clock_goes_back(
    rooms: SQLiteRooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a clock that stands or goes back each entry is one further than the one before."""
    first = await rooms.append("lobby", entry())
    await rooms.close()
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000)
    later = [await rooms.append("lobby", entry()) for _ in range(3)]
    assert [one.position - first.position for one in later] == [1, 2, 3]
    assert await rooms.read("lobby") == [first, *later]
