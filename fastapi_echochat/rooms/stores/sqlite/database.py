"""The SQLite database that keeps rooms: its tables, and the statements that use them."""

import secrets
import sqlite3
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ....identity import Author
from ..contract import Entry, take_up_to

# Seconds that a statement waits for other processes' locks.
_BUSY_SECONDS = 5.0

_VERSION = 2

# "Echo" in ASCII: it marks a database as one of rooms.
_APPLICATION_ID = 0x4563686F

# An entry without an author has an empty author_id, which no author has: NULL would be distinct
# from itself in UNIQUE. Without a rowid the rows lie in the order in which they are read, and an
# append writes one index less. The checks refuse what could not be read back.
_SCHEMA = """
CREATE TABLE entries (
    room TEXT NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('message', 'answer', 'notice')),
    id TEXT NOT NULL,
    author_id TEXT NOT NULL,
    author_name TEXT NOT NULL,
    is_guest INTEGER NOT NULL CHECK (is_guest IN (0, 1)),
    text TEXT NOT NULL,
    sent_at TEXT NOT NULL CHECK (
        strftime('%Y-%m-%dT%H:%M:%S', substr(sent_at, 1, 19), '+0 days') IS substr(sent_at, 1, 19)
        AND substr(sent_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]+00:00'
    ),
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'stopped', 'failed')),
    PRIMARY KEY (room, position),
    UNIQUE (room, kind, id, author_id, is_guest)
) WITHOUT ROWID
"""

_KEY_SCHEMA = """
CREATE TABLE pseudonym_key (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    key BLOB NOT NULL CHECK (length(key) = 32)
)
"""

_COLUMNS = "kind, id, author_id, author_name, is_guest, text, sent_at, outcome, position"

_SELECT = f"SELECT {_COLUMNS} FROM entries WHERE room = ?"


def connect(path: Path) -> sqlite3.Connection:
    """Open a database, and make its tables if it has none.

    Raises:
        ValueError: It is a database of something else, or has another version of the tables.
        sqlite3.Error: It cannot be opened now.
    """
    # It is used from one thread at a time, but not always from the same one.
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
    author = entry.author
    who = ("", "", False) if author is None else (author.id, author.name, author.is_guest)
    cursor = database.execute(
        f"{_SELECT} AND kind = ? AND id = ? AND author_id = ? AND is_guest = ?",
        (room, entry.kind, entry.id, who[0], who[2]),
    )
    for row in cursor:
        return _entry(row)
    (last,) = database.execute(
        "SELECT max(position) FROM entries WHERE room = ?", (room,)
    ).fetchone()
    position = max((last or 0) + 1, time.time_ns() // 1000)
    sent_at = entry.sent_at.astimezone(timezone.utc).isoformat(timespec="microseconds")
    row = (entry.kind, entry.id, *who, entry.text, sent_at, entry.outcome, position)
    database.execute(
        f"INSERT INTO entries ({_COLUMNS}, room) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, room),
    )
    return _entry(row)


def trim(database: sqlite3.Connection, room: str, history: int) -> None:
    """Delete all but a room's last entries."""
    database.execute(
        "DELETE FROM entries WHERE room = :room AND position <= (SELECT position FROM entries"
        " WHERE room = :room ORDER BY position DESC LIMIT 1 OFFSET :history)",
        {"room": room, "history": history},
    )


def read(
    database: sqlite3.Connection, room: str, after: int, limit: int, max_bytes: int | None
) -> list[Entry]:
    """Return the first entries after a position."""
    rows = database.execute(
        f"{_SELECT} AND position > ? ORDER BY position LIMIT ?", (room, after, max(0, limit))
    )
    return take_up_to(map(_entry, rows), max_bytes)


def read_back(
    database: sqlite3.Connection,
    room: str,
    before: int | None,
    limit: int,
    max_bytes: int | None,
) -> list[Entry]:
    """Return the last entries before a position."""
    rows = database.execute(
        f"{_SELECT} AND position < ifnull(?, 1 << 62) ORDER BY position DESC LIMIT ?",
        (room, before, max(0, limit)),
    )
    return take_up_to(map(_entry, rows), max_bytes)[::-1]


def pseudonym_key(database: sqlite3.Connection) -> bytes:
    """Return the key of the pseudonyms, made by the first call of all processes."""
    select = "SELECT key FROM pseudonym_key"
    if (row := database.execute(select).fetchone()) is None:
        # Of several processes that get here one inserts its own, and all read that.
        database.execute(
            "INSERT OR IGNORE INTO pseudonym_key (only, key) VALUES (1, ?)",
            (secrets.token_bytes(32),),
        )
        row = database.execute(select).fetchone()
    key: bytes = row[0]
    return key


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
        database.execute(_KEY_SCHEMA)
        database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {_VERSION}")
    database.execute("COMMIT")


def _is_of_rooms(database: sqlite3.Connection, path: Path) -> bool:
    try:
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as exc:
        raise ValueError(
            f"{path} is not an SQLite database ({exc}); give SQLiteRooms another"
        ) from exc
    if not tables:
        return False
    if _pragma(database, "application_id") != _APPLICATION_ID:
        raise ValueError(f"{path} is a database of something else; give SQLiteRooms its own")
    if (found := _pragma(database, "user_version")) != _VERSION:
        raise ValueError(
            f"{path} was written by another version of fastapi-echochat (its tables are of version"
            f" {found}, here they are of {_VERSION}): install that version, or give SQLiteRooms"
            " another path"
        )
    return True


def _pragma(database: sqlite3.Connection, name: str) -> int:
    value: int = database.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _entry(row: tuple[Any, ...]) -> Entry:
    kind, id_, author_id, author_name, is_guest, text, sent_at, outcome, position = row
    return Entry(
        kind=kind,
        id=id_,
        author=Author(author_id, author_name, is_guest=bool(is_guest)) if author_id else None,
        text=text,
        sent_at=datetime.fromisoformat(sent_at),
        outcome=outcome,
        position=position,
    )
