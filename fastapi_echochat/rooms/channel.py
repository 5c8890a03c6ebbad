"""What the processes of a chat tell each other about one room."""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable

from .signals import Signal, decode_signal, encode_signal
from .stores.contract import Rooms

logger = logging.getLogger("fastapi_echochat")

# How long is waited before what failed is tried again.
_AGAIN_SECONDS = 1.0


class Channel:
    """Sends signals to a room's processes, of which this is one, and hears theirs.

    Args:
        store: Passes them on.
        room: The room's name.

    Attributes:
        process: Names this process in signals and leases, for as long as it has the room open.
    """

    def __init__(self, store: Rooms, room: str) -> None:
        self._store = store
        self._room = room
        self.process = secrets.token_hex(8)
        self._signals: AsyncGenerator[str, None] | None = None

    async def open(self) -> None:
        """Miss no signal from now on.

        Raises:
            RoomsUnavailableError: The store is out of reach.
        """
        self._signals = await self._store.signals(self._room)

    async def tell(self, signal: Signal) -> None:
        """Send a signal; while the store is out of reach it is lost."""
        await self._store.signal(self._room, encode_signal(signal))

    async def listen(self, hear: Callable[[Signal], Awaitable[None]]) -> None:
        """Pass on what is heard, without end."""
        while True:
            try:
                if self._signals is None:
                    await self.open()
                assert self._signals is not None
                async for text in self._signals:
                    if (signal := decode_signal(text)) is not None:
                        await hear(signal)
            except Exception:  # Of a store that is not ours; ours wait by themselves.
                logger.exception("room %r: cannot be listened to; trying again", self._room)
            self._signals = None
            await asyncio.sleep(_AGAIN_SECONDS)
