"""The JSON schema of `echochat.v1`."""

from inspect import getdoc
from typing import Any, get_args

from pydantic import TypeAdapter

from .frames import ECHOCHAT_V1, ClientFrame, ServerFrame, client_frames, server_frames


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of every frame of `echochat.v1`.

    `$defs/ClientFrame` is what a client may send, `$defs/ServerFrame` what a server sends.
    """
    sides, rest = TypeAdapter.json_schemas(
        [
            ("ClientFrame", "validation", client_frames),
            ("ServerFrame", "serialization", server_frames),
        ]
    )
    definitions = {side: definition for (side, _), definition in sides.items()}
    for frame in (*get_args(ClientFrame), *get_args(ServerFrame)):
        # Older releases of Pydantic leave out what a dataclass's docstring says.
        rest["$defs"][frame.__name__].setdefault("description", getdoc(frame))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": ECHOCHAT_V1,
        "description": "A frame of this WebSocket subprotocol, from a client or from a server.",
        "anyOf": [{"$ref": f"#/$defs/{side}"} for side in definitions],
        "$defs": definitions | rest["$defs"],
    }
