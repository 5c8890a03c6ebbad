"""Rooms in one file: SQLite, from the standard library."""

import asyncio
import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import TypeVar

from ....threads import Threads
from ..contract import Entry, RoomsUnavailableError
from ..followers import Followers
from ..leases import Leases
from ..outage import Outage
from ..workers import warn_of_other_workers
from . import database

T = TypeVar("T")

_Pending = tuple[str, Entry, "asyncio.Future[Entry]"]
_Settled = tuple["asyncio.Future[Entry]", Entry | Exception]

# Seconds between two checks whether other processes have appended entries.
_CHECK_SECONDS = 1.0

_WARNING = (
    "SQLiteRooms: another process, such as a second worker of this server, uses {path} as well: "
    "nothing is lost, but people in one see messages of the other up to a second late, and do not "
    "see who is there or who types. Run one worker, or use RedisRooms(url)"
)


class SQLiteRooms:
    """Rooms in a file, which is made if it is missing; entries survive `kill -9`.

    Entries that other processes append arrive within a second. Signals and leases do not leave
    this process.

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
        self._history = history
        # Not aiosqlite, for whose thread Python waits at its exit: a server that did not close it
        # would not end.
        self._threads = Threads(1)
        self._connection: sqlite3.Connection | None = None
        self._version: int | None = None
        self._pending: list[_Pending] = []
        self._lock = threading.Lock()
        self._is_file_watched = False
        self._followers = Followers(joined=self._watch_file)
        self._leases = Leases()
        self._outage = Outage(f"{self._path} cannot be used", f"{self._path} can be used again")

    async def append(self, room: str, entry: Entry) -> Entry:
        """Keep an entry, and return it with its position once it is on the disk."""
        future: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._pending.append((room, entry, future))
            # Entries that come while a commit is under way go together into the next one.
            if len(self._pending) == 1:
                self._threads.start(self._commit)
        return await future

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
        return await self._threads.call(
            self._use, lambda opened: database.read_back(opened, room, before, limit, max_bytes)
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
        return self._leases.hold(room, position, holder, seconds)

    async def pseudonym_key(self) -> bytes:
        """Return 32 secret bytes, which the file keeps."""
        return await self._threads.call(self._use, database.pseudonym_key)

    async def close(self) -> None:
        """Close the file; the next call opens it again."""
        await self._threads.call(self._close)

    async def _read(self, room: str, after: int, limit: int, max_bytes: int | None) -> list[Entry]:
        return await self._threads.call(
            self._use, lambda opened: database.read(opened, room, after, limit, max_bytes)
        )

    # The following methods run in the thread, one at a time.

    def _use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._open()
            assert self._connection is not None
            result = work(self._connection)
        except sqlite3.Error as exc:
            # Opened again it is in order, even if a transaction failed halfway.
            self._close()
            self._outage.begin(exc)
            raise RoomsUnavailableError(f"{self._path}: {exc}") from exc
        self._outage.end()
        return result

    def _open(self) -> None:
        self._connection = database.connect(self._path)
        self._version = None
        # Where nobody calls close(): a connection that is dropped open is a ResourceWarning.
        self._forget = weakref.finalize(self, self._connection.close)
        warn_of_other_workers(f"SQLiteRooms {self._path}", _WARNING.format(path=self._path))

    def _close(self) -> None:
        if self._connection is not None:
            self._connection = None
            self._forget()

    def _commit(self) -> None:
        with self._lock:
            work, self._pending = self._pending, []
        outcomes: list[Entry | Exception]
        try:
            outcomes = self._use(lambda opened: self._append(opened, work))
        except Exception as exc:
            outcomes = [exc] * len(work)
        by_loop: dict[asyncio.AbstractEventLoop, list[_Settled]] = {}
        for (_, _, future), outcome in zip(work, outcomes, strict=True):
            by_loop.setdefault(future.get_loop(), []).append((future, outcome))
        for loop, settled in by_loop.items():
            # In a loop that was closed meanwhile nobody waits any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle_futures, settled)
        for room in {room for room, _, _ in work}:
            self._followers.wake_followers(room)

    def _append(self, opened: sqlite3.Connection, work: list[_Pending]) -> list[Entry | Exception]:
        outcomes: list[Entry | Exception] = []
        opened.execute("BEGIN IMMEDIATE")
        for room, entry, _ in work:
            try:
                outcomes.append(database.append(opened, room, entry))
            except sqlite3.Error:
                raise
            except Exception as exc:
                # Such as half of a surrogate pair: it does not concern the others' entries.
                outcomes.append(exc)
        if self._history is not None:
            pairs = zip(work, outcomes, strict=True)
            for room in {room for (room, _, _), kept in pairs if isinstance(kept, Entry)}:
                database.trim(opened, room, self._history)
        opened.execute("COMMIT")
        return outcomes

    # The rest finds other processes' entries, in a thread that runs while there are followers.

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
            checked.clear()
            self._threads.start(lambda: self._check_file(checked))
            checked.wait()

    def _check_file(self, checked: threading.Event) -> None:
        try:
            version = self._use(database.version)
            if version != self._version:
                self._version = version
                self._followers.wake_all_followers()
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


def _settle_futures(settled: list[_Settled]) -> None:
    for future, outcome in settled:
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
