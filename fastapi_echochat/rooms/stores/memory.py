"""Rooms in the memory of one process."""

import os
import sys
import threading
import time
from bisect import bisect_left, bisect_right
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from dataclasses import replace

from .contract import Entry
from .followers import Audience
from .leases import Leases
from .workers import warn_of_siblings

_WARNING = (
    "MemoryRooms: this server runs several workers, and each has rooms of its own: people in one "
    "do not see what is said in another. Run one worker, or use RedisRooms(url)"
)


class MemoryRooms:
    """Rooms in memory: what is said is gone when the process ends.

    Args:
        history: How many entries a room keeps; the oldest are dropped, and their ids with them.
        rooms: How many rooms are kept; the ones not used for longest are dropped, except those
            that somebody follows.
    """

    def __init__(self, *, history: int = 1000, rooms: int = 10_000) -> None:
        if history < 1 or rooms < 1:
            raise ValueError("MemoryRooms keeps at least one entry and at least one room")
        self._history = history
        self._most = rooms
        self._rooms: OrderedDict[str, _Room] = OrderedDict()
        # Of all rooms, so that a room that was dropped begins anew above its old positions even
        # if the clock was set back.
        self._last = 0
        self._lock = threading.Lock()
        self._audience = Audience()
        self._leases = Leases()
        self._pid = 0

    async def append(self, room: str, entry: Entry) -> Entry:
        """Keep an entry, and return it with its position."""
        self._look_around()
        with self._lock:
            kept = self._room(room)
            key = (entry.kind, entry.id)
            if (there := kept.ids.get(key)) is not None:
                return there
            self._last = max(self._last + 1, time.time_ns() // 1000)
            entry = replace(entry, position=self._last)
            kept.ids[key] = entry
            kept.entries.append(entry)
            if len(kept.entries) > self._history:
                oldest = kept.entries.popleft()
                del kept.ids[oldest.kind, oldest.id]
        self._audience.wake(room)
        return entry

    async def read(self, room: str, *, after: int = 0, limit: int = 100) -> list[Entry]:
        """Return the entries after a position, oldest first, the first `limit` of them."""
        return await self._read(room, after, limit)

    async def read_back(
        self, room: str, *, before: int | None = None, limit: int = 100
    ) -> list[Entry]:
        """Return the entries before a position, oldest first, the last `limit` of them."""
        with self._lock:
            entries = self._entries(room)
            end = len(entries) if before is None else bisect_left(entries, before, key=_position)
            return [entries[index] for index in range(max(0, end - limit), end)]

    def follow(self, room: str, *, after: int = 0) -> AsyncGenerator[Entry, None]:
        """Yield every entry after a position, in order and once, without end.

        Whoever is so far behind that entries were dropped meanwhile goes on with the oldest kept.
        """
        self._look_around()
        return self._audience.follow(room, after, self._read)

    async def signal(self, room: str, text: str) -> None:
        """Tell those who listen to a room's signals now."""
        self._audience.tell(room, text)

    async def signals(self, room: str) -> AsyncGenerator[str, None]:
        """Return the room's signals, from now on."""
        return await self._audience.signals(room)

    async def hold(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease, and tell whether the holder has it."""
        return self._leases.hold(name, holder, seconds)

    async def close(self) -> None:
        """Do nothing: there are no files and no connections, and the rooms stay."""

    async def _read(self, room: str, after: int, limit: int) -> list[Entry]:
        with self._lock:
            entries = self._entries(room)
            start = bisect_right(entries, after, key=_position)
            return [entries[index] for index in range(start, min(start + limit, len(entries)))]

    def _room(self, name: str) -> "_Room":
        if (room := self._rooms.get(name)) is not None:
            self._rooms.move_to_end(name)
            return room
        if len(self._rooms) >= self._most:
            for other in self._rooms:
                if not self._audience.is_followed(other):
                    del self._rooms[other]
                    break
        room = self._rooms[name] = _Room()
        return room

    def _entries(self, name: str) -> deque[Entry]:
        if (room := self._rooms.get(name)) is None:
            return deque()
        self._rooms.move_to_end(name)
        return room.entries

    def _look_around(self) -> None:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            warn_of_siblings(f"MemoryRooms {os.getppid()} {sys.argv}", _WARNING)


class _Room:
    __slots__ = ("entries", "ids")

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.ids: dict[tuple[str, str], Entry] = {}


def _position(entry: Entry) -> int:
    return entry.position
