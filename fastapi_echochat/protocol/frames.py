"""The frames of `echochat.v1`, as models, and their JSON schema."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

ECHOCHAT_V1 = "echochat.v1"
"""The name of our WebSocket subprotocol (RFC 6455, section 1.9)."""

Code = Literal["message_too_long", "bad_frame", "reply_failed", "stopped", "bad_name"]

ID_LENGTH = 64
"""Longest id of a message, in characters."""

Position = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""Where an entry is in its room: a number that JavaScript can tell from the next one."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=ID_LENGTH)]


class _Frame(BaseModel):
    # A frame that goes out always says its `type`, and the schema says so.
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class MessageFrame(_Frame):
    """From the client: a message. Its `id` comes back with the answer."""

    type: Literal["message"]
    id: Id
    text: str


class StopFrame(_Frame):
    """From the client: no more of the answer to the message of this `id`."""

    type: Literal["stop"]
    id: str


class PingFrame(_Frame):
    """From the client: is anybody there? A browser cannot see the pings of WebSocket itself."""

    type: Literal["ping"]


class EnterFrame(_Frame):
    """From the client, in a chat with rooms its first frame; `welcome` answers it.

    `after` is the position that it has seen the room up to, null for the newest entries. `name`
    is what a guest wants to be called. `conversation` is what a kept conversation is known by,
    where each has one of its own: unguessable, chosen by the client.
    """

    type: Literal["enter"]
    after: Position | None = None
    name: str | None = None
    conversation: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]{22,64}$")] | None = None


class NameFrame(_Frame):
    """From the client: what a guest wants to be called from now on; `named` answers it."""

    type: Literal["name"]
    name: str


class TypingFrame(_Frame):
    """From the client: its person is writing."""

    type: Literal["typing"]


class EarlierFrame(_Frame):
    """From the client: which entries come before a position? `history` answers it."""

    type: Literal["earlier"]
    before: Position


class WelcomeLimits(_Frame):
    """The bounds that a client does well to keep."""

    message_bytes: int | None
    waiting_messages: int
    messages_per_second: float | None


class WelcomeRoom(_Frame):
    """The room that the client is in.

    `position` is that of the newest entry, 0 in an empty room. Where `resumed` is true what
    follows are all entries after the position that the client named; where it is false they are
    the newest ones, and there may be a gap between what the client has seen and these.
    `has_earlier` says whether there are entries before the first of them.
    """

    name: str
    position: int
    resumed: bool
    has_earlier: bool


class WelcomeFrame(_Frame):
    """From the server: the first frame. `author` is the name that the client speaks under."""

    type: Literal["welcome"] = "welcome"
    limits: WelcomeLimits
    author: str | None
    room: WelcomeRoom | None


class ReplyFrame(_Frame):
    """From the server: an answer, or with `done` false a piece of one."""

    type: Literal["reply"] = "reply"
    in_reply_to: str
    text: str
    done: bool


class EntryFrame(_Frame):
    """From the server: something was said in the room, and is kept at this position.

    A `message` has the `id` that its sender chose, so its own is a client's acknowledgement. An
    `answer` has the `id` of the message that it answers. A `notice` is the host's.
    """

    type: Literal["entry"] = "entry"
    position: int
    kind: Literal["message", "answer", "notice"]
    id: str
    author: str | None
    text: str
    sent_at: datetime
    outcome: Literal["done", "stopped", "failed"]


class DraftFrame(_Frame):
    """From the server: a piece of an answer that is being written in the room.

    With `is_start` it is all there is so far; without, what comes after the last piece. The
    answer's entry, which has the whole text, comes in its place at the end.
    """

    type: Literal["draft"] = "draft"
    in_reply_to: str
    author: str | None
    text: str
    is_start: bool


class NamedFrame(_Frame):
    """From the server: the name that the client speaks under from now on."""

    type: Literal["named"] = "named"
    author: str


class PresenceFrame(_Frame):
    """From the server: who is in the room, in alphabetical order.

    `others` is how many there are beside those named, where they are too many to name.
    """

    type: Literal["presence"] = "presence"
    authors: list[str]
    others: int


class WritingFrame(_Frame):
    """From the server: somebody in the room is writing."""

    type: Literal["typing"] = "typing"
    author: str


class HistoryFrame(_Frame):
    """From the server: the entries before a position, oldest first."""

    type: Literal["history"] = "history"
    entries: list[EntryFrame]
    has_earlier: bool


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


ClientFrame = Annotated[
    MessageFrame | StopFrame | PingFrame | EnterFrame | NameFrame | TypingFrame | EarlierFrame,
    Field(discriminator="type"),
]
"""What a client may send."""

ServerFrame = Annotated[
    WelcomeFrame
    | ReplyFrame
    | EntryFrame
    | DraftFrame
    | NamedFrame
    | PresenceFrame
    | WritingFrame
    | HistoryFrame
    | SlowedFrame
    | ErrorFrame
    | PongFrame,
    Field(discriminator="type"),
]
"""What a server sends."""

client_frames: TypeAdapter[
    MessageFrame | StopFrame | PingFrame | EnterFrame | NameFrame | TypingFrame | EarlierFrame
] = TypeAdapter(ClientFrame)
"""Validates what a client sends."""


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of every frame of `echochat.v1`.

    `$defs/ClientFrame` is what a client may send, `$defs/ServerFrame` what a server sends.
    """
    server_frame: TypeAdapter[Any] = TypeAdapter(ServerFrame)
    sides, rest = TypeAdapter.json_schemas(
        [
            ("ClientFrame", "validation", client_frames),
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
