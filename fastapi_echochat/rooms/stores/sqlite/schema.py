"""The tables of rooms: made in a new file, added to in an older one, refused in another's."""

import sqlite3
import time
from pathlib import Path

# Seconds that a statement waits for other processes' locks.
_BUSY_SECONDS = 5.0

_VERSION = 3
# The version before leases were kept in the file.
_WITHOUT_LEASES = 2

# "Echo" in ASCII: it marks a database as one of rooms.
_APPLICATION_ID = 0x4563686F

# An entry without an author has an empty author_id, which no author has: NULL would be distinct
# from itself in UNIQUE. Without a rowid the rows lie in the order in which they are read, and an
# append writes one index less. The checks refuse what could not be read back.
_ENTRIES = """
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

_PSEUDONYM_KEY = """
CREATE TABLE pseudonym_key (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    key BLOB NOT NULL CHECK (length(key) = 32)
)
"""

# In seconds of the machine's monotonic clock, which all its processes share.
_LEASES = """
CREATE TABLE leases (
    room TEXT NOT NULL,
    position INTEGER NOT NULL,
    process TEXT NOT NULL,
    taken REAL NOT NULL,
    until REAL NOT NULL,
    PRIMARY KEY (room, position)
) WITHOUT ROWID
"""


def connect(path: Path, *, may_create: bool) -> sqlite3.Connection:
    """Open a database, and make its tables if it has none.

    Args:
        path: Of its file.
        may_create: Whether there may be no file, or an empty one.

    Raises:
        ValueError: It is a database of something else, or has another version of the tables.
        sqlite3.Error: It cannot be opened now.
    """
    # It is used from one thread at a time, but not always from the same one.
    database = sqlite3.connect(
        f"{path.as_uri()}?mode={'rwc' if may_create else 'rw'}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        version = _version(database, path)
        if version is None and not may_create:
            raise sqlite3.DatabaseError("it has no tables any more")
        _switch_to_wal(database)
        if version != _VERSION:
            _make_tables(database, path)
        # An append is on the disk, not only on its way there, before it is acknowledged.
        database.execute("PRAGMA synchronous = FULL")
    except BaseException:
        database.close()
        raise
    return database


def write_header(database: sqlite3.Connection) -> None:
    """Write something that changes nothing, within a transaction, to see whether that is so."""
    database.execute(f"PRAGMA user_version = {_VERSION}")


def _switch_to_wal(database: sqlite3.Connection) -> None:
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            # Where two processes switch a new file at once SQLite does not wait for the lock.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _make_tables(database: sqlite3.Connection, path: Path) -> None:
    database.execute("BEGIN IMMEDIATE")
    # Another process may have been first.
    version = _version(database, path)
    if version is None:
        database.execute(_ENTRIES)
        database.execute(_PSEUDONYM_KEY)
        database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    if version != _VERSION:
        database.execute(_LEASES)
        database.execute(f"PRAGMA user_version = {_VERSION}")
    database.execute("COMMIT")


def _version(database: sqlite3.Connection, path: Path) -> int | None:
    """Return the version of the tables, `None` where there are none."""
    try:
        tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as exc:
        raise ValueError(
            f"{path} is not an SQLite database ({exc}); give SQLiteRooms another"
        ) from exc
    if not tables:
        return None
    if _pragma(database, "application_id") != _APPLICATION_ID:
        raise ValueError(f"{path} is a database of something else; give SQLiteRooms its own")
    found = _pragma(database, "user_version")
    if found not in {_WITHOUT_LEASES, _VERSION}:
        raise ValueError(
            f"{path} was written by another version of fastapi-echochat (its tables are of version"
            f" {found}, here they are of {_VERSION}): install that version, or give SQLiteRooms"
            " another path"
        )
    return found


def _pragma(database: sqlite3.Connection, name: str) -> int:
    value: int = database.execute(f"PRAGMA {name}").fetchone()[0]
    return value
