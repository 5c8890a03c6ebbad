"""What a client has sent and is not done yet: bounded, each id once, at a rate."""

from collections.abc import Iterator
from datetime import datetime, timezone
from time import monotonic

from .limits import Limits, size_of
from .protocol.frames import MessageFrame
from .rate import Rate


class Inbox:
    """The messages of one session that wait for their turn, in order.

    Args:
        limits: How many may wait, how many bytes, and how fast they may come.
    """

    __slots__ = ("_bytes", "_limits", "_rate", "_waiting")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._rate: Rate | None = None
        if limits.messages_per_second is not None:
            self._rate = Rate(limits.messages_per_second, limits.burst)
        self._waiting: dict[str, tuple[MessageFrame, datetime, float]] = {}
        self._bytes = 0

    def __bool__(self) -> bool:
        """Tell whether a message waits."""
        return bool(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether no more should be read from the client until a message is taken."""
        return (
            len(self._waiting) >= self._limits.waiting_messages
            or self._bytes >= self._limits.waiting_bytes
        )

    def admit_at_once(self) -> bool:
        """Count a message that need not wait; one that has to is not counted."""
        if self._rate is None:
            return not self._waiting
        return not self._waiting and self._rate.admit_at_once(monotonic())

    def add(self, frame: MessageFrame) -> bool:
        """Have a message wait for its turn; one whose id waits already is dropped.

        Returns:
            Whether it was added.
        """
        if frame.id in self._waiting:
            return False
        due = 0.0 if self._rate is None else self._rate.admit(monotonic())
        self._waiting[frame.id] = (frame, datetime.now(timezone.utc), due)
        self._bytes += size_of(frame.text)
        return True

    def next_due(self) -> float | None:
        """Return when the turn of the next message is, in seconds of `time.monotonic`.

        0 for at once, `None` where none waits.
        """
        for _, _, due in self._waiting.values():
            return due
        return None

    def take(self) -> tuple[MessageFrame, datetime]:
        """Return the next message, which waits no longer, and when it came.

        Raises:
            KeyError: None waits.
        """
        return self._remove(next(iter(self._waiting)))

    def remove(self, message_id: str) -> bool:
        """Let go of a message, if it waits, and tell whether it did."""
        if message_id not in self._waiting:
            return False
        self._remove(message_id)
        return True

    def clear(self) -> None:
        """Let go of all messages."""
        self._waiting.clear()
        self._bytes = 0

    def __iter__(self) -> Iterator[str]:
        """Yield the ids of the messages that wait, in order."""
        return iter(self._waiting)

    def __contains__(self, message_id: str) -> bool:
        """Tell whether a message waits."""
        return message_id in self._waiting

    def _remove(self, message_id: str) -> tuple[MessageFrame, datetime]:
        frame, received_at, _ = self._waiting.pop(message_id)
        self._bytes -= size_of(frame.text)
        return frame, received_at
