"""The AsyncAPI 3.0 document of an endpoint. FastAPI's OpenAPI document cannot describe one."""

from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from .frames import ECHOCHAT_V1
from .schema import definitions


class _Protocol(NamedTuple):
    """What a channel is about: what the server receives and sends, by the names of messages."""

    description: str
    receives: list[str]
    sends: list[str]
    binding: dict[str, Any]


# RFC 6455, section 11.3.4.
_SUBPROTOCOL = {
    "type": "object",
    "properties": {"Sec-WebSocket-Protocol": {"type": "string", "const": ECHOCHAT_V1}},
    "required": ["Sec-WebSocket-Protocol"],
}
_PLAIN = _Protocol(
    "A connection that asks for no subprotocol: a text frame is a message, its answer is a text "
    "frame. In a room each line begins with the name of its author.",
    ["text"],
    ["text"],
    {},
)


def asyncapi(endpoint: str, title: str) -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document of an endpoint, with the definitions of `schema()`.

    Args:
        endpoint: Its absolute URL, `ws:` or `wss:`.
        title: The chat's.
    """
    protocols, components = _shared_parts()
    url = urlsplit(endpoint)
    binding: dict[str, Any] = {"method": "GET", "bindingVersion": "0.1.0"}
    if url.query:
        binding["query"] = _describe_query(url.query)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": title,
            "version": "1",
            "description": "One WebSocket endpoint; the subprotocol that a client asks for in the "
            "handshake decides what it speaks.",
        },
        "defaultContentType": "application/json",
        "servers": {"host": {"host": url.netloc, "protocol": url.scheme}},
        "channels": {
            channel: {
                # Braces would be an expression (AsyncAPI 3.0, "Channel Address Expressions").
                "address": (url.path or "/").replace("{", "%7B").replace("}", "%7D"),
                "description": protocol.description,
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"}
                    for name in (*protocol.receives, *protocol.sends)
                },
                "bindings": {"ws": binding | protocol.binding},
            }
            for channel, protocol in protocols.items()
        },
        "operations": {
            f"{action}_{channel}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{channel}"},
                "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
            }
            for channel, protocol in protocols.items()
            for action, names in (("receive", protocol.receives), ("send", protocol.sends))
        },
        "components": components,
    }


@lru_cache(1)
def _shared_parts() -> tuple[dict[str, _Protocol], dict[str, Any]]:
    """Return the protocols by the names of their channels, and the components they refer to."""
    sides, schemas = definitions("#/components/schemas/{model}")
    names = {
        side: [frame["$ref"].rpartition("/")[2] for frame in definition["oneOf"]]
        for side, definition in sides.items()
    }
    messages: dict[str, Any] = {
        name: {
            "name": name,
            "title": schemas[name]["properties"]["type"]["const"],
            "payload": {"$ref": f"#/components/schemas/{name}"},
        }
        for name in (*names["ClientFrame"], *names["ServerFrame"])
    }
    messages["text"] = {"name": "text", "contentType": "text/plain", "payload": {"type": "string"}}
    framed = _Protocol(
        f"A connection that asks for the subprotocol `{ECHOCHAT_V1}`: each text frame is one JSON "
        "object. The server's first one is `welcome`, in a chat with rooms the answer to `enter`.",
        names["ClientFrame"],
        names["ServerFrame"],
        {"headers": _SUBPROTOCOL},
    )
    return {"frames": framed, "texts": _PLAIN}, {"messages": messages, "schemas": schemas}


def _describe_query(query: str) -> dict[str, Any]:
    """Return the JSON schema of the parameters that belong to the endpoint's address."""
    values = parse_qs(query, keep_blank_values=True)
    return {
        "type": "object",
        "properties": {
            name: {"const": same[0] if len(same) == 1 else same} for name, same in values.items()
        },
        "required": list(values),
    }
