"""Saying in the log that a place is out of reach: once, and once more when it is back."""

import logging
import threading
import time

logger = logging.getLogger("fastapi_echochat")


class Outage:
    """A time in which something does not work, begun and ended by whoever notices.

    Args:
        begins: What the log says then; the reason and that it is tried again are added.
        ends: What it says at the end; how long it took is added.
    """

    def __init__(self, begins: str, ends: str) -> None:
        self._begins = begins
        self._ends = ends
        self._since: float | None = None
        self._lock = threading.Lock()

    def begin(self, reason: object) -> None:
        """Log a warning, if this is the first that is heard of it."""
        with self._lock:
            if self._since is not None:
                return
            self._since = time.monotonic()
        logger.warning("%s (%s): trying again; what is said waits", self._begins, reason)

    def end(self) -> None:
        """Log that it is over, if it had begun."""
        if self._since is None:
            return
        with self._lock:
            since, self._since = self._since, None
        if since is not None:
            logger.info("%s after %.1f s", self._ends, time.monotonic() - since)
