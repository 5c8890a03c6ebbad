"""Leases within one process: who answers which message, and until when."""

import threading
import time

# Up to so many leases, those that have expired are left where they are.
_FEW = 1000

_Answer = tuple[str, int]


class Leases:
    """Who holds the lease of an answer, and until when."""

    def __init__(self) -> None:
        self._leases: dict[_Answer, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._sweep_above = _FEW

    def hold(self, room: str, position: int, holder: str, seconds: float) -> bool:
        """Take or renew a lease, or give it up with 0 seconds; return whether the holder has it."""
        now = time.monotonic()
        answer = (room, position)
        with self._lock:
            owner, until = self._leases.get(answer, (holder, 0.0))
            if owner != holder and now < until:
                return False
            if seconds <= 0:
                self._leases.pop(answer, None)
                return False
            self._leases[answer] = (holder, now + seconds)
            if len(self._leases) > self._sweep_above:
                self._drop_expired(now)
            return True

    def _drop_expired(self, now: float) -> None:
        self._leases = {answer: lease for answer, lease in self._leases.items() if now < lease[1]}
        self._sweep_above = max(_FEW, 2 * len(self._leases))
