"""The right to answer a message, which one process of several has."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from .stores.contract import Rooms, RoomsUnavailableError

# How long a process keeps others from answering after it died: they take up its answers then.
_SECONDS = 6.0
_RENEW_SECONDS = _SECONDS / 3


class Lease:
    """The right to answer one message, for a while.

    Args:
        store: Knows who has it.
        room: The room's name.
        position: The message's.
        process: Who wants it.
    """

    def __init__(self, store: Rooms, room: str, position: int, process: str) -> None:
        self._store = store
        self._message = (room, position, process)

    async def take(self, seconds: float = _SECONDS) -> bool:
        """Take it, or have it for longer, and tell whether that went well."""
        try:
            return await self._store.hold(*self._message, seconds)
        except RoomsUnavailableError:
            return False

    async def give_up(self) -> None:
        """Leave it to others, at once."""
        await self.take(0)

    @contextlib.asynccontextmanager
    async def renewed(self) -> AsyncIterator[None]:
        """Keep it for as long as a block takes; then it ends by itself."""
        renewing = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            renewing.cancel()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            await self.take()
