"""Who in this process waits for new entries and signals, each waiter in its own event loop."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable

from ...limits import size_of
from .contract import Entry, RoomsUnavailableError, is_cut

# How many entries, and bytes of their texts, are read at a time.
_BATCH = 100
_BATCH_BYTES = 262_144

# Signals, and bytes of them, that are kept for a listener who is behind. The oldest are dropped,
# which it is told; the newest stays however long it is.
_SIGNALS = 100
_SIGNAL_BYTES = 262_144

# Seconds after which a follower reads again after the store was out of reach.
_RETRY_SECONDS = 1.0

Read = Callable[[str, int, int, int], Awaitable[list[Entry]]]
"""Reads from a room, after a position, at most so many entries and bytes."""


class Wakeup:
    """An event with one waiter, in the event loop that it was made in; any thread may set it.

    Every open room has two. An `asyncio.Event` would take a kilobyte more.
    """

    __slots__ = ("_is_set", "_loop", "_signals", "_waiter")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_set = False
        self._waiter: asyncio.Future[None] | None = None
        self._signals: list[str] = []

    def set(self) -> None:
        """Wake the waiter, or let its next wait end at once."""
        if _running_loop() is self._loop:
            self._set()
            return
        # In a loop that was closed meanwhile nobody waits any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._set)

    def set_later(self, seconds: float) -> None:
        """Wake the waiter after some seconds; called in its event loop."""
        self._loop.call_later(seconds, self._set)

    def clear(self) -> None:
        """Let the next wait last until the event is set again."""
        self._is_set = False

    async def wait(self) -> None:
        """Wait until the event is set."""
        if not self._is_set:
            self._waiter = self._loop.create_future()
            await self._waiter

    def add_signal(self, text: str) -> None:
        """Keep a signal for the waiter, and wake it."""
        self._signals.append(text)
        if excess := _excess(self._signals.copy()):
            # It is told that something is missing. In one step, for it may be in another thread.
            self._signals[:excess] = [""]
        self.set()

    def take_signal(self) -> str | None:
        """Return the oldest signal that the waiter has not taken yet."""
        return self._signals.pop(0) if self._signals else None

    def _set(self) -> None:
        self._is_set = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Followers:
    """The followers of rooms, and the listeners to their signals.

    Args:
        joined: Called with a room when a follower or a listener joined it.
        left: Called with a room when one of them left it.
    """

    def __init__(
        self,
        joined: Callable[[str], None] = lambda _: None,
        left: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._joined = joined
        self._left = left
        # The tuples are replaced, never changed: to wake their members needs no lock.
        self._followers: dict[str, tuple[Wakeup, ...]] = {}
        self._listeners: dict[str, tuple[Wakeup, ...]] = {}
        self._lock = threading.Lock()

    def is_followed(self, room: str) -> bool:
        """Return whether a room has a follower."""
        return room in self._followers

    def is_awaited(self, room: str) -> bool:
        """Return whether a room has a follower or a listener."""
        return room in self._followers or room in self._listeners

    def has_followers(self) -> bool:
        """Return whether any room has a follower."""
        return bool(self._followers)

    def followed_rooms(self) -> list[str]:
        """Return the rooms that have a follower."""
        return list(self._followers)

    def awaited_rooms(self) -> set[str]:
        """Return the rooms that have a follower or a listener."""
        return {*self._followers, *self._listeners}

    def wake_followers(self, room: str) -> None:
        """Let a room's followers read again; from any thread."""
        for wakeup in self._followers.get(room, ()):
            wakeup.set()

    def deliver_signal(self, room: str, text: str) -> None:
        """Pass a signal on to a room's listeners; from any thread."""
        for wakeup in self._listeners.get(room, ()):
            wakeup.add_signal(text)

    async def follow(self, room: str, after: int, read: Read) -> AsyncGenerator[Entry, None]:
        """Yield all entries that can be read from a room after a position, without end."""
        wakeup = self._add(self._followers, room)
        try:
            while True:
                wakeup.clear()
                try:
                    entries = await read(room, after, _BATCH, _BATCH_BYTES)
                except RoomsUnavailableError:
                    wakeup.set_later(_RETRY_SECONDS)
                    entries = []
                for entry in entries:
                    after = entry.position
                    yield entry
                if not is_cut(entries, _BATCH, _BATCH_BYTES):
                    await wakeup.wait()
        finally:
            self._remove(self._followers, room, wakeup)

    async def listen(self, room: str) -> AsyncGenerator[str, None]:
        """Return a room's signals, from now on."""
        signals = self._signals(room)
        # A generator that never began never runs its `finally`, and its listener would stay.
        await anext(signals)
        return signals

    async def _signals(self, room: str) -> AsyncGenerator[str, None]:
        wakeup = self._add(self._listeners, room)
        try:
            yield ""
            while True:
                wakeup.clear()
                while (text := wakeup.take_signal()) is not None:
                    yield text
                await wakeup.wait()
        finally:
            self._remove(self._listeners, room, wakeup)

    def _add(self, wakeups: dict[str, tuple[Wakeup, ...]], room: str) -> Wakeup:
        wakeup = Wakeup()
        with self._lock:
            wakeups[room] = (*wakeups.get(room, ()), wakeup)
        try:
            self._joined(room)
        except BaseException:
            self._remove(wakeups, room, wakeup)
            raise
        return wakeup

    def _remove(self, wakeups: dict[str, tuple[Wakeup, ...]], room: str, wakeup: Wakeup) -> None:
        with self._lock:
            wakeups[room] = tuple(other for other in wakeups[room] if other is not wakeup)
            if not wakeups[room]:
                del wakeups[room]
        self._left(room)


def _excess(signals: list[str]) -> int:
    """Return how many signals, the oldest of them, are too many."""
    count, size = len(signals), sum(map(size_of, signals))
    while count > 1 and (count > _SIGNALS or size > _SIGNAL_BYTES):
        size -= size_of(signals[-count])
        count -= 1
    return len(signals) - count


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
