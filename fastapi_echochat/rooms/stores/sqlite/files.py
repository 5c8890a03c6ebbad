"""The file of a database and the two beside it, which may be removed or replaced while in use."""

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from . import schema

logger = logging.getLogger("fastapi_echochat")

# Seconds that a connection waits until others have left files that are not there any more.
_LEAVE_SECONDS = 10.0

_Inode = tuple[int, int]


class Stamp(NamedTuple):
    """Which files are there: of each the device and the inode, `None` if it is missing."""

    database: _Inode | None
    wal: _Inode | None
    shm: _Inode | None


class Files:
    """The three files of one database: itself, its write-ahead log, and the index of that.

    A connection goes on with files that are not at their path any more, and what it commits is lost
    with them. And SQLite would apply the log of one database to another that has taken its place.
    So each connection has a stamp, and where that is not up to date all of this process leave the
    files before one is opened again.

    Args:
        path: Of the database.
        left: Called when other connections are to look whether their files are there.
    """

    def __init__(self, path: Path, left: Callable[[], None]) -> None:
        self._paths = [f"{path}{suffix}" for suffix in ("", "-wal", "-shm")]
        self._path = path
        self._left = left
        self._is_known = False
        self._told: Stamp | None = None
        self._used: list[Stamp] = []
        self._freed = threading.Condition()
        self._opening = threading.Lock()

    def look(self) -> Stamp:
        """Return which files are there now. A database that is empty is not there."""
        return Stamp(*map(_inode, self._paths))

    def open(self) -> tuple[sqlite3.Connection, Stamp]:
        """Open the database; where there never was one it is made.

        Raises:
            ValueError: The first database that is found is not one of rooms.
            sqlite3.Error: It cannot be opened now.
        """
        with self._opening:
            return self._open()

    def forget(self) -> None:
        """Let the next connection make a database where there is none."""
        self._is_known = False

    def close(self, database: sqlite3.Connection, stamp: Stamp) -> None:
        """Close a connection, and let those be opened that wait for it."""
        database.close()
        self._free(stamp)

    def leave(self, database: sqlite3.Connection, stamp: Stamp) -> None:
        """Close a connection whose stamp is out of date, and have the others do so too."""
        now = self.look()
        with self._freed:
            is_news, self._told = self._told != stamp, stamp
        if is_news and now.database == stamp.database:
            logger.warning("files beside %s were removed: it is opened again", self._path)
        elif is_news and now.database is not None:
            logger.warning("%s was replaced: rooms go on with the file there is now", self._path)
        # What was acknowledged goes from the log to where it belongs, which may have been moved;
        # unless another process has begun a new log, which is not to be mixed with this one.
        if now.database != stamp.database or None in now:
            with contextlib.suppress(sqlite3.Error):
                database.execute("PRAGMA wal_checkpoint(FULL)")
        database.close()
        if now.database != stamp.database:
            # Before others may open the new ones, which may get the inodes of these.
            self._remove_rest(stamp)
        self._free(stamp)
        self._left()

    def _open(self) -> tuple[sqlite3.Connection, Stamp]:
        stamp = self.look()
        # A folder that is unmounted, or a file that is about to be put back: one that is made anew
        # would be in the way, and what is written into it soon lost.
        if self._is_known and stamp.database is None:
            raise sqlite3.OperationalError(
                "it was removed or emptied; put it back, or start the server again for a new one"
            )
        with self._freed:
            if not self._freed.wait_for(lambda: self._is_free(stamp), _LEAVE_SECONDS):
                raise sqlite3.OperationalError("files that were removed are still in use")
            self._told = None
        try:
            database = schema.connect(self._path, may_create=not self._is_known)
        except ValueError as exc:
            if self._is_known:
                raise sqlite3.DatabaseError(str(exc)) from exc
            raise
        opened = self.look()
        if stamp.database not in {None, opened.database}:
            database.close()
            raise sqlite3.OperationalError("it was replaced while it was opened")
        self._is_known = True
        with self._freed:
            self._used.append(opened)
        return database, opened

    def _free(self, stamp: Stamp) -> None:
        with self._freed:
            self._used.remove(stamp)
            self._freed.notify_all()

    def _is_free(self, stamp: Stamp) -> bool:
        return all(used == stamp for used in self._used)

    def _remove_rest(self, stamp: Stamp) -> None:
        """Remove the log of a database that is not there any more, and its index."""
        for path, inode in zip(self._paths[1:], stamp[1:], strict=True):
            if _inode(path) == inode is not None:
                with contextlib.suppress(OSError):
                    os.unlink(path)  # noqa: PTH108  # as the paths are here


def _inode(path: str) -> _Inode | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # looked at with each message
    except OSError:
        return None
    return found.st_dev, found.st_ino
