"""Rooms in one file: SQLite, from the standard library."""

import os
import sqlite3
import threading
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from ..contract import Entry, RoomsUnavailableError
from ..followers import Followers
from ..outage import Outage
from ..workers import warn_of_other_workers
from . import database
from .connection import Connection
from .files import Files
from .leases import OwnLeases
from .writer import Writer

# Seconds between two checks whether other processes have appended entries.
_CHECK_SECONDS = 1.0

_WARNING = (
    "SQLiteRooms: another process, such as a second worker of this server, uses {path} as well: "
    "nothing is lost, but people in one see messages of the other up to a second late, and do not "
    "see who is there or who types. Run one worker, or use RedisRooms(url)"
)


class SQLiteRooms:
    """Rooms in a file, which is made if it is missing; entries survive `kill -9`.

    Entries that other processes append arrive within a second. Signals do not leave this process.
    Reads do not wait for writes, of whatever process. A file that is removed while it is in use is
    not made again by itself; one that takes its place is used within a second.

    An entry's author is in the columns `author_id`, empty for no author, `author_name` and
    `is_guest`: with these a host finds and deletes one person's entries in plain SQL.

    Args:
        path: Path of the file, in a folder that exists.
        history: How many entries a room keeps; `None` for all.

    Raises:
        ValueError: There cannot be a file at this path. The first call opens it, and raises one
            for a database of something else or of another version of fastapi-echochat.
    """

    def __init__(self, path: str | os.PathLike[str], *, history: int | None = None) -> None:
        self._path = _checked_path(path)
        if history is not None and history < 1:
            raise ValueError("SQLiteRooms keeps at least one entry of a room")
        self._followers = Followers(joined=self._watch_file)
        self._files = Files(self._path, self._look_at_files)
        self._reader = self._connect("read", "nobody can come in")
        self._connection = self._connect("written", "new messages wait")
        self._writer = Writer(self._connection, history, self._followers.wake_followers)
        self._leases = OwnLeases()
        self._version: int | None = None
        self._newest: dict[str, int] = {}
        self._lock = threading.Lock()
        self._is_file_watched = False

    async def append(self, room: str, entry: Entry) -> Entry:
        """Keep an entry, and return it with its position once it is on the disk."""
        return await self._writer.write(room, lambda opened: self._append(opened, room, entry))

    async def read(
        self, room: str, *, after: int = 0, limit: int = 100, max_bytes: int | None = None
    ) -> list[Entry]:
        """Return the entries after a position, oldest first, the first `limit` of them."""
        return await self._read(room, after, limit, max_bytes)

    async def read_back(
        self,
        room: str,
        *,
        before: int | None = None,
        limit: int = 100,
        max_bytes: int | None = None,
    ) -> list[Entry]:
        """Return the entries before a position, oldest first, the last `limit` of them."""
        return await self._reader.call(
            lambda opened: database.read_back(opened, room, before, limit, max_bytes)
        )

    def follow(self, room: str, *, after: int = 0) -> AsyncGenerator[Entry, None]:
        """Yield every entry after a position, in order and once, without end."""
        return self._followers.follow(room, after, self._read)

    async def signal(self, room: str, text: str) -> None:
        """Send a signal to those in this process who listen to a room's signals now."""
        self._followers.deliver_signal(room, text)

    async def signals(self, room: str) -> AsyncGenerator[str, None]:
        """Return the room's signals, from now on."""
        return await self._followers.listen(room)

    async def hold(self, room: str, position: int, holder: str, seconds: float) -> bool:
        """Take or renew the lease of an answer, and return whether the holder has it."""
        if (has := self._leases.take(room, position, holder, seconds)) is not None:
            return has
        return await self._writer.write(
            room, lambda opened: self._hold(opened, room, position, seconds), is_durable=False
        )

    async def pseudonym_key(self) -> bytes:
        """Return 32 secret bytes, which the file keeps."""
        key = await self._reader.call(database.find_pseudonym_key)
        if key is None:
            key = await self._writer.write("", database.make_pseudonym_key)
        return key

    async def close(self) -> None:
        """Close the file; the next call opens it again."""
        await self._connection.close()
        await self._reader.close()
        self._files.forget()

    async def _read(self, room: str, after: int, limit: int, max_bytes: int | None) -> list[Entry]:
        return await self._reader.call(
            lambda opened: database.read(opened, room, after, limit, max_bytes)
        )

    def _connect(self, what: str, meanwhile: str) -> Connection:
        begins, ends = f"{self._path} cannot be {what}", f"{self._path} can be {what} again"
        outage = Outage(begins, ends, meanwhile)
        return Connection(self._files, str(self._path), outage, self._note_opened)

    def _look_at_files(self) -> None:
        self._reader.look()
        self._connection.look()

    def _note_opened(self) -> None:
        # Of another connection it may be the same number.
        self._version = None
        self._leases.forget_kept()
        warn_of_other_workers(f"SQLiteRooms {self._path}", _WARNING.format(path=self._path))

    # --- In the thread that writes, within a transaction -----------------------------------------

    def _append(self, opened: sqlite3.Connection, room: str, entry: Entry) -> Entry:
        if (kept := database.find_like(opened, room, entry)) is not None:
            return kept
        kept = database.append(opened, room, entry)
        if entry.kind == "answer":
            self._leases.note_answered(room, entry.id)
        elif entry.kind == "message" and (seconds := self._leases.seconds):
            until = time.monotonic() + seconds
            database.insert_lease(opened, room, kept.position, self._leases.process, seconds)
            self._leases.note_kept(room, kept.position, until)
        return kept

    def _hold(self, opened: sqlite3.Connection, room: str, position: int, seconds: float) -> bool:
        process = self._leases.process
        if seconds <= 0:
            # Who gives one up does not come to what waits for its turn either.
            positions = [position, *self._leases.give_up_waiting(room)]
            database.give_up_leases(opened, room, positions, process)
            return False
        until = time.monotonic() + seconds
        others_until = self._writer.others_until
        has = database.hold(opened, room, position, process, seconds, others_until)
        self._leases.note_kept(room, position, until if has else 0.0)
        return has

    # --- Of other processes, in a thread that runs while there are followers ---------------------

    def _watch_file(self, _: str) -> None:
        with self._lock:
            if self._is_file_watched:
                return
            self._is_file_watched = True
        threading.Thread(target=self._keep_checking, name="echochat watch", daemon=True).start()

    def _keep_checking(self) -> None:
        checked = threading.Event()
        while True:
            time.sleep(_CHECK_SECONDS)
            with self._lock:
                if not self._followers.has_followers():
                    self._is_file_watched = False
                    return
            self._writer.probe()
            checked.clear()
            self._reader.start(lambda: self._check_file(checked))
            checked.wait()

    def _check_file(self, checked: threading.Event) -> None:
        """Wake the followers of rooms that another process has appended to."""
        try:
            version = self._reader.use(database.version)
            if version != self._version:
                rooms = self._followers.followed_rooms()
                newest = self._reader.use(lambda opened: database.newest(opened, rooms))
                for room in newest.items() - self._newest.items():
                    self._followers.wake_followers(room[0])
                self._version, self._newest = version, newest
        except (RoomsUnavailableError, ValueError):
            return
        finally:
            checked.set()


def _checked_path(path: str | os.PathLike[str]) -> Path:
    if os.fspath(path) == ":memory:":
        raise ValueError("SQLiteRooms keeps a file; for rooms in memory use MemoryRooms()")
    resolved = Path(path).resolve()
    if resolved.is_dir():
        raise ValueError(f"{path} is a folder; give SQLiteRooms the path of a file in it")
    if not resolved.parent.is_dir():
        raise ValueError(f"{path} cannot be made: make the folder {resolved.parent} first")
    return resolved
