"""Several processes and one Redis: whichever of them one is connected to, it is one chat."""

import contextlib
import secrets
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.clients import Client, author_id, name_of
from tests.servers import Process, uvicorn_process
from tests.waiting import PATIENCE, patient, wait_until

HOST = """
import asyncio
import logging
import os
from pathlib import Path
from fastapi import FastAPI
from fastapi_echochat import EchoChat, Limits, RedisRooms

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
asked = Path("asked.txt")

def note(message):
    with asked.open("a") as file:
        file.write(f"{{os.getpid()}} {{message.text}}\\n")

async def count(message):
    note(message)
    for number in range(50):
        yield f"{{number}} "
        await asyncio.sleep(0.1)

async def quick(message):
    note(message)
    return "yes"

app = FastAPI()
rooms = RedisRooms("{url}")
lounge = EchoChat(reply=None, rooms=rooms)
app.include_router(lounge.router, prefix="/rooms/{{room}}")
kept = EchoChat(count, rooms=rooms, private=True, limits=Limits(unattended_seconds=2))
app.include_router(kept.router, prefix="/kept")
app.include_router(EchoChat(count, rooms=rooms).router, prefix="/counted/{{room}}")
app.include_router(EchoChat(quick, rooms=rooms).router, prefix="/quick/{{room}}")

@app.post("/post/{{room}}")
async def post(room: str, text: str) -> None:
    await lounge.post(room, text, author="host")
"""
WHOLE = "".join(f"{number} " for number in range(50))


class Group(NamedTuple):
    """Servers of one application, each in a process of its own."""

    processes: list[Process]
    folder: Path

    @property
    def one(self) -> Process:
        return self.processes[0]

    @property
    def two(self) -> Process:
        return self.processes[1]

    def asked(self) -> list[tuple[int, str]]:
        """Return what the reply functions were asked, with the process that was."""
        lines = (self.folder / "asked.txt").read_text().splitlines()
        return [(int(pid), text) for pid, text in (line.split(" ", 1) for line in lines)]

    def complaints(self) -> list[str]:
        return [line for process in self.processes for line in process.complaints()]


@contextlib.contextmanager
def started(count: int, redis: Process, folder: Path) -> Iterator[Group]:
    source = HOST.format(url=redis.url(scheme="redis"))
    group = Group([], folder)
    try:
        for _ in range(count):
            group.processes.append(uvicorn_process(source, folder))
        yield group
    finally:
        for process in group.processes:
            process.stop()
    assert group.complaints() == []


@pytest.fixture(scope="module")
def shared_pair(shared_redis: Process, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """Give two processes that no test ends."""
    with started(2, shared_redis, tmp_path_factory.mktemp("pair")) as group:
        yield group


@pytest.fixture
def pair(shared_pair: Group) -> Iterator[Group]:
    """Give two processes that this test has not asked anything yet."""
    (shared_pair.folder / "asked.txt").unlink(missing_ok=True)
    yield shared_pair
    assert shared_pair.complaints() == []


@pytest.fixture
def room() -> str:
    """Give a room that no other test is in."""
    return secrets.token_hex(8)


# --- A room --------------------------------------------------------------------------------------


def test_one_room(pair: Group, room: str) -> None:
    """What is sent, posted or typed in one process is seen in the other, in one order, once."""
    path = f"/rooms/{room}"
    with Client(pair.one.ws(path), "Ann") as ann, Client(pair.two.ws(path), "Bob") as bob:
        entry = ann.tell("hello")
        assert bob.hear("entry") == entry
        ann.send(type="typing")
        assert bob.hear("typing")["author"]["name"] == "Ann"
        for number in range(100):
            ann.say(f"{number}")
            bob.say(f"{number}")
        for process in (pair.one, pair.two):
            assert httpx.post(process.url(f"/post/{room}"), params={"text": "hi"}).is_success
        heard = [visitor.entries(202) for visitor in (ann, bob)]
        assert heard[0] == heard[1]
        positions = [entry["position"] for entry in heard[0]]
        assert positions == sorted(set(positions))
        for name in ("Ann", "Bob"):
            own = [one["text"] for one in heard[0] if name_of(one) == name]
            assert own == [f"{number}" for number in range(100)]
        # Through the other process nothing is new.
        for visitor, other in ((ann, pair.two), (bob, pair.one)):
            with visitor.come_back(url=other.ws(path)) as back:
                assert back.room["resumed"] is True
                assert back.heard_so_far("entry") == []
                again = next(one for one in heard[0] if author_id(one) == back.id)
                assert back.tell("again", again["id"]) == again


def test_presence_counts_both(pair: Group, room: str) -> None:
    """People of both processes are there, once, and gone when the last connection of theirs is."""
    path = f"/rooms/{room}"
    with Client(pair.one.ws(path), "Ann") as ann:
        with Client(pair.two.ws(path), "Bob") as bob:
            for visitor in (ann, bob):
                visitor.meet("Ann", "Bob")
            with (
                Client(pair.two.ws(path), "Ann", guest=ann.guest),
                Client(pair.two.ws(path), "Cleo"),
            ):
                for visitor in (ann, bob):
                    visitor.meet("Ann", "Bob", "Cleo")
            for visitor in (ann, bob):
                visitor.meet("Ann", "Bob")
        ann.meet("Ann")


# --- Answers -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_conversation_moves_in_the_middle_of_an_answer(pair: Group) -> None:
    """Through the other process the answer is seen to go on, whole, and is asked for once.

    It goes on for as long as somebody is there, in whatever process, however short an answer may
    go on without.
    """
    conversation = secrets.token_urlsafe(16)
    with Client(pair.one.ws("/kept"), conversation=conversation) as visitor:
        visitor.tell("count", "1")
        for _ in range(3):
            visitor.hear("draft")
    with visitor.come_back(url=pair.two.ws("/kept")) as visitor:
        draft = visitor.hear("draft")
        assert draft["is_start"] is True
        text = draft["text"]
        assert text.startswith("0 1 2 ")
        while text != WHOLE:
            draft = visitor.hear("draft")
            text = draft["text"] if draft["is_start"] else text + draft["text"]
            assert WHOLE.startswith(text)
        whole = visitor.answer()
        assert visitor.asked_in(whole) == "1"
        assert (whole["text"], whole["outcome"]) == (WHOLE, "done")
        visitor.tell("count", "1")
        assert visitor.heard_so_far("draft") == []
    assert pair.asked() == [(pair.one.pid, "count")]


def test_stop_through_the_other_process(pair: Group) -> None:
    """An answer is stopped from wherever its conversation is; the next is answered there."""
    conversation = secrets.token_urlsafe(16)
    with Client(pair.one.ws("/kept"), conversation=conversation) as visitor:
        visitor.tell("first", "1")
        visitor.hear("draft")
    with visitor.come_back(url=pair.two.ws("/kept")) as visitor:
        visitor.hear("draft")
        visitor.send(type="stop", id="1")
        stopped = visitor.answer()
        assert (visitor.asked_in(stopped), stopped["outcome"]) == ("1", "stopped")
        assert WHOLE.startswith(stopped["text"])
        second = visitor.tell("second", "2")
        assert visitor.hear("draft", in_reply_to=second["position"])["text"] == "0 "
        visitor.send(type="stop", id="2")
        assert visitor.asked_in(visitor.answer()) == "2"
    assert pair.asked() == [(pair.one.pid, "first"), (pair.two.pid, "second")]


def test_answer_that_nobody_waits_for_in_any_process(pair: Group) -> None:
    """After `unattended_seconds` without anybody in either process an answer is ended."""
    conversation = secrets.token_urlsafe(16)
    ended = "nobody was there for 2"
    before = pair.one.log().count(ended)
    with Client(pair.one.ws("/kept"), conversation=conversation) as visitor:
        visitor.tell("count", "1")
        visitor.hear("draft")
    with visitor.come_back(url=pair.two.ws("/kept")) as visitor:
        visitor.hear("draft")
    wait_until(lambda: pair.one.log().count(ended) == before + 1, "it is ended")
    with visitor.come_back() as visitor:
        stopped = visitor.answer()
        assert stopped["outcome"] == "stopped"
        assert WHOLE.startswith(stopped["text"])


def test_two_who_could_answer(pair: Group, room: str) -> None:
    """Where either process could answer each message is answered by one of them, and asked once."""
    path = f"/quick/{room}"
    with (
        Client(pair.one.ws(path), "Ann") as ann,
        Client(pair.two.ws(path), "Ann", guest=ann.guest) as other,
    ):
        for number in range(50):
            for visitor in (ann, other):
                visitor.say(f"{number} of {id(visitor)}", f"{number} {id(visitor)}")
        heard = [ann.hear("entry") for _ in range(200)]
        answers = [entry["in_reply_to"] for entry in heard if entry["kind"] == "answer"]
        assert len(answers) == len(set(answers)) == 100
    texts = [text for _, text in pair.asked()]
    assert len(texts) == len(set(texts)) == 100


# --- The end of a process ------------------------------------------------------------------------


@pytest.mark.slow
def test_processes_that_end(shared_redis: Process, tmp_path: Path, room: str) -> None:
    """Who was in a process that ends is gone, and another one answers anew what it was asked.

    Its people are gone and its answers taken up at once if it says goodbye, and seconds later if
    it was killed. What it was answering is answered once, whole or not, and what waited too.
    """
    path = f"/rooms/{room}"
    with started(3, shared_redis, tmp_path) as group, contextlib.ExitStack() as visitors:
        stays, *leave = group.processes
        ann = visitors.enter_context(Client(stays.ws(path), "Ann"))
        asking: dict[str, Client] = {}
        for name, process in zip(("Killed", "Ended"), leave, strict=True):
            visitors.enter_context(Client(process.ws(path), name))
            conversation = secrets.token_urlsafe(16)
            visitor = Client(process.ws("/kept"), conversation=conversation)
            asking[name] = visitors.enter_context(visitor)
        ann.meet("Ann", "Ended", "Killed")
        for name, visitor in asking.items():
            for text in (f"{name} first", f"{name} second"):
                visitor.tell(text, text)
        for visitor in asking.values():
            for _ in range(5):
                visitor.hear("draft")

        begun = time.monotonic()
        for process, how in zip(leave, (signal.SIGKILL, signal.SIGTERM), strict=True):
            process.send_signal(how)
        back: dict[str, Client] = {}
        for name, visitor in asking.items():
            visitor.close_code()
            back[name] = visitors.enter_context(visitor.come_back(url=stays.ws("/kept")))
            back[name].tell(f"{name} second", f"{name} second")

        ann.meet("Ann", "Killed")
        # A heartbeat comes every two seconds, and is looked for as often.
        assert time.monotonic() - begun < patient(4)
        assert ann.tell("hello?")["text"] == "hello?"
        for name, seconds in (("Ended", 4), ("Killed", 9)):
            visitor = back[name]
            first, second = f"{name} first", f"{name} second"
            visitor.hear("draft", is_start=True, text="0 ")
            assert time.monotonic() - begun < seconds, name
            for text in (first, second):
                visitor.send(type="stop", id=text)
                assert visitor.asked_in(visitor.answer()) == text
            assert visitor.heard_so_far("entry") == [], name
        ann.meet("Ann")
        assert time.monotonic() - begun < patient(10)
        for name, process in zip(("Killed", "Ended"), leave, strict=True):
            asked = [(pid, text) for pid, text in group.asked() if text.startswith(name)]
            first = f"{name} first"
            assert asked[:2] == [(process.pid, first), (stays.pid, first)]
            assert process.wait(PATIENCE)


@pytest.mark.slow
def test_process_that_ends_with_its_people(
    shared_redis: Process, tmp_path: Path, room: str
) -> None:
    """What somebody asked who is gone with their process is soon answered by another."""
    path = f"/counted/{room}"
    with (
        started(2, shared_redis, tmp_path) as group,
        Client(group.one.ws(path), "Ann") as ann,
        Client(group.two.ws(path), "Bob") as bob,
    ):
        ann.meet("Ann", "Bob")
        bob.tell("count")
        for _ in range(5):
            ann.hear("draft")
        begun = time.monotonic()
        group.two.send_signal(signal.SIGTERM)
        ann.hear("draft", is_start=True, text="0 ")
        # Two for somebody to say that Bob is there, and one for the process to end.
        assert time.monotonic() - begun < patient(4.5)
