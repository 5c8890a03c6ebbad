"""Reading a room's history: its newest part, the rest of it, and what has no answer."""

from collections.abc import AsyncIterator
from datetime import datetime

from .stores.contract import Entry, Rooms

PAGE = 50
"""So many entries a client gets of the newest and of earlier ones."""

BATCH = 200
"""So many entries are read at a time."""


async def read_page(store: Rooms, room: str, before: int | None = None) -> tuple[list[Entry], bool]:
    """Return the last entries before a position, and whether there are earlier ones.

    Raises:
        RoomsUnavailableError: Read again.
    """
    entries = await store.read_back(room, before=before, limit=PAGE + 1)
    return entries[-PAGE:], len(entries) > PAGE


async def read_rest(store: Rooms, room: str, after: int) -> list[Entry] | None:
    """Return the first entries after one that a client has.

    `None` where the history does not have that one (any longer): then there may be a gap.

    Raises:
        RoomsUnavailableError: Read again.
    """
    entries = await store.read(room, after=after - 1, limit=BATCH)
    if entries and entries[0].position == after:
        return entries[1:]
    return None


async def read_unanswered(
    store: Rooms, room: str, until: int, oldest: datetime
) -> AsyncIterator[Entry]:
    """Yield the messages without an answer, newest first, page by page.

    Args:
        store: Has the history.
        room: The room's name.
        until: The position of the newest entry to look at.
        oldest: When the oldest of them was sent.

    Raises:
        RoomsUnavailableError: Read again.
    """
    answered: set[int | None] = set()
    before = until + 1
    while entries := await store.read_back(room, before=before, limit=BATCH):
        for entry in reversed(entries):
            if entry.kind == "answer":
                answered.add(entry.in_reply_to)
            elif entry.kind == "message" and entry.sent_at < oldest:
                return
            elif entry.kind == "message" and entry.position not in answered:
                yield entry
        before = entries[0].position
