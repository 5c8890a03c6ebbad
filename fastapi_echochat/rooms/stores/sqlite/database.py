"""The statements that use the tables of rooms."""

import secrets
import sqlite3
import time
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from ....identity import Author
from ..contract import Entry, take_up_to

# Seconds for which a lease that has expired is left where it is.
_KEPT_SECONDS = 10.0

_COLUMNS = "kind, id, author_id, author_name, is_guest, text, sent_at, outcome, position"

_SELECT = f"SELECT {_COLUMNS} FROM entries WHERE room = ?"


def begin(database: sqlite3.Connection, *, is_durable: bool) -> None:
    """Begin to write, when other processes have ended what they write.

    Args:
        database: The connection.
        is_durable: Whether what is committed is on the disk, not only on its way there: after a
            power cut the file is in order either way.
    """
    if not is_durable:
        database.execute("PRAGMA synchronous = NORMAL")
    database.execute("BEGIN IMMEDIATE")


def commit(database: sqlite3.Connection, *, is_durable: bool) -> None:
    """End what was begun; the arguments are those of `begin`."""
    database.execute("COMMIT")
    if not is_durable:
        database.execute("PRAGMA synchronous = FULL")


def find_like(database: sqlite3.Connection, room: str, entry: Entry) -> Entry | None:
    """Return the entry of this kind and id by the same author, if there is one."""
    author_id, _, is_guest = _who(entry)
    cursor = database.execute(
        f"{_SELECT} AND kind = ? AND id = ? AND author_id = ? AND is_guest = ?",
        (room, entry.kind, entry.id, author_id, is_guest),
    )
    for row in cursor:
        return _entry(row)
    return None


def append(database: sqlite3.Connection, room: str, entry: Entry) -> Entry:
    """Insert an entry that is not there yet, within a transaction, and return it."""
    (last,) = database.execute(
        "SELECT max(position) FROM entries WHERE room = ?", (room,)
    ).fetchone()
    position = max((last or 0) + 1, time.time_ns() // 1000)
    sent_at = entry.sent_at.astimezone(timezone.utc).isoformat(timespec="microseconds")
    row = (entry.kind, entry.id, *_who(entry), entry.text, sent_at, entry.outcome, position)
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


def find_pseudonym_key(database: sqlite3.Connection) -> bytes | None:
    """Return the key of the pseudonyms, `None` if it is still to be made."""
    row = database.execute("SELECT key FROM pseudonym_key").fetchone()
    return None if row is None else row[0]


def make_pseudonym_key(database: sqlite3.Connection) -> bytes:
    """Return the key of the pseudonyms, made by the first call of all processes."""
    # Of several processes that get here one inserts its own, and all read that.
    database.execute(
        "INSERT OR IGNORE INTO pseudonym_key (only, key) VALUES (1, ?)", (secrets.token_bytes(32),)
    )
    key: bytes = database.execute("SELECT key FROM pseudonym_key").fetchone()[0]
    return key


def hold(
    database: sqlite3.Connection,
    room: str,
    position: int,
    process: str,
    seconds: float,
    others_until: float,
) -> bool:
    """Take or renew a lease, within a transaction, and tell whether the process has it.

    Nobody has that of a message which has an answer.

    Args:
        database: The connection.
        room: The room's name.
        position: Of the message that is answered.
        process: Which takes it.
        seconds: How long it has it.
        others_until: Until when leases of others last at least, on the monotonic clock.
    """
    # The wall clock may be set, and would end all leases or none. The other one begins anew with
    # the machine: what was taken later than now is from before that. It is read while nobody else
    # writes, so that it is not before what another process has just taken.
    now = time.monotonic()
    row = database.execute(
        "SELECT process, taken, until FROM leases WHERE room = ? AND position = ?",
        (room, position),
    ).fetchone()
    if row is not None and row[0] != process and row[1] <= now < max(row[2], others_until):
        return False
    if _is_answered(database, room, position):
        return False
    insert_lease(database, room, position, process, seconds)
    return True


def insert_lease(
    database: sqlite3.Connection, room: str, position: int, process: str, seconds: float
) -> None:
    """Give a lease to a process, within a transaction, also where another has it."""
    now = time.monotonic()
    database.execute(
        "INSERT OR REPLACE INTO leases (room, position, process, taken, until)"
        " VALUES (?, ?, ?, ?, ?)",
        (room, position, process, now, now + seconds),
    )


def give_up_leases(
    database: sqlite3.Connection, room: str, positions: Iterable[int], process: str
) -> None:
    """Delete those leases of some messages that a process has, within a transaction."""
    database.executemany(
        "DELETE FROM leases WHERE room = ? AND position = ? AND process = ?",
        ((room, position, process) for position in positions),
    )


def delete_old_leases(database: sqlite3.Connection) -> None:
    """Delete leases that have expired, within a transaction."""
    now = time.monotonic()
    database.execute("DELETE FROM leases WHERE until < ? OR taken > ?", (now - _KEPT_SECONDS, now))


def newest(database: sqlite3.Connection, rooms: Iterable[str]) -> dict[str, int]:
    """Return the position of each room's newest entry, 0 where there is none."""
    select = "SELECT ifnull(max(position), 0) FROM entries WHERE room = ?"
    return {room: database.execute(select, (room,)).fetchone()[0] for room in rooms}


def version(database: sqlite3.Connection) -> int:
    """Return a number that changes when another connection has changed the database."""
    value: int = database.execute("PRAGMA data_version").fetchone()[0]
    return value


def _is_answered(database: sqlite3.Connection, room: str, position: int) -> bool:
    select = (
        "SELECT 1 FROM entries WHERE room = ? AND kind = 'answer' AND id = ? AND author_id = ''"
        " AND is_guest = 0"
    )
    return database.execute(select, (room, str(position))).fetchone() is not None


def _who(entry: Entry) -> tuple[str, str, bool]:
    author = entry.author
    return ("", "", False) if author is None else (author.id, author.name, author.is_guest)


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
