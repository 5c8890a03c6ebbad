"""The JSON schema of echochat.v1: what it holds, where it is served, and the README's tables."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fastapi_echochat import EchoChat, Limits, testing
from fastapi_echochat.frames import schema

README = (Path(__file__).parent.parent / "README.md").read_text()
SIDES = pytest.mark.parametrize(
    ("side", "heading"), [("ClientFrame", "from the client"), ("ServerFrame", "from the server")]
)


def frames_of_the_readme(heading: str) -> dict[str, dict[str, Any]]:
    """Return the example frames of a table by their types."""
    (table,) = re.findall(rf"^\| {heading} \|.*\n((?:\|.*\n)+)", README, re.MULTILINE)
    frames = [json.loads(frame) for frame in re.findall(r"^\| `(\{.*?\})` \|", table, re.MULTILINE)]
    return {frame["type"]: frame for frame in frames}


def definition(reference: dict[str, str]) -> dict[str, Any]:
    """Return what a `$ref` of the schema refers to."""
    found: dict[str, Any] = schema()["$defs"][reference["$ref"].removeprefix("#/$defs/")]
    return found


def frames_of_the_schema(side: str) -> dict[str, dict[str, Any]]:
    """Return the definitions of one side's frames by their types."""
    frames = [definition(reference) for reference in schema()["$defs"][side]["oneOf"]]
    return {frame["properties"]["type"]["const"]: frame for frame in frames}


def check_keys(example: dict[str, Any], model: dict[str, Any]) -> None:
    assert set(example) == set(model["properties"]) == set(model["required"])
    for key, value in model["properties"].items():
        if "$ref" in value:
            check_keys(example[key], definition(value))


@SIDES
def test_tables_of_the_readme_are_the_schema(side: str, heading: str) -> None:
    """Each frame of the README is in the schema with the same keys, and the other way round."""
    described, defined = frames_of_the_readme(heading), frames_of_the_schema(side)

    assert list(described) == list(defined)
    for kind, frame in described.items():
        check_keys(frame, defined[kind])


def test_codes_of_the_readme_are_the_schemas() -> None:
    """Each code of an error frame is named in the README's table, and no other."""
    (row,) = re.findall(r'^\| `\{"type":"error".*\| (.*?);', README, re.MULTILINE)
    codes = frames_of_the_schema("ServerFrame")["error"]["properties"]["code"]["enum"]

    assert re.findall(r"`(\w+)`", row) == ["code", *codes]


def test_schema_describes_itself() -> None:
    """The schema names its draft and its protocol, and describes every frame."""
    described = schema()

    assert described["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert described["title"] == "echochat.v1"
    assert described["description"]
    assert "$id" not in described
    for side in ("ClientFrame", "ServerFrame"):
        assert {"$ref": f"#/$defs/{side}"} in described["anyOf"]
        for frame in frames_of_the_schema(side).values():
            assert frame["description"]


def test_every_reference_is_defined() -> None:
    """Nothing in the schema refers to what is not in it."""
    text = json.dumps(schema())
    references = set(re.findall(r'"#/\$defs/(\w+)"', text))

    assert references == set(schema()["$defs"])


def test_schema_is_served_by_the_page() -> None:
    """The page's own address serves the schema, compressed, and answers 304 to who has it."""
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/{tenant}/chat")
    browser = TestClient(app)

    response = browser.get("/acme/chat?asset=protocol.json")
    again = browser.get(
        "/acme/chat?asset=protocol.json", headers={"if-none-match": response.headers["etag"]}
    )

    assert response.json() == schema()
    assert response.headers["content-type"] == "application/schema+json"
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")


def test_frames_on_the_wire_have_the_keys_of_the_schema() -> None:
    """What an endpoint sends has the keys that the schema says."""
    app = FastAPI()
    limits = Limits(message_bytes=9)
    app.include_router(EchoChat(limits=limits).router, prefix="/chat")
    defined = frames_of_the_schema("ServerFrame")

    with testing.connect(TestClient(app), "/chat") as chat:
        received = [chat.welcome]
        chat.send("NBA")
        received.append(chat.receive())
        chat.send("0123456789")
        received.append(chat.receive())
        chat.send_frame({"type": "ping"})
        received.append(chat.receive())

    assert [frame["type"] for frame in received if frame] == ["welcome", "reply", "error", "pong"]
    for frame in received:
        assert frame is not None
        check_keys(frame, defined[frame["type"]])
