"""Rooms in the memory of one process."""

import os
import secrets
import sys
import threading
import time
from bisect import bisect_left, bisect_right
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from dataclasses import replace

from ...identity import key_of
from ...limits import size_of
from .contract import Entry, take_up_to
from .followers import Followers
from .leases import Leases
from .workers import warn_of_other_workers

# What an entry takes beside its texts, and how much more than too much is let go of at a time.
_ENTRY_BYTES = 1024
_MARGIN = 16

_WARNING = (
    "MemoryRooms: this server runs several workers, and each has rooms of its own: people in one "
    "do not see the messages of people in another. Run one worker, or use RedisRooms(url)"
)


class MemoryRooms:
    """Rooms in memory: they are gone when the process ends.

    Args:
        history: How many entries a room keeps; the oldest are dropped, and their ids with them.
        rooms: How many rooms are kept; those unused for longest are dropped, unless somebody
            follows them.
        max_bytes: How many bytes all entries may take; with more rooms are dropped as above, and
            then the oldest entries of the longest rooms. Default 268,435,456. The newest entry of
            a room stays however long it is.

    Raises:
        ValueError: One of the three is less than 1.
    """

    def __init__(
        self, *, history: int = 1000, rooms: int = 10_000, max_bytes: int = 268_435_456
    ) -> None:
        if history < 1 or rooms < 1 or max_bytes < 1:
            raise ValueError("MemoryRooms keeps at least one entry, one room and one byte")
        self._history = history
        self._max_rooms = rooms
        self._max_bytes = max_bytes
        self._bytes = 0
        self._rooms: OrderedDict[str, _Room] = OrderedDict()
        # One for all rooms: a room that was dropped begins anew above its old positions even if
        # the clock was set back.
        self._last_position = 0
        self._lock = threading.Lock()
        self._followers = Followers()
        self._leases = Leases()
        self._pseudonym_key = secrets.token_bytes(32)
        self._pid = 0

    async def append(self, room: str, entry: Entry) -> Entry:
        """Keep an entry, and return it with its position."""
        self._warn_after_fork()
        with self._lock:
            kept = self._room(room)
            if (existing := kept.entry_like(entry)) is not None:
                return existing
            self._last_position = max(self._last_position + 1, time.time_ns() // 1000)
            entry = replace(entry, position=self._last_position)
            self._bytes += kept.add_entry(entry)
            while len(kept.entries) > self._history:
                self._bytes -= kept.drop_oldest()
            if self._bytes > self._max_bytes:
                self._make_space(room)
        self._followers.wake_followers(room)
        return entry

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
        with self._lock:
            entries = self._entries(room)
            end = len(entries) if before is None else bisect_left(entries, before, key=_position)
            last = range(end - 1, max(0, end - limit) - 1, -1)
            return take_up_to((entries[index] for index in last), max_bytes)[::-1]

    def follow(self, room: str, *, after: int = 0) -> AsyncGenerator[Entry, None]:
        """Yield every entry after a position, in order and once, without end.

        A follower so far behind that entries were dropped meanwhile goes on with the oldest kept.
        """
        self._warn_after_fork()
        return self._followers.follow(room, after, self._read)

    async def signal(self, room: str, text: str) -> None:
        """Send a signal to those who listen to a room's signals now."""
        self._followers.deliver_signal(room, text)

    async def signals(self, room: str) -> AsyncGenerator[str, None]:
        """Return the room's signals, from now on."""
        return await self._followers.listen(room)

    async def hold(self, room: str, position: int, holder: str, seconds: float) -> bool:
        """Take or renew the lease of an answer, and return whether the holder has it."""
        return self._leases.hold(room, position, holder, seconds)

    async def pseudonym_key(self) -> bytes:
        """Return 32 secret bytes, which last as long as these rooms."""
        return self._pseudonym_key

    async def close(self) -> None:
        """Do nothing: there are no files and no connections, and the rooms stay."""

    async def _read(self, room: str, after: int, limit: int, max_bytes: int | None) -> list[Entry]:
        with self._lock:
            entries = self._entries(room)
            start = bisect_right(entries, after, key=_position)
            first = range(start, min(start + limit, len(entries)))
            return take_up_to((entries[index] for index in first), max_bytes)

    def _room(self, name: str) -> "_Room":
        if (room := self._rooms.get(name)) is not None:
            self._rooms.move_to_end(name)
            return room
        if len(self._rooms) >= self._max_rooms:
            for other in self._rooms:
                if not self._followers.is_followed(other):
                    self._bytes -= self._rooms.pop(other).size
                    break
        room = self._rooms[name] = _Room()
        return room

    def _make_space(self, current: str) -> None:
        """Let go of rooms, then of entries, until some more fit in again."""
        goal = self._max_bytes - self._max_bytes // _MARGIN
        for name in list(self._rooms):
            if self._bytes <= goal:
                return
            if name != current and not self._followers.is_followed(name):
                self._bytes -= self._rooms.pop(name).size
        while self._bytes > goal:
            rooms = [room for room in self._rooms.values() if len(room.entries) > 1]
            longest = max(rooms, key=lambda room: room.size, default=None)
            if longest is None:
                return
            # Half of it at most: then another one is the longest, or it is so by far.
            half = longest.size // 2
            while self._bytes > goal and longest.size > half and len(longest.entries) > 1:
                self._bytes -= longest.drop_oldest()

    def _entries(self, name: str) -> deque[Entry]:
        if (room := self._rooms.get(name)) is None:
            return deque()
        self._rooms.move_to_end(name)
        return room.entries

    def _warn_after_fork(self) -> None:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            warn_of_other_workers(f"MemoryRooms {os.getppid()} {sys.argv}", _WARNING)


class _Room:
    __slots__ = ("_by_id", "entries", "size")

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.size = 0
        self._by_id: dict[tuple[str, str, str], Entry] = {}

    def entry_like(self, entry: Entry) -> Entry | None:
        return self._by_id.get(_unique(entry))

    def add_entry(self, entry: Entry) -> int:
        """Add an entry, and return how many bytes it takes."""
        self.entries.append(entry)
        self._by_id[_unique(entry)] = entry
        size = _size(entry)
        self.size += size
        return size

    def drop_oldest(self) -> int:
        """Let go of the oldest entry, and return how many bytes it took."""
        entry = self.entries.popleft()
        del self._by_id[_unique(entry)]
        size = _size(entry)
        self.size -= size
        return size


def _unique(entry: Entry) -> tuple[str, str, str]:
    return entry.kind, key_of(entry.author), entry.id


def _size(entry: Entry) -> int:
    author = entry.author
    who = 0 if author is None else size_of(author.id) + size_of(author.name)
    return _ENTRY_BYTES + size_of(entry.text) + size_of(entry.id) + who


def _position(entry: Entry) -> int:
    return entry.position
