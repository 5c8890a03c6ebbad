"""How fast messages and other frames may come: arithmetic without a timer."""


class Rate:
    """A rate that allows a burst and delays messages that come faster; it drops none.

    The generic cell rate algorithm (ITU-T I.371, annex A). Its state is one number: the time at
    which the next message is due if all of them came at an even rate.

    Args:
        per_second: How many messages are admitted per second over time.
        burst: How many messages are admitted at once.
    """

    __slots__ = ("_due", "_interval", "_tolerance")

    def __init__(self, per_second: float, burst: int) -> None:
        self._interval = 1 / per_second
        self._tolerance = (burst - 1) * self._interval
        self._due = 0.0

    def admit(self, now: float) -> float:
        """Count a message, and return the time at which it is its turn, `now` or later.

        Args:
            now: The time in seconds, of a monotonic clock.
        """
        due = max(now, self._due)
        self._due = due + self._interval
        return max(now, due - self._tolerance)

    def admit_at_once(self, now: float) -> bool:
        """Tell whether it is the turn of a message `now`, and count it if so."""
        if self._due - self._tolerance > now:
            return False
        self._due = max(now, self._due) + self._interval
        return True
