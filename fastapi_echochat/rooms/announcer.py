"""Telling a room, and other processes, who is in it."""

import asyncio
from collections.abc import Awaitable, Callable

from .presence import HEARTBEAT_SECONDS, Presence

# Comings and goings are told together.
_TOGETHER_SECONDS = 0.25


class Announcer:
    """Who is in a room, and who has to hear of it when that changes.

    Args:
        announce: Tells the other processes who is there in this one.
        tell: Tells those in this one who is there in all.

    Attributes:
        people: The names of those who are there, by pseudonym, as everybody was told.
    """

    def __init__(
        self,
        announce: Callable[[dict[str, str]], Awaitable[None]],
        tell: Callable[[dict[str, str]], None],
    ) -> None:
        self.people: dict[str, str] = {}
        self._announce = announce
        self._tell = tell
        self._presence = Presence()
        self._timer: asyncio.TimerHandle | None = None
        self._announcing: set[asyncio.Task[None]] = set()
        self._beating: asyncio.Task[None] | None = None
        self._is_closed = False

    def add(self, pseudonym: str, name: str) -> None:
        """Note that a participant is there."""
        self._presence.add(pseudonym, name)
        self.announce_soon()

    def remove(self, pseudonym: str, name: str) -> None:
        """Note that a participant is gone, or has this name no longer."""
        self._presence.remove(pseudonym, name)
        self.announce_soon()

    def hear(self, process: str, people: dict[str, str]) -> None:
        """Note who is there in another process."""
        self._presence.hear(process, people, asyncio.get_running_loop().time())
        if not self._is_closed:
            self._tell_changes()

    def announce_soon(self) -> None:
        """Tell everybody, together with what else happens in the next moment."""
        if self._timer is None and not self._is_closed:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_TOGETHER_SECONDS, self._announce_now)

    def close(self) -> None:
        """Announce nothing more, not even that those who are still there leave."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for task in (*self._announcing, self._beating):
            if task is not None:
                task.cancel()

    def _announce_now(self) -> None:
        self._timer = None
        self._tell_changes()
        announcing = asyncio.ensure_future(self._announce_here())
        self._announcing.add(announcing)
        announcing.add_done_callback(self._announcing.discard)

    async def _announce_here(self) -> None:
        await self._announce(self._presence.here)

    async def _beat(self) -> None:
        # Only while somebody is there: a room of nobody with a name costs nothing.
        while self.people:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if self._presence.here:
                await self._announce_here()
            self._tell_changes()
        self._beating = None

    def _tell_changes(self) -> None:
        people = self._presence.everybody(asyncio.get_running_loop().time())
        if people != self.people:
            self.people = people
            self._tell(people)
        if people and self._beating is None:
            self._beating = asyncio.ensure_future(self._beat())
