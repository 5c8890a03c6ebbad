"""Clients of a room that read slowly or not at all, over real sockets."""

from typing import Any

import pytest
from fastapi import FastAPI

from fastapi_echochat import Limits
from fastapi_echochat.rooms.participant import Participant
from tests.apps import count_left, make_app
from tests.clients import Client, name_of, names_in
from tests.conftest import Serve
from tests.raw_client import RawClient
from tests.servers import Uvicorn
from tests.waiting import get, wait_until

TEXT = "x" * 60_000


def make_room(**limits: Any) -> FastAPI:
    return count_left(make_app(None, limits=Limits(**limits)), Participant)


def is_left(server: Uvicorn, participants: int, tasks: int = 1_000_000) -> bool:
    """Tell whether no more is left in the process than that; other tests' may still go."""
    left = get(server.url("/left")).json()
    return bool(left[0] <= participants and left[1] <= tasks)


def enter(server: Uvicorn, name: str, after: int | None = None) -> RawClient:
    return RawClient(server.ws(), subprotocol="echochat.v1").enter(name, after)


def test_who_falls_behind_comes_back_for_the_rest(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """A client too slow for the bound finds 1013 when it reads, and the rest when it comes back.

    Meanwhile it is not there any more, and the others did not wait.
    """
    server = serve(make_room(outbox_bytes=500_000))
    with Client(server.ws(), "Ann") as ann, enter(server, "Deaf") as deaf:
        ann.meet("Ann", "Deaf")
        said = []
        while "its client reads too slowly" not in caplog.text:
            said.append(ann.tell(TEXT)["position"])
            assert len(said) < 500
        ann.meet("Ann")
        said += [ann.tell(TEXT)["position"] for _ in range(10)]

        deaf.receive("welcome")
        frames, code = deaf.receive_rest()
        assert code == 1013
        heard = [frame["position"] for frame in frames if frame["type"] == "entry"]
        assert heard == said[: len(heard)]
        assert len(heard) < len(said)

        with enter(server, "Deaf", after=heard[-1]) as back:
            assert back.receive("welcome")["room"]["resumed"] is True
            rest = [back.receive("entry")["position"] for _ in said[len(heard) :]]
        assert heard + rest == said


def test_who_is_behind_and_still_speaks(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A client that sends though it reads nothing is kept, and leaves no ghost under any name."""
    server = serve(make_room(outbox_bytes=500_000))
    with Client(server.ws(), "Ann") as ann:
        with enter(server, "Deaf") as deaf:
            ann.meet("Ann", "Deaf")
            while "its client reads too slowly" not in caplog.text:
                ann.tell(TEXT)
            deaf.send(type="typing")
            deaf.send(type="message", id="1", text="hello?")
            deaf.send(type="name", name="Ghost")
            deaf.send(type="message", id="2", text="hello?")
            assert [name_of(ann.hear("entry")) for _ in range(2)] == ["Deaf", "Ghost"]
            ann.meet("Ann")
        with Client(server.ws(), "Bob"):
            assert names_in(ann.hear("presence")) == ["Ann", "Bob"]


def test_slow_within_the_bound(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A client that reads only later, but within the bound, gets everything in order."""
    server = serve(make_room(outbox_bytes=10_000_000))
    with Client(server.ws(), "Ann") as ann, enter(server, "Slow") as slow:
        ann.meet("Ann", "Slow")
        said = [ann.tell(TEXT)["position"] for _ in range(150)]
        assert [slow.receive("entry")["position"] for _ in said] == said
        ann.say("and now?")
        assert slow.receive("entry")["text"] == "and now?"
    assert "reads too slowly" not in caplog.text


def test_who_never_reads_is_let_go(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A client that takes nothing for `send_seconds` is ended, and nothing is left of it."""
    server = serve(make_room(outbox_bytes=500_000, send_seconds=1.0))
    idle = get(server.url("/left")).json()
    with Client(server.ws(), "Ann") as ann:
        with enter(server, "Deaf"), enter(server, "Deaf, too"):
            ann.meet("Ann", "Deaf", "Deaf, too")
            while caplog.text.count("its client reads too slowly") < 2:
                ann.tell(TEXT)
            wait_until(
                lambda: caplog.text.count("its client has read nothing for 1.0 s") == 2,
                "they are let go",
            )
            wait_until(lambda: is_left(server, participants=idle[0] + 1), "only Ann is left")
        ann.tell("hello")
    wait_until(lambda: is_left(server, *idle), "nothing is left")


def test_who_comes_and_goes_leaves_nothing(serve: Serve) -> None:
    """Many connections that come and go, rudely or not, with and without a word, leave nothing."""
    server = serve(make_room())
    idle = get(server.url("/left")).json()
    for number in range(200):
        client = enter(server, f"{number}")
        if number % 3 == 0:
            client.receive("welcome")
        if number % 2 == 0:
            client.send(type="message", id=f"{number}", text="hello")
        client.reset() if number % 5 else client.socket.close()
    wait_until(lambda: is_left(server, *idle), "nothing is left")
