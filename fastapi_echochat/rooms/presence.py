"""Who is in a room, in this process and in others."""

from collections.abc import Mapping

HEARTBEAT_SECONDS = 2.0
"""How often each process says who is there."""

SILENT_SECONDS = 3 * HEARTBEAT_SECONDS
"""After how long without a word of it the people of a process are gone."""


class Presence:
    """The people of a room, by pseudonym. One who is there twice is there once."""

    def __init__(self) -> None:
        # Of each person the names of their participants, the newest last: two tabs may have two.
        self._names: dict[str, list[str]] = {}
        self._elsewhere: dict[str, tuple[dict[str, str], float]] = {}

    @property
    def here(self) -> dict[str, str]:
        """The names of those who are there in this process, by pseudonym."""
        return {pseudonym: names[-1] for pseudonym, names in self._names.items()}

    def add(self, pseudonym: str, name: str) -> None:
        """Count a participant in, under a name."""
        self._names.setdefault(pseudonym, []).append(name)

    def remove(self, pseudonym: str, name: str) -> None:
        """Count a participant out that has a name."""
        names = self._names[pseudonym]
        names.remove(name)
        if not names:
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
        return people | self.here
