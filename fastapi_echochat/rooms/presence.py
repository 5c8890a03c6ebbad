"""Who is in a room, in this process and in others."""

from typing import NamedTuple


class Present(NamedTuple):
    """Who is in a room.

    Attributes:
        names: The names of those who have one, by pseudonym.
        nameless: How many participants have none.
    """

    names: dict[str, str]
    nameless: int


NOBODY = Present({}, 0)
"""Who is in a room that is empty."""


class Presence:
    """The people of a room, by pseudonym. One who is there twice is there once."""

    def __init__(self) -> None:
        # Of each person the names of their participants, the newest last: two tabs may have two.
        self._names: dict[str, list[str]] = {}
        self._nameless = 0
        # By the names that other processes have in this room.
        self._elsewhere: dict[str, Present] = {}

    @property
    def here(self) -> Present:
        """Who is there in this process."""
        names = {pseudonym: names[-1] for pseudonym, names in self._names.items()}
        return Present(names, self._nameless)

    def add(self, pseudonym: str | None, name: str) -> None:
        """Count a participant in, under a name; without a pseudonym one that has none."""
        if pseudonym is None:
            self._nameless += 1
        else:
            self._names.setdefault(pseudonym, []).append(name)

    def remove(self, pseudonym: str | None, name: str) -> None:
        """Count a participant out that was counted in."""
        if pseudonym is None:
            self._nameless -= 1
            return
        names = self._names[pseudonym]
        names.remove(name)
        if not names:
            del self._names[pseudonym]

    def hear(self, process: str, present: Present) -> None:
        """Note who is there in another process."""
        if present == NOBODY:
            self._elsewhere.pop(process, None)
        else:
            self._elsewhere[process] = present

    @property
    def processes(self) -> list[str]:
        """The other processes in which somebody is there."""
        return list(self._elsewhere)

    @property
    def everybody(self) -> Present:
        """Who is there, in all processes."""
        names: dict[str, str] = {}
        nameless = self._nameless
        for present in self._elsewhere.values():
            names.update(present.names)
            nameless += present.nameless
        return Present(names | self.here.names, nameless)
