"""Two processes and one Redis: whichever of them one is connected to, it is one chat."""

import re
import secrets
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.rooms_clients import Frame, Visitor
from tests.servers import PATIENCE, Process, uvicorn_process, wait_until

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
app.include_router(EchoChat(quick, rooms=rooms).router, prefix="/quick/{{room}}")

@app.post("/post/{{room}}")
async def post(room: str, text: str) -> None:
    await lounge.post(room, text, author="host")
"""
WHOLE = "".join(f"{number} " for number in range(50))


class Pair(NamedTuple):
    """Two servers of one application."""

    one: Process
    two: Process
    folder: Path

    def asked(self) -> list[tuple[int, str]]:
        """Return what the reply functions were asked, with the process that was."""
        lines = (self.folder / "asked.txt").read_text().splitlines()
        return [(int(pid), text) for pid, text in (line.split(" ", 1) for line in lines)]


@pytest.fixture
def pair(shared_redis: Process, tmp_path: Path) -> Iterator[Pair]:
    source = HOST.format(url=shared_redis.url(scheme="redis"))
    pair = Pair(uvicorn_process(source, tmp_path), uvicorn_process(source, tmp_path), tmp_path)
    yield pair
    for process in (pair.one, pair.two):
        process.stop()
        assert re.findall(r"^(?:ERROR|CRITICAL|Traceback).*", process.log(), re.MULTILINE) == []


@pytest.fixture
def room() -> str:
    """Give a room that no other test is in."""
    return secrets.token_hex(8)


def url(process: Process, path: str) -> str:
    return process.url(f"{path}/ws", "ws")


def answer(visitor: Visitor) -> Frame:
    return visitor.hear("entry", kind="answer")


# --- A room --------------------------------------------------------------------------------------


def test_one_room(pair: Pair, room: str) -> None:
    """What is said, posted or typed in one process is seen in the other, in one order, once."""
    path = f"/rooms/{room}"
    with Visitor(url(pair.one, path), "Ann") as ann, Visitor(url(pair.two, path), "Bob") as bob:
        entry = ann.tell("hello")
        assert bob.hear("entry") == entry
        ann.send(type="typing")
        assert bob.hear("typing")["author"] == "Ann"
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
            own = [one["text"] for one in heard[0] if one["author"] == name]
            assert own == [f"{number}" for number in range(100)]
        # Through the other process nothing is new.
        for visitor, other in ((ann, pair.two), (bob, pair.one)):
            with visitor.come_back(url=url(other, path)) as back:
                assert back.room["resumed"] is True
                assert back.heard_so_far("entry") == []
                again = heard[0][0]
                assert back.tell("again", again["id"]) == again


def test_presence_counts_both(pair: Pair, room: str) -> None:
    """People of both processes are there, once, and gone when the last connection of theirs is."""
    path = f"/rooms/{room}"
    with Visitor(url(pair.one, path), "Ann") as ann:
        with Visitor(url(pair.two, path), "Bob") as bob:
            for visitor in (ann, bob):
                visitor.hear("presence", authors=["Ann", "Bob"])
            with Visitor(url(pair.two, path), "Ann"), Visitor(url(pair.two, path), "Cleo"):
                for visitor in (ann, bob):
                    visitor.hear("presence", authors=["Ann", "Bob", "Cleo"])
            for visitor in (ann, bob):
                visitor.hear("presence", authors=["Ann", "Bob"])
        ann.hear("presence", authors=["Ann"])


@pytest.mark.parametrize(
    ("how", "seconds"), [(signal.SIGKILL, 6.0), (signal.SIGTERM, 0.0)], ids=["killed", "ended"]
)
def test_people_of_a_process_that_ends(
    pair: Pair, room: str, how: signal.Signals, seconds: float
) -> None:
    """Who was in a process that was killed is gone seconds later; at once if it says goodbye."""
    path = f"/rooms/{room}"
    with Visitor(url(pair.one, path), "Ann") as ann, Visitor(url(pair.two, path), "Bob"):
        ann.hear("presence", authors=["Ann", "Bob"])
        begun = time.monotonic()
        pair.two.popen.send_signal(how)
        ann.hear("presence", authors=["Ann"])
        # A heartbeat comes every two seconds, and is looked for as often.
        assert time.monotonic() - begun < seconds + 4.0
        assert ann.tell("hello?")["text"] == "hello?"
        pair.two.popen.wait(PATIENCE)


# --- Answers -----------------------------------------------------------------------------------


def test_conversation_moves_in_the_middle_of_an_answer(pair: Pair) -> None:
    """Through the other process the answer is seen to go on, whole, and is asked for once.

    It goes on for as long as somebody is there, in whatever process, however short an answer may
    go on without.
    """
    conversation = secrets.token_urlsafe(16)
    with Visitor(url(pair.one, "/kept"), conversation=conversation) as visitor:
        visitor.tell("count", "1")
        for _ in range(3):
            visitor.hear("draft")
    with visitor.come_back(url=url(pair.two, "/kept")) as visitor:
        draft = visitor.hear("draft")
        assert draft["is_start"] is True
        text = draft["text"]
        assert text.startswith("0 1 2 ")
        while text != WHOLE:
            draft = visitor.hear("draft")
            text = draft["text"] if draft["is_start"] else text + draft["text"]
            assert WHOLE.startswith(text)
        whole = answer(visitor)
        assert (whole["id"], whole["text"], whole["outcome"]) == ("1", WHOLE, "done")
        visitor.tell("count", "1")
        assert visitor.heard_so_far("draft") == []
    assert pair.asked() == [(pair.one.popen.pid, "count")]


def test_stop_through_the_other_process(pair: Pair) -> None:
    """An answer is stopped from wherever its conversation is; the next is answered there."""
    conversation = secrets.token_urlsafe(16)
    with Visitor(url(pair.one, "/kept"), conversation=conversation) as visitor:
        visitor.tell("first", "1")
        visitor.hear("draft")
    with visitor.come_back(url=url(pair.two, "/kept")) as visitor:
        visitor.hear("draft")
        visitor.send(type="stop", id="1")
        stopped = answer(visitor)
        assert (stopped["id"], stopped["outcome"]) == ("1", "stopped")
        assert WHOLE.startswith(stopped["text"])
        visitor.tell("second", "2")
        assert visitor.hear("draft", in_reply_to="2")["text"] == "0 "
        visitor.send(type="stop", id="2")
        assert answer(visitor)["id"] == "2"
    assert pair.asked() == [(pair.one.popen.pid, "first"), (pair.two.popen.pid, "second")]


def test_answer_that_nobody_waits_for_in_any_process(pair: Pair) -> None:
    """After `unattended_seconds` without anybody in either process an answer is ended."""
    conversation = secrets.token_urlsafe(16)
    with Visitor(url(pair.one, "/kept"), conversation=conversation) as visitor:
        visitor.tell("count", "1")
        visitor.hear("draft")
    with visitor.come_back(url=url(pair.two, "/kept")) as visitor:
        visitor.hear("draft")
    wait_until(lambda: "nobody was there for 2" in pair.one.log(), "it is ended")
    with visitor.come_back() as visitor:
        ended = answer(visitor)
        assert ended["outcome"] == "stopped"
        assert WHOLE.startswith(ended["text"])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "ended"])
def test_process_that_ends_in_the_middle_of_an_answer(pair: Pair, how: signal.Signals) -> None:
    """When the process that answers ends, the other answers anew, and once; what waited too."""
    conversation = secrets.token_urlsafe(16)
    with Visitor(url(pair.one, "/kept"), conversation=conversation) as visitor:
        for text in ("first", "second"):
            visitor.tell(text, text)
        for _ in range(5):
            visitor.hear("draft")
        pair.one.popen.send_signal(how)
        visitor.close_code()
        begun = time.monotonic()
    with visitor.come_back(url=url(pair.two, "/kept")) as visitor:
        visitor.tell("second", "second")
        visitor.hear("draft", is_start=True, text="0 ")
        assert time.monotonic() - begun < 9
        for text in ("first", "second"):
            visitor.send(type="stop", id=text)
            assert answer(visitor)["id"] == text
        assert visitor.heard_so_far("entry") == []
    one, two = pair.one.popen.pid, pair.two.popen.pid
    assert pair.asked()[:2] == [(one, "first"), (two, "first")]
    pair.one.popen.wait(PATIENCE)


def test_two_who_could_answer(pair: Pair, room: str) -> None:
    """Where either process could answer each message is answered by one of them, and asked once."""
    path = f"/quick/{room}"
    with Visitor(url(pair.one, path), "Ann") as ann, Visitor(url(pair.two, path), "Ann") as other:
        for number in range(50):
            for visitor in (ann, other):
                visitor.say(f"{number} of {id(visitor)}", f"{number} {id(visitor)}")
        heard = [ann.hear("entry") for _ in range(200)]
        answers = [entry["id"] for entry in heard if entry["kind"] == "answer"]
        assert len(answers) == len(set(answers)) == 100
    texts = [text for _, text in pair.asked()]
    assert len(texts) == len(set(texts)) == 100
