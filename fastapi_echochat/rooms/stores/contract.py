"""What every store of rooms keeps and promises: one contract for memory, SQLite and Redis."""

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from ...identity import Author
from ...limits import size_of

Kind = Literal["message", "answer", "notice"]
"""Who said it: a person, the reply function, or the host with `chat.post`."""

Outcome = Literal["done", "stopped", "failed"]
"""How an answer ended; whatever else is said is done."""


class RoomsUnavailableError(Exception):
    """The store of rooms cannot be reached now; ask again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a store keeps of one message, answer or notice.

    Attributes:
        kind: Who said it.
        id: 1 to 64 characters, unique in its room together with `kind` and the author's identity:
            of a message what its client chose, of an answer the position of the message that it
            answers, as text.
        author: Who said it, with the name it was said under; `None` for an answer, for a notice
            without a name and for a guest in a kept conversation.
        text: What was said; of an answer that was stopped or failed what there was of it.
        sent_at: When the server received it, aware, in UTC, to the microsecond.
        outcome: How an answer ended.
        position: Where it is in its room, from 1; 0 while no store has it. Positions grow from
            entry to entry, with gaps between them.
    """

    kind: Kind
    id: str
    author: Author | None
    text: str
    sent_at: datetime
    outcome: Outcome = "done"
    position: int = 0

    @property
    def in_reply_to(self) -> int | None:
        """The position of the message that an answer answers."""
        return int(self.id) if self.kind == "answer" else None


def take_up_to(entries: Iterable[Entry], max_bytes: int | None) -> list[Entry]:
    """Return the first entries, up to the one with which their texts have more than so many bytes.

    Args:
        entries: Taken one by one, so that those after the last need not be made.
        max_bytes: As `size_of` counts them; `None` for all entries.
    """
    taken = []
    size = 0
    for entry in entries:
        taken.append(entry)
        size += size_of(entry.text)
        if max_bytes is not None and size > max_bytes:
            break
    return taken


def is_cut(entries: list[Entry], limit: int, max_bytes: int) -> bool:
    """Tell whether there may be more than what a read with these bounds has returned."""
    return len(entries) >= limit or sum(size_of(entry.text) for entry in entries) > max_bytes


class Rooms(Protocol):
    """A store of rooms: it keeps the history of each, in order.

    A room exists as soon as somebody names it. Its name is any text of at most 255 characters.
    Every method may be called from several event loops at a time.

    A position is the number of microseconds from 1970 to the entry's arrival at the store, or one
    more than that of the entry before, whichever is more. So a history that was lost and begins
    anew goes on above the positions that its readers remember.
    """

    async def append(self, room: str, entry: Entry) -> Entry:
        """Keep an entry, and return it with its position.

        It is kept, as durably as the store keeps anything, when this returns, and nobody sees it
        before. Where the room has an entry of this kind and id by the same author already (or by
        no author, where this one has none), nothing is kept, and that one is returned.

        Raises:
            RoomsUnavailableError: It may or may not have been kept; append it again.
        """

    async def read(
        self, room: str, *, after: int = 0, limit: int = 100, max_bytes: int | None = None
    ) -> list[Entry]:
        """Return the entries after a position, oldest first, the first `limit` of them.

        Args:
            room: Its name.
            after: A position; 0 for the beginning of the history.
            limit: How many at most.
            max_bytes: None after the one with which their texts have more bytes than that, so at
                least one, as `take_up_to` does it; `None` for no bound.

        Raises:
            RoomsUnavailableError: Read again.
        """

    async def read_back(
        self,
        room: str,
        *,
        before: int | None = None,
        limit: int = 100,
        max_bytes: int | None = None,
    ) -> list[Entry]:
        """Return the entries before a position, oldest first, the last `limit` of them.

        Args:
            room: Its name.
            before: A position; `None` for the end of the history.
            limit: How many at most.
            max_bytes: As above, counted from the last entry.

        Raises:
            RoomsUnavailableError: Read again.
        """

    def follow(self, room: str, *, after: int = 0) -> AsyncGenerator[Entry, None]:
        """Yield every entry after a position, in order and once, without end.

        First those that are there, then the live ones as they come. While the store is out of
        reach it waits, and then goes on by itself. Called in the event loop that it yields in.
        """

    async def signal(self, room: str, text: str) -> None:
        """Tell those who listen to a room's signals now. Nothing is kept, and it may be lost.

        While the store is out of reach it is lost, and nothing is raised.
        """

    async def signals(self, room: str) -> AsyncGenerator[str, None]:
        """Return the room's signals, from now on; the caller's own are among them.

        An empty text among them says that some may have been lost before it.
        """

    async def hold(self, room: str, position: int, holder: str, seconds: float) -> bool:
        """Take or renew the lease of an answer, and tell whether the holder has it.

        Args:
            room: The room's name.
            position: Of the message that is answered; at a time one holder has its lease.
            holder: Who takes it.
            seconds: How long it is theirs if they do not renew it; 0 gives it up.

        Raises:
            RoomsUnavailableError: Nobody knows who has it.
        """

    async def pseudonym_key(self) -> bytes:
        """Return 32 secret bytes that the store keeps, for all processes the same, made once.

        Raises:
            RoomsUnavailableError: Ask again.
        """

    async def close(self) -> None:
        """Let go of files and connections; the next call opens them again."""
