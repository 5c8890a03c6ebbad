"""How many commands are under way at a time; the others wait for one to end."""

import asyncio
from collections import deque


class Turns:
    """Lets so many in at a time, in the order in which they came, however long that takes.

    A pool of connections gives up after some seconds those who wait. Here they wait as long as
    those before them are answered, and no longer.

    Args:
        most: How many at a time.
    """

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait for a turn.

        Raises:
            Exception: What `give_up` was called with meanwhile.
        """
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.give_back()
            raise

    def give_back(self) -> None:
        """End a turn; the next one who waits has it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def give_up(self, reason: str, kind: type[Exception]) -> None:
        """Let all who wait go without a turn, with an exception of their own."""
        waiting, self._waiting = self._waiting, deque()
        for turn in waiting:
            if not turn.done():
                turn.set_exception(kind(reason))
