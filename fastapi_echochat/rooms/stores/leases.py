"""Leases within one process."""

import threading
import time

# Below so many, leases that have expired are left where they are.
_FEW = 1000


class Leases:
    """Who holds what, and until when."""

    def __init__(self) -> None:
        self._leases: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._swept_above = _FEW

    def hold(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease, or give it up with 0 seconds; tell whether the holder has it."""
        now = time.monotonic()
        with self._lock:
            owner, until = self._leases.get(name, (holder, 0.0))
            if owner != holder and now < until:
                return False
            if seconds <= 0:
                self._leases.pop(name, None)
                return False
            self._leases[name] = (holder, now + seconds)
            if len(self._leases) > self._swept_above:
                self._sweep(now)
            return True

    def _sweep(self, now: float) -> None:
        self._leases = {name: lease for name, lease in self._leases.items() if now < lease[1]}
        self._swept_above = max(_FEW, 2 * len(self._leases))
