"""The rooms of a chat that are open, in one event loop of one process."""

import asyncio

from ..limits import Limits
from ..replies import Replier
from .room import Room
from .stores.contract import Rooms

# How long the end of all rooms is waited for.
_CLOSING_SECONDS = 2.0


class _Place:
    def __init__(self, room: Room) -> None:
        self.room = room
        self.opening = asyncio.ensure_future(room.open())
        self.users = 0


class Hub:
    """Opens a room for the first who comes, and closes it after the last, when its work is done.

    Args:
        rooms: Has their logs.
        limits: The chat's bounds.
        replier: Calls the reply function; `None` where people talk among themselves.
        is_shared: Whether several people meet in them.
    """

    def __init__(
        self, rooms: Rooms, limits: Limits, replier: Replier | None, *, is_shared: bool
    ) -> None:
        self._rooms = rooms
        self._limits = limits
        self._replier = replier
        self._is_shared = is_shared
        self._places: dict[str, _Place] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def enter(self, name: str) -> Room:
        """Return a room, open; `leave` it in the end.

        Raises:
            RoomsUnavailableError: Its log is out of reach.
        """
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = _Place(self._make(name))
        place.users += 1
        try:
            # Others may be waiting for it when this one has left.
            await asyncio.shield(place.opening)
        except BaseException:
            self._go(name, place)
            raise
        return place.room

    def leave(self, room: Room) -> None:
        """Need a room no longer."""
        place = self._places.get(room.name)
        if place is not None and place.room is room:
            self._go(room.name, place)

    async def close(self) -> None:
        """Close all rooms, though somebody is in them: what is under way here is left to others."""
        for name, place in list(self._places.items()):
            self._close(name, place)
        if self._closing:
            # Bounded, for a server that ends waits for this, and a log may be out of reach.
            await asyncio.wait(self._closing, timeout=_CLOSING_SECONDS)

    def _make(self, name: str) -> Room:
        return Room(
            name,
            self._rooms,
            limits=self._limits,
            replier=self._replier,
            is_shared=self._is_shared,
            rested=lambda: self._rest(name),
        )

    def _go(self, name: str, place: _Place) -> None:
        place.users -= 1
        self._close_if_empty(name, place)

    def _rest(self, name: str) -> None:
        place = self._places.get(name)
        if place is not None:
            self._close_if_empty(name, place)

    def _close_if_empty(self, name: str, place: _Place) -> None:
        if not (place.users or place.room.is_at_work) and self._places.get(name) is place:
            self._close(name, place)

    def _close(self, name: str, place: _Place) -> None:
        del self._places[name]
        closing = asyncio.ensure_future(_close(place))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


async def _close(place: _Place) -> None:
    place.opening.cancel()
    await asyncio.wait([place.opening])
    if not place.opening.cancelled():
        # Whoever waited for it was told; here it only counts as read.
        place.opening.exception()
    await place.room.close()
