"""The AsyncAPI document: what it describes, of which models, and where it is served."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import Depends, HTTPException, Request
from fastapi.requests import HTTPConnection

from fastapi_echochat.protocol.schema import schema
from tests.apps import make_client
from tests.pages import described_endpoint

SIDES = {"receive": "ClientFrame", "send": "ServerFrame"}


def document(address: str = "/chat", **options: Any) -> Any:
    """Return the document of a chat with these options, as its page serves it."""
    separator = "&" if "?" in address else "?"
    return make_client(**options).get(f"{address}{separator}asset=asyncapi.json").json()


def resolve(described: Any, reference: dict[str, str]) -> Any:
    """Return what a `$ref` refers to in the same document."""
    ((key, pointer),) = reference.items()
    assert key == "$ref"
    for name in pointer.removeprefix("#/").split("/"):
        described = described[name]
    return described


def test_payloads_are_the_definitions_of_the_schema() -> None:
    """Every frame of the schema is a message of the document, of the same definition."""
    described, defined = document(), schema()["$defs"]
    renamed = json.loads(json.dumps(defined).replace("#/$defs/", "#/components/schemas/"))

    for action, side in SIDES.items():
        operation = described["operations"][f"{action}_frames"]
        assert operation["action"] == action
        assert operation["channel"] == {"$ref": "#/channels/frames"}
        messages = [
            resolve(described, resolve(described, message)) for message in operation["messages"]
        ]
        assert [message["payload"] for message in messages] == renamed.pop(side)["oneOf"]
        for message in messages:
            payload = resolve(described, message["payload"])
            assert message["title"] == payload["properties"]["type"]["const"]
    assert described["components"]["schemas"] == renamed


def test_channels_say_how_they_are_opened() -> None:
    """One channel asks for the subprotocol in its handshake, the other sends texts without it."""
    described = document(title="Ask us")
    frames, texts = described["channels"]["frames"], described["channels"]["texts"]

    headers = frames["bindings"]["ws"]["headers"]
    assert headers["properties"]["Sec-WebSocket-Protocol"]["const"] == "echochat.v1"
    assert headers["required"] == ["Sec-WebSocket-Protocol"]
    assert "headers" not in texts["bindings"]["ws"]
    assert texts["address"] == frames["address"] == "/chat/ws"
    for action in SIDES:
        (message,) = described["operations"][f"{action}_texts"]["messages"]
        text = resolve(described, resolve(described, message))
        assert (text["contentType"], text["payload"]) == ("text/plain", {"type": "string"})
    assert described["info"]["title"] == "Ask us"


def by_tenant(request: Request) -> str:
    return f"wss://{request.path_params['tenant']}.example/ws"


@pytest.mark.parametrize(
    ("websocket_url", "described"),
    [
        ("wss://chat.example:8443/talk", "wss://chat.example:8443/talk"),
        ("wss://chat.example", "wss://chat.example/"),
        ("ws://[::1]:80/a%2Fb", "ws://[::1]:80/a%2Fb"),
        # What stands in braces in an address would be a parameter of AsyncAPI's.
        ("wss://chat.example/{room}/ws", "wss://chat.example/%7Broom%7D/ws"),
        ("wss://chat.example/ws?a=1&b=&a=%26", "wss://chat.example/ws?a=1&a=%26&b="),
        (by_tenant, "wss://acme.example/ws"),
    ],
)
def test_endpoint_elsewhere(websocket_url: Any, described: str) -> None:
    """An endpoint that is elsewhere is described where it is."""
    found = document("/acme", prefix="/{tenant}", websocket_url=websocket_url)

    assert described_endpoint(found) == described


def test_query_of_the_address_is_described() -> None:
    """What the page's query passes on to the endpoint, the handshake that is described has too."""
    endpoint = urlsplit(described_endpoint(document("/chat?token=a%26b&tag=1&v=x&tag=2&%FF")))

    assert endpoint.path == "/chat/ws"
    query = parse_qs(endpoint.query, keep_blank_values=True)
    assert query == {"token": ["a&b"], "tag": ["1", "2"], "\ufffd": [""]}


def test_document_is_served_as_the_schema_is() -> None:
    """The page's own address serves it: compressed, cached as other assets are, for HEAD too."""
    browser = make_client()

    schema_headers = browser.get("/chat?asset=protocol.json").headers
    response = browser.get("/chat?asset=asyncapi.json")
    etag = response.headers["etag"]
    again = browser.get("/chat?asset=asyncapi.json", headers={"if-none-match": etag})
    head = browser.head("/chat?asset=asyncapi.json")
    version = etag.removeprefix('W/"').removesuffix('"')
    pinned = browser.get(f"/chat?asset=asyncapi.json&v={version}")

    media_type = "application/vnd.aai.asyncapi+json;version=3.0.0"
    assert response.headers["content-type"] == media_type
    for name in ("content-encoding", "cache-control", "vary", "x-content-type-options"):
        assert response.headers[name] == schema_headers[name]
    assert (again.status_code, again.content) == (304, b"")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", etag)
    assert pinned.headers["cache-control"].endswith("immutable")
    assert pinned.json() == response.json()


def test_document_is_guarded() -> None:
    """A guard that refuses the page refuses the document."""

    def guard(connection: HTTPConnection) -> None:
        if connection.query_params.get("token") != "right":
            raise HTTPException(401)

    browser = make_client(dependencies=[Depends(guard)])

    assert browser.get("/chat?asset=asyncapi.json").status_code == 401
    assert browser.get("/chat?token=right&asset=asyncapi.json").status_code == 200
