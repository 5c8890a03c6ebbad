"""The processes of a chat that share its store: which of them are there."""

import asyncio
import itertools
import secrets
from collections.abc import Awaitable, Callable

from .channel import Channel
from .naming import PRIVATE
from .signals import Alive, Signal
from .stores.contract import Rooms

HEARTBEAT_SECONDS = 2.0
"""How often each process says that it is there."""

SILENT_SECONDS = 3 * HEARTBEAT_SECONDS
"""After how long without a word of it a process has ended."""

# No address leads to this room, and it has no history.
_ROOM = f"{PRIVATE}processes"
# So many of those that have ended are remembered, the newest: they may only have stood still.
_REMEMBERED = 1000


class Processes:
    """Says that this process is there, and notices when others are no more.

    One heartbeat for all of its rooms, which themselves tell nothing but changes: so a room in
    which nothing happens costs nothing. What may have been missed of other processes is asked for.

    Args:
        store: Passes the heartbeats on.
        forget: Forgets the people of processes that have ended, which it can tell by their names
            in rooms.
        ask: Asks in all rooms of this process who is there.
        is_needed: Tells whether any room is open; if none is, it ends by itself.
    """

    def __init__(
        self,
        store: Rooms,
        *,
        forget: Callable[[Callable[[str], bool]], None],
        ask: Callable[[], Awaitable[None]],
        is_needed: Callable[[], bool],
    ) -> None:
        self._id = secrets.token_hex(8)
        self._numbers = itertools.count(1)
        self._channel = Channel(store, _ROOM, self._id)
        self._forget = forget
        self._ask = ask
        self._is_needed = is_needed
        self._heard_at: dict[str, float] = {}
        self._ended: dict[str, None] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._asking: asyncio.Task[None] | None = None
        self._has_to_ask = False

    def new_name(self) -> str:
        """Return what this process is called in one room for as long as it has that open."""
        return f"{self._id}-{next(self._numbers)}"

    def start(self) -> None:
        """Begin, unless that was done."""
        if not self._tasks:
            listening = self._channel.listen(self._hear, self.ask_soon)
            self._tasks = [asyncio.create_task(listening), asyncio.create_task(self._beat())]

    def stop(self) -> None:
        """End; the others notice by themselves."""
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        if self._asking is not None:
            self._asking.cancel()

    def note(self, name: str) -> None:
        """Note a sign of life of a process, given by its name in a room."""
        process = _process_of(name)
        if process == self._id:
            return
        self._heard_at[process] = asyncio.get_running_loop().time()
        if process in self._ended:
            # It had only stood still, or could not be heard, and its people are forgotten.
            del self._ended[process]
            self.ask_soon()

    def ask_soon(self) -> None:
        """Ask who is there, in one room after the other: something may have been missed."""
        self._has_to_ask = True
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_always())

    async def _ask_always(self) -> None:
        try:
            while self._has_to_ask:
                self._has_to_ask = False
                await self._ask()
        finally:
            self._asking = None

    async def _hear(self, signal: Signal) -> None:
        if isinstance(signal, Alive):
            self.note(signal.process)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        checked_at = loop.time()
        while self._is_needed():
            await self._channel.tell(Alive(process=self._id))
            await asyncio.sleep(HEARTBEAT_SECONDS)
            now = loop.time()
            # Where this process stood still itself, it has yet to read what the others said.
            if now - checked_at < SILENT_SECONDS:
                self._miss_silent(now - SILENT_SECONDS)
            checked_at = now
        # Not when the last room is closed: one is opened again for each who comes by.
        self.stop()

    def _miss_silent(self, since: float) -> None:
        silent = [process for process, heard_at in self._heard_at.items() if heard_at < since]
        if silent:
            for process in silent:
                del self._heard_at[process]
                self._ended[process] = None
            for process in list(self._ended)[:-_REMEMBERED]:
                del self._ended[process]
            self._forget(lambda name: _process_of(name) in silent)


def _process_of(name: str) -> str:
    return name.partition("-")[0]
