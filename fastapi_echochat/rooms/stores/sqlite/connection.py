"""A connection to a file, in a thread of its own, which is opened whenever it is needed."""

import sqlite3
import weakref
from collections.abc import Callable
from typing import TypeVar

from ....threads import Threads
from ..contract import RoomsUnavailableError
from ..outage import Outage
from .files import Files, Stamp

T = TypeVar("T")


class Connection:
    """One that is closed after a failure, or where its file is not at its path any more.

    Args:
        files: Those that it opens.
        name: What errors call them.
        outage: Begins and ends with what is done here.
        opened: Called in the thread when it has been opened.
    """

    def __init__(self, files: Files, name: str, outage: Outage, opened: Callable[[], None]) -> None:
        self._files = files
        self._name = name
        self.outage = outage
        self._opened = opened
        # Not aiosqlite, for whose thread Python waits at its exit: a server that did not close it
        # would not end.
        self._threads = Threads(1)
        self._current: tuple[sqlite3.Connection, Stamp] | None = None

    async def call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what is done with the connection, as `use` does, from an event loop."""
        return await self._threads.call(self.use, work)

    def start(self, work: Callable[[], None]) -> None:
        """Have something done in the thread that raises nothing, and may `use` the connection."""
        self._threads.start(work)

    async def close(self) -> None:
        """Close it; the next use opens it again."""
        await self._threads.call(self._close)

    def look(self) -> None:
        """Have it closed soon if its files are not there any more; from any thread."""
        self._threads.start(self._leave_old_files)

    # The following methods run in the thread, one at a time.

    def use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what is done with the connection.

        It is done again where the file turns out to have been replaced meanwhile.

        Raises:
            RoomsUnavailableError: It failed; the log says so once.
            ValueError: The file that is opened first is not one of rooms.
            Exception: Anything else that the work raises.
        """
        try:
            while True:
                result = work(self._open())
                if self._is_up_to_date():
                    break
                self._leave_old_files()
        except sqlite3.Error as exc:
            # Opened again it is in order, even if a transaction failed halfway.
            self._close()
            self.outage.begin(exc)
            raise RoomsUnavailableError(f"{self._name}: {exc}") from exc
        self.outage.end()
        return result

    def _open(self) -> sqlite3.Connection:
        if self._current is None:
            self._current = self._files.open()
            # Where nobody calls close(): a connection that is dropped open is a ResourceWarning.
            self._forget = weakref.finalize(self, self._current[0].close)
            self._opened()
        return self._current[0]

    def _close(self) -> None:
        if self._current is not None:
            self._forget.detach()
            current, self._current = self._current, None
            self._files.close(*current)

    def _is_up_to_date(self) -> bool:
        return self._current is None or self._files.look() == self._current[1]

    def _leave_old_files(self) -> None:
        if self._current is not None and not self._is_up_to_date():
            self._forget.detach()
            current, self._current = self._current, None
            self._files.leave(*current)
