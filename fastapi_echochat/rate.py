"""How fast messages may come: arithmetic, no timer."""


class Rate:
    """A rate that lets a burst through and spreads what comes faster: nothing is dropped.

    The generic cell rate algorithm (ITU-T I.371, annex A): one number, the time at which all that
    was let in so far would be due at the even rate.

    Args:
        per_second: How many are let in per second over time.
        burst: How many may come at once.
    """

    __slots__ = ("_due", "_interval", "_tolerance")

    def __init__(self, per_second: float, burst: int) -> None:
        self._interval = 1 / per_second
        self._tolerance = (burst - 1) * self._interval
        self._due = 0.0

    def admit(self, now: float) -> float:
        """Count one more, and return the time at which its turn is, `now` or later.

        Args:
            now: Seconds of a clock that never goes back.
        """
        due = max(now, self._due)
        self._due = due + self._interval
        return max(now, due - self._tolerance)

    def admit_at_once(self, now: float) -> bool:
        """Count one more if its turn is `now`, and tell whether it is."""
        if self._due - self._tolerance > now:
            return False
        self._due = max(now, self._due) + self._interval
        return True
