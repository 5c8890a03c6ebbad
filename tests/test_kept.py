"""Conversations that are kept: over a reload, a lost connection and the end of the server."""

import asyncio
import contextlib
import json
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from fastapi.requests import HTTPConnection
from websockets.sync.client import connect

from fastapi_echochat import EchoChat, Limits, MemoryRooms, Message, Rooms
from tests.apps import make_app, mount
from tests.clients import V1, Client, receive
from tests.conftest import Keep, Serve
from tests.servers import Process, uvicorn_process
from tests.test_room_answers import Tale
from tests.waiting import PATIENCE, get, wait_until


def token() -> str:
    return secrets.token_urlsafe(16)


def yes(message: Message) -> str:
    return "yes"


# --- Whose it is -------------------------------------------------------------------------------


def test_it_is_there_again(serve: Serve, rooms: Rooms) -> None:
    """Who comes back with a conversation's identifier has all of it, or exactly the rest."""
    url = serve(make_app(lambda message: f"{message.text}!", rooms=rooms, private=True)).ws()
    mine = token()
    with Client(url, conversation=mine) as visitor:
        assert visitor.welcome["you"] == {"id": None, "name": None, "is_guest": True}
        assert visitor.room == {
            "name": "main",
            "position": 0,
            "resumed": False,
            "has_earlier": False,
            "time": visitor.room["time"],
        }
        visitor.say("one", "1")
        message, reply = visitor.entries(2)
        assert (message["kind"], message["author"], message["text"]) == ("message", None, "one")
        assert (reply["kind"], reply["text"]) == ("answer", "one!")
        assert reply["in_reply_to"] == message["position"]
    with Client(url, conversation=mine) as visitor:
        assert visitor.room["position"] == reply["position"]
        assert visitor.entries(2) == [message, reply]
    with Client(url, conversation=mine, after=message["position"]) as visitor:
        assert visitor.room["resumed"] is True
        assert visitor.entries(1) == [reply]
        with Client(url, conversation=mine, after=reply["position"]) as other_tab:
            other_tab.say("two")
            assert visitor.texts(2) == other_tab.texts(2) == ["two", "two!"]


def test_it_is_nobody_elses(serve: Serve, rooms: Rooms) -> None:
    """No other identifier, name or position leads into a conversation, and no address of a room.

    Nor does the name that it has in the history.
    """

    def who(connection: HTTPConnection) -> str | None:
        return connection.cookies.get("name")

    rooms_seen: list[str | None] = []

    def remember(message: Message) -> str:
        rooms_seen.append(message.room)
        return "yes"

    app = make_app(remember, rooms=rooms, private=True, author=who)
    # The same store with a shared chat in it, as careless as can be.
    shared = EchoChat(reply=None, rooms=rooms)
    app.include_router(shared.router, prefix="/rooms/{room:path}")
    other = EchoChat(yes, rooms=rooms, private=True, author=who)
    app.include_router(other.router, prefix="/teams/{team}")
    server = serve(app)
    url = server.ws()
    mine = token()

    with Client(url, conversation=mine, headers={"Cookie": "name=Ann"}) as ann:
        ann.say("my secret", "the id")
        assert ann.answer()["text"] == "yes"
        position = ann.position
        for conversation, address, headers in (
            (token(), url, {"Cookie": "name=Ann"}),
            (mine.swapcase(), url, {"Cookie": "name=Ann"}),
            (mine, url, {"Cookie": "name=Eve"}),
            (mine, url, {}),
            (mine, server.ws("/teams/red"), {"Cookie": "name=Ann"}),
        ):
            for after in (None, 0, 1, position):
                with Client(
                    address, conversation=conversation, headers=headers, after=after
                ) as eve:
                    assert eve.room["position"] == 0
                    assert eve.room["resumed"] is False
                    eve.send(type="stop", id="the id")
                    eve.send(type="earlier", before=2**53 - 1)
                    assert eve.hear("history")["entries"] == []
                    assert eve.heard_so_far("entry") == []
    (room,) = rooms_seen
    assert room is not None
    assert mine not in room
    assert get(server.url(f"/rooms/{room}")).status_code == 404
    with Client(server.ws("/rooms/lobby"), "Eve", after=position) as eve:
        assert eve.room["position"] == 0
    # The name in the history is no identifier either.
    with Client(url, conversation=room.rpartition(":")[2], headers={"Cookie": "name=Ann"}) as eve:
        assert eve.room["position"] == 0


@pytest.mark.parametrize("conversation", [None, "", "c" * 21, "c" * 65, "../" * 10, "c" * 21 + "é"])
def test_what_is_no_identifier(serve: Serve, conversation: str | None) -> None:
    """What could be guessed, or is none, is an error that says so, and nobody is let in."""
    url = serve(make_app(yes, rooms=MemoryRooms(), private=True)).ws()
    with connect(url, subprotocols=V1) as websocket:
        websocket.send(json.dumps({"type": "enter", "conversation": conversation}))
        error = receive(websocket)
        assert (error["type"], error["code"]) == ("error", "bad_frame")
        assert "conversation" in error["detail"]
        websocket.send(json.dumps({"type": "enter", "conversation": token()}))
        assert receive(websocket)["type"] == "welcome"


def test_plain_clients_have_no_conversation_that_is_kept(serve: Serve) -> None:
    """A client of the plain protocol cannot say which it is, and is answered as without rooms."""
    with connect(serve(make_app(yes, rooms=MemoryRooms(), private=True)).ws()) as plain:
        for _ in range(3):
            plain.send("hello")
            assert plain.recv(PATIENCE) == "yes"


def test_what_was_said_is_the_bots_memory(serve: Serve) -> None:
    """A reply function reads the conversation that it is in by the room of its message."""

    async def count(message: Message) -> str:
        assert message.room is not None
        entries = await chat.history(message.room)
        return f"{sum(entry.kind == 'message' for entry in entries)} so far"

    chat = EchoChat(count, rooms=MemoryRooms(), private=True)
    url = serve(mount(chat)).ws()
    mine = token()
    for times in (1, 2, 3):
        with Client(url, conversation=mine) as visitor:
            visitor.texts(2 * times - 2)
            visitor.say("hello")
            assert visitor.answer()["text"] == f"{times} so far"
    with Client(url, conversation=token()) as visitor:
        visitor.say("hello")
        assert visitor.answer()["text"] == "1 so far"


# --- Answers and connections -------------------------------------------------------------------


def test_answer_goes_on_while_nobody_is_there(serve: Serve, rooms: Rooms) -> None:
    """A connection that is cut ends no answer: it is there once, whole, or seen to its end."""
    tale = Tale()
    url = serve(make_app(tale, rooms=rooms, private=True)).ws()
    mine = token()

    with Client(url, conversation=mine) as visitor:
        visitor.say("first")
        visitor.hear("draft")
        visitor.entries(1)
    tale.go_on(2)
    with visitor.come_back() as visitor:
        assert visitor.room["resumed"] is True
        text = visitor.hear("draft")["text"]
        while text != "Once upon a":
            text += visitor.hear("draft")["text"]
        position = visitor.position
    tale.go_on()
    with visitor.come_back(after=position) as visitor:
        # Seen to its end, in pieces or not; then it is kept.
        assert visitor.texts(1) == ["Once upon a time"]
    with visitor.come_back(after=position) as visitor:
        assert visitor.texts(1) == ["Once upon a time"]
        assert visitor.heard_so_far("draft") == []
    assert tale.begun == ["first"]


def test_messages_that_wait_are_answered_though_nobody_is_there(serve: Serve, rooms: Rooms) -> None:
    """What waits for its answer when the connection is cut, sent again or not, is answered once."""
    tale = Tale()
    url = serve(make_app(tale, rooms=rooms, private=True)).ws()

    with Client(url, conversation=token()) as visitor:
        for text in ("first", "second"):
            visitor.tell(text, text)
    with visitor.come_back() as visitor:
        visitor.tell("second", "second")
        visitor.tell("third", "third")
        position = visitor.position
    tale.go_on(9)
    wait_until(lambda: tale.ended == ["first", "second", "third"], "all are answered")
    with visitor.come_back(after=position) as visitor:
        assert [visitor.asked_in(visitor.answer()) for _ in range(3)] == [
            "first",
            "second",
            "third",
        ]
        for text in ("first", "second", "third"):
            visitor.tell(text, text)
        visitor.tell("last", "last")
        tale.go_on(3)
        assert visitor.asked_in(visitor.answer()) == "last"
    assert tale.begun == ["first", "second", "third", "last"]


def test_stop_after_a_reconnect(serve: Serve, rooms: Rooms) -> None:
    """Stop works from the next connection; what there is of the answer stays."""
    tale = Tale()
    url = serve(make_app(tale, rooms=rooms, private=True)).ws()

    with Client(url, conversation=token()) as visitor:
        visitor.tell("first", "1")
        visitor.hear("draft")
    with visitor.come_back() as visitor:
        assert visitor.hear("draft")["text"] == "Once"
        visitor.send(type="stop", id="1")
        stopped = visitor.answer()
        assert visitor.asked_in(stopped) == "1"
        assert (stopped["text"], stopped["outcome"]) == ("Once", "stopped")
    wait_until(lambda: tale.ended == ["first"], "the function is ended")
    with visitor.come_back() as visitor:
        visitor.tell("second", "2")
        tale.go_on(3)
        assert visitor.answer()["outcome"] == "done"


def test_nobody_waits_for_an_answer_for_ever(
    serve: Serve, rooms: Rooms, caplog: pytest.LogCaptureFixture
) -> None:
    """After `unattended_seconds` without anybody an answer is ended, and kept as far as it came."""
    tale = Tale()
    url = serve(
        make_app(tale, rooms=rooms, private=True, limits=Limits(unattended_seconds=0.5))
    ).ws()

    with Client(url, conversation=token()) as visitor:
        visitor.tell("first", "1")
        visitor.hear("draft")
    wait_until(lambda: tale.ended == ["first"], "the answer is ended")
    with visitor.come_back() as visitor:
        ended = visitor.answer()
        assert (ended["text"], ended["outcome"]) == ("Once", "stopped")
        visitor.tell("second")
        visitor.hear("draft")
    with visitor.come_back() as visitor:
        # Somebody is there again, so it goes on for as long as it takes.
        with contextlib.suppress(TimeoutError):
            visitor.websocket.recv(1.0)
            visitor.websocket.recv(1.0)
        assert tale.ended == ["first"]
        tale.go_on(3)
        wait_until(lambda: tale.ended == ["first", "second"], "the answer is whole")
    assert caplog.text.count("nobody was there for 0.5 s") == 1


def test_who_comes_and_goes_gets_every_answer_once(serve: Serve, rooms: Rooms) -> None:
    """Connections cut at any moment, messages sent again each time: each is answered once."""

    async def slow(message: Message) -> AsyncIterator[str]:
        for piece in ("answer ", "to ", message.text):
            yield piece
            await asyncio.sleep(0.003)

    url = serve(make_app(slow, rooms=rooms, private=True)).ws()
    visitor = Client(url, conversation=token())
    open_: dict[str, str] = {}
    answers: dict[str, str] = {}

    def hear_answer() -> None:
        answer = visitor.answer()
        asked = visitor.asked_in(answer)
        assert asked not in answers
        answers[asked] = answer["text"]
        open_.pop(asked, None)

    for number in range(60):
        open_[f"{number}"] = f"message {number}"
        for message_id, text in open_.items():
            visitor.say(text, message_id)
        if number % 3:
            hear_answer()
        with visitor:
            visitor = visitor.come_back()
    while open_:
        hear_answer()
    visitor.leave()
    assert list(answers.items()) == [
        (f"{number}", f"answer to message {number}") for number in range(60)
    ]


# --- The end of the server ---------------------------------------------------------------------

HOST = """
import asyncio
import logging
from pathlib import Path
from fastapi import FastAPI
from fastapi_echochat import EchoChat, Limits, SQLiteRooms

logging.basicConfig(level=logging.INFO)
asked = Path("asked.txt")

async def count(message):
    with asked.open("a") as file:
        file.write(message.text + "\\n")
    for number in range(30):
        yield f"{number} "
        await asyncio.sleep(0.05)

app = FastAPI()
for prefix, seconds in (("/chat", 600), ("/forgetful", 0.05)):
    limits = Limits(resume_seconds=seconds)
    chat = EchoChat(count, rooms=SQLiteRooms("rooms.db"), private=True, limits=limits)
    app.include_router(chat.router, prefix=prefix + "/{room}")
"""
WHOLE = "".join(f"{number} " for number in range(30))


Start = Callable[[str], Process]


@pytest.fixture
def start(tmp_path: Path, keep: Keep) -> Start:
    """Start servers, each in a folder below the test's."""

    def start(folder: str) -> Process:
        (tmp_path / folder).mkdir(exist_ok=True)
        return keep(uvicorn_process(HOST, tmp_path / folder))

    return start


@pytest.fixture
def server(start: Start) -> Process:
    return start(".")


def end(server: Process, how: signal.Signals) -> None:
    server.send_signal(how)
    assert server.wait(PATIENCE)


@pytest.mark.slow
def test_server_that_ends_in_the_middle_of_an_answer(start: Start, tmp_path: Path) -> None:
    """After the end of its server a message without an answer gets it once, whole, from the next.

    Two that waited for their turn as well, sent again or not; killed or asked to end, it is so.
    """
    texts = ("first", "second", "third")
    servers = {how: start(how.name) for how in (signal.SIGKILL, signal.SIGTERM)}
    visitors: dict[signal.Signals, Client] = {}
    for how, server in servers.items():
        with Client(server.ws("/chat/a"), conversation=token()) as visitor:
            for text in texts:
                visitor.tell(text, text)
            for _ in range(5):
                visitor.hear("draft")
            end(server, how)
            assert visitor.close_code() == (1012 if how is signal.SIGTERM else 1006), how
        visitors[how] = visitor
    for how, server in servers.items():
        server.start()
        visitors[how] = visitors[how].come_back()
        assert visitors[how].room["resumed"] is True, how
        visitors[how].tell("third", "third")
    for how, visitor in visitors.items():
        with visitor:
            draft = visitor.hear("draft")
            assert (visitor.asked_in(draft), draft["is_start"]) == ("first", True), how
            answers = [visitor.answer() for _ in texts]
            assert [(visitor.asked_in(one), one["text"], one["outcome"]) for one in answers] == [
                (text, WHOLE, "done") for text in texts
            ], how
            url = servers[how].ws("/chat/a")
            with Client(url, conversation="x" * 22) as other:
                assert other.room["position"] == 0, how
        asked = (tmp_path / how.name / "asked.txt").read_text().split()
        assert asked == ["first", *texts], how


def test_server_that_ends_between_two_answers(server: Process, tmp_path: Path) -> None:
    """What was answered before the server was killed is not asked again."""
    with Client(server.ws("/chat/a"), conversation=token()) as visitor:
        visitor.tell("first", "first")
        visitor.answer()
        end(server, signal.SIGKILL)
    server.start()
    with visitor.come_back() as visitor:
        visitor.tell("first", "first")
        visitor.tell("second", "second")
        assert visitor.asked_in(visitor.answer()) == "second"
    assert (tmp_path / "asked.txt").read_text().split() == ["first", "second"]


def test_message_that_is_too_old_to_be_answered(server: Process, tmp_path: Path) -> None:
    """After a kill what was said longer than `resume_seconds` ago is left without an answer."""
    with Client(server.ws("/forgetful/a"), conversation=token()) as visitor:
        visitor.tell("old", "old")
        visitor.hear("draft")
        end(server, signal.SIGKILL)
    server.start()
    with visitor.come_back() as visitor:
        visitor.tell("new", "new")
        assert visitor.asked_in(visitor.answer()) == "new"
        assert [entry["id"] for entry in visitor.heard_so_far("entry")] == []
    assert (tmp_path / "asked.txt").read_text().split() == ["old", "new"]
