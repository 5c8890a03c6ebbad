"""The JSON schema of `echochat.v1`."""

from inspect import getdoc
from typing import Any, get_args

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from .frames import ECHOCHAT_V1, ClientFrame, ServerFrame, client_frames, server_frames


class _Plain(GenerateJsonSchema):
    """Says what is valid, in keywords of JSON Schema, and nothing else.

    Pydantic adds OpenAPI's `discriminator`, which strict validators refuse, and titles of
    properties, each of which code generators make a numbered type of (`Text3`). A default that is
    never used, for its key is required or null, is noise.
    """

    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        union = super().tagged_union_schema(schema)
        union.pop("discriminator", None)
        return union

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def definitions(references: str = "#/$defs/{model}") -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the JSON schemas of both sides, `ClientFrame` and `ServerFrame`, and of their parts.

    Args:
        references: What a `$ref` says, with `{model}` for the name of what it refers to.
    """
    sides, rest = TypeAdapter.json_schemas(
        [
            ("ClientFrame", "validation", client_frames),
            ("ServerFrame", "serialization", server_frames),
        ],
        ref_template=references,
        schema_generator=_Plain,
    )
    parts: dict[str, Any] = rest["$defs"]
    for frame in (*get_args(ClientFrame), *get_args(ServerFrame)):
        # Older releases of Pydantic leave out what a dataclass's docstring says.
        parts[frame.__name__].setdefault("description", getdoc(frame))
    return {side: definition for (side, _), definition in sides.items()}, parts


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of every frame of `echochat.v1`.

    `$defs/ClientFrame` is what a client may send, `$defs/ServerFrame` what a server sends.
    """
    sides, parts = definitions()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": ECHOCHAT_V1,
        "description": "A frame of this WebSocket subprotocol, from a client or from a server.",
        "anyOf": [{"$ref": f"#/$defs/{side}"} for side in sides],
        "$defs": sides | parts,
    }
