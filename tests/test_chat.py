"""EchoChat: its options, its router, its public names."""

import asyncio
import subprocess
import sys
from datetime import datetime, timezone
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

import fastapi_echochat
from fastapi_echochat import EchoChat, Limits, MemoryRooms, Message, echo, testing
from tests.apps import make_app, make_client, open_session


def test_public_names() -> None:
    """What is public is imported from the package itself, and is all there is."""
    assert fastapi_echochat.__all__ == [
        "Author",
        "EchoChat",
        "Entry",
        "Limits",
        "MemoryRooms",
        "Message",
        "RedisRooms",
        "Rooms",
        "RoomsUnavailableError",
        "SQLiteRooms",
        "echo",
        "testing",
    ]
    for name in fastapi_echochat.__all__:
        assert getattr(fastapi_echochat, name).__doc__


def test_router_is_an_ordinary_one() -> None:
    """The router is FastAPI's own class and stays out of the host's OpenAPI document."""
    router = EchoChat().router
    app = FastAPI()
    app.include_router(router, prefix="/chat", tags=["chat"])

    assert type(router) is APIRouter
    assert app.openapi()["paths"] == {}


def test_mount_with_test_client() -> None:
    """A mounted chat is tested with Starlette's TestClient like any other endpoint."""
    with open_session(make_client(), "/chat/ws") as websocket:
        websocket.send_text("NBA")
        assert websocket.receive_text() == "Message text was: NBA"
        websocket.send_bytes(b"NBA")
        with pytest.raises(WebSocketDisconnect) as closed:
            websocket.receive_text()
    assert closed.value.code == 1003


def test_dependency_overrides() -> None:
    """The guard of a mount can be overridden in tests, as everywhere in FastAPI."""

    def guard() -> None:
        raise HTTPException(403)

    app = make_app(dependencies=[Depends(guard)])
    assert TestClient(app).get("/chat").status_code == 403

    app.dependency_overrides[guard] = lambda: None

    assert TestClient(app).get("/chat").status_code == 200


def of_request(request: Request) -> str | None:
    return request.cookies.get("name")


# Of a host that is not ASCII, and with what would be a directive of the page's policy.
NO_ENDPOINTS = (
    *("wss://b\u00fccher.example/ws", "wss://\u017f.example/ws", "wss://a.example/\u00fc"),
    *("wss://a.example; script-src */ws", "wss://a.example;x/ws", "wss://a.example,b/ws"),
    *("wss://a@a.example/ws", "wss://a.example:99999/ws", "wss://a.example/a b", "ws://a\n.b/ws"),
)
HALF = "half of a pair: \ud83d"
ROOM = {"reply": None, "rooms": MemoryRooms()}
NO_SIGN_INS = (
    *("javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,", "ftp://a.example/", ""),
    *("sign-in", "//b.example/in", "/\\b.example", "/a\tb", "/in#top", "/in?next=%2F", "https://"),
    *("http://[::1", "/登录", "/a b", 7),
)


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"reply": "hello"}, TypeError, "a reply function takes .* this is 'hello'"),
        ({"reply": None}, ValueError, "reply=None .* takes rooms="),
        ({**ROOM, "private": True}, ValueError, "reply=None"),
        ({"private": True}, ValueError, "private=True .* say where, with rooms="),
        ({"author": "ada"}, TypeError, "author= takes a dependency, a function, not 'ada'"),
        ({"author": of_request}, TypeError, "takes a Request, which a WebSocket is not"),
        (
            {"author": of_request, **ROOM},
            TypeError,
            "of_request.* takes a Request, which a WebSocket is not",
        ),
        ({"reply": lambda: ""}, TypeError, "takes no message"),
        ({"reply": lambda a, b: ""}, TypeError, "the parameter 'b' has neither an annotation"),
        ({"limits": 7}, TypeError, "limits= takes Limits"),
        ({"markdown": "on"}, TypeError, "markdown= takes True, False or None, not 'on'"),
        ({"markdown": 1}, TypeError, "markdown= takes True, False or None, not 1"),
        ({"allowed_origins": "*"}, ValueError, "allowed_origins= takes a list"),
        ({"title": ""}, ValueError, "title="),
        ({"title": 7}, ValueError, "title="),
        ({"name": "a b"}, ValueError, "name= takes an identifier"),
        ({"name": 7}, ValueError, "name= takes an identifier"),
        ({"websocket_url": "https://chat.example/ws"}, ValueError, "websocket_url="),
        ({"websocket_url": "/ws"}, ValueError, "websocket_url="),
        ({"websocket_url": "ws://[::1"}, ValueError, "websocket_url="),
        ({"websocket_url": "wss://a.example/ws#x"}, ValueError, "websocket_url="),
        *(({"websocket_url": url}, ValueError, "websocket_url=") for url in NO_ENDPOINTS),
        *(({"sign_in_url": url}, ValueError, "sign_in_url= takes a path") for url in NO_SIGN_INS),
        ({"frame_ancestors": "https://a.example"}, ValueError, "frame_ancestors="),
        ({"frame_ancestors": ["https://a.example; script-src *"]}, ValueError, "frame_ancestors="),
        ({"frame_ancestors": ["https://a.example, *"]}, ValueError, "frame_ancestors="),
        ({"frame_ancestors": [""]}, ValueError, "frame_ancestors="),
        ({"frame_ancestors": [7]}, ValueError, "frame_ancestors="),
        ({"frame_ancestors": ["https://\u017f.example"]}, ValueError, "frame_ancestors="),
        ({"frame_ancestors": ["https://\u212a.example"]}, ValueError, "frame_ancestors="),
        ({"title": HALF}, ValueError, "title="),
        ({"labels": {"send": HALF}}, ValueError, "labels= has .* no text"),
        ({"welcome": {"en": HALF}}, ValueError, "welcome="),
        ({"suggestions": [HALF]}, ValueError, "suggestions="),
        ({"templates": "no/such/folder"}, ValueError, "templates="),
        ({"templates": 7}, ValueError, "templates="),
    ],
)
def test_options_that_cannot_be(
    options: dict[str, Any], kind: type[Exception], sentence: str
) -> None:
    """A wrong option is refused when the chat is made, by name, and it is said what is taken.

    So are options that do not go together, with what they need.
    """
    with pytest.raises(kind, match=sentence):
        EchoChat(**options)


@pytest.mark.parametrize(
    "bounds",
    [
        {"message_bytes": 0},
        {"message_bytes": -1},
        {"message_bytes": 1.5},
        {"message_bytes": True},
        {"message_bytes": "64k"},
        {"connections": 0},
        {"waiting_messages": None},
        {"waiting_messages": 0},
        {"waiting_bytes": None},
        {"waiting_bytes": 0},
        {"unanswered_messages": None},
        {"unanswered_messages": 0},
        {"send_seconds": 0},
        {"send_seconds": float("nan")},
        {"send_seconds": float("inf")},
        {"send_seconds": "20"},
        {"messages_per_second": 0},
        {"messages_per_second": "fast"},
        {"frames_per_second": 0},
        {"burst": 0},
        {"burst": None},
        {"reply_seconds": -1},
        {"reply_threads": 0},
        {"outbox_bytes": 0},
        {"name_length": 0},
        {"name_length": None},
        {"unattended_seconds": 0},
        {"resume_seconds": -1},
        {"resume_seconds": None},
    ],
)
def test_limits_that_cannot_be(bounds: dict[str, Any]) -> None:
    """A bound that is none is refused by name.

    So is a limit of rooms that is no positive number.
    """
    with pytest.raises(ValueError, match=rf"Limits\({next(iter(bounds))}=\) takes"):
        Limits(**bounds)


@pytest.mark.parametrize(
    ("text", "fits"),
    [("", True), ("a" * 8, True), ("a" * 9, False), ("é" * 4, True), ("é" * 4 + "a", False)],
)
def test_text_within_the_limit(text: str, fits: bool) -> None:
    """A text is measured in bytes of UTF-8."""
    assert Limits(message_bytes=8).allow_text(text) is fits
    assert Limits(message_bytes=None).allow_text(text)


def test_several_chats_do_not_know_each_other() -> None:
    """Two chats in one application have their own words, replies and limits."""

    async def shout(message: Message) -> str:
        return message.text.upper()

    app = make_app(title="One", prefix="/one")
    two = EchoChat(shout, title="Two", limits=Limits(connections=1))
    app.include_router(two.router, prefix="/two")
    browser = TestClient(app)

    assert "<h1>One</h1>" in browser.get("/one").text
    assert "<h1>Two</h1>" in browser.get("/two").text
    with (
        testing.connect(browser, "/one", protocol="plain") as first,
        testing.connect(browser, "/two", protocol="plain") as second,
    ):
        assert (first.ask("a"), second.ask("a")) == ("Message text was: a", "A")


def test_import_pulls_in_no_server() -> None:
    """Importing the package imports neither uvicorn nor websockets: a host may have its own."""
    program = (
        "import sys, fastapi_echochat; "
        "print([name for name in ('uvicorn', 'websockets', 'httpx') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert ran.stdout.strip() == "[]"


def test_echo_is_a_function_like_any() -> None:
    """The default reply function can be awaited, and so be built upon."""
    message = Message("1", "NBA", None, datetime.now(timezone.utc))

    assert asyncio.run(echo(message)) == "Message text was: NBA"
