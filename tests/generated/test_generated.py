"""Clients that are generated from the documents which a chat serves, at a real server."""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from websockets.sync.client import ClientConnection, connect

from fastapi_echochat import EchoChat, MemoryRooms
from tests.clients import V1
from tests.pages import described_endpoint
from tests.servers import Uvicorn, find_npm_packages, find_program
from tests.waiting import PATIENCE, get

HERE = Path(__file__).parent
PACKAGES = [
    "@asyncapi/specs", "ajv", "ajv-formats", "json-schema-to-typescript", "typescript", "ws",
]  # fmt: skip


class Chat(NamedTuple):
    """A chat on a real server, by the documents that it serves."""

    schema: str
    asyncapi: list[dict[str, Any]]
    """Of an echo chat at an address with a query, of a room, and of an endpoint elsewhere."""


@pytest.fixture(scope="module")
def chat() -> Iterator[Chat]:
    """Serve three chats, and read their documents."""
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/{tenant}/chat")
    app.include_router(EchoChat(None, rooms=MemoryRooms()).router, prefix="/rooms/{room}")
    app.include_router(EchoChat(websocket_url="wss://a.example/ws").router, prefix="/elsewhere")
    server = Uvicorn(app)
    pages = ["/acme%20ltd/chat?token=a%26b&", "/rooms/lobby?", "/elsewhere?"]
    yield Chat(
        get(server.url("/elsewhere?asset=protocol.json")).text,
        [get(server.url(f"{page}asset=asyncapi.json")).json() for page in pages],
    )
    server.stop()


@pytest.fixture(scope="module")
def in_typescript(chat: Chat, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run what needs Node.js, once for all tests, and return the outcome."""
    folder = tmp_path_factory.mktemp("typescript")
    (folder / "node_modules").symlink_to(find_npm_packages(*PACKAGES))
    for name in ("check.js", "client.ts", "package.json"):
        shutil.copy(HERE / name, folder)
    (folder / "protocol.json").write_text(chat.schema)
    broken = json.loads(json.dumps(chat.asyncapi[0]))
    broken["channels"]["frames"]["bindings"]["ws"]["method"] = "PUT"
    documents = [*chat.asyncapi, broken]
    for number, document in enumerate(documents):
        (folder / f"{number}.json").write_text(json.dumps(document))

    names = [f"{number}.json" for number in range(len(documents))]
    command = [find_program("node"), "check.js", described_endpoint(chat.asyncapi[0]), *names]
    ran = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=4 * PATIENCE, check=False
    )

    assert ran.returncode == 0, ran.stderr
    checked: dict[str, Any] = json.loads(ran.stdout)
    return {**checked, "types": (folder / "echochat.ts").read_text()}


@pytest.fixture(scope="module")
def models(chat: Chat, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Generate Pydantic models of the schema, and import them."""
    from datamodel_code_generator.__main__ import main  # noqa: PLC0415 - else in each worker

    folder = tmp_path_factory.mktemp("python")
    schema, module = folder / "protocol.json", folder / "generated_frames.py"
    schema.write_text(chat.schema)
    options = [
        "--input-file-type", "jsonschema", "--output-model-type", "pydantic_v2.BaseModel",
        "--use-annotated", "--enum-field-as-literal", "all", "--formatters", "builtin",
    ]  # fmt: skip
    assert main(["--input", str(schema), "--output", str(module), *options]) == 0
    spec = importlib.util.spec_from_file_location(module.stem, module)
    assert spec
    assert spec.loader
    generated = sys.modules[module.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generated)
    yield generated
    del sys.modules[module.stem]


def test_schema_compiles_in_strict_mode(in_typescript: dict[str, Any]) -> None:
    """A validator that refuses keywords it does not know, or that have no effect, compiles it."""
    assert in_typescript["refusal"] is None


def test_types_are_few(in_typescript: dict[str, Any]) -> None:
    """TypeScript gets an interface for each object, and a name for each side and for both."""
    types: str = in_typescript["types"]

    assert types.count("export type ") == 3
    assert types.count("export interface ") == 24
    assert "export interface EntryFrame {" in types


def test_client_in_typescript(in_typescript: dict[str, Any]) -> None:
    """A client with generated types compiles in strict mode, and has its message answered."""
    assert in_typescript["complaints"] == []
    assert in_typescript["answer"] == "Message text was: NBA"


def test_asyncapi_documents_are_valid(in_typescript: dict[str, Any]) -> None:
    """The documents are valid by the specification's own schema, and one with a fault is not."""
    *ours, broken = in_typescript["faults"]

    assert ours == [[], [], []]
    assert "/channels/frames/bindings/ws/method" in broken


class Client:
    """A client in Python: each frame is one of the generated models, sent or received."""

    def __init__(self, models: ModuleType, websocket: ClientConnection) -> None:
        self._models = models
        self._websocket = websocket

    def send(self, name: str, /, **values: Any) -> None:
        frame = getattr(self._models, name)(**values)
        self._websocket.send(frame.model_dump_json())

    def receive(self, name: str) -> Any:
        """Return the next frame of a model; those before it are read too."""
        while True:
            text = self._websocket.recv(PATIENCE)
            frame = self._models.ServerFrame.model_validate_json(text, strict=True)
            if isinstance(frame.root, getattr(self._models, name)):
                return frame.root


def test_client_in_python(chat: Chat, models: ModuleType) -> None:
    """A client of generated models has its message answered."""
    with connect(described_endpoint(chat.asyncapi[0]), subprotocols=V1) as websocket:
        client = Client(models, websocket)
        welcome = client.receive("WelcomeFrame")
        client.send("MessageFrame", type="message", id="1", text="NBA")
        reply = client.receive("ReplyFrame")

    assert (welcome.room, welcome.limits.message_bytes) == (None, 65_536)
    assert (reply.in_reply_to, reply.text, reply.done) == ("1", "Message text was: NBA", True)


def test_client_in_python_in_a_room(chat: Chat, models: ModuleType) -> None:
    """A client of generated models enters a room, and reads in it what it said."""
    with connect(described_endpoint(chat.asyncapi[1]), subprotocols=V1) as websocket:
        client = Client(models, websocket)
        client.send("EnterFrame", type="enter", name="Ada", guest="g" * 32)
        welcome = client.receive("WelcomeFrame")
        client.send("MessageFrame", type="message", id="1", text="NBA")
        entry = client.receive("EntryFrame")
        client.send("EarlierFrame", type="earlier", before=entry.position + 1)
        history = client.receive("HistoryFrame")

    assert welcome.room.name == "lobby"
    assert (entry.author.id, entry.text, entry.kind) == (welcome.you.id, "NBA", "message")
    assert history.entries == [entry]
