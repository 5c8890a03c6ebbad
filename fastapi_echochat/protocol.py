"""The two protocols of an endpoint: what a frame means, and how an answer is framed.

Nothing here waits or sends: text in, values out, and the other way round.
"""

from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import count
from typing import NamedTuple, Protocol

from pydantic import ValidationError

from .frames import (
    Code,
    EarlierFrame,
    EnterFrame,
    ErrorFrame,
    MessageFrame,
    NamedFrame,
    NameFrame,
    PingFrame,
    PongFrame,
    ReplyFrame,
    SlowedFrame,
    StopFrame,
    TypingFrame,
    WelcomeFrame,
    WelcomeLimits,
    WelcomeRoom,
    client_frames,
)
from .limits import Limits

# Close codes, RFC 6455, section 7.4.1.
UNSUPPORTED_DATA = 1003
MESSAGE_TOO_BIG = 1009
INTERNAL_ERROR = 1011
# https://www.iana.org/assignments/websocket, "Close Code Number Registry".
TRY_AGAIN_LATER = 1013

# JSON writes a character of a message with at most six bytes for one (\u0000); the rest of the
# frame, with an id of 64 characters, is well below this.
_JSON_EXPANSION = 6
_JSON_OVERHEAD = 1024
# What went wrong is told in a sentence, not with the client's own megabyte in it.
_DETAIL_LENGTH = 200
_PONG = PongFrame().model_dump_json()


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


class Plain:
    """The protocol of a client that asks for none: a frame is a message, an answer is a frame."""

    def __init__(self, limits: Limits, author: str | None = None) -> None:
        self._limits = limits
        self._author = author
        self._ids = count(1)
        self._pieces: list[str] = []

    def welcome(self, author: str | None, room: WelcomeRoom | None = None) -> None:
        """Return nothing: the first frame of this protocol is an answer."""

    def named(self, author: str) -> str:
        """Refuse: this protocol has no names of its own."""
        raise AssertionError("a frame of the plain protocol is never a name")

    def read(self, frame: str) -> Message | Problem:
        """Return the message that a frame is."""
        if not self._limits.allow_text(frame):
            return _too_long(self._limits)
        return Message(str(next(self._ids)), frame, self._author, datetime.now(timezone.utc))

    def reply(self, in_reply_to: str, text: str) -> str:
        """Return the answer's text as it is."""
        return text

    def piece(self, in_reply_to: str, text: str, *, done: bool) -> str | None:
        """Return the whole answer with its last piece, and nothing before."""
        self._pieces.append(text)
        if not done:
            return None
        text = "".join(self._pieces)
        self._pieces.clear()
        return self.reply(in_reply_to, text)

    def slowed(self, seconds: float) -> None:
        """Return nothing: every frame of this protocol is an answer."""

    def pong(self) -> str:
        """Refuse: this protocol has no pings of its own."""
        raise AssertionError("a frame of the plain protocol is never a ping")

    def problem(self, problem: Problem) -> Close:
        """Return a close: there is no frame that could not be taken for an answer."""
        self._pieces.clear()
        code = MESSAGE_TOO_BIG if problem.code == "message_too_long" else INTERNAL_ERROR
        return Close(code, problem.detail)


class EchochatV1:
    """The protocol `echochat.v1`: JSON text frames, each with a `type`."""

    def __init__(self, limits: Limits, author: str | None = None) -> None:
        self._limits = limits
        self._author = author
        bound = limits.message_bytes
        self._frame_length = bound and bound * _JSON_EXPANSION + _JSON_OVERHEAD

    def welcome(self, author: str | None, room: WelcomeRoom | None = None) -> str:
        """Return the welcome, with the limits in it."""
        limits = WelcomeLimits(
            message_bytes=self._limits.message_bytes,
            waiting_messages=self._limits.waiting_messages,
            messages_per_second=self._limits.messages_per_second,
        )
        return WelcomeFrame(limits=limits, author=author, room=room).model_dump_json()

    def named(self, author: str) -> str:
        """Return the frame that says what the client is called now."""
        return NamedFrame(author=author).model_dump_json()

    def read(self, frame: str) -> Said | Problem:
        """Return what a frame means; a frame of another shape is a problem, not an exception."""
        if self._frame_length is not None and len(frame) > self._frame_length:
            return _too_long(self._limits)
        try:
            said = client_frames.validate_json(frame)
        except ValidationError as exc:
            return Problem("bad_frame", _explain(exc))
        if isinstance(said, MessageFrame):
            if not self._limits.allow_text(said.text):
                return _too_long(self._limits, said.id)
            return Message(said.id, said.text, self._author, datetime.now(timezone.utc))
        return _meaning(said)

    def reply(self, in_reply_to: str, text: str) -> str:
        """Return the frame of a whole answer."""
        return ReplyFrame(in_reply_to=in_reply_to, text=text, done=True).model_dump_json()

    def piece(self, in_reply_to: str, text: str, *, done: bool) -> str:
        """Return the frame of a piece of an answer; the last one may be empty."""
        return ReplyFrame(in_reply_to=in_reply_to, text=text, done=done).model_dump_json()

    def slowed(self, seconds: float) -> str:
        """Return the frame that says how long the next answer waits."""
        return SlowedFrame(seconds=round(seconds, 3)).model_dump_json()

    def pong(self) -> str:
        """Return the frame that answers a ping."""
        return _PONG

    def problem(self, problem: Problem) -> str:
        """Return an `error` frame."""
        return ErrorFrame(
            code=problem.code, detail=problem.detail, in_reply_to=problem.in_reply_to
        ).model_dump_json()


def _meaning(
    said: StopFrame | PingFrame | EnterFrame | NameFrame | TypingFrame | EarlierFrame,
) -> Said:
    if isinstance(said, PingFrame):
        return Ping()
    if isinstance(said, StopFrame):
        return Stop(said.id)
    if isinstance(said, EnterFrame):
        return Enter(said.after, said.name, said.conversation)
    if isinstance(said, NameFrame):
        return Rename(said.name)
    if isinstance(said, TypingFrame):
        return Typing()
    return Earlier(said.before)


def _too_long(limits: Limits, in_reply_to: str | None = None) -> Problem:
    return Problem(
        "message_too_long",
        f"a message may have {limits.message_bytes} bytes of UTF-8",
        in_reply_to,
    )


def _explain(exc: ValidationError) -> str:
    error = exc.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in error["loc"])
    sentence = f"{where}: {error['msg']}" if where else error["msg"]
    return sentence[:_DETAIL_LENGTH]
