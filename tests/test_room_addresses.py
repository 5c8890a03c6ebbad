"""Rooms and addresses: which address is which room, who may enter, and which options can be."""

import asyncio
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.requests import HTTPConnection

from fastapi_echochat import EchoChat, Limits, MemoryRooms, Message
from fastapi_echochat.identity import Author
from fastapi_echochat.rooms.naming import PRIVATE, ROOM_LENGTH
from tests.apps import make_app, mount
from tests.clients import V1, Client, name_of, names_in, refusal
from tests.conftest import Serve
from tests.waiting import get

REFUSED = "ASGI callable returned without completing handshake."
"""What uvicorn 0.54 logs by itself at every denial response of a dependency."""


# --- Names of rooms --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "path", "room"),
    [
        ("/chat", "/chat", "main"),
        ("", "", "main"),
        ("/rooms/{room}", "/rooms/lobby", "lobby"),
        ("/rooms/{room}", "/rooms/Gr%C3%BC%C3%9Fe%20%F0%9F%91%8B%3F%23", "Grüße 👋?#"),
        ("/{team}/rooms/{room}", "/red/rooms/lobby", "red/lobby"),
        ("/rooms/{number:int}", "/rooms/007", "7"),
        ("/rooms/{room:path}", "/rooms/a/b/c", "a%2Fb%2Fc"),
        ("/rooms/{room}", "/rooms/100%25", "100%25"),
        ("/{team:path}/rooms/{room:path}", "/a/b/rooms/c", "a%2Fb/c"),
        ("/{team:path}/rooms/{room:path}", "/a/rooms/b/c", "a/b%2Fc"),
        ("/rooms/{room}", f"/rooms/{'x' * ROOM_LENGTH}", "x" * ROOM_LENGTH),
    ],
)
def test_name_of_a_room(serve: Serve, prefix: str, path: str, room: str) -> None:
    """A room is called by its mount's path parameters, `main` where there are none."""
    chat = EchoChat(reply=None, rooms=MemoryRooms())
    app = mount(chat, prefix)

    @app.post("/post")
    async def post(name: str) -> None:
        await chat.post(name, "hello", author="host")

    server = serve(app)
    assert get(server.url(path or "/")).status_code == 200
    with Client(server.ws(f"{path}"), "Ann") as ann:
        assert ann.room["name"] == room
        # Not with params=: older releases of httpx take "%2F" for something escaped already.
        assert httpx.post(server.url(f"/post?name={quote(room, safe='')}")).status_code == 200
        assert ann.texts(1) == ["hello"]


@pytest.mark.parametrize("name", ["x" * (ROOM_LENGTH + 1), f"{PRIVATE}{'0' * 64}", PRIVATE])
@pytest.mark.parametrize("is_private", [False, True])
def test_what_is_no_room(serve: Serve, name: str, is_private: bool) -> None:
    """A name that is too long, or that of a kept conversation, is 404, for page and endpoint."""
    server = serve(make_app(prefix="/rooms/{room}", rooms=MemoryRooms(), private=is_private))

    assert get(server.url(f"/rooms/{quote(name)}")).status_code == 404
    assert refusal(server.ws(f"/rooms/{quote(name)}"), V1).status_code == 404


def test_address_of_a_kept_conversation_is_not_in_a_shared_chat(serve: Serve) -> None:
    """No address with several parameters adds up to a kept conversation's name either."""
    server = serve(make_app(None, prefix="/{team}/{room:path}"))

    for path in (f"/{quote(PRIVATE)}/x", f"/{quote(PRIVATE, safe='')}x/y/z"):
        assert get(server.url(path)).status_code == 404


def test_rooms_are_apart(serve: Serve) -> None:
    """A message of one room is heard in no other, live or later, nor are its people there."""
    server = serve(make_app(None, prefix="/rooms/{room}"))
    red, blue = (server.ws(f"/rooms/{name}") for name in ("red", "blue"))

    with Client(red, "Ann") as ann, Client(blue, "Bob") as bob:
        entry = ann.tell("in red", "the id")
        assert bob.tell("in blue", "the id")["text"] == "in blue"
        assert names_in(bob.hear("presence")) == ["Bob"]
        assert bob.heard_so_far("entry") == []
        with Client(blue, "Cleo", after=entry["position"]) as cleo:
            assert cleo.room["resumed"] is False
            assert cleo.texts(1) == ["in blue"]


def test_one_chat_on_two_mounts(serve: Serve) -> None:
    """A chat's room is one, through whichever of its mounts and applications it is entered."""
    chat = EchoChat(reply=None, rooms=MemoryRooms())
    app = mount(chat, "/rooms/{room}")
    app.include_router(chat.router, prefix="/{room}/talk")
    app.mount("/other", mount(chat, "/rooms/{room}"))
    server = serve(app)

    paths = ("/rooms/lobby/ws", "/lobby/talk/ws", "/other/rooms/lobby/ws")
    visitors = [Client(server.url(path, "ws"), path) for path in paths]
    for visitor in visitors:
        visitor.tell(visitor.name)
        visitor.meet(*sorted(paths))
    for visitor in visitors:
        visitor.leave()
    with Client(server.url(paths[0], "ws")) as late:
        assert late.texts(3) == list(paths)


def test_two_chats_are_apart_unless_they_share_their_store(serve: Serve) -> None:
    """Two chats have rooms of their own, and the same ones where they have one store."""
    app = FastAPI()
    store = MemoryRooms()
    for prefix, rooms in (("/a", store), ("/b", store), ("/c", MemoryRooms())):
        app.include_router(EchoChat(reply=None, rooms=rooms).router, prefix=prefix)
    server = serve(app)

    a, b, c = (Client(server.ws(f"/{name}"), name) for name in "abc")
    with a, b, c:
        a.tell("hello")
        assert b.texts(1) == ["hello"]
        b.meet("a", "b")
        assert c.tell("alone")["text"] == "alone"
        assert names_in(c.hear("presence")) == ["c"]


# --- Who may enter ---------------------------------------------------------------------------


def test_guard(serve: Serve, expected_errors: list[str]) -> None:
    """A mount's dependencies decide who may enter which room: page, history and conversation."""
    expected_errors.append(REFUSED)

    def member(room: str, connection: HTTPConnection) -> None:
        if connection.cookies.get("member") != room:
            raise HTTPException(403, "Members only")

    server = serve(make_app(None, prefix="/rooms/{room}", dependencies=[Depends(member)]))
    url = server.ws("/rooms/lobby")

    with Client(url, "Ann", headers={"Cookie": "member=lobby"}) as ann:
        assert ann.tell("hello")["text"] == "hello"
    for headers in ({}, {"Cookie": "member=attic"}):
        assert get(server.url("/rooms/lobby"), headers=headers).status_code == 403
        for subprotocols in (V1, None):
            refused = refusal(url, subprotocols, **headers)
            assert refused.status_code == 403
            assert b"Members only" in (refused.body or b"")


def test_author_that_refuses(serve: Serve, expected_errors: list[str]) -> None:
    """Where `author=` raises an HTTPException the handshake is refused with its status."""
    expected_errors.append(REFUSED)

    def signed_in(connection: HTTPConnection) -> str:
        if "name" not in connection.cookies:
            raise HTTPException(401, "Sign in first")
        return connection.cookies["name"]

    url = serve(make_app(None, author=signed_in)).ws()

    assert refusal(url, V1).status_code == 401
    with Client(url, headers={"Cookie": "name=Ann"}) as ann:
        assert (ann.name, ann.welcome["you"]["is_guest"]) == ("Ann", False)


def test_connections_are_counted_over_all_rooms(serve: Serve) -> None:
    """`Limits(connections=)` is of the chat, whatever its rooms, and counts those who left out."""
    server = serve(make_app(None, prefix="/rooms/{room}", limits=Limits(connections=2)))
    url = server.ws("/rooms/{}")

    with Client(url.format("a"), "Ann") as ann:
        with Client(url.format("b"), "Bob"):
            assert refusal(url.format("c")).status_code == 503
        ann.tell("still here")


# --- What the host says ----------------------------------------------------------------------


def test_post_and_history(serve: Serve) -> None:
    """The host says something from an endpoint, once however often, and reads what was said."""
    chat = EchoChat(reply=None, rooms=MemoryRooms())
    app = mount(chat, "/rooms/{room}")
    posted: list[Message] = []

    @app.post("/deploy/{room}")
    async def deploy(room: str) -> None:
        posted.append(await chat.post(room, "deployed", author="CI", message_id="build 7"))

    @app.get("/history/{room}")
    async def history(room: str, limit: int, before: int | None = None) -> list[tuple[str, int]]:
        entries = await chat.history(room, limit=limit, before=before)
        return [(entry.text, entry.position) for entry in entries]

    def read(**query: int) -> list[tuple[str, int]]:
        return [tuple(one) for one in get(server.url("/history/lobby"), params=query).json()]

    server = serve(app)
    with Client(server.ws("/rooms/lobby"), "Ann") as ann:
        said = ann.tell("before")
        for _ in range(3):
            assert httpx.post(server.url("/deploy/lobby")).status_code == 200
        after = ann.tell("after", "build 7")
        (notice,) = ann.entries(1)
        assert notice == {
            **notice,
            "type": "entry",
            "kind": "notice",
            "id": "build 7",
            "text": "deployed",
            "outcome": "done",
            "in_reply_to": None,
        }
    assert posted[0] == posted[1] == posted[2]
    assert name_of(notice) == "CI"
    assert (posted[0].id, posted[0].room) == ("build 7", "lobby")
    assert posted[0].author == Author("CI", "CI")
    expected = [(entry["text"], entry["position"]) for entry in (said, notice, after)]
    assert read(limit=100) == expected
    assert read(limit=2) == expected[1:]
    assert read(limit=100, before=after["position"]) == expected[:2]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"room": "", "text": "x"}, "a room's name has 1 to 255 characters, not 0"),
        ({"room": "x" * 256, "text": "x"}, "a room's name has 1 to 255 characters, not 256"),
        ({"room": "lobby", "text": ""}, "there is nothing to say"),
        ({"room": "lobby", "text": "\ud800"}, "surrogates not allowed"),
        ({"room": "lobby", "text": "x", "message_id": "i" * 65}, "at most 64 characters, not 65"),
    ],
)
def test_what_cannot_be_posted(arguments: dict[str, Any], sentence: str) -> None:
    """What cannot be said is a ValueError that names it, and is not said."""
    chat = EchoChat(reply=None, rooms=MemoryRooms())

    with pytest.raises(ValueError, match=sentence):
        asyncio.run(chat.post(**arguments))
    assert asyncio.run(chat.history("lobby")) == []


def test_without_rooms_nothing_is_posted() -> None:
    """A chat without rooms says what is missing."""
    for use in (EchoChat().post("lobby", "hello"), EchoChat().history("lobby")):
        with pytest.raises(RuntimeError, match="rooms="):
            asyncio.run(use)
