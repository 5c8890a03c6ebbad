"""The SQLite database in which rooms live: its table, and what is asked of it."""

import sqlite3
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from ..contract import Entry

# Seconds that a statement waits for other processes' locks.
_BUSY_SECONDS = 5.0

_VERSION = 1

# "Echo" in ASCII: by it a database is known as one of rooms.
_APPLICATION_ID = 0x4563686F

# Without a rowid: the rows lie in the order in which they are read, and an append writes one
# index less.
_SCHEMA = """
CREATE TABLE entries (
    room TEXT NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    author TEXT,
    text TEXT NOT NULL,
    sent_at TEXT NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (room, position),
    UNIQUE (room, kind, id)
) WITHOUT ROWID
"""

_SELECT = "SELECT kind, id, author, text, sent_at, outcome, position FROM entries WHERE room = ?"


def connect(path: Path) -> sqlite3.Connection:
    """Open a database, and make its table if it has none.

    Raises:
        ValueError: It is somebody else's, or of a newer version.
        sqlite3.Error: It cannot be opened now.
    """
    # Whoever calls does so from one thread at a time, but not always from the same one.
    database = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        if not _is_of_rooms(database, path):
            _create(database, path)
        # An append is on the disk, not only on its way there, before it is acknowledged.
        database.execute("PRAGMA synchronous = FULL")
    except BaseException:
        database.close()
        raise
    return database


def append(database: sqlite3.Connection, room: str, entry: Entry) -> Entry:
    """Insert an entry, within a transaction, and return it, or the one that is there."""
    cursor = database.execute(f"{_SELECT} AND kind = ? AND id = ?", (room, entry.kind, entry.id))
    for row in cursor:
        return _entry(row)
    (last,) = database.execute(
        "SELECT max(position) FROM entries WHERE room = ?", (room,)
    ).fetchone()
    position = max((last or 0) + 1, time.time_ns() // 1000)
    row = (
        entry.kind,
        entry.id,
        entry.author,
        entry.text,
        entry.sent_at.isoformat(timespec="microseconds"),
    )
    database.execute(
        "INSERT INTO entries (room, position, kind, id, author, text, sent_at, outcome)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (room, position, *row, entry.outcome),
    )
    return _entry((*row, entry.outcome, position))


def trim(database: sqlite3.Connection, room: str, history: int) -> None:
    """Delete all but a room's last entries."""
    database.execute(
        "DELETE FROM entries WHERE room = ?1 AND position <="
        " (SELECT position FROM entries WHERE room = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2)",
        (room, history),
    )


def read(database: sqlite3.Connection, room: str, after: int, limit: int) -> list[Entry]:
    """Return the first entries after a position."""
    rows = database.execute(
        f"{_SELECT} AND position > ? ORDER BY position LIMIT ?", (room, after, max(0, limit))
    )
    return _entries(rows)


def read_back(
    database: sqlite3.Connection, room: str, before: int | None, limit: int
) -> list[Entry]:
    """Return the last entries before a position."""
    rows = database.execute(
        f"{_SELECT} AND position < ifnull(?, 1 << 62) ORDER BY position DESC LIMIT ?",
        (room, before, max(0, limit)),
    )
    return _entries(rows)[::-1]


def version(database: sqlite3.Connection) -> int:
    """Return a number that changes when another connection has changed the database."""
    value: int = _pragma(database, "data_version")
    return value


def _create(database: sqlite3.Connection, path: Path) -> None:
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            # Where two processes switch a new file at once SQLite does not wait for the lock.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    database.execute("BEGIN IMMEDIATE")
    # Another process may have been first.
    if not _is_of_rooms(database, path):
        database.execute(_SCHEMA)
        database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {_VERSION}")
    database.execute("COMMIT")


def _is_of_rooms(database: sqlite3.Connection, path: Path) -> bool:
    try:
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as exc:
        raise ValueError(f"{path} is no SQLite database ({exc}); give SQLiteRooms another") from exc
    if not tables:
        return False
    if _pragma(database, "application_id") != _APPLICATION_ID:
        raise ValueError(f"{path} is a database of something else; give SQLiteRooms its own")
    if (found := _pragma(database, "user_version")) > _VERSION:
        raise ValueError(
            f"{path} was written by a newer fastapi-echochat (schema {found}, this one knows"
            f" {_VERSION}); install that version again, or give SQLiteRooms another path"
        )
    return True


def _pragma(database: sqlite3.Connection, name: str) -> int:
    value: int = database.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _entries(rows: Iterable[tuple[Any, ...]]) -> list[Entry]:
    return [_entry(row) for row in rows]


def _entry(row: tuple[Any, ...]) -> Entry:
    kind, id_, author, text, sent_at, outcome, position = row
    return Entry(
        kind=kind,
        id=id_,
        author=author,
        text=text,
        sent_at=datetime.fromisoformat(sent_at),
        outcome=outcome,
        position=position,
    )
