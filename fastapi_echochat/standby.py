"""Reading on for sessions whose reading task is held up by a message."""

import asyncio
from typing import Protocol
from weakref import WeakKeyDictionary

# Longer than most stores and many reply functions take, and too short for anybody to notice.
_SECONDS = 0.02


class Reader(Protocol):
    """What processes messages in the task that reads them."""

    def read_on(self) -> None:
        """Have another task read on."""


class Standby:
    """Has another task read on where the one that reads is held up by a message.

    One timer for all sessions of an event loop: a task or a callback for each message would take
    a tenth of an echo. A message that holds up its reader for more than 20 ms costs a task; until
    that is made, after 40 ms at most, its session hears no Stop and no disconnect.

    Attributes:
        at_work: The sessions whose readers are processing a message, and whether they were
            already when the timer ran last. Kept up to date by the sessions.
        timer: Runs while anybody may be at work.
    """

    __slots__ = ("at_work", "timer")

    def __init__(self) -> None:
        self.at_work: dict[Reader, bool] = {}
        self.timer: asyncio.TimerHandle | None = None

    def start_timer(self) -> None:
        """Look after those who are at work."""
        self.timer = asyncio.get_running_loop().call_later(_SECONDS, self._relieve)

    def remove(self, reader: Reader) -> None:
        """Look after a session no longer."""
        self.at_work.pop(reader, None)
        if self.timer is not None and not self.at_work:
            # A timer for nobody would keep its event loop in memory.
            self.timer.cancel()
            self.timer = None

    def _relieve(self) -> None:
        self.timer = None
        for reader, was_at_work in list(self.at_work.items()):
            if was_at_work:
                del self.at_work[reader]
                reader.read_on()
            else:
                self.at_work[reader] = True
        if self.at_work:
            self.start_timer()


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Standby] = WeakKeyDictionary()


def running_standby() -> Standby:
    """Return that of the running event loop."""
    loop = asyncio.get_running_loop()
    standby = _of_loops.get(loop)
    if standby is None:
        standby = _of_loops[loop] = Standby()
    return standby
