"""The frames of `echochat.v1`, as models, and their JSON schema."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

ECHOCHAT_V1 = "echochat.v1"
"""The name of our WebSocket subprotocol (RFC 6455, section 1.9)."""

Code = Literal["message_too_long", "bad_frame", "reply_failed", "stopped"]


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

client_frames: TypeAdapter[MessageFrame | StopFrame | PingFrame] = TypeAdapter(ClientFrame)
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
