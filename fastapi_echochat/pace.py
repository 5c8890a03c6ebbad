"""How fast a client's frames are worked on that are no messages and no pings."""

import asyncio
import math
from time import monotonic

from .limits import Limits
from .rate import Rate

# Of frames that have to wait for their turn, how many may come one after the other. While they
# wait it is not noticed that their client has left.
_MOST_LATE = 100


class Pace:
    """Slows a client down whose frames come too fast: each may cost more than sending it did.

    Args:
        limits: Say how fast they may come.
    """

    __slots__ = ("_late", "_rate")

    def __init__(self, limits: Limits) -> None:
        self._rate = Rate(limits.frames_per_second or math.inf, limits.burst)
        self._late = 0

    async def wait_for_turn(self) -> bool:
        """Wait until it is a frame's turn; return at once, and false, where that is too much."""
        now = monotonic()
        seconds = self._rate.admit(now) - now
        self._late = self._late + 1 if seconds > 0 else 0
        if seconds > 0 and self._late <= _MOST_LATE:
            await asyncio.sleep(seconds)
        return self._late <= _MOST_LATE
