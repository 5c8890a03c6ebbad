"""Rooms in one file: SQLite, from the standard library."""

import asyncio
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
from ..followers import Audience
from ..leases import Leases
from ..outage import Outage
from ..workers import warn_of_siblings
from . import database

T = TypeVar("T")

# Seconds between two looks for what other processes have appended.
_LOOK_SECONDS = 1.0

_WARNING = (
    "SQLiteRooms: another process, such as a second worker of this server, uses {path} as well: "
    "nothing is lost, but people in one see what is said in the other up to a second late, and "
    "who is there and who types not at all. Run one worker, or use RedisRooms(url)"
)


class SQLiteRooms:
    """Rooms in a file, which is made where there is none: what is said survives `kill -9`.

    What other processes append to it arrives within a second. Signals and leases are of this
    process alone.

    Args:
        path: Of the file; its folder is there.
        history: How many entries a room keeps; `None` for all.

    Raises:
        ValueError: The file cannot be there. What it holds is looked at by the first call, which
            raises one for a database of something else or of a newer version.
    """

    def __init__(self, path: str | os.PathLike[str], *, history: int | None = None) -> None:
        self._path = _check(path)
        if history is not None and history < 1:
            raise ValueError("SQLiteRooms keeps at least one entry of a room")
        self._history = history
        # Not aiosqlite, whose thread is none that Python leaves alone at its exit: a server that
        # did not close it would not end.
        self._threads = Threads(1)
        self._connection: sqlite3.Connection | None = None
        self._version: int | None = None
        self._pending: list[tuple[str, Entry, asyncio.Future[Entry]]] = []
        self._lock = threading.Lock()
        self._is_watched = False
        self._audience = Audience(joined=self._watch)
        self._leases = Leases()
        self._outage = Outage(f"{self._path} cannot be used", f"{self._path} can be used again")

    async def append(self, room: str, entry: Entry) -> Entry:
        """Keep an entry, and return it with its position once it is on the disk."""
        future: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._pending.append((room, entry, future))
            # What comes while a commit is under way goes together into the next one.
            if len(self._pending) == 1:
                self._threads.start(self._commit)
        return await future

    async def read(self, room: str, *, after: int = 0, limit: int = 100) -> list[Entry]:
        """Return the entries after a position, oldest first, the first `limit` of them."""
        return await self._read(room, after, limit)

    async def read_back(
        self, room: str, *, before: int | None = None, limit: int = 100
    ) -> list[Entry]:
        """Return the entries before a position, oldest first, the last `limit` of them."""
        return await self._threads.call(
            self._use, lambda opened: database.read_back(opened, room, before, limit)
        )

    def follow(self, room: str, *, after: int = 0) -> AsyncGenerator[Entry, None]:
        """Yield every entry after a position, in order and once, without end."""
        return self._audience.follow(room, after, self._read)

    async def signal(self, room: str, text: str) -> None:
        """Tell those in this process who listen to a room's signals now."""
        self._audience.tell(room, text)

    async def signals(self, room: str) -> AsyncGenerator[str, None]:
        """Return the room's signals, from now on."""
        return await self._audience.signals(room)

    async def hold(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease in this process, and tell whether the holder has it."""
        return self._leases.hold(name, holder, seconds)

    async def close(self) -> None:
        """Close the file; the next call opens it again."""
        await self._threads.call(self._close)

    async def _read(self, room: str, after: int, limit: int) -> list[Entry]:
        return await self._threads.call(
            self._use, lambda opened: database.read(opened, room, after, limit)
        )

    # What follows runs in the thread, one at a time.

    def _use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._open()
            assert self._connection is not None
            result = work(self._connection)
        except sqlite3.Error as exc:
            # Opened again it is in order, whatever went wrong halfway.
            self._close()
            self._outage.begin(exc)
            raise RoomsUnavailableError(f"{self._path}: {exc}") from exc
        self._outage.end()
        return result

    def _open(self) -> None:
        self._connection = database.connect(self._path)
        self._version = None
        # For those who do not close it: a connection that is forgotten is a ResourceWarning.
        self._forget = weakref.finalize(self, self._connection.close)
        warn_of_siblings(f"SQLiteRooms {self._path}", _WARNING.format(path=self._path))

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
        told: dict[
            asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Entry], Entry | Exception]]
        ] = {}
        for (_, _, future), outcome in zip(work, outcomes, strict=True):
            told.setdefault(future.get_loop(), []).append((future, outcome))
        for loop, outcomes_there in told.items():
            try:
                loop.call_soon_threadsafe(_settle, outcomes_there)
            except RuntimeError:
                # The loop was closed meanwhile: there is nobody left to be told.
                continue
        for room in {room for room, _, _ in work}:
            self._audience.wake(room)

    def _append(
        self, opened: sqlite3.Connection, work: list[tuple[str, Entry, asyncio.Future[Entry]]]
    ) -> list[Entry | Exception]:
        outcomes: list[Entry | Exception] = []
        opened.execute("BEGIN IMMEDIATE")
        for room, entry, _ in work:
            try:
                outcomes.append(database.append(opened, room, entry))
            except sqlite3.Error:
                raise
            except Exception as exc:
                # Half of a surrogate pair, say: the others' entries are none the worse for it.
                outcomes.append(exc)
        if self._history is not None:
            for room in {room for room, _, _ in work}:
                database.trim(opened, room, self._history)
        opened.execute("COMMIT")
        return outcomes

    # What follows sees to other processes' entries, in a thread that is there with followers.

    def _watch(self, _: str) -> None:
        with self._lock:
            if self._is_watched:
                return
            self._is_watched = True
        threading.Thread(target=self._look_again, name="echochat watch", daemon=True).start()

    def _look_again(self) -> None:
        looked = threading.Event()
        while True:
            time.sleep(_LOOK_SECONDS)
            with self._lock:
                if not self._audience.has_followers():
                    self._is_watched = False
                    return
            looked.clear()
            self._threads.start(lambda: self._look(looked))
            looked.wait()

    def _look(self, looked: threading.Event) -> None:
        try:
            version = self._use(database.version)
            if version != self._version:
                self._version = version
                self._audience.wake_all()
        except (RoomsUnavailableError, ValueError):
            return
        finally:
            looked.set()


def _check(path: str | os.PathLike[str]) -> Path:
    if os.fspath(path) == ":memory:":
        raise ValueError("SQLiteRooms keeps a file; for rooms in memory use MemoryRooms()")
    resolved = Path(path).resolve()
    if resolved.is_dir():
        raise ValueError(f"{path} is a folder; give SQLiteRooms the path of a file in it")
    if not resolved.parent.is_dir():
        raise ValueError(f"{path} cannot be made: make the folder {resolved.parent} first")
    return resolved


def _settle(outcomes: list[tuple[asyncio.Future[Entry], Entry | Exception]]) -> None:
    for future, outcome in outcomes:
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
