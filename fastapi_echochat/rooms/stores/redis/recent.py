"""The newest entries of a room, as they came in live."""

from bisect import bisect_right
from collections import deque

from ..contract import Entry

# Enough for followers who are a moment behind; the others read the history.
_LENGTH = 32


class RecentEntries:
    """The end of a history, without gaps, up to the newest entry that came in."""

    __slots__ = ("_entries", "_start")

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        # The position after which no entry is missing.
        self._start = 0

    def add(self, previous: int, entry: Entry) -> None:
        """Add an entry that came in, and drop those before a gap.

        Args:
            previous: The position of the entry before it in the history.
            entry: The entry.
        """
        if not self._entries or self._entries[-1].position != previous:
            self._entries.clear()
            self._start = previous
        elif len(self._entries) == _LENGTH:
            self._start = self._entries.popleft().position
        self._entries.append(entry)

    def after(self, position: int) -> list[Entry] | None:
        """Return the entries after a position; `None` if they must be read from the history."""
        if not self._entries or position < self._start:
            return None
        first = bisect_right(self._entries, position, key=lambda entry: entry.position)
        return [self._entries[index] for index in range(first, len(self._entries))]
