"""The log of a room: what is said there, in order, and who keeps it."""

import hashlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

Kind = Literal["message", "answer", "notice"]
"""Who said it: a person, the reply function, or the host with `chat.post`."""

Outcome = Literal["done", "stopped", "failed"]
"""How an answer ended; whatever else is said is done."""

ROOM_LENGTH = 255
"""Longest name of a room, in characters."""

PRIVATE = "~private:"
"""What the names of kept conversations begin with; no address leads to them."""


def room_name(parameters: Mapping[str, object]) -> str | None:
    """Return the name of a mount's room, `None` where it cannot be one.

    Args:
        parameters: The mount's path parameters.
    """
    name = "/".join(map(str, parameters.values())) if parameters else "main"
    return name if 0 < len(name) <= ROOM_LENGTH and not name.startswith(PRIVATE) else None


def private_room(mount: str, author: str | None, conversation: str) -> str:
    """Return the name of a kept conversation's room.

    A digest, so that whoever reads the log, or its names, cannot enter the conversations in it.

    Args:
        mount: The name of its mount's room.
        author: Who is signed in, if anybody is: the conversation is nobody else's.
        conversation: What its client knows it by.
    """
    secret = "\n".join((mount, author or "", conversation))
    return PRIVATE + hashlib.sha256(secret.encode()).hexdigest()


class RoomsUnavailableError(Exception):
    """The place where rooms are kept cannot be reached now; what was asked may be asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a log keeps of something that was said.

    Attributes:
        kind: Who said it.
        id: Together with `kind` unique in its room, 1 to 64 characters; of a message what its
            client chose, of an answer the id of the message that it answers.
        author: The name it was said under, `None` where nobody has one.
        text: What was said; of an answer that was stopped or failed what there was of it.
        sent_at: When the server received it, aware, in UTC, to the microsecond.
        outcome: How an answer ended.
        position: Where it is in its room, from 1; 0 while no log has it. Positions grow from entry
            to entry, with gaps between them.
    """

    kind: Kind
    id: str
    author: str | None
    text: str
    sent_at: datetime
    outcome: Outcome = "done"
    position: int = 0


class Rooms(Protocol):
    """Where the logs of rooms live.

    A room is there as soon as somebody names it, and its name is any text of at most
    `ROOM_LENGTH` characters. Every method may be called from several event loops at a time.

    A position is the number of microseconds from 1970 to the entry's arrival at the log, or one
    more than that of the entry before, whichever is more. So a log that was lost and begins anew
    goes on above the positions that its readers remember.
    """

    async def append(self, room: str, entry: Entry) -> Entry:
        """Keep an entry, and return it with its position.

        It is kept, as durably as the place keeps anything, when this returns, and nobody sees it
        before. Where the room has an entry of this kind and id already, nothing is kept, and that
        one is returned.

        Raises:
            RoomsUnavailableError: It may or may not have been kept; append it again.
        """

    async def read(self, room: str, *, after: int = 0, limit: int = 100) -> list[Entry]:
        """Return the entries after a position, oldest first, the first `limit` of them.

        Raises:
            RoomsUnavailableError: Read again.
        """

    async def read_back(
        self, room: str, *, before: int | None = None, limit: int = 100
    ) -> list[Entry]:
        """Return the entries before a position, oldest first, the last `limit` of them.

        Args:
            room: Its name.
            before: A position; `None` for the end of the log.
            limit: How many at most.

        Raises:
            RoomsUnavailableError: Read again.
        """

    def follow(self, room: str, *, after: int = 0) -> AsyncGenerator[Entry, None]:
        """Yield every entry after a position, in order and once, without end.

        First those that are there, then the live ones as they come. Where the place is out of
        reach it waits and goes on by itself.
        """

    async def signal(self, room: str, text: str) -> None:
        """Tell those who listen to a room's signals now. Nothing is kept, and it may be lost.

        Where the place is out of reach it is lost, and nothing is raised.
        """

    async def signals(self, room: str) -> AsyncGenerator[str, None]:
        """Return the room's signals, from now on; the caller's own are among them."""

    async def hold(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease, and tell whether the holder has it.

        Args:
            name: Of the lease; at a time one holder has it.
            holder: Who takes it.
            seconds: How long it is theirs if they do not renew it; 0 gives it up.

        Raises:
            RoomsUnavailableError: Nobody knows who has it.
        """

    async def close(self) -> None:
        """Let go of files and connections; the next call opens them again."""
