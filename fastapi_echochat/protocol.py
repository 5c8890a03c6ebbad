"""The two protocols of an endpoint: what a frame means, and how an answer is framed.

Nothing here waits or sends: text in, values out, and the other way round.
"""

from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import count
from typing import Annotated, Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from .limits import Limits

ECHOCHAT_V1 = "echochat.v1"
"""The name of our WebSocket subprotocol (RFC 6455, section 1.9)."""

# Close codes, RFC 6455, section 7.4.1.
UNSUPPORTED_DATA = 1003
MESSAGE_TOO_BIG = 1009
INTERNAL_ERROR = 1011

Code = Literal["message_too_long", "bad_frame", "reply_failed", "stopped"]

# JSON writes a character of a message with at most six bytes for one (\u0000); the rest of the
# frame, with an id of 64 characters, is well below this.
_JSON_EXPANSION = 6
_JSON_OVERHEAD = 1024
# What went wrong is told in a sentence, not with the client's own megabyte in it.
_DETAIL_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Message:
    """What a person or a bot says.

    Attributes:
        id: Unique in its conversation; over `echochat.v1` chosen by the client.
        text: What was said.
        author: Who says it, `None` where nobody has a name.
        sent_at: When the server received it, aware, in UTC.
    """

    id: str
    text: str
    author: str | None
    sent_at: datetime


class Ping(NamedTuple):
    """The client asks whether anybody is there."""


class Stop(NamedTuple):
    """The client wants no more of the answer to a message."""

    id: str


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

    def welcome(self) -> str | None:
        """Return the first frame, or `None` where nothing is said unasked."""

    def read(self, frame: str) -> Message | Stop | Ping | Problem:
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

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ids = count(1)
        self._pieces: list[str] = []

    def welcome(self) -> None:
        """Return nothing: the first frame of this protocol is an answer."""

    def read(self, frame: str) -> Message | Problem:
        """Return the message that a frame is."""
        if not self._limits.allow_text(frame):
            return _too_long(self._limits)
        return Message(str(next(self._ids)), frame, None, datetime.now(timezone.utc))

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


class _Frame(BaseModel):
    # A frame that goes out always says its `type`, and the schema says so.
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class MessageFrame(_Frame):
    """From the client: a message. Its `id` comes back with the answer."""

    type: Literal["message"]
    id: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    text: str


class StopFrame(_Frame):
    """From the client: no more of the answer to the message of this `id`."""

    type: Literal["stop"]
    id: str


class PingFrame(_Frame):
    """From the client: is anybody there? A browser cannot see the pings of WebSocket itself."""

    type: Literal["ping"]


class WelcomeLimits(_Frame):
    """The bounds that a client does well to keep."""

    message_bytes: int | None
    waiting_messages: int
    messages_per_second: float | None


class WelcomeFrame(_Frame):
    """From the server: the first frame."""

    type: Literal["welcome"] = "welcome"
    limits: WelcomeLimits


class ReplyFrame(_Frame):
    """From the server: an answer, or with `done` false a piece of one."""

    type: Literal["reply"] = "reply"
    in_reply_to: str
    text: str
    done: bool


class SlowedFrame(_Frame):
    """From the server: messages come faster than they may; the next is answered in `seconds`."""

    type: Literal["slowed"] = "slowed"
    seconds: float


class ErrorFrame(_Frame):
    """From the server: a message has no answer, or a frame no sense; the connection stays open."""

    type: Literal["error"] = "error"
    code: Code
    detail: str
    in_reply_to: str | None


class PongFrame(_Frame):
    """From the server: the answer to a ping."""

    type: Literal["pong"] = "pong"


ClientFrame = Annotated[MessageFrame | StopFrame | PingFrame, Field(discriminator="type")]
"""What a client may send."""

ServerFrame = Annotated[
    WelcomeFrame | ReplyFrame | SlowedFrame | ErrorFrame | PongFrame, Field(discriminator="type")
]
"""What a server sends."""

_client_frame: TypeAdapter[MessageFrame | StopFrame | PingFrame] = TypeAdapter(ClientFrame)
_PONG = PongFrame().model_dump_json()


class EchochatV1:
    """The protocol `echochat.v1`: JSON text frames, each with a `type`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        bound = limits.message_bytes
        self._frame_length = bound and bound * _JSON_EXPANSION + _JSON_OVERHEAD

    def welcome(self) -> str:
        """Return the welcome, with the limits in it."""
        limits = WelcomeLimits(
            message_bytes=self._limits.message_bytes,
            waiting_messages=self._limits.waiting_messages,
            messages_per_second=self._limits.messages_per_second,
        )
        return WelcomeFrame(limits=limits).model_dump_json()

    def read(self, frame: str) -> Message | Stop | Ping | Problem:
        """Return what a frame means; a frame of another shape is a problem, not an exception."""
        if self._frame_length is not None and len(frame) > self._frame_length:
            return _too_long(self._limits)
        try:
            said = _client_frame.validate_json(frame)
        except ValidationError as exc:
            return Problem("bad_frame", _explain(exc))
        if isinstance(said, PingFrame):
            return Ping()
        if isinstance(said, StopFrame):
            return Stop(said.id)
        if not self._limits.allow_text(said.text):
            return _too_long(self._limits, said.id)
        return Message(said.id, said.text, None, datetime.now(timezone.utc))

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


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of every frame of `echochat.v1`.

    `$defs/ClientFrame` is what a client may send, `$defs/ServerFrame` what a server sends.
    """
    server_frame: TypeAdapter[Any] = TypeAdapter(ServerFrame)
    sides, rest = TypeAdapter.json_schemas(
        [
            ("ClientFrame", "validation", _client_frame),
            ("ServerFrame", "serialization", server_frame),
        ]
    )
    definitions = {side: definition for (side, _), definition in sides.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": ECHOCHAT_V1,
        "description": "A frame of this WebSocket subprotocol, from a client or from a server.",
        "anyOf": [{"$ref": f"#/$defs/{side}"} for side in definitions],
        "$defs": definitions | rest["$defs"],
    }


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
