"""What the processes of a chat tell each other about one room."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable

from ..limits import size_of
from .signals import Signal, decode_signal, encode_signal
from .stores.contract import Rooms

logger = logging.getLogger("fastapi_echochat")

# How long is waited before what failed is tried again.
_AGAIN_SECONDS = 1.0
# So many signals, and bytes of them, may be on their way that nobody waits for; more are lost.
_MOST_UNDER_WAY = 100
_BYTES_UNDER_WAY = 262_144


class Channel:
    """Sends signals to a room's processes, of which this is one, and hears theirs.

    Args:
        store: Passes them on.
        room: The room's name.
        process: Names this process in signals and leases, for as long as it has the room open.

    Attributes:
        process: As given.
    """

    def __init__(self, store: Rooms, room: str, process: str) -> None:
        self._store = store
        self._room = room
        self.process = process
        self._signals: AsyncGenerator[str, None] | None = None
        # How many bytes each takes.
        self._under_way: dict[asyncio.Task[None], int] = {}

    async def open(self) -> None:
        """Miss no signal from now on.

        Raises:
            RoomsUnavailableError: The store is out of reach.
        """
        self._signals = await self._store.signals(self._room)

    async def close(self) -> None:
        """Hear no more. Nobody listens."""
        if self._signals is not None:
            # Not left to the garbage collector, until which the store would go on listening.
            await self._signals.aclose()
            self._signals = None

    async def tell(self, signal: Signal) -> None:
        """Send a signal; while the store is out of reach it is lost."""
        await self._store.signal(self._room, encode_signal(signal))

    def tell_soon(self, signal: Signal) -> None:
        """Send a signal that a client causes, whose next frame is not to wait for the store."""
        text = encode_signal(signal)
        size = size_of(text) + sum(self._under_way.values())
        if len(self._under_way) < _MOST_UNDER_WAY and size <= _BYTES_UNDER_WAY:
            task = asyncio.create_task(self._store.signal(self._room, text))
            self._under_way[task] = size_of(text)
            task.add_done_callback(self._under_way.pop)

    async def listen(
        self, hear: Callable[[Signal], Awaitable[None]], missed: Callable[[], None]
    ) -> None:
        """Pass on what is heard, and that something may have been missed, without end."""
        while True:
            try:
                if self._signals is None:
                    await self.open()
                assert self._signals is not None
                async for text in self._signals:
                    if not text:
                        missed()
                    elif (signal := decode_signal(text)) is not None:
                        await hear(signal)
            except Exception:  # Of a store that is not ours; ours wait by themselves.
                logger.exception("room %r: cannot be listened to; trying again", self._room)
            finally:
                await self.close()
            await asyncio.sleep(_AGAIN_SECONDS)
