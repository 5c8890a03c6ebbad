"""Noticing clients that read nothing."""

import asyncio
from collections.abc import Callable

from .sender import Sender


class Watchdog:
    """Watches all sessions of an event loop, and gives those up whose clients read nothing.

    One timer for all of them: a timeout around each send would take 4 microseconds, half of an
    echo, and a timer for each connection 600 bytes.

    Args:
        seconds: How long a client may read nothing; `None` for ever. It is given up between one
            and two times as long after it read last.
    """

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        # Here and not in the sender, so that a session is no cycle: what only the garbage
        # collector frees makes connecting a tenth slower.
        self._senders: dict[Sender, Callable[[], None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, sender: Sender, give_up: Callable[[], None]) -> None:
        """Watch a client from now on; `give_up` is called once if it reads nothing."""
        self._senders[sender] = give_up
        if self._timer is None and self._seconds is not None:
            self._check_in(self._seconds)

    def remove(self, sender: Sender) -> None:
        """Watch a client no longer."""
        self._senders.pop(sender, None)
        if self._timer is not None and not self._senders:
            # A timer for nobody would keep its event loop in memory.
            self._timer.cancel()
            self._timer = None

    def _check_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._check)

    def _check(self) -> None:
        self._timer = None
        for sender in [sender for sender in self._senders if sender.is_stuck()]:
            self._senders.pop(sender)()
        if self._senders and self._seconds is not None:
            self._check_in(self._seconds)
