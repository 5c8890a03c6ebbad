"""A room's history: what clients may ask of it, what has no answer, and adding to it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

from ..exchanges import Exchange
from ..protocol.messages import Message
from .stores.contract import Entry, Rooms, RoomsUnavailableError, is_cut

# How long is waited before a store that was out of reach is tried again.
_AGAIN_SECONDS = 1.0

# So many entries a client gets of the newest and of earlier ones, or with so many bytes of text.
_PAGE = 50
_PAGE_BYTES = 262_144
# So many are read at a time.
_BATCH = 200
_BATCH_BYTES = 262_144


Page = tuple[list[Entry], bool]
"""Some entries in a row, oldest first, and whether there are earlier ones."""


class Beginning(NamedTuple):
    """Where a client begins to read a room.

    Attributes:
        entries: The first entries to send, oldest first; there may be more after them.
        since: The position before them.
        position: That of the newest entry that is known of.
        resumed: Whether they are all that comes after what the client has.
        has_earlier: Whether there are entries before the first of them.
    """

    entries: list[Entry]
    since: int
    position: int
    resumed: bool
    has_earlier: bool


async def append_in_time(store: Rooms, room: str, entry: Entry) -> Entry:
    """Keep an entry, however long its store is out of reach."""
    while True:
        try:
            return await store.append(room, entry)
        except RoomsUnavailableError:  # The store says so in the log, once for all.
            await asyncio.sleep(_AGAIN_SECONDS)


async def read_beginning(
    store: Rooms, room: str, after: int | None, page: Page | None = None
) -> Beginning:
    """Return where a client begins that has a room's history up to a position, if to any.

    Args:
        store: Has the history.
        room: The room's name.
        after: The position.
        page: The last entries, if they were read a moment ago.

    Raises:
        RoomsUnavailableError: Read again.
    """
    if after:
        entries = await read_on(store, room, after - 1)
        # Where the history does not have that position (any longer) there may be a gap.
        if entries and entries[0].position == after:
            position = entries[-1].position
            return Beginning(entries[1:], after, position, resumed=True, has_earlier=True)
    entries, has_earlier = page or await read_page(store, room)
    position = entries[-1].position if entries else 0
    return Beginning(entries, 0, position, resumed=False, has_earlier=has_earlier)


async def read_on(store: Rooms, room: str, after: int) -> list[Entry]:
    """Return some entries after a position, oldest first; none where there are no more.

    Raises:
        RoomsUnavailableError: Read again.
    """
    return await store.read(room, after=after, limit=_BATCH, max_bytes=_BATCH_BYTES)


async def read_page(store: Rooms, room: str, before: int | None = None) -> Page:
    """Return the last entries before a position, and whether there are earlier ones.

    Raises:
        RoomsUnavailableError: Read again.
    """
    limit = _PAGE + 1
    entries = await store.read_back(room, before=before, limit=limit, max_bytes=_PAGE_BYTES)
    if not is_cut(entries, limit, _PAGE_BYTES):
        return entries, False
    if len(entries) > 1:
        return entries[1:], True
    return entries, bool(await store.read_back(room, before=entries[0].position, limit=1))


async def read_exchange(store: Rooms, room: str, position: int) -> Exchange | None:
    """Return a message and its answer, if a room has a whole one at a position.

    Raises:
        RoomsUnavailableError: Read again.
    """
    answer = await _read_at(store, room, position)
    if answer is None or answer.in_reply_to is None or answer.outcome != "done" or not answer.text:
        return None
    asked = await _read_at(store, room, answer.in_reply_to)
    if asked is None:  # The store has let go of it.
        return None
    message = Message(asked.id, asked.text, asked.author, asked.sent_at, room)
    return Exchange(message, answer.text)


async def _read_at(store: Rooms, room: str, position: int) -> Entry | None:
    for entry in await store.read(room, after=max(0, position - 1), limit=1):
        if entry.position == position:
            return entry
    return None


async def find_unanswered(store: Rooms, room: str, until: int, oldest: datetime) -> list[Entry]:
    """Return the messages without an answer, newest first, however long that takes.

    Args:
        store: Has the history.
        room: The room's name.
        until: The position of the newest entry to look at.
        oldest: When the oldest of them was sent.
    """
    while True:
        try:
            return [entry async for entry in _read_unanswered(store, room, until, oldest)]
        except RoomsUnavailableError:
            await asyncio.sleep(_AGAIN_SECONDS)


async def _read_unanswered(
    store: Rooms, room: str, until: int, oldest: datetime
) -> AsyncIterator[Entry]:
    answered: set[int | None] = set()
    before = until + 1
    while entries := await store.read_back(
        room, before=before, limit=_BATCH, max_bytes=_BATCH_BYTES
    ):
        for entry in reversed(entries):
            if entry.sent_at < oldest:
                return
            if entry.kind == "answer":
                answered.add(entry.in_reply_to)
            elif entry.kind == "message" and entry.position not in answered:
                yield entry
        before = entries[0].position
