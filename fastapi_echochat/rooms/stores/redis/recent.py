"""The newest entries of a room, as they came in live."""

from bisect import bisect_right

from ....limits import size_of
from ..contract import Entry

# Enough for followers who are a moment behind; the others read the history.
_LENGTH = 32
_BYTES = 262_144


class RecentEntries:
    """The end of a history, without gaps, up to the newest entry that came in."""

    __slots__ = ("_entries", "_size", "_start")

    def __init__(self) -> None:
        # Not a deque: an empty one takes 600 bytes, and most rooms are quiet.
        self._entries: list[Entry] = []
        self._size = 0
        # The position after which no entry is missing, once one is known of.
        self._start: int | None = None

    def note_end(self, position: int) -> None:
        """Note the end of the history, read while all that is added to it comes in; 0 if empty."""
        if self._start is None:
            self._start = position

    def add(self, previous: int, entry: Entry) -> None:
        """Add an entry that came in, and drop those before a gap.

        Args:
            previous: The position of the entry before it in the history.
            entry: The entry.
        """
        if not self._entries or self._entries[-1].position != previous:
            self._entries.clear()
            self._size = 0
            self._start = previous
        self._entries.append(entry)
        self._size += size_of(entry.text)
        while len(self._entries) > _LENGTH or (self._size > _BYTES and len(self._entries) > 1):
            dropped = self._entries.pop(0)
            self._size -= size_of(dropped.text)
            self._start = dropped.position

    def after(self, position: int) -> list[Entry] | None:
        """Return the entries after a position; `None` if they must be read from the history."""
        if self._start is None or position < self._start:
            return None
        first = bisect_right(self._entries, position, key=lambda entry: entry.position)
        return self._entries[first:]
