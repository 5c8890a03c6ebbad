"""The rooms of a chat that are open, in one event loop of one process."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ..limits import Limits
from ..replies import Replier
from .processes import Processes
from .room import Room
from .stores.contract import Rooms

# How long the end of all rooms is waited for.
_CLOSING_SECONDS = 2.0


class _OpenRoom:
    def __init__(self, room: Room, opening: Coroutine[Any, Any, None]) -> None:
        self.room = room
        self.opening: asyncio.Future[None] = asyncio.ensure_future(opening)
        self.users = 0


class Hub:
    """Opens a room for the first who comes, and closes it after the last, when its work is done.

    Args:
        store: Has their histories.
        limits: The chat's bounds.
        replier: Calls the reply function; `None` where people talk among themselves.
        is_shared: Whether several people meet in them.
    """

    def __init__(
        self, store: Rooms, limits: Limits, replier: Replier | None, *, is_shared: bool
    ) -> None:
        self._store = store
        self._limits = limits
        self._replier = replier
        self._is_shared = is_shared
        self._open: dict[str, _OpenRoom] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._processes = Processes(
            store, forget=self._forget, ask=self._ask, is_needed=lambda: bool(self._open)
        )
        self._key = b""

    async def enter(self, name: str, *, is_new: bool) -> Room:
        """Return a room, open; `leave` it in the end.

        Args:
            name: The room's.
            is_new: Whether who enters has nothing of its history.

        Raises:
            RoomsUnavailableError: Its store is out of reach.
        """
        opened = self._open.get(name)
        if opened is None:
            room = self._make(name)
            opened = self._open[name] = _OpenRoom(room, self._open_room(room, for_new=is_new))
        opened.users += 1
        try:
            # Others may be waiting for it when this one has left.
            await asyncio.shield(opened.opening)
        except BaseException:
            self._leave_one(name, opened)
            raise
        return opened.room

    def leave(self, room: Room) -> None:
        """Leave a room that was entered."""
        opened = self._open.get(room.name)
        if opened is not None and opened.room is room:
            self._leave_one(room.name, opened)

    async def close(self) -> None:
        """Close all rooms, though somebody is in them: what is under way here is left to others."""
        self._processes.stop()
        for name, opened in list(self._open.items()):
            self._close_room(name, opened)
        if self._closing:
            # Bounded, for a server that ends waits for this, and a store may be out of reach.
            await asyncio.wait(self._closing, timeout=_CLOSING_SECONDS)

    def _make(self, name: str) -> Room:
        return Room(
            name,
            self._store,
            limits=self._limits,
            replier=self._replier,
            is_shared=self._is_shared,
            rested=lambda: self._room_rested(name),
            processes=self._processes,
        )

    async def _open_room(self, room: Room, *, for_new: bool) -> None:
        if self._is_shared:
            self._processes.start()
        if not self._key:
            self._key = await self._store.pseudonym_key()
        await room.open(self._key, for_new=for_new)

    def _forget(self, is_ended: Callable[[str], bool]) -> None:
        for opened in list(self._open.values()):
            opened.room.forget(is_ended)

    async def _ask(self) -> None:
        for opened in list(self._open.values()):
            await opened.room.ask()

    def _leave_one(self, name: str, opened: _OpenRoom) -> None:
        opened.users -= 1
        self._close_if_empty(name, opened)

    def _room_rested(self, name: str) -> None:
        opened = self._open.get(name)
        if opened is not None:
            self._close_if_empty(name, opened)

    def _close_if_empty(self, name: str, opened: _OpenRoom) -> None:
        if not (opened.users or opened.room.is_at_work) and self._open.get(name) is opened:
            self._close_room(name, opened)

    def _close_room(self, name: str, opened: _OpenRoom) -> None:
        del self._open[name]
        opened.room.fall_silent()
        closing = asyncio.ensure_future(_close_when_open(opened))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


async def _close_when_open(opened: _OpenRoom) -> None:
    opened.opening.cancel()
    await asyncio.wait([opened.opening])
    if not opened.opening.cancelled():
        # Callers that waited for it were told; here it only counts as read.
        opened.opening.exception()
    await opened.room.close()
