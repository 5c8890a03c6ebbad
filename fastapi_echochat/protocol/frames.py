"""The frames of `echochat.v1`, as models, and their JSON schema.

A serializer of another protocol reads and encodes the same models.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter

from .welcome import WelcomeFrame

ECHOCHAT_V1 = "echochat.v1"
"""The name of our WebSocket subprotocol (RFC 6455, section 1.9)."""

Code = Literal[
    "message_too_long", "bad_frame", "reply_failed", "stopped", "bad_name",
    "unknown_answer", "feedback_failed", "too_many_verdicts",
]  # fmt: skip

Verdict = Literal["up", "down"]
"""What somebody thinks of an answer."""

ID_LENGTH = 64
"""Longest id of a message, in characters."""

Position = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""Where an entry is in its room: a number that JavaScript can tell from the next one."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=ID_LENGTH)]

# --- From the client. Dataclasses: to make one takes a fifth of what a Pydantic model takes. -----


@dataclass(slots=True)
class MessageFrame:
    """From the client: a message. Its `id` comes back with the answer."""

    type: Literal["message"]
    id: Id
    text: str


@dataclass(slots=True)
class StopFrame:
    """From the client: no more of the answer to its own message of this `id`."""

    type: Literal["stop"]
    id: Id


@dataclass(slots=True)
class PingFrame:
    """From the client: is anybody there? A browser cannot see the pings of WebSocket itself."""

    type: Literal["ping"]


@dataclass(slots=True)
class EnterFrame:
    """From the client, in a chat with rooms its first frame; `welcome` answers it.

    `after` is the position that it has seen the room up to, null for the newest entries. `name`
    is what a guest wants to be called. `guest` is the secret that a guest is known by: who sends
    it is the same person; without it each connection is somebody new. `conversation` is what a
    kept conversation is known by, where each client has one of its own. Both are unguessable and
    chosen by the client.
    """

    type: Literal["enter"]
    after: Position | None = None
    name: str | None = None
    guest: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]{32,64}$")] | None = None
    conversation: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]{22,64}$")] | None = None


@dataclass(slots=True)
class NameFrame:
    """From the client: what a guest wants to be called from now on; `named` answers it."""

    type: Literal["name"]
    name: str


@dataclass(slots=True)
class TypingFrame:
    """From the client: its person is writing."""

    type: Literal["typing"]


@dataclass(slots=True)
class EarlierFrame:
    """From the client: which entries come before a position? `history` answers it."""

    type: Literal["earlier"]
    before: Position


@dataclass(slots=True)
class FeedbackFrame:
    """From the client: what its person thinks of an answer; `feedback` acknowledges it.

    `id` is that of the message that was answered; in a room the position of the answer's entry.
    """

    type: Literal["feedback"]
    id: Id | Position
    verdict: Verdict


ClientFrame: TypeAlias = (
    MessageFrame
    | StopFrame
    | PingFrame
    | EnterFrame
    | NameFrame
    | TypingFrame
    | EarlierFrame
    | FeedbackFrame
)
"""What a client may send."""

# --- From the server -----------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class PersonFrame:
    """A person in a room: a pseudonym, the same in all of this room's frames, and a name."""

    id: str
    name: str


@dataclass(slots=True, kw_only=True)
class ReplyFrame:
    """From the server: an answer, or with `done` false a piece of one."""

    in_reply_to: str
    text: str
    done: bool
    type: Literal["reply"] = "reply"


@dataclass(slots=True, kw_only=True)
class EntryFrame:
    """From the server: an entry of the room's history.

    A `message` has the `id` that its author chose, so its own is a client's acknowledgement: the
    ids of two authors may be equal. An `answer` names in `in_reply_to` the position of the message
    that it answers. A `notice` is the host's.
    """

    position: int
    kind: Literal["message", "answer", "notice"]
    id: str
    author: PersonFrame | None
    text: str
    sent_at: datetime
    outcome: Literal["done", "stopped", "failed"]
    in_reply_to: int | None
    type: Literal["entry"] = "entry"


@dataclass(slots=True, kw_only=True)
class DraftFrame:
    """From the server: a piece of the answer to the message at the position `in_reply_to`.

    With `is_start` it is all there is so far; without, what comes after the last piece. The
    answer's entry, which has the whole text, comes in its place at the end.
    """

    in_reply_to: int
    text: str
    is_start: bool
    type: Literal["draft"] = "draft"


@dataclass(slots=True, kw_only=True)
class NamedFrame:
    """From the server: the name that the client speaks under from now on."""

    name: str
    type: Literal["named"] = "named"


@dataclass(slots=True, kw_only=True)
class PresenceFrame:
    """From the server: who is in the room, in alphabetical order.

    `others` is how many there are beside those: who has no name, and who is one too many to name.
    """

    people: list[PersonFrame]
    others: int
    type: Literal["presence"] = "presence"


@dataclass(slots=True, kw_only=True)
class WritingFrame:
    """From the server: somebody in the room is writing."""

    author: PersonFrame
    type: Literal["typing"] = "typing"


@dataclass(slots=True, kw_only=True)
class HistoryFrame:
    """From the server: the entries before a position, oldest first."""

    entries: list[EntryFrame]
    has_earlier: bool
    type: Literal["history"] = "history"


@dataclass(slots=True, kw_only=True)
class SlowedFrame:
    """From the server: messages come faster than they may; the next is answered in `seconds`."""

    seconds: float
    type: Literal["slowed"] = "slowed"


@dataclass(slots=True, kw_only=True)
class JudgedFrame:
    """From the server: the host has heard what the client thinks of an answer."""

    id: str | int
    verdict: Verdict
    type: Literal["feedback"] = "feedback"


@dataclass(slots=True, kw_only=True)
class ErrorFrame:
    """From the server: a message has no answer, or a frame no sense; the connection stays open."""

    code: Code
    detail: str
    in_reply_to: str | int | None = None
    type: Literal["error"] = "error"


@dataclass(slots=True, kw_only=True)
class PongFrame:
    """From the server: the answer to a ping."""

    type: Literal["pong"] = "pong"


ServerFrame: TypeAlias = (
    WelcomeFrame
    | ReplyFrame
    | EntryFrame
    | DraftFrame
    | NamedFrame
    | PresenceFrame
    | WritingFrame
    | HistoryFrame
    | SlowedFrame
    | JudgedFrame
    | ErrorFrame
    | PongFrame
)
"""What a server sends."""

client_frames: TypeAdapter[ClientFrame] = TypeAdapter(
    Annotated[ClientFrame, Field(discriminator="type")]
)
"""Validates what a client sends."""

# A frame that goes out always says its `type`, and the schema says so.
for _frame in get_args(ServerFrame):
    _frame.__pydantic_config__ = ConfigDict(json_schema_serialization_defaults_required=True)

server_frames: TypeAdapter[ServerFrame] = TypeAdapter(
    Annotated[ServerFrame, Field(discriminator="type")]
)
"""Validates what a server sends, for clients."""
