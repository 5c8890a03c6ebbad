"""One frame for everybody in a room, encoded once for each protocol."""

import sys
from collections.abc import Callable

from ..identity import Author
from ..protocol.frames import EntryFrame, PersonFrame, PresenceFrame, ServerFrame
from ..protocol.serializer import Serializer
from .presence import Present
from .stores.contract import Entry

NO_POSITION = sys.maxsize
"""After all entries: of what the history does not keep."""
# So many of the people in a room are named; the rest are counted.
_NAMED = 100

Pseudonyms = Callable[[Author], str]
"""Gives what a person is to the clients of a room."""


class Broadcast:
    """A frame on its way to many.

    Args:
        frame: What is sent.
        position: Of the entry that it is; clients that have that already do not get it again.
    """

    __slots__ = ("_encoded", "_frame", "position")

    def __init__(self, frame: ServerFrame, position: int = NO_POSITION) -> None:
        self.position = position
        self._frame = frame
        self._encoded: dict[Serializer, str | None] = {}

    def encode(self, serializer: Serializer) -> str | None:
        """Return the frame as a protocol sends it, `None` where it sends nothing."""
        if serializer not in self._encoded:
            encoded = serializer.encode(self._frame)
            self._encoded[serializer] = encoded if isinstance(encoded, str) else None
        return self._encoded[serializer]


def person_frame(author: Author, pseudonyms: Pseudonyms) -> PersonFrame:
    """Return a person as the clients of a room see one."""
    return PersonFrame(id=pseudonyms(author), name=author.name)


def entry_frame(entry: Entry, pseudonyms: Pseudonyms) -> EntryFrame:
    """Return an entry as the clients of a room see it."""
    author = None if entry.author is None else person_frame(entry.author, pseudonyms)
    return EntryFrame(
        position=entry.position,
        kind=entry.kind,
        id=entry.id,
        author=author,
        text=entry.text,
        sent_at=entry.sent_at,
        outcome=entry.outcome,
        in_reply_to=entry.in_reply_to,
    )


def presence_frame(present: Present) -> PresenceFrame:
    """Return who is in a room, in alphabetical order."""
    people = sorted(
        present.names.items(), key=lambda person: (person[1].casefold(), person[1], person[0])
    )
    return PresenceFrame(
        people=[PersonFrame(id=id_, name=name) for id_, name in people[:_NAMED]],
        others=max(0, len(people) - _NAMED) + present.nameless,
    )
