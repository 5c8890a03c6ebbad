"""Telling a room, and other processes, who is in it."""

import asyncio
from collections.abc import Callable

from .channel import Channel
from .presence import NOBODY, Presence, Present
from .signals import Here

# Comings and goings are told together, and those in the room hear of them at most so often.
_TOGETHER_SECONDS = 0.25
_APART_SECONDS = 1.0
# What was announced comes back to its process; if it does not, it is announced again, ever later.
_LOST_SECONDS = 2.0
_MOST_LOST_SECONDS = 60.0


class Announcer:
    """Who is in a room, and who has to hear of it when that changes.

    Nothing is told, and no timer runs, while nothing changes.

    Args:
        channel: Tells the other processes who is there in this one.
        tell: Tells those in this one who is there in all.

    Attributes:
        present: Who is there, as everybody was told.
    """

    def __init__(self, channel: Channel, tell: Callable[[Present], None]) -> None:
        self.present = NOBODY
        self._channel = channel
        self._tell = tell
        self._presence = Presence()
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = 0.0
        self._told_at = -_APART_SECONDS
        # Who was announced, until that comes back.
        self._unheard: Present | None = None
        self._lost_seconds = _LOST_SECONDS
        self._is_to_announce = False
        self._is_first = True
        self._announcing: asyncio.Task[None] | None = None
        self._is_closed = False

    def add(self, pseudonym: str | None, name: str) -> None:
        """Note that a participant is there; without a pseudonym one that has no name."""
        self._presence.add(pseudonym, name)
        self._announce_change()

    def remove(self, pseudonym: str | None, name: str) -> None:
        """Note that a participant is gone, or has this name no longer."""
        self._presence.remove(pseudonym, name)
        self._announce_change()

    def hear(self, here: Here) -> None:
        """Note who is there in another process, or that others could hear it of this one."""
        if here.process != self._channel.process:
            self._presence.hear(here.process, here.present)
            self._wake_in(0.0)
        elif here.present == self._unheard:
            self._unheard = None
            self._lost_seconds = _LOST_SECONDS

    @property
    def processes(self) -> list[str]:
        """The other processes in which somebody is there."""
        return self._presence.processes

    def announce(self) -> None:
        """Tell the other processes, one of which has asked."""
        if not self._is_closed:
            self._announce_here()

    async def take_leave(self) -> None:
        """Tell the other processes, which need not wait until they miss this one."""
        await self._channel.tell(Here(process=self._channel.process))

    def close(self) -> None:
        """Announce nothing more, not even that those who are still there leave."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._announcing is not None:
            self._announcing.cancel()

    def _announce_change(self) -> None:
        if self._is_first:
            # At once, so that the others answer before this is told here.
            self.announce()
        else:
            self._is_to_announce = True
        self._wake_in(_TOGETHER_SECONDS)

    def _wake_in(self, seconds: float) -> None:
        """See what there is to tell after some seconds, unless that happens before."""
        loop = asyncio.get_running_loop()
        wakes_at = loop.time() + seconds
        if self._timer is not None:
            if self._wakes_at <= wakes_at:
                return
            self._timer.cancel()
        if not self._is_closed:
            # Kept here: uvloop's handle does not know it where there is nothing to wait for.
            self._wakes_at = wakes_at
            self._timer = loop.call_later(seconds, self._wake)

    def _wake(self) -> None:
        self._timer = None
        if self._is_to_announce:
            self._announce_here()
        elif self._unheard is not None:
            self._lost_seconds = min(2 * self._lost_seconds, _MOST_LOST_SECONDS)
            self._announce_here()
        if self._presence.everybody != self.present:
            now = asyncio.get_running_loop().time()
            early = self._told_at + _APART_SECONDS - now
            if early > 0:
                self._wake_in(early)
                return
            self._told_at = now
            self.present = self._presence.everybody
            self._tell(self.present)

    def _announce_here(self) -> None:
        # While the store takes its time, what has changed meanwhile is told once, afterwards:
        # otherwise everybody there would wait in memory as often as somebody came or asked.
        self._is_to_announce = self._announcing is not None
        if self._is_to_announce:
            return
        self._unheard = self._presence.here
        names, nameless = self._unheard
        here = Here(
            process=self._channel.process,
            people=names,
            nameless=nameless,
            is_first=self._is_first,
        )
        self._is_first = False
        self._announcing = asyncio.ensure_future(self._channel.tell(here))
        self._announcing.add_done_callback(self._note_announced)
        self._wake_in(self._lost_seconds)

    def _note_announced(self, announced: "asyncio.Task[None]") -> None:
        self._announcing = None
        if self._is_to_announce and not self._is_closed:
            self._wake_in(0.0)
