"""Who waits in this process for what comes into rooms, each in an event loop of their own."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

from .contract import Entry, RoomsUnavailableError

_BATCH = 100

# Signals that are kept for a listener who is behind; the oldest are dropped.
_SIGNALS = 100

# Seconds after which a follower reads again where the log was out of reach.
_RETRY_SECONDS = 1.0

Read = Callable[[str, int, int], Awaitable[list[Entry]]]
"""Reads of a room, after a position, so many entries at most."""


class Bell:
    """Wakes one waiter, who belongs to the event loop that it was made in."""

    __slots__ = ("_event", "_loop", "signals")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self.signals: deque[str] = deque(maxlen=_SIGNALS)

    def ring(self) -> None:
        """Wake the waiter, or let their next wait end at once; from any thread."""
        if running() is self._loop:
            self._event.set()
            return
        # A loop that was closed meanwhile has nobody left to be woken.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._event.set)

    def ring_in(self, seconds: float) -> None:
        """Wake the waiter after some seconds at the latest."""
        self._loop.call_later(seconds, self._event.set)

    def forget(self) -> None:
        """Have the next wait last until it is rung again."""
        self._event.clear()

    async def wait(self) -> None:
        """Wait until it is rung, if it was not meanwhile."""
        await self._event.wait()


class Audience:
    """The followers of rooms, and the listeners to their signals.

    Args:
        joined: Called with a room when somebody follows or listens to it.
        left: Called with a room when one of them has left it.
    """

    def __init__(
        self,
        joined: Callable[[str], None] = lambda _: None,
        left: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._joined = joined
        self._left = left
        # The tuples are replaced, never changed, so whoever rings needs no lock.
        self._followers: dict[str, tuple[Bell, ...]] = {}
        self._listeners: dict[str, tuple[Bell, ...]] = {}
        self._lock = threading.Lock()

    def is_followed(self, room: str) -> bool:
        """Whether somebody follows a room."""
        return room in self._followers

    def attends(self, room: str) -> bool:
        """Whether somebody follows a room or listens to it."""
        return room in self._followers or room in self._listeners

    def has_followers(self) -> bool:
        """Whether somebody follows any room."""
        return bool(self._followers)

    def rooms(self) -> set[str]:
        """Return the rooms that somebody follows or listens to."""
        return {*self._followers, *self._listeners}

    def wake(self, room: str) -> None:
        """Have a room's followers read; from any thread."""
        for bell in self._followers.get(room, ()):
            bell.ring()

    def wake_all(self) -> None:
        """Have all followers read; from any thread."""
        for bells in list(self._followers.values()):
            for bell in bells:
                bell.ring()

    def tell(self, room: str, text: str) -> None:
        """Pass a signal on to a room's listeners; from any thread."""
        for bell in self._listeners.get(room, ()):
            bell.signals.append(text)
            bell.ring()

    async def follow(self, room: str, after: int, read: Read) -> AsyncGenerator[Entry, None]:
        """Yield what can be read of a room after a position, without end."""
        with self._join(self._followers, room) as bell:
            while True:
                bell.forget()
                try:
                    entries = await read(room, after, _BATCH)
                except RoomsUnavailableError:
                    bell.ring_in(_RETRY_SECONDS)
                    entries = []
                for entry in entries:
                    after = entry.position
                    yield entry
                if len(entries) < _BATCH:
                    await bell.wait()

    async def signals(self, room: str) -> AsyncGenerator[str, None]:
        """Return a room's signals, from now on."""
        signals = self._signals(room)
        # A generator that never began would never come to its end, and its listener would stay.
        await anext(signals)
        return signals

    async def _signals(self, room: str) -> AsyncGenerator[str, None]:
        with self._join(self._listeners, room) as bell:
            yield ""
            while True:
                bell.forget()
                while bell.signals:
                    yield bell.signals.popleft()
                await bell.wait()

    @contextlib.contextmanager
    def _join(self, bells: dict[str, tuple[Bell, ...]], room: str) -> Iterator[Bell]:
        bell = Bell()
        with self._lock:
            bells[room] = (*bells.get(room, ()), bell)
        try:
            self._joined(room)
            yield bell
        finally:
            with self._lock:
                bells[room] = tuple(other for other in bells[room] if other is not bell)
                if not bells[room]:
                    del bells[room]
            self._left(room)


def running() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
