"""Noticing clients that take nothing."""

import asyncio
from collections.abc import Callable

from .sender import Sender


class Lookout:
    """Looks after all connections of an event loop, for clients that take nothing.

    One timer for all of them: a timeout around each send would take 4 microseconds, half of an
    echo, and a timer for each connection 600 bytes.

    Args:
        seconds: How long a client may take nothing; `None` for ever. It is given up between one
            and two times as long after it took the last.
    """

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        # Here and not in the sender, so that a connection is no cycle: what only the garbage
        # collector frees makes connecting a tenth slower.
        self._senders: dict[Sender, Callable[[], None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, sender: Sender, give_up: Callable[[], None]) -> None:
        """Look after a client from now on, and give it up once if it takes nothing."""
        self._senders[sender] = give_up
        if self._timer is None and self._seconds is not None:
            self._look_in(self._seconds)

    def remove(self, sender: Sender) -> None:
        """Look after a client no more."""
        self._senders.pop(sender, None)
        if self._timer is not None and not self._senders:
            # A timer that waits for nobody would keep its event loop in memory.
            self._timer.cancel()
            self._timer = None

    def _look_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        for sender in [sender for sender in self._senders if sender.is_stuck()]:
            self._senders.pop(sender)()
        if self._senders and self._seconds is not None:
            self._look_in(self._seconds)
