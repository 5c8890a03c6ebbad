"""Log lines about a store that is out of reach: one when that begins, one when it is over."""

import logging
import threading
import time

logger = logging.getLogger("fastapi_echochat")


class Outage:
    """A time in which a store does not work, begun and ended by those who notice.

    Args:
        begins: What the log says then; the reason, and that it is tried again, are added.
        ends: What the log says at the end; how long it took is added.
        meanwhile: What it is like until then.
    """

    def __init__(self, begins: str, ends: str, meanwhile: str = "new messages wait") -> None:
        self._begins = begins
        self._ends = ends
        self._meanwhile = meanwhile
        self._since: float | None = None
        self._lock = threading.Lock()

    @property
    def is_on(self) -> bool:
        """Whether it has begun and not ended."""
        return self._since is not None

    def begin(self, reason: object) -> None:
        """Log a warning, unless the outage was known already."""
        with self._lock:
            if self._since is not None:
                return
            self._since = time.monotonic()
        logger.warning("%s (%s): trying again; %s", self._begins, reason, self._meanwhile)

    def end(self) -> None:
        """Log that the outage is over, if there was one."""
        if self._since is None:
            return
        with self._lock:
            since, self._since = self._since, None
        if since is not None:
            logger.info("%s after %.1f s", self._ends, time.monotonic() - since)
