"""The messages of a room that have no answer yet, and whose turn it is."""

import itertools
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from datetime import datetime

from ..identity import key_of
from ..limits import size_of
from .stores.contract import Entry

# Of stops that come before the message they are about, so many of an author are remembered, and of
# so many authors.
_REMEMBERED = 32
_REMEMBERED_AUTHORS = 1000


class Questions:
    """What waits to be answered, by author: they take turns, however much one of them asks.

    Args:
        most: How many messages of one author may wait.
        most_bytes: How many bytes of one author's messages.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        # By the author's key, those whose turn comes first in front; each by position.
        self._open: dict[str, dict[int, Entry]] = {}
        self._bytes: Counter[str] = Counter()
        self._keys: dict[int, str] = {}
        self._coming: dict[int, str] = {}
        self._stops: OrderedDict[str, list[str]] = OrderedDict()

    def __contains__(self, position: int) -> bool:
        """Tell whether the message at a position waits."""
        return position in self._keys

    def __iter__(self) -> Iterator[int]:
        """Iterate over the positions of the messages that wait, which may be removed meanwhile."""
        return iter(list(self._keys))

    def is_full(self, key: str) -> bool:
        """Tell whether as many messages of an author wait, or are to come, as may."""
        coming = sum(key == other for other in self._coming.values())
        count = len(self._open.get(key, ())) + coming
        return count >= self._most or self._bytes[key] >= self._most_bytes

    def expect(self, entry: Entry) -> None:
        """Note that a message is kept, and will come from the history."""
        self._coming[entry.position] = key_of(entry.author)

    def arrive(self, position: int) -> None:
        """Note that what is kept up to a position has come from the history, or never will."""
        while self._coming and (first := next(iter(self._coming))) <= position:
            del self._coming[first]

    def add(self, entry: Entry) -> None:
        """Have a message wait for its answer."""
        key = key_of(entry.author)
        if entry.position not in self._keys:
            self._bytes[key] += size_of(entry.text)
        self._open.setdefault(key, {})[entry.position] = entry
        self._keys[entry.position] = key

    def add_earlier(self, entries: Iterable[Entry]) -> None:
        """Have messages wait that were sent before those that wait already."""
        for entry in entries:
            self.add(entry)
        for key, waiting in self._open.items():
            self._open[key] = dict(sorted(waiting.items()))

    def remove(self, position: int) -> Entry | None:
        """Let go of a message, and return it; `None` where it does not wait."""
        key = self._keys.pop(position, None)
        if key is None:
            return None
        waiting = self._open.pop(key)
        entry = waiting.pop(position)
        self._bytes[key] -= size_of(entry.text)
        if not waiting:
            del self._bytes[key]
        else:
            # Now everybody else comes first, those too who came while this one was answered.
            self._open[key] = waiting
        if entry.id in self._stops.get(key, ()):
            self._stops[key].remove(entry.id)
        return entry

    def first_of_each(self) -> list[Entry]:
        """Return the oldest message of each author, in the order of their turns."""
        return [next(iter(waiting.values())) for waiting in self._open.values()]

    def newest(self, key: str) -> int:
        """Return the position of an author's newest message that waits, 0 where none does."""
        return next(reversed(self._open.get(key, {})), 0)

    def waiting_since(self, oldest: datetime) -> list[Entry]:
        """Return the messages that were sent before a time."""
        return [
            entry
            for waiting in self._open.values()
            for entry in itertools.takewhile(lambda entry: entry.sent_at < oldest, waiting.values())
        ]

    def stop(self, key: str, message_id: str) -> None:
        """Note that an author wants no answer to a message, which may be yet to come."""
        stops = self._stops.setdefault(key, [])
        if message_id not in stops:
            stops.append(message_id)
        waiting = self._open.get(key, {})
        if len(stops) > len(waiting) + _REMEMBERED:
            ids = {entry.id for entry in waiting.values()}
            self._stops[key] = [other for other in stops if other in ids or other == message_id]
        self._stops.move_to_end(key)
        if len(self._stops) > _REMEMBERED_AUTHORS:
            self._stops.popitem(last=False)

    def is_stopped(self, entry: Entry) -> bool:
        """Tell whether its author wants no answer to a message."""
        return entry.id in self._stops.get(key_of(entry.author), ())
