"""What a session is at."""

import enum


class State(enum.Enum):
    """What a session is at."""

    OPEN = enum.auto()
    STALLED = enum.auto()
    """Given up: its client reads nothing."""
    CLOSED = enum.auto()
    """Closed by us, or left by its client; what was sent before may still be worked on."""
    OVER = enum.auto()
