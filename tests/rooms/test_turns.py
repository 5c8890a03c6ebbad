"""The bot of a room: whose turn it is, what is bounded, and what is taken up after a restart."""

import asyncio
import contextlib
import functools
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from fastapi_echochat import Author, Entry, Limits, MemoryRooms, Message, SQLiteRooms, testing
from tests.apps import make_app, open_session
from tests.clients import Client
from tests.conftest import Keep
from tests.servers import uvicorn_process
from tests.waiting import PATIENCE, wait_until

MALLORY = Author("m", "Mallory")


class Bot:
    """A reply function that waits for each answer until it may give one.

    Args:
        count: How many it may give at once.

    Attributes:
        asked: The texts that it was asked, in order.
        may: How many answers it may give.
    """

    def __init__(self, count: int = 0) -> None:
        self.asked: list[str] = []
        self.may = threading.Semaphore(count)

    async def reply(self, message: Message) -> str:
        self.asked.append(message.text)
        while not self.may.acquire(blocking=False):  # noqa: ASYNC110 - by another thread
            await asyncio.sleep(0.005)
        return f"answer to {message.text}"

    def let(self, count: int) -> None:
        """Let it give so many answers more."""
        self.may.release(count)


def who(as_: str = "") -> Author | None:
    """Give the account that the query names."""
    return Author(as_, as_) if as_ else None


def come(
    client: TestClient, as_: str, **how: Any
) -> contextlib.AbstractContextManager[testing.Person]:
    """Enter with the account of a name."""
    return testing.enter(client, f"/chat?as_={as_}", **{"timeout": PATIENCE, **how})


def has_asked(bot: Bot, count: int) -> bool:
    return len(bot.asked) >= count


def is_free(client: TestClient) -> bool:
    """Tell whether the chat's one connection may be opened."""
    with (
        contextlib.suppress(WebSocketDenialResponse),
        open_session(client, "/chat/ws", "echochat.v1"),
    ):
        return True
    return False


def texts(asked: list[str], by: str) -> list[str]:
    return [text for text in asked if text.startswith(by)]


@contextlib.contextmanager
def entered(bot: Bot, rooms: MemoryRooms) -> Iterator[testing.Person]:
    """Enter a chat of these rooms whose bot has not been asked anything in this process."""
    with (
        TestClient(make_app(bot.reply, rooms=rooms)) as client,
        testing.enter(client, "/chat", name="Ada", timeout=PATIENCE) as ada,
    ):
        yield ada


# --- Turns ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_many_questions_of_one_person() -> None:
    """One person's hundreds of questions make another wait for one answer, and not for more.

    Also where that person has several connections and asked long before.
    """
    bot = Bot()
    app = make_app(
        bot.reply,
        rooms=MemoryRooms(history=10_000),
        author=who,
        limits=Limits(unanswered_messages=400),
    )
    with TestClient(app) as client, contextlib.ExitStack() as stack:

        def enter(name: str) -> testing.Person:
            return stack.enter_context(come(client, name, timeout=4 * PATIENCE))

        mallory = [enter("mallory") for _ in range(2)]
        for number in range(200):
            for window in mallory:
                window.send(f"mallory {number}")
        for window in mallory:
            window.send_frame({"type": "ping"})
            while window.receive()["type"] != "pong":
                pass
        ada, bob = enter("ada"), enter("bob")
        ada.send("ada 1")
        ada.send("ada 2")
        bob.say("bob 1")
        bot.let(6)
        wait_until(lambda: len(bot.asked) == 7, "six are answered")
        order = [text.split()[0] for text in bot.asked]
        assert order[0] == "mallory"
        # Each gets one answer before anybody gets a second one.
        assert set(order[1:4]) == {"mallory", "ada", "bob"} or set(order[1:3]) == {"ada", "bob"}
        assert order[1:6].count("ada") == 2
        assert order[1:6].count("bob") == 1


def test_turns_of_many_people() -> None:
    """People take turns by who they are, not by name, connection or how early they came."""
    bot = Bot()
    with (
        TestClient(make_app(bot.reply, rooms=MemoryRooms(), author=who)) as client,
        contextlib.ExitStack() as stack,
    ):
        people = [
            stack.enter_context(come(client, name, name="Ada")) for name in ("a", "b", "c", "", "")
        ]
        for number in range(4):
            for index, person in enumerate(people):
                person.say(f"{index} {number}")
        bot.let(19)
        wait_until(lambda: len(bot.asked) == 20, "all were asked")
    rounds = [bot.asked[at : at + 5] for at in range(0, 20, 5)]
    for number, asked in enumerate(rounds):
        assert sorted(asked) == [f"{index} {number}" for index in range(5)]


def test_turn_of_who_waits_while_somebody_goes_on_asking() -> None:
    """Who asks once is answered though another asks again after each answer."""
    bot = Bot()
    with (
        TestClient(make_app(bot.reply, rooms=MemoryRooms(), author=who)) as client,
        come(client, "mallory") as mallory,
        come(client, "ada") as ada,
    ):
        for number in range(3):
            mallory.say(f"mallory {number}")
        ada.say("ada")
        for number in range(3, 8):
            bot.let(1)
            mallory.say(f"mallory {number}")
            asked = number - 1
            wait_until(functools.partial(has_asked, bot, asked), "the next is asked")
            if "ada" in bot.asked:
                break
        assert bot.asked.index("ada") == 1


# --- Bounds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("connections", [1, 3])
def test_unanswered_questions_of_one_person(connections: int) -> None:
    """Of one person only so many messages are kept without an answer; then the rest are kept.

    Each connection may have one more on its way. Others are not held up, and nothing is lost.
    """
    bot = Bot()
    rooms = MemoryRooms()
    app = make_app(bot.reply, rooms=rooms, author=who, limits=Limits(unanswered_messages=5))

    async def kept(by: str) -> int:
        entries = await rooms.read("main", limit=1000)
        return len([e for e in entries if e.kind == "message" and e.text.startswith(by)])

    with TestClient(app) as client, contextlib.ExitStack() as stack:
        windows = [stack.enter_context(come(client, "mallory")) for _ in range(connections)]
        for number in range(20):
            for index, window in enumerate(windows):
                window.send(f"mallory {index} {number}")
        ada = stack.enter_context(come(client, "ada"))
        ada.say("ada")
        assert 5 <= asyncio.run(kept("mallory")) < 5 + connections
        # Nor are more kept when there is a place again.
        for count in range(2, 5):
            bot.let(1)
            wait_until(functools.partial(has_asked, bot, count), "the next is asked")
            assert asyncio.run(kept("mallory")) < 5 + count + connections
        bot.let(20 * connections - 2)
        wait_until(lambda: len(bot.asked) == 1 + 20 * connections, "all were asked")
        for index in range(connections):
            by = texts(bot.asked, f"mallory {index}")
            assert by == [f"mallory {index} {number}" for number in range(20)]


@pytest.mark.parametrize("has_dependencies", [True, False])
def test_what_somebody_who_left_has_open(has_dependencies: bool) -> None:
    """What one who left still has open is bounded, and answered in turn with what others ask.

    With dependencies what is beyond the bound waits until they are back.
    """
    bot = Bot()

    async def with_dependency(message: Message, as_: str = "") -> str:
        assert as_ == message.text.split()[0]
        return await bot.reply(message)

    app = make_app(
        with_dependency if has_dependencies else bot.reply,
        rooms=MemoryRooms(),
        author=who,
        limits=Limits(unanswered_messages=40, connections=1),
    )
    with TestClient(app) as client:
        with come(client, "mallory") as mallory:
            for number in range(100):
                mallory.send(f"mallory {number}")
            wait_until(lambda: len(bot.asked) == 1, "it is asked")
        # What was sent just before is waited for a little.
        wait_until(lambda: is_free(client), "the place is free")
        with come(client, "ada") as ada:
            bot.let(1000)
            assert ada.ask("ada 0") == "answer to ada 0"
            wait_until(lambda: len(bot.asked) >= 17, "some are answered")
            for number in range(1, 20):
                ada.ask(f"ada {number}")
            answered = len(texts(bot.asked, "mallory"))
            assert answered <= (16 if has_dependencies else 41)
        wait_until(lambda: is_free(client), "the place is free")
        with come(client, "mallory") as mallory:
            mallory.ask("mallory again")
        by = texts(bot.asked, "mallory")
        assert by[-1] == "mallory again"
        assert len(by) - 1 == 40
        assert by[:-1] == [f"mallory {number}" for number in range(len(by) - 1)]


# --- After a restart -----------------------------------------------------------------------------


def entry(text: str, *, author: Author | None = MALLORY, ago: float = 0, **fields: Any) -> Entry:
    sent_at = datetime.now(timezone.utc) - timedelta(seconds=ago)
    kind = "notice" if author is None else "message"
    values = {"kind": kind, "id": text, "author": author, "text": text, "sent_at": sent_at}
    return Entry(**{**values, **fields})


def fill(rooms: MemoryRooms, entries: list[Entry]) -> list[Entry]:
    async def append() -> list[Entry]:
        return [await rooms.append("main", each) for each in entries]

    return asyncio.run(append())


@pytest.mark.parametrize("beyond", [0, 1, 199, 200, 250, 999])
def test_question_before_chatter(beyond: int) -> None:
    """A question before any number of notices is answered by the process that comes next."""
    rooms = MemoryRooms(history=10_000)
    fill(rooms, [entry("question"), *(entry(f"{n}", author=None) for n in range(beyond))])
    bot = Bot(1000)
    with entered(bot, rooms) as ada:
        assert ada.hear().text == "answer to question"
    assert bot.asked == ["question"]


def test_only_what_has_no_answer_is_answered() -> None:
    """Of many pages what is young and has no answer is answered, in order, and nothing else.

    An answer may be many entries after its message; what is older than `resume_seconds` is left.
    """
    rooms = MemoryRooms(history=10_000)
    old = fill(rooms, [entry(f"old {n}", ago=700) for n in range(150)])
    asked = fill(rooms, [entry(f"{n:03}", ago=500 - n) for n in range(400)])
    answered = [each for each in asked if int(each.text) % 3]
    chatter = [entry(f"notice {n}", author=None) for n in range(300)]
    answers = [entry("yes", author=None, kind="answer", id=str(each.position)) for each in answered]
    fill(rooms, [*answers[:100], *chatter, *answers[100:]])
    bot = Bot(1000)
    expected = [each.text for each in asked if each not in answered]
    with entered(bot, rooms) as ada:
        heard = [ada.hear() for _ in expected]
        assert ada.ask("now") == "answer to now"
    assert [each.text for each in heard] == [f"answer to {text}" for text in expected]
    assert bot.asked == [*expected, "now"]
    assert len(old) == 150


class Counted(MemoryRooms):
    """Rooms that count the pages that were read back."""

    pages = 0

    async def read_back(
        self,
        room: str,
        *,
        before: int | None = None,
        limit: int = 100,
        max_bytes: int | None = None,
    ) -> list[Entry]:
        self.pages += 1
        return await super().read_back(room, before=before, limit=limit, max_bytes=max_bytes)


def test_history_is_not_read_to_its_beginning() -> None:
    """A room is opened at the same cost however long its history is, of whatever kinds."""
    rooms = Counted(history=10_000)
    fill(rooms, [entry(f"{n}", author=None, ago=3600) for n in range(5000)])
    bot = Bot(1)
    with entered(bot, rooms) as ada:
        ada.ask("?")
    assert rooms.pages <= 5


HOST = """
import asyncio
from pathlib import Path
from fastapi import FastAPI
from fastapi_echochat import Author, EchoChat, Limits, SQLiteRooms

go_on = Path("go-on")

def who(as_: str) -> Author:
    return Author(as_, as_)

async def reply(message, as_: str):
    while not go_on.exists():
        await asyncio.sleep(0.02)
    return f"{as_}: {message.text}"

app = FastAPI()
chat = EchoChat(reply, rooms=SQLiteRooms("rooms.db"), author=who)
app.include_router(chat.router, prefix="/chat")
"""


@pytest.mark.slow
def test_300_questions_and_a_kill(keep: Keep, tmp_path: Path) -> None:
    """All of 300 questions without an answer are answered after a kill -9, each once, in order.

    Each is answered with its sender's dependencies, and not before that one is back.
    """
    server = keep(uvicorn_process(HOST, tmp_path))
    url = server.ws("/chat")
    names = ("ada", "bob", "cleo")
    with contextlib.ExitStack() as stack:
        people = [stack.enter_context(Client(f"{url}?as_={name}")) for name in names]
        for number in range(100):
            for person, name in zip(people, names, strict=True):
                person.say(f"{name} {number}")
        for person in people:
            person.entries(300)
        server.kill()
    (tmp_path / "go-on").touch()
    server.start()
    answers: list[Any] = []
    with contextlib.ExitStack() as stack:
        for count, name in enumerate(names, start=1):
            person = stack.enter_context(Client(f"{url}?as_={name}"))
            while len(answers) < 100 * count:
                frame = person.hear("entry")
                if frame["kind"] == "answer" and frame not in answers:
                    answers.append(frame)
            expected = [f"{name}: {name} {number}" for number in range(100)]
            assert [frame["text"] for frame in answers[-100:]] == expected
    assert len({frame["in_reply_to"] for frame in answers}) == 300


def test_what_is_taken_up_waits_for_its_sender(tmp_path: Path) -> None:
    """With dependencies a question of before the restart waits while only others are there."""
    rooms = SQLiteRooms(tmp_path / "rooms.db")
    bot = Bot(100)

    async def reply(message: Message, as_: str) -> str:
        return f"{as_} has {await bot.reply(message)}"

    app = make_app(reply, rooms=rooms, author=who)

    async def fill_it() -> None:
        await rooms.append("main", entry("question", author=Author("ada", "Ada")))
        await rooms.close()

    asyncio.run(fill_it())
    with (
        TestClient(app) as client,
        come(client, "Ada") as imposter,
    ):
        assert imposter.ask("1") == "Ada has answer to 1"
        with come(client, "ada") as ada:
            assert ada.hear().text == "ada has answer to question"
    assert bot.asked == ["1", "question"]
