"""Who is in a room, in this process and in others."""

from collections import Counter
from collections.abc import Mapping

HEARTBEAT_SECONDS = 2.0
"""How often each process says who is there."""

SILENT_SECONDS = 3 * HEARTBEAT_SECONDS
"""After how long without a word of it the people of a process are gone."""


class Presence:
    """The people of a room, by pseudonym. One who is there twice is there once."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._names: dict[str, str] = {}
        self._elsewhere: dict[str, tuple[dict[str, str], float]] = {}

    @property
    def here(self) -> dict[str, str]:
        """The names of those who are there in this process, by pseudonym."""
        return dict(self._names)

    def add(self, pseudonym: str, name: str) -> None:
        """Count a participant in, under the name that the person has now."""
        self._counts[pseudonym] += 1
        self._names[pseudonym] = name

    def remove(self, pseudonym: str) -> None:
        """Count a participant out."""
        self._counts[pseudonym] -= 1
        if not self._counts[pseudonym]:
            del self._counts[pseudonym]
            del self._names[pseudonym]

    def hear(self, process: str, people: Mapping[str, str], now: float) -> None:
        """Note who is there in another process; `now` is seconds of a clock."""
        if people:
            self._elsewhere[process] = (dict(people), now)
        else:
            self._elsewhere.pop(process, None)

    def everybody(self, now: float) -> dict[str, str]:
        """Return who is there, but for the people of processes that fell silent."""
        for process, (_, heard_at) in list(self._elsewhere.items()):
            if now - heard_at > SILENT_SECONDS:
                del self._elsewhere[process]
        people: dict[str, str] = {}
        for names, _ in self._elsewhere.values():
            people.update(names)
        return people | self._names
