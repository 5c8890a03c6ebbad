"""Who is in a room, in this process and in others."""

from collections import Counter
from collections.abc import Iterable

HEARTBEAT_SECONDS = 2.0
"""How often each process says who is there."""

SILENT_SECONDS = 3 * HEARTBEAT_SECONDS
"""After how long without a word of it the people of a process are gone."""


class Presence:
    """The people of a room. One who is there twice is there once."""

    def __init__(self) -> None:
        self._here: Counter[str] = Counter()
        self._elsewhere: dict[str, tuple[list[str], float]] = {}

    @property
    def here(self) -> list[str]:
        """Who is there in this process."""
        return list(self._here)

    def come(self, author: str) -> None:
        """Count somebody in."""
        self._here[author] += 1

    def go(self, author: str) -> None:
        """Count somebody out."""
        self._here[author] -= 1
        if not self._here[author]:
            del self._here[author]

    def hear(self, process: str, authors: Iterable[str], now: float) -> None:
        """Note who is there in another process; `now` is seconds of a clock."""
        people = list(authors)
        if people:
            self._elsewhere[process] = (people, now)
        else:
            self._elsewhere.pop(process, None)

    def everybody(self, now: float) -> set[str]:
        """Return who is there, but for the people of processes that fell silent."""
        for process, (_, heard_at) in list(self._elsewhere.items()):
            if now - heard_at > SILENT_SECONDS:
                del self._elsewhere[process]
        people = set(self._here)
        for authors, _ in self._elsewhere.values():
            people.update(authors)
        return people
