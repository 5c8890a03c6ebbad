"""A bot in a room: what people say is answered in front of everybody, once."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timezone
from typing import Annotated, Any

import pytest
from fastapi import Depends
from fastapi.requests import HTTPConnection
from websockets.sync.client import connect

from fastapi_echochat import Author, Entry, Limits, MemoryRooms, Message, Rooms
from tests.apps import make_app
from tests.clients import Client, Frame
from tests.conftest import Serve
from tests.waiting import PATIENCE, wait_until


class Tale:
    """A reply function that yields a piece each time it is told to, and one at once."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self._steps = threading.Semaphore(0)

    def go_on(self, pieces: int = 1) -> None:
        for _ in range(pieces):
            self._steps.release()

    async def __call__(self, message: Message) -> AsyncIterator[str]:
        self.begun.append(message.text)
        try:
            yield "Once"
            for piece in (" upon", " a", " time"):
                await self._step()
                yield piece
        finally:
            self.ended.append(message.text)

    async def _step(self) -> None:
        # Not in a thread, which a tale that is stopped would hold on to.
        for _ in range(round(PATIENCE / 0.01)):
            if self._steps.acquire(blocking=False):
                return
            await asyncio.sleep(0.01)
        pytest.fail("the tale was not told to go on")


# --- Answers -----------------------------------------------------------------------------------


def test_answer_is_said_into_the_room(serve: Serve, rooms: Rooms) -> None:
    """What one asks is answered to all, after the message, in reply to its position."""

    def greet(message: Message) -> str:
        return f"Hello {message.author and message.author.name} in {message.room}"

    url = serve(make_app(greet, rooms=rooms)).ws()
    with Client(url, "Ann") as ann, Client(url, "Bob") as bob:
        ann.say("hi", "the id")
        message, reply = bob.entries(2)
        assert ann.entries(2) == [message, reply]
        assert reply == {
            "type": "entry",
            "kind": "answer",
            "id": str(message["position"]),
            "author": None,
            "text": "Hello Ann in main",
            "outcome": "done",
            "in_reply_to": message["position"],
            "position": reply["position"],
            "sent_at": reply["sent_at"],
        }
        assert reply["position"] > message["position"]
        assert ann.heard_so_far("draft") == []


def test_answers_come_in_turn_and_once(serve: Serve, rooms: Rooms) -> None:
    """Many who ask at once, again and again, are each answered once, each of them in order.

    They take turns: nobody waits for more than one message of each of the others.
    """
    asked: list[str] = []

    async def slow(message: Message) -> str:
        asked.append(message.id)
        await asyncio.sleep(0.001)
        return message.text

    url = serve(make_app(slow, rooms=rooms)).ws()
    visitors = [Client(url, f"visitor {number}") for number in range(5)]
    for number in range(20):
        for visitor in visitors:
            for _ in range(2):
                visitor.say(f"{number}", f"{visitor.name} {number}")
    messages: dict[int, Frame] = {}
    answers: dict[int, Frame] = {}
    while len(answers) < 100:
        entry = visitors[0].hear("entry")
        if entry["kind"] == "answer":
            assert entry["in_reply_to"] not in answers
            answers[entry["in_reply_to"]] = entry
        else:
            # What was sent again is acknowledged again.
            assert messages.setdefault(entry["position"], entry) == entry
    assert len(messages) == 100
    assert asked == [messages[position]["id"] for position in answers]
    for visitor in visitors:
        own = [message_id for message_id in asked if message_id.startswith(visitor.name)]
        assert own == [f"{visitor.name} {number}" for number in range(20)]
    assert all(answers[one]["text"] == messages[one]["text"] for one in messages)
    for visitor in visitors:
        visitor.leave()
    with Client(url, "late", after=min(messages)) as late:
        assert [entry["kind"] for entry in late.entries(199)].count("answer") == 100
        assert late.heard_so_far("entry") == []


@pytest.mark.parametrize("form", ["async", "def"])
def test_answer_is_seen_while_it_is_written(serve: Serve, rooms: Rooms, form: str) -> None:
    """A streamed answer comes in drafts to all, from its start to who comes later, then whole."""
    tale = Tale()
    steps = threading.Semaphore(0)

    def tale_in_a_thread(message: Message) -> Iterator[str]:
        yield "Once"
        for piece in (" upon", " a", " time"):
            assert steps.acquire(timeout=PATIENCE)
            yield piece

    go_on = tale.go_on if form == "async" else steps.release
    reply = tale if form == "async" else tale_in_a_thread
    url = serve(make_app(reply, rooms=rooms)).ws()

    with Client(url, "Ann") as ann, Client(url, "Bob") as bob:
        message = ann.tell("a tale")
        for visitor in (ann, bob):
            assert visitor.hear("draft") == {
                "type": "draft",
                "in_reply_to": message["position"],
                "text": "Once",
                "is_start": True,
            }
        go_on()
        for visitor in (ann, bob):
            draft = visitor.hear("draft")
            assert (draft["text"], draft["is_start"]) == (" upon", False)
        with Client(url, "Cleo") as cleo:
            draft = cleo.hear("draft")
            assert (draft["text"], draft["is_start"]) == ("Once upon", True)
            go_on()
            go_on()
            for visitor in (ann, bob, cleo):
                assert [visitor.hear("draft")["text"] for _ in range(2)] == [" a", " time"]
                assert visitor.answer()["text"] == "Once upon a time"
    with Client(url, "Late") as late:
        assert late.texts(2) == ["a tale", "Once upon a time"]
        assert late.heard_so_far("draft") == []


@pytest.mark.slow
def test_who_comes_into_a_stream_sees_no_piece_twice(serve: Serve) -> None:
    """Drafts put together are the answer, at whatever moment of it somebody comes."""
    words = [f"{number} " for number in range(200)]

    async def stream(message: Message) -> AsyncIterator[str]:
        for word in words:
            yield word
            await asyncio.sleep(0.002)

    url = serve(make_app(stream, rooms=MemoryRooms())).ws()
    with Client(url, "Ann") as ann:
        ann.say("go")
        ann.hear("draft")
        visitors: list[Client] = []
        while not ann.heard_so_far("entry")[1:] and len(visitors) < 60:
            visitors.append(Client(url, f"{len(visitors)}"))
        for visitor in visitors:
            whole = visitor.answer()["text"]
            assert whole == "".join(words)
            text = ""
            for draft in visitor.heard_so_far("draft"):
                text = draft["text"] if draft["is_start"] else text + draft["text"]
            assert text in ("", whole)
            visitor.leave()


def test_answer_of_very_many_pieces_at_once(serve: Serve) -> None:
    """A function that yields without ever waiting is heard whole, and holds up nobody for long."""
    pieces = [f"{number} " for number in range(3000)]

    async def burst(message: Message) -> AsyncIterator[str]:
        for piece in pieces:
            yield piece

    url = serve(make_app(burst, rooms=MemoryRooms())).ws()
    with Client(url, "Ann") as ann, Client(url, "Bob") as bob:
        ann.say("go")
        bob.hear("draft")
        bob.send(type="ping")
        bob.hear("pong")
        assert ann.answer()["text"] == bob.answer()["text"] == "".join(pieces)


def test_draft_of_which_pieces_were_lost(serve: Serve) -> None:
    """Where a piece is lost on its way to the room it is told all there is so far, and goes on."""
    go_on = threading.Event()

    class Lossy(MemoryRooms):
        lost = 0

        async def signal(self, room: str, text: str) -> None:
            if '"kind":"piece"' in text and '"number":3' in text and not self.lost:
                self.lost += 1
                return
            await super().signal(room, text)

    async def stream(message: Message) -> AsyncIterator[str]:
        for piece in ("a", "b", "c", "d", "e"):
            yield piece
        await asyncio.to_thread(go_on.wait, PATIENCE)
        yield "f"

    rooms = Lossy()
    url = serve(make_app(stream, rooms=rooms)).ws()
    with Client(url, "Ann") as ann:
        ann.say("go")
        text = ""
        while text != "abcde":
            draft = ann.hear("draft")
            text = draft["text"] if draft["is_start"] else text + draft["text"]
        assert rooms.lost == 1
        go_on.set()
        assert ann.hear("draft")["text"] == "f"
        assert ann.answer()["text"] == "abcdef"


def test_silence(serve: Serve, rooms: Rooms) -> None:
    """A function that has nothing to say says nothing: a bot may answer when it is spoken to."""

    def bot(message: Message) -> str:
        return "At your service" if message.text.startswith("@bot") else ""

    url = serve(make_app(bot, rooms=rooms)).ws()
    with Client(url, "Ann") as ann, connect(url) as plain:
        ann.say("hello", "1")
        assert ann.texts(1) == ["hello"]
        silent = ann.answer()
        assert ann.asked_in(silent) == "1"
        assert (silent["text"], silent["outcome"]) == ("", "done")
        ann.say("@bot?")
        assert ann.answer()["text"] == "At your service"
        assert [plain.recv(PATIENCE) for _ in range(3)] == [
            "Ann: hello",
            "Ann: @bot?",
            "At your service",
        ]


def test_failure(
    serve: Serve, caplog: pytest.LogCaptureFixture, expected_errors: list[str], rooms: Rooms
) -> None:
    """A failing answer stands in the room as far as it came; the traceback only in the log."""
    expected_errors.append("the reply function failed")

    async def fail(message: Message) -> AsyncIterator[str]:
        yield "The password is"
        if message.text == "fail":
            raise RuntimeError("the database password is hunter2")
        yield " secret"

    url = serve(make_app(fail, rooms=rooms)).ws()
    with Client(url, "Ann") as ann:
        ann.say("fail")
        failed = ann.answer()
        assert (failed["text"], failed["outcome"]) == ("The password is", "failed")
        ann.say("again")
        assert ann.answer()["outcome"] == "done"
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]
    assert "hunter2" in caplog.text


@pytest.mark.parametrize("returned", [None, 7, "\ud800"])
def test_what_is_no_answer(serve: Serve, expected_errors: list[str], returned: Any) -> None:
    """What is no text is a failure, and the next is answered."""
    expected_errors.append("the reply function failed")

    def reply(message: Message) -> Any:
        return returned if message.text == "bad" else "fine"

    url = serve(make_app(reply, rooms=MemoryRooms())).ws()
    with Client(url, "Ann") as ann:
        ann.say("bad")
        assert ann.answer()["outcome"] == "failed"
        ann.say("good")
        assert ann.answer()["text"] == "fine"


def test_answer_that_takes_too_long(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """After `reply_seconds` an answer is ended, and what there is of it stays in the room."""
    tale = Tale()
    url = serve(make_app(tale, rooms=MemoryRooms(), limits=Limits(reply_seconds=0.5))).ws()
    with Client(url, "Ann") as ann:
        ann.say("a tale")
        ended = ann.answer()
        assert (ended["text"], ended["outcome"]) == ("Once", "failed")
    assert "ended an answer that took longer than 0.5 s" in caplog.text
    wait_until(lambda: tale.ended == ["a tale"], "the function is ended")


# --- Stopping ------------------------------------------------------------------------------------


def test_stop(serve: Serve, rooms: Rooms) -> None:
    """Who asked may stop the answer, begun or not; others may not, and what there is stays."""
    tale = Tale()
    url = serve(make_app(tale, rooms=rooms)).ws()

    with Client(url, "Ann") as ann, Client(url, "Bob") as bob:
        first, second = ann.say("first"), ann.say("second")
        ann.hear("draft")
        for message_id in (first, second):
            bob.send(type="stop", id=message_id)
        bob.heard_so_far("pong")
        tale.go_on()
        assert ann.hear("draft")["text"] == " upon"
        ann.send(type="stop", id=second)
        ann.send(type="stop", id=first)
        for message_id, text in ((first, "Once upon"), (second, "")):
            stopped = bob.answer()
            assert bob.asked_in(stopped) == message_id
            assert (stopped["text"], stopped["outcome"]) == (text, "stopped")
        third = bob.say("third")
        tale.go_on(3)
        whole = ann.answer()
        while ann.asked_in(whole) != third:
            whole = ann.answer()
        assert (whole["text"], whole["outcome"]) == ("Once upon a time", "done")
    assert tale.begun == tale.ended
    assert tale.begun in (["first", "third"], ["first", "second", "third"])


def test_stop_of_what_is_over(serve: Serve) -> None:
    """A stop that comes too late, or of a message that nobody sent, changes nothing."""
    url = serve(make_app(lambda message: "yes", rooms=MemoryRooms())).ws()
    with Client(url, "Ann") as ann:
        message_id = ann.say("over")
        ann.answer()
        for stopped in (message_id, "of nobody", "x" * 10_000):
            ann.send(type="stop", id=stopped)
        ann.say("next")
        assert ann.answer()["outcome"] == "done"


# --- Dependencies, and whose they are --------------------------------------------------------


def user(connection: HTTPConnection) -> str:
    return connection.cookies["name"]


def test_dependencies_are_those_of_who_asked(serve: Serve) -> None:
    """Each message is answered with what its sender's connection gave, and no other."""

    async def whoami(message: Message, me: Annotated[str, Depends(user)]) -> str:
        await asyncio.sleep(0.001)
        return f"{message.author and message.author.name} is {me}"

    url = serve(make_app(whoami, rooms=MemoryRooms(), author=user)).ws()
    names = ("Ann", "Bob", "Cleo")
    visitors = [Client(url, headers={"Cookie": f"name={name}"}) for name in names]
    for _ in range(5):
        for visitor in visitors:
            visitor.say("who am I?")
    texts = [visitors[0].answer()["text"] for _ in range(15)]
    assert sorted(texts) == [
        f"{name} is {name}" for name in ("Ann", "Bob", "Cleo") for _ in "12345"
    ]
    for visitor in visitors:
        visitor.leave()


def test_nobody_answers_for_another_by_their_id(serve: Serve) -> None:
    """Who sends a message under an id that is another's has it kept and answered as their own.

    And the other's is answered as the other's, while it waits for its turn and later.
    """
    go_on = threading.Event()

    async def whoami(message: Message, me: Annotated[str, Depends(user)]) -> str:
        if message.text == "wait":
            await asyncio.to_thread(go_on.wait, PATIENCE)
        return f"{message.author and message.author.name} is {me}"

    url = serve(make_app(whoami, rooms=MemoryRooms(), author=user)).ws()
    with (
        Client(url, headers={"Cookie": "name=Ann"}) as ann,
        Client(url, headers={"Cookie": "name=Eve"}) as eve,
    ):
        ann.say("wait")
        asked = {ann: ann.tell("who am I?", "the id"), eve: eve.tell("who am I?", "the id")}
        go_on.set()
        ann.answer()
        answers = {answer["in_reply_to"]: answer["text"] for answer in (ann.answer(), ann.answer())}
        assert answers == {
            asked[ann]["position"]: "Ann is Ann", asked[eve]["position"]: "Eve is Eve"
        }  # fmt: skip
        assert eve.tell("who am I?", "the id") == asked[eve]


@pytest.mark.parametrize("is_late", [False, True])
def test_message_that_waits_for_its_author(serve: Serve, is_late: bool) -> None:
    """What nobody there may have answered waits until its author is back, if that is soon."""

    async def whoami(message: Message, me: Annotated[str, Depends(user)]) -> str:
        return f"{message.text}: {me}"

    rooms = MemoryRooms()
    limits = Limits(resume_seconds=1.0 if is_late else 60.0)
    asked = Entry(
        kind="message",
        id="1",
        author=Author("Ann", "Ann"),
        text="before",
        sent_at=datetime.now(timezone.utc),
    )
    asyncio.run(rooms.append("main", asked))
    url = serve(make_app(whoami, rooms=rooms, author=user, limits=limits)).ws()
    with Client(url, headers={"Cookie": "name=Bob"}) as bob:
        bob.tell("now")
        assert bob.answer()["text"] == "now: Bob"
        if is_late:
            time.sleep(1.0)
        with Client(url, headers={"Cookie": "name=Ann"}) as ann:
            if not is_late:
                assert bob.answer()["text"] == "before: Ann"
            ann.tell("later")
            assert bob.answer()["text"] == "later: Ann"


def test_what_was_asked_is_answered_though_its_sender_left(serve: Serve, rooms: Rooms) -> None:
    """Messages that wait for their turn are answered when who asked, and everybody, has left."""
    tale = Tale()
    url = serve(make_app(tale, rooms=rooms, author=user)).ws()

    with Client(url, headers={"Cookie": "name=Ann"}) as ann:
        for text in ("first", "second", "third"):
            ann.tell(text)
        ann.hear("draft")
        position = ann.position
    tale.go_on(9)
    wait_until(lambda: len(tale.ended) == 3, "all are answered")
    with Client(url, headers={"Cookie": "name=Bob"}, after=position) as bob:
        assert bob.texts(3) == ["Once upon a time"] * 3
    assert tale.begun == ["first", "second", "third"]
