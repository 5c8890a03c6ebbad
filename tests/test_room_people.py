"""The people of a room, over real sockets: their names, who is there, who is writing."""

import socket
import time
from typing import Annotated, Any

import pytest
from fastapi import Depends
from fastapi.requests import HTTPConnection

from fastapi_echochat import Limits, MemoryRooms
from tests.apps import make_app
from tests.clients import V1, Client, ask, name_of, names_in, refusal
from tests.conftest import Serve


def signed_in(connection: HTTPConnection) -> str | None:
    name = connection.cookies.get("name")
    return name and name.replace("_", "\u2003")


def cookie(name: str) -> dict[str, str]:
    return {"Cookie": f"name={name}"}


@pytest.fixture
def url(serve: Serve) -> str:
    """Serve a room in which people talk among themselves."""
    return serve(make_app(None)).ws()


# --- Names ---------------------------------------------------------------------------------


def test_guest_is_called_what_they_say(serve: Serve) -> None:
    """A guest's name is cleaned and bounded before anybody sees it."""
    url = serve(make_app(None, limits=Limits(name_length=10))).ws()

    with Client(url, " <b>\u202eAnn\0\n\tLong Name") as ann:
        assert ann.name == "<b>Ann Lon"
        assert name_of(ann.tell("hello")) == "<b>Ann Lon"
        assert names_in(ann.hear("presence")) == ["<b>Ann Lon"]


@pytest.mark.parametrize("name", [None, "", " \u200b\u2060 ", "\0"])
def test_nobody_speaks_without_a_name(url: str, name: str | None) -> None:
    """Who has no name, or one of which nothing is left, listens, and speaks when they have one."""
    with Client(url, "Bob") as bob, Client(url, name) as somebody:
        assert somebody.name is None
        bob.say("hello")
        assert somebody.texts(1) == ["hello"]
        somebody.say("me too", "the id")
        error = somebody.hear("error")
        assert (error["code"], error["in_reply_to"]) == ("bad_name", "the id")
        somebody.send(type="typing")
        somebody.send(type="name", name="\u200b")
        assert somebody.hear("error")["code"] == "bad_name"
        assert bob.heard_so_far("typing") == []
        assert bob.hear("presence", others=1)
        somebody.send(type="name", name="Ann")
        assert somebody.hear("named") == {"type": "named", "name": "Ann"}
        assert name_of(somebody.tell("me too", "the id")) == "Ann"
        assert bob.meet("Ann", "Bob")["others"] == 0
        assert bob.texts(2) == ["hello", "me too"]


def test_name_that_a_dependency_gives(serve: Serve) -> None:
    """`author=` gives the name, cleaned; what the client would like to be called is passed over."""
    url = serve(make_app(None, author=signed_in)).ws()

    with Client(url, "Eve", headers=cookie("_Ann__B")) as ann:
        assert ann.welcome["you"] == {"id": ann.id, "name": "Ann B", "is_guest": False}
        ann.send(type="name", name="Eve")
        assert ann.hear("error")["code"] == "bad_name"
        assert name_of(ann.tell("hello")) == "Ann B"


def test_guest_beside_those_who_signed_in(serve: Serve) -> None:
    """Where a dependency gives names a guest is marked, and so never has a name that it gives."""
    url = serve(make_app(None, author=signed_in, limits=Limits(name_length=10))).ws()

    with Client(url, headers=cookie("Ann")) as ann, Client(url, "Ann") as guest:
        assert guest.welcome["you"] == {"id": guest.id, "name": "Ann (guest)", "is_guest": True}
        entry = guest.tell("it is me, Ann")
        assert entry["author"] == {"id": guest.id, "name": "Ann (guest)"}
        assert guest.id != ann.id
        for name in ("Ann (guest)", "Ann\u00a0(guest)", "A" * 99):
            guest.send(type="name", name=name)
            shown = guest.hear("named")["name"]
            assert shown.endswith(" (guest)")
            assert len(shown) <= 10 + len(" (guest)")
        assert name_of(ann.tell("hello")) == "Ann"
        assert "(guest): hello" in str(ask(url, "hello"))


def test_author_and_reply_have_the_same_dependencies(serve: Serve) -> None:
    """The name and what a reply function takes are solved together, from one user."""
    calls: list[str | None] = []

    def user(connection: HTTPConnection) -> str | None:
        calls.append(connection.cookies.get("name"))
        return calls[-1]

    def name(user: Annotated[str | None, Depends(user)]) -> str | None:
        return user and user.title()

    def greet(message: Any, user: Annotated[str | None, Depends(user)]) -> str:
        return f"{message.author.name} is {user}"

    url = serve(make_app(greet, author=name, rooms=MemoryRooms())).ws()
    with Client(url, headers=cookie("ann")) as ann:
        ann.tell("who am I?")
        assert ann.hear("entry", kind="answer")["text"] == "Ann is ann"
    assert calls == ["ann"]


def test_author_of_another_type(
    serve: Serve, caplog: pytest.LogCaptureFixture, expected_errors: list[str]
) -> None:
    """A dependency that gives something else is the host's mistake, said in a sentence."""
    expected_errors.append("Exception in ASGI application")
    url = serve(make_app(None, author=lambda: 7)).ws()

    assert refusal(url, V1).status_code == 500
    assert (
        "author= returns Author(id=…, name=…), a str, or None for a guest, not int" in caplog.text
    )


# --- Who is there --------------------------------------------------------------------------


def test_presence(url: str) -> None:
    """Everybody hears who is there when somebody comes, goes, or is called something else."""
    with Client(url, "bob") as bob:
        assert bob.meet("bob")["others"] == 0
        with Client(url, "Ann") as ann:
            for visitor in (ann, bob):
                visitor.meet("Ann", "bob")
            ann.send(type="name", name="Zoe")
            assert ann.hear("named")["name"] == "Zoe"
            for visitor in (ann, bob):
                visitor.meet("bob", "Zoe")
            assert ann.tell("hello")["author"] == {"id": ann.id, "name": "Zoe"}
        bob.meet("bob")


def test_same_guest_twice(url: str) -> None:
    """Somebody with two tabs is there once, by the newest name, until the last of them is closed.

    Who has the same name is somebody else.
    """
    with Client(url, "Bob") as bob:
        with Client(url, "Ann") as first:
            with Client(url, "Ann", guest=first.guest) as second:
                assert second.id == first.id
                bob.meet("Ann", "Bob")
                second.send(type="name", name="Anna")
                bob.meet("Anna", "Bob")
                assert second.tell("hello")["author"] == {"id": first.id, "name": "Anna"}
                assert first.tell("hello")["author"] == {"id": first.id, "name": "Ann"}
            bob.meet("Ann", "Bob")
            with Client(url, "Ann", guest=first.guest):
                pass
            # They are still there, so nothing is told: what comes next is the next change.
            first.tell("still here")
            with Client(url, "Ann") as other:
                assert other.id != first.id
                assert names_in(bob.hear("presence")) == ["Ann", "Ann", "Bob"]
            bob.meet("Ann", "Bob")
        bob.meet("Bob")


def test_crowd(url: str) -> None:
    """A hundred people are named, more are counted, and a crowd is told about in few frames."""
    visitors = [Client(url, f"visitor {number:03}") for number in range(120)]
    presence = visitors[0].hear("presence", others=20)
    assert names_in(presence) == [f"visitor {number:03}" for number in range(100)]
    begun = time.monotonic()
    for visitor in visitors[1:]:
        visitor.leave()
    told = 1
    while names_in(visitors[0].hear("presence")) != ["visitor 000"]:
        told += 1
    assert told <= 4 * (time.monotonic() - begun) + 2
    visitors[0].leave()


def test_who_left_without_a_word(url: str) -> None:
    """Somebody whose connection broke is gone like one who closed it."""
    with Client(url, "Bob") as bob, Client(url, "Ann") as ann:
        bob.meet("Ann", "Bob")
        # Not `close`, which waits for the thread that reads.
        ann.websocket.socket.shutdown(socket.SHUT_RDWR)
        bob.meet("Bob")


# --- Who is writing --------------------------------------------------------------------------


def test_typing(url: str) -> None:
    """That somebody writes is told to all, at most once a second, and is kept nowhere."""
    with Client(url, "Ann") as ann, Client(url, "Bob") as bob:
        begun = time.monotonic()
        for _ in range(50):
            ann.send(type="typing")
        ann.tell("hello")
        author = {"id": ann.id, "name": "Ann"}
        assert bob.hear("typing") == {"type": "typing", "author": author}
        assert bob.texts(1) == ["hello"]
        assert len(bob.heard_so_far("typing")) <= time.monotonic() - begun
    with Client(url, "Cleo") as cleo:
        assert cleo.room["position"] == ann.position
        assert cleo.texts(1) == ["hello"]
        assert cleo.heard_so_far("typing") == []


def test_typing_of_a_crowd(url: str) -> None:
    """However many write at once, a room is told so five times a second at most."""
    visitors = [Client(url, f"{number}") for number in range(20)]
    begun = time.monotonic()
    for _ in range(3):
        for visitor in visitors:
            visitor.send(type="typing")
    for visitor in visitors:
        visitor.heard_so_far("pong")
    told = len(visitors[0].heard_so_far("typing"))
    assert 1 <= told <= 5 * (time.monotonic() - begun) + 1
    for visitor in visitors:
        visitor.leave()


def test_nobody_writes_in_a_kept_conversation(serve: Serve) -> None:
    """In a conversation with a bot there is nobody to be told, and presence is empty."""
    url = serve(make_app(reply=lambda message: "yes", private=True)).ws()

    with Client(url, conversation="c" * 22) as ann:
        ann.send(type="typing")
        ann.say("hello")
        assert ann.texts(2) == ["hello", "yes"]
        assert ann.heard_so_far("typing") == ann.heard_so_far("presence") == []
