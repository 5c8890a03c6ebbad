"""Log lines about what does not work in a store: one when that begins, one when it is over."""

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
        self._parts: set[str] = set()
        self._lock = threading.Lock()

    @property
    def is_on(self) -> bool:
        """Whether it has begun and not ended."""
        return self._since is not None

    def begin(self, reason: object, part: str = "") -> None:
        """Log a warning, unless the outage was known already.

        Args:
            reason: Why it does not work.
            part: What does not; the outage is over when each part was said to work again.
        """
        with self._lock:
            self._parts.add(part)
            if self._since is not None:
                return
            self._since = time.monotonic()
        logger.warning("%s (%s): trying again; %s", self._begins, reason, self._meanwhile)

    def end(self, *parts: str, begun: float | None = None) -> None:
        """Log that the outage is over, if there was one and no other part of it goes on.

        Args:
            parts: What works.
            begun: When what shows that was begun, in seconds of `time.monotonic`: before the outage
                it shows nothing.
        """
        if self._since is None:
            return
        with self._lock:
            if self._since is None or (begun is not None and begun < self._since):
                return
            self._parts.difference_update(parts or ("",))
            if self._parts:
                return
            since, self._since = self._since, None
        if since is not None:
            logger.info("%s after %.1f s", self._ends, time.monotonic() - since)
