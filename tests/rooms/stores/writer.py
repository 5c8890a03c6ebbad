"""A process that appends to a room as fast as it can, and prints what was acknowledged."""

import multiprocessing
import os

from tests.rooms.stores import writing
from tests.servers import fork


class Writer:
    """One that appends to the lobby.

    Args:
        store: Which one, `sqlite` or `redis`.
        where: Its path or URL.
        name: What the ids of its entries begin with.
    """

    def __init__(self, store: str, where: str, name: str) -> None:
        ours, its = multiprocessing.Pipe(duplex=False)
        self._process = fork(writing.write, its, store, where, name)
        its.close()
        self._printed = os.fdopen(os.dup(ours.fileno()))
        ours.close()

    def lines(self, count: int) -> list[str]:
        """Wait for so many lines more."""
        return [self._printed.readline().strip() for _ in range(count)]

    def kill(self) -> list[str]:
        """Kill it, and return the whole lines that it had printed and nobody had read."""
        self._process.kill()
        with self._printed:
            rest = [line.strip() for line in self._printed if line.endswith("\n")]
        self._process.join()
        return rest
