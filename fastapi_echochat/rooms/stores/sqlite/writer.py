"""What writes to a file: all that comes during one commit goes together into the next."""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from ..contract import Entry
from . import database, schema
from .connection import Connection

T = TypeVar("T")

_Settled = tuple["asyncio.Future[Any]", Any]

# Seconds for which others may renew their leases after nobody could write, at least.
_GRACE_SECONDS = 3.0
# Seconds that a write waits for others' before that is counted as such a time.
_LONG_WAIT_SECONDS = 1.0

# Seconds between two looks for leases that have expired.
_SWEEP_SECONDS = 10.0


class _Write(NamedTuple):
    """What is to be written, and who waits for it.

    Attributes:
        room: The room that it is about.
        work: Does it, within a transaction.
        is_durable: Whether it must be on the disk before its caller goes on.
        future: Its caller's.
    """

    room: str
    work: Callable[[sqlite3.Connection], Any]
    is_durable: bool
    future: "asyncio.Future[Any]"


class Writer:
    """Writes through one connection, in its thread.

    Args:
        connection: Nobody else uses it.
        history: How many entries a room keeps; `None` for all.
        changed: Called in the thread with a room that has got entries.

    Attributes:
        others_until: Until when leases of other processes last at least, on the monotonic clock.
            They could not be renewed either while nobody could write.
    """

    def __init__(
        self, connection: Connection, history: int | None, changed: Callable[[str], None]
    ) -> None:
        self.others_until = 0.0
        self._connection = connection
        self._history = history
        self._changed = changed
        self._pending: list[_Write] = []
        self._is_probed = False
        self._sweep_at = 0.0
        self._lock = threading.Lock()

    async def write(
        self, room: str, work: Callable[[sqlite3.Connection], T], *, is_durable: bool = True
    ) -> T:
        """Return what is done within a transaction, once that is committed.

        Raises:
            RoomsUnavailableError: It may or may not be.
            Exception: What the work raises.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._pending.append(_Write(room, work, is_durable, future))
            if len(self._pending) == 1:
                self._connection.start(self._commit)
        return await future

    def probe(self) -> None:
        """Try to write if that has failed: who has tried may have left, and the log has to end."""
        with self._lock:
            if self._connection.outage.is_on and not self._is_probed:
                self._is_probed = True
                self._connection.start(self._commit)

    # The following methods run in the thread, one at a time.

    def _commit(self) -> None:
        with self._lock:
            writes, self._pending = self._pending, []
            self._is_probed = False
        outcomes: list[Any]
        try:
            outcomes = self._connection.use(lambda opened: self._do(opened, writes))
        except Exception as exc:
            self._note_standstill()
            outcomes = [exc] * len(writes)
        by_loop: dict[asyncio.AbstractEventLoop, list[_Settled]] = {}
        for write, outcome in zip(writes, outcomes, strict=True):
            by_loop.setdefault(write.future.get_loop(), []).append((write.future, outcome))
        for loop, settled in by_loop.items():
            # In a loop that was closed meanwhile nobody waits any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle_futures, settled)
        for room in _changed_rooms(writes, outcomes):
            self._changed(room)

    def _do(self, opened: sqlite3.Connection, writes: list[_Write]) -> list[Any]:
        begun = time.monotonic()
        is_durable = any(write.is_durable for write in writes)
        database.begin(opened, is_durable=is_durable)
        if time.monotonic() - begun > _LONG_WAIT_SECONDS:
            self._note_standstill()
        if self._connection.outage.is_on:
            # What is there already, or refused, would not show whether it is over.
            schema.write_header(opened)
        outcomes: list[Any] = []
        for write in writes:
            try:
                outcomes.append(write.work(opened))
            except sqlite3.Error:
                raise
            except Exception as exc:
                # Such as half of a surrogate pair: it does not concern the others.
                outcomes.append(exc)
        if begun > max(self._sweep_at, self.others_until):
            self._sweep_at = begun + _SWEEP_SECONDS
            database.delete_old_leases(opened)
        if self._history is not None:
            for room in _changed_rooms(writes, outcomes):
                database.trim(opened, room, self._history)
        database.commit(opened, is_durable=is_durable)
        return outcomes

    def _note_standstill(self) -> None:
        self.others_until = time.monotonic() + _GRACE_SECONDS


def _changed_rooms(writes: list[_Write], outcomes: list[Any]) -> set[str]:
    pairs = zip(writes, outcomes, strict=True)
    return {write.room for write, outcome in pairs if isinstance(outcome, Entry)}


def _settle_futures(settled: list[_Settled]) -> None:
    for future, outcome in settled:
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
