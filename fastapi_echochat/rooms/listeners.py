"""Whether anybody is there to hear what a room's function says."""

import asyncio
from collections.abc import Callable


class Listeners:
    """Notices that nobody has been there for a while.

    Args:
        seconds: How long that is; `None` for however long.
        missed: Called then.

    Attributes:
        is_any: Whether anybody is there, as was noted last.
    """

    def __init__(self, seconds: float | None, missed: Callable[[], None]) -> None:
        self.is_any = False
        self._seconds = seconds
        self._missed = missed
        self._timer: asyncio.TimerHandle | None = None

    def note(self, *, is_any: bool) -> None:
        """Note whether anybody is there; without, the time begins anew."""
        self.close()
        self.is_any = is_any
        if not is_any and self._seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._missed)

    def close(self) -> None:
        """Wait no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
