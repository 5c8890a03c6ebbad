"""The JSON schema of echochat.v1: what it holds, where it is served, and the tables of frames."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fastapi_echochat import Limits, MemoryRooms, Message, testing
from fastapi_echochat.protocol.frames import client_frames, server_frames
from fastapi_echochat.protocol.schema import schema
from tests.apps import make_client
from tests.documents import table_source

SIDES = pytest.mark.parametrize(
    ("side", "heading"), [("ClientFrame", "from the client"), ("ServerFrame", "from the server")]
)


def described_rows(heading: str) -> list[tuple[dict[str, Any], str]]:
    """Return the example frames of a table, and what is said of each."""
    rows = re.findall(r"^\| `(\{.*?\})` \| (.*) \|$", table_source(heading), re.MULTILINE)
    return [(json.loads(frame), words) for frame, words in rows]


def described_frames(heading: str) -> dict[str, dict[str, Any]]:
    """Return the example frames of a table by their types."""
    return {frame["type"]: frame for frame, _ in described_rows(heading)}


def definition(reference: dict[str, str]) -> dict[str, Any]:
    """Return what a `$ref` of the schema refers to."""
    found: dict[str, Any] = schema()["$defs"][reference["$ref"].removeprefix("#/$defs/")]
    return found


def frames_of_the_schema(side: str) -> dict[str, dict[str, Any]]:
    """Return the definitions of one side's frames by their types."""
    frames = [definition(reference) for reference in schema()["$defs"][side]["oneOf"]]
    return {frame["properties"]["type"]["const"]: frame for frame in frames}


def check_keys(example: dict[str, Any], model: dict[str, Any]) -> None:
    assert set(example) == set(model["properties"])
    for key, value in model["properties"].items():
        for nested in (value, *value.get("anyOf", ())):
            if "$ref" in nested and example[key] is not None:
                check_keys(example[key], definition(nested))
        if "$ref" in value.get("items", ()):
            for item in example[key]:
                check_keys(item, definition(value["items"]))


@SIDES
def test_tables_are_the_schema(side: str, heading: str) -> None:
    """Each frame of the tables is in the schema with the same keys, and the other way round."""
    described, defined = described_frames(heading), frames_of_the_schema(side)

    assert list(described) == list(defined)
    for kind, frame in described.items():
        check_keys(frame, defined[kind])


def test_examples_are_understood() -> None:
    """Each example of the tables, its dots apart, is a frame as the models have it."""
    for frame in described_frames("from the client").values():
        client_frames.validate_python(frame)
    for frame in described_frames("from the server").values():
        values = {key: "bad_frame" if key == "code" else value for key, value in frame.items()}
        server_frames.validate_python(values)


def test_keys_that_may_be_left_out() -> None:
    """What a server sends has all its keys; a client may leave out what may be null."""
    left_out = {
        (side, kind, key)
        for side in ("ClientFrame", "ServerFrame")
        for kind, frame in frames_of_the_schema(side).items()
        for key in frame["properties"].keys() - frame["required"]
    }

    keys = ("after", "name", "guest", "conversation")
    assert left_out == {("ClientFrame", "enter", key) for key in keys}


def test_words_are_the_schemas() -> None:
    """Each code, kind and outcome of a frame is named in its row, after its key and in order."""
    said = {frame["type"]: words for frame, words in described_rows("from the server")}
    checked = set()
    for kind, frame in frames_of_the_schema("ServerFrame").items():
        for key, value in frame["properties"].items():
            # Older releases of pydantic give a constant as an enumeration of one.
            if len(value.get("enum", ())) > 1:
                checked.add(key)
                (sentence,) = re.findall(rf"`{key}`: ([^:]*)", said[kind])
                names = [name for name in re.findall(r"`(\w+)`", sentence) if name in value["enum"]]
                assert names == value["enum"]

    assert checked == {"code", "kind", "outcome", "verdict"}


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


def keys_of(described: object) -> set[str]:
    """Return the keywords of a schema, and of all schemas in it."""
    found: set[str] = set()
    if isinstance(described, dict):
        for key, value in described.items():
            if key in ("properties", "$defs"):  # Their keys are names.
                found.update({key}, *map(keys_of, value.values()))
            else:
                found |= {key} | keys_of(value)
    if isinstance(described, list):
        found.update(*map(keys_of, described))
    return found


def test_schema_has_keywords_of_json_schema_alone() -> None:
    """It has no keyword that a strict validator refuses, and no default that nobody uses."""
    # JSON Schema, 2020-12: core (sections 8 to 10) and validation (sections 6, 7 and 9).
    assert keys_of(schema()) <= {
        "$schema", "$defs", "$ref", "anyOf", "oneOf", "properties", "items",
        "type", "const", "enum", "required", "format", "pattern",
        "minLength", "maxLength", "minimum", "maximum", "title", "description",
    }  # fmt: skip


def test_properties_have_no_titles() -> None:
    """A property has no title, of which a generator of code would make a type of its own."""
    for name, model in schema()["$defs"].items():
        if "properties" in model:
            assert model["title"] == name
            assert "title" not in keys_of(list(model["properties"].values()))


def test_every_reference_is_defined() -> None:
    """Nothing in the schema refers to what is not in it."""
    text = json.dumps(schema())
    references = set(re.findall(r'"#/\$defs/(\w+)"', text))

    assert references == set(schema()["$defs"])


def test_schema_is_served_by_the_page() -> None:
    """The page's own address serves the schema, compressed, and answers 304 to who has it."""
    browser = make_client(prefix="/{tenant}/chat")

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
    defined = frames_of_the_schema("ServerFrame")

    with testing.connect(make_client(limits=Limits(message_bytes=9)), "/chat") as chat:
        received: list[Any] = [chat.welcome]
        said = [{"type": "message", "id": "1", "text": text} for text in ("NBA", "0123456789")]
        for frame in (*said, {"type": "ping"}):
            chat.send_frame(frame)
            received.append(chat.receive())

    assert [frame["type"] for frame in received] == ["welcome", "reply", "error", "pong"]
    for frame in received:
        check_keys(frame, defined[frame["type"]])


def test_frames_of_a_room_on_the_wire_have_the_keys_of_the_schema() -> None:
    """What a room sends has the keys that the schema says, whichever frame it is."""

    async def spell(message: Message) -> AsyncIterator[str]:
        for letter in message.text:
            yield letter

    defined = frames_of_the_schema("ServerFrame")
    received: dict[str, dict[str, Any]] = {}

    with (
        make_client(spell, rooms=MemoryRooms()) as client,
        testing.enter(client, "/chat", name="Ada") as ada,
    ):
        received["welcome"] = ada.welcome
        ada.say("NBA")
        frames: list[dict[str, Any]] = [
            {"type": "name", "name": "Grace"},
            {"type": "typing"},
            {"type": "message", "id": "1", "text": "NBA"},
            {"type": "earlier", "before": 2**53 - 1},
            {"type": "stop"},
        ]
        for frame in frames:
            ada.send_frame(frame)
        kinds = {"welcome", "entry", "draft", "named", "presence", "typing", "history", "error"}
        while received.keys() < kinds:
            frame = ada.receive()
            received[frame["type"]] = frame

    for kind, frame in received.items():
        check_keys(frame, defined[kind])
    assert received["welcome"]["room"]["name"] == "main"
    assert received["history"]["entries"]
