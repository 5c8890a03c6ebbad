"""What an endpoint and its clients mean by what they say, whichever protocol they speak.

Nothing here waits or sends.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from .frames import Code, WelcomeRoom

# Close codes, RFC 6455, section 7.4.1.
UNSUPPORTED_DATA = 1003
MESSAGE_TOO_BIG = 1009
INTERNAL_ERROR = 1011
# https://www.iana.org/assignments/websocket, "Close Code Number Registry".
TRY_AGAIN_LATER = 1013


@dataclass(frozen=True, slots=True)
class Message:
    """What a person or a bot says.

    Attributes:
        id: Unique in its conversation; over `echochat.v1` chosen by the client.
        text: What was said.
        author: Who says it, `None` where nobody has a name.
        sent_at: When the server received it, aware, in UTC.
        room: The room it was said in, `None` where there are no rooms; of a kept conversation a
            name that nobody can guess. `chat.history` and `chat.post` take it.
    """

    id: str
    text: str
    author: str | None
    sent_at: datetime
    room: str | None = None


class Ping(NamedTuple):
    """The client asks whether anybody is there."""


class Stop(NamedTuple):
    """The client wants no more of the answer to a message."""

    id: str


class Enter(NamedTuple):
    """The client comes in: what it has seen, what it wants to be called, which conversation."""

    after: int | None = None
    name: str | None = None
    conversation: str | None = None


class Rename(NamedTuple):
    """The client wants to be called something else."""

    name: str


class Typing(NamedTuple):
    """The client's person is writing."""


class Earlier(NamedTuple):
    """The client wants what came before a position."""

    before: int


Said = Message | Stop | Ping | Enter | Rename | Typing | Earlier
"""What a client can mean by a frame."""


class Problem(NamedTuple):
    """Something that a client is told about."""

    code: Code
    detail: str
    in_reply_to: str | None = None


class Close(NamedTuple):
    """The end of a connection: a code of RFC 6455, section 7.4, and a reason of 123 bytes."""

    code: int
    reason: str


class Dialect(Protocol):
    """One protocol, as one connection speaks it."""

    def welcome(self, author: str | None, room: WelcomeRoom | None = None) -> str | None:
        """Return the first frame, or `None` where nothing is said unasked."""

    def named(self, author: str) -> str:
        """Return the frame that says what the client is called now."""

    def read(self, frame: str) -> Said | Problem:
        """Return what a text frame means."""

    def answer(self, frame: str, at_once: Callable[[str], str]) -> str | None:
        """Return the frame that answers a message, where its answer needs but its text.

        `None` where the frame is anything but a message that may be answered: `read` says what.
        """

    def reply(self, in_reply_to: str, text: str) -> str:
        """Return the frame of a whole answer."""

    def piece(self, in_reply_to: str, text: str, *, done: bool) -> str | None:
        """Return the frame of a piece of an answer, `None` where it is kept for the last one."""

    def slowed(self, seconds: float) -> str | None:
        """Return the frame that says how long the next answer waits, or `None`."""

    def pong(self) -> str:
        """Return the frame that answers a ping."""

    def problem(self, problem: Problem) -> str | Close:
        """Return the frame that tells of a problem, or the close that does."""
