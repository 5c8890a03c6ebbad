"""Stop and time-outs are kept, whatever the reply function does with its cancellation."""

import asyncio
import contextlib
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from fastapi_echochat import Author, Limits, MemoryRooms, Message, testing
from tests.apps import make_app
from tests.waiting import PATIENCE, wait_until


class Stubborn:
    """Reply functions over a library that swallows a `CancelledError`, and goes on.

    To `quick` each answers at once.

    Attributes:
        released: Ends what they go on with.
        started: How many of them have begun what takes long.
        ended: How many have come to its end by themselves.
    """

    def __init__(self) -> None:
        self.started = self.ended = 0
        self.released = threading.Event()

    async def library(self) -> None:
        """Wait, and take a cancellation for a reason to try again."""
        self.started += 1
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        while not self.released.is_set():  # noqa: ASYNC110 - it is set by another thread
            await asyncio.sleep(0.01)
        self.ended += 1

    async def coroutine(self, message: Message) -> str:
        if message.text != "quick":
            await self.library()
        return f"late {message.text}"

    async def generator(self, message: Message) -> AsyncIterator[str]:
        if message.text != "quick":
            yield "early "
            await self.library()
        yield f"late {message.text}"
        await asyncio.sleep(0)
        yield "."

    async def twice(self, message: Message) -> str:
        if message.text != "quick":
            for _ in range(4):
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(0.4)
        return f"late {message.text}"

    async def raising(self, message: Message) -> str:
        if message.text != "quick":
            self.started += 1
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.ended += 1
                raise ValueError("the connection to the model was lost") from None
        return f"late {message.text}"

    def plain(self, message: Message) -> str:
        if message.text != "quick":
            self.started += 1
            self.released.wait(PATIENCE)
            self.ended += 1
        return f"late {message.text}"

    def steps(self, message: Message) -> Iterator[str]:
        if message.text != "quick":
            yield "early "
            self.started += 1
            self.released.wait(PATIENCE)
            self.ended += 1
        yield f"late {message.text}"
        yield "."


FORMS = ["coroutine", "generator", "raising", "plain", "steps"]
STREAMS = ("generator", "steps")


class Talk:
    """A client of any chat: what it hears of answers, in one form for all kinds."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.is_room = isinstance(session, testing.Person)
        self._positions: dict[int, str] = {}

    def say(self, text: str, message_id: str) -> None:
        self.session.send_frame({"type": "message", "id": message_id, "text": text})

    def stop(self, message_id: str) -> None:
        self.session.send_frame({"type": "stop", "id": message_id})

    def ping(self) -> None:
        """Wait until all that was sent was read."""
        self.session.send_frame({"type": "ping"})
        while (frame := self.session.receive())["type"] != "pong":
            if frame["type"] == "entry" and frame["kind"] == "message":
                self._positions[frame["position"]] = frame["id"]

    def next(self) -> tuple[str, str, str]:
        """Return the next piece or end of an answer: the message's id, what it is, its text."""
        while True:
            frame = self.session.receive()
            kind = frame["type"]
            if kind == "reply":
                return frame["in_reply_to"], "done" if frame["done"] else "piece", frame["text"]
            if kind == "error":
                code = {"reply_failed": "failed"}.get(frame["code"], frame["code"])
                return frame["in_reply_to"], code, ""
            if kind == "entry" and frame["kind"] == "message":
                self._positions[frame["position"]] = frame["id"]
            elif kind == "entry":
                return self._positions[frame["in_reply_to"]], frame["outcome"], frame["text"]
            elif kind == "draft":
                return self._positions[frame["in_reply_to"]], "piece", frame["text"]

    def pieces_and_end(self) -> list[tuple[str, str, str]]:
        """Return what comes up to the end of an answer."""
        heard = [self.next()]
        while heard[-1][1] == "piece":
            heard.append(self.next())
        return heard


@pytest.fixture(params=["conversation", "room", "kept"])
def talk(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Begin to talk with a reply function, in each kind of chat."""
    kind = request.param

    @contextlib.contextmanager
    def begin(reply: Any, **options: Any) -> Iterator[Talk]:
        if kind != "conversation":
            options = {"rooms": MemoryRooms(), "private": kind == "kept", **options}
        with TestClient(make_app(reply, **options)) as client:
            if kind == "conversation":
                with testing.connect(client, "/chat", timeout=PATIENCE) as chat:
                    yield Talk(chat)
            else:
                with testing.enter(client, "/chat", name="Ada", timeout=PATIENCE) as person:
                    yield Talk(person)

    return begin


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("outcome", ["stopped", "failed"])
def test_function_that_goes_on(
    form: str, outcome: str, talk: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """After Stop nothing of the answer is shown or stored; what comes next is answered at once.

    `reply_seconds` ends an answer in the same case, and the next is answered at once.
    """
    stubborn = Stubborn()
    limits = Limits(reply_seconds=0.5 if outcome == "failed" else 600)
    with talk(getattr(stubborn, form), limits=limits) as ada:
        ada.say("slow", "1")
        if form in STREAMS:
            assert ada.next() == ("1", "piece", "early ")
        wait_until(lambda: stubborn.started == 1, "it runs")
        if outcome == "stopped":
            ada.stop("1")
        assert ada.next() == ("1", outcome, "early " * (form in STREAMS and ada.is_room))
        ada.say("quick", "2")
        assert ada.pieces_and_end()[-1][:2] == ("2", "done")
        assert stubborn.ended == (form == "raising")
        stubborn.released.set()
        wait_until(lambda: stubborn.ended == 1, "the function has ended by itself")
        # Whatever it returned or yielded then is not heard.
        ada.say("quick", "3")
        assert {id_ for id_, _, _ in ada.pieces_and_end()} == {"3"}
    assert stubborn.started == 1
    assert [record for record in caplog.records if record.exc_info] == []


def test_stop_of_messages_that_wait_behind_a_function_that_goes_on(
    talk: Callable[..., Any],
) -> None:
    """Each of many Stops is kept: of the answer under way, of the next, and of what waits."""
    stubborn = Stubborn()
    with talk(stubborn.coroutine) as ada:
        for number in range(5):
            ada.say("slow", f"{number}")
        ada.say("quick", "last")
        for number in (3, 0, 1, 4, 2):
            ada.stop(f"{number}")
        ended = dict(ada.next()[:2] for _ in range(6))
        assert ended == {**{f"{number}": "stopped" for number in range(5)}, "last": "done"}
    assert stubborn.ended == 0


def test_function_that_swallows_every_cancellation(talk: Callable[..., Any]) -> None:
    """One that swallows any number of them is stopped, times out and is left like another."""
    stubborn = Stubborn()
    with talk(stubborn.twice) as ada:
        ada.say("slow", "1")
        ada.say("quick", "2")
        ada.stop("1")
        assert ada.next()[:2] == ("1", "stopped")
        ada.stop("1")
        assert ada.next()[:2] == ("2", "done")


def test_cancellation_of_the_functions_own(talk: Callable[..., Any]) -> None:
    """A function that raises `CancelledError` by itself has failed, and the next is answered."""

    async def own(message: Message) -> str:
        if message.text != "quick":
            task = asyncio.ensure_future(asyncio.sleep(60))
            asyncio.get_running_loop().call_later(0.05, task.cancel)
            await task
        return "yes"

    with talk(own) as ada:
        ada.say("slow", "1")
        assert ada.next()[:2] == ("1", "failed")
        ada.say("quick", "2")
        assert ada.next()[:2] == ("2", "done")


def test_time_out_within_the_function(talk: Callable[..., Any]) -> None:
    """A function's own time-out, around one that is stopped or not, is the function's affair."""

    async def careful(message: Message) -> str:
        try:
            await asyncio.wait_for(asyncio.sleep(60), 0.1)
        except asyncio.TimeoutError:
            return f"gave up {message.text}"
        raise AssertionError

    with talk(careful) as ada:
        ada.say("one", "1")
        ada.say("two", "2")
        assert ada.next() == ("1", "done", "gave up one")
        ada.stop("2")
        assert ada.next()[:2] == ("2", "stopped")
        ada.say("three", "3")
        assert ada.next() == ("3", "done", "gave up three")


@pytest.mark.parametrize("form", FORMS)
def test_nothing_of_it_is_stored(form: str) -> None:
    """The history keeps of a stopped answer what was shown of it, and its outcome."""
    stubborn = Stubborn()
    with (
        TestClient(make_app(getattr(stubborn, form), rooms=MemoryRooms())) as client,
        testing.enter(client, "/chat", name="Ada", timeout=PATIENCE) as person,
    ):
        ada = Talk(person)
        ada.say("slow", "1")
        if form in STREAMS:
            ada.next()
        wait_until(lambda: stubborn.started == 1, "it runs")
        ada.stop("1")
        assert ada.next()[1] == "stopped"
        stubborn.released.set()
        wait_until(lambda: stubborn.ended == 1, "it has ended by itself")
        ada.say("quick", "2")
        ada.pieces_and_end()
        with testing.enter(client, "/chat", name="Bob") as bob:
            kept = [(entry.kind, entry.text, entry.outcome) for entry in bob.history]
    streams = form in STREAMS
    assert kept == [
        ("message", "slow", "done"),
        ("answer", "early " * streams, "stopped"),
        ("message", "quick", "done"),
        ("answer", "late quick" + "." * streams, "done"),
    ]


# --- Whose Stop ----------------------------------------------------------------------------------


class Gate:
    """A reply function that waits until it is told to go on."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.asked: list[str] = []

    async def reply(self, message: Message) -> str:
        self.asked.append(message.text)
        while not self.opened.is_set():  # noqa: ASYNC110 - it is set by another thread
            await asyncio.sleep(0.01)
        return "done"


@pytest.mark.parametrize("is_member", [False, True])
def test_nobody_stops_anothers_answer(is_member: bool) -> None:
    """Who takes somebody's name, and sends or stops the same id, stops nothing of theirs.

    Nor does a guest with a member's name or id, whether the answer is under way or waits.
    """
    gate = Gate()

    def author(who: str = "") -> Author | None:
        return Author(who, "Ada") if who else None

    app = make_app(gate.reply, author=author, rooms=MemoryRooms())
    with TestClient(app) as client, contextlib.ExitStack() as stack:

        def come(query: str, **options: Any) -> Talk:
            entered = testing.enter(client, f"/chat{query}", timeout=PATIENCE, **options)
            return Talk(stack.enter_context(entered))

        ada = come("?who=17" if is_member else "", name="Ada")
        others = [
            come("", name="Ada"),
            come("", name="17"),
            come("?who=18"),
            come("?who=017", name="Ada"),
            come("", name="Ada", guest=secrets.token_urlsafe(24)),
        ]
        if not is_member:
            others.append(come("?who=Ada", name="Ada"))
        ada.say("under way", "1")
        ada.say("waits", "2")
        wait_until(lambda: gate.asked == ["under way"], "it is asked")
        for other in others:
            other.stop("1")
            other.stop("2")
            other.ping()
        gate.opened.set()
        assert ada.next() == ("1", "done", "done")
        assert ada.next() == ("2", "done", "done")


def test_stop_by_the_same_person() -> None:
    """An answer is stopped from another window of its asker, under whatever name by then."""
    gate = Gate()
    secret = secrets.token_urlsafe(24)
    with (
        TestClient(make_app(gate.reply, rooms=MemoryRooms())) as client,
        testing.enter(client, "/chat", name="Ada", guest=secret, timeout=PATIENCE) as person,
        testing.enter(client, "/chat", name="Bob", guest=secret, timeout=PATIENCE) as window,
    ):
        ada = Talk(person)
        ada.say("one", "1")
        ada.say("two", "2")
        wait_until(lambda: gate.asked == ["one"], "it is asked")
        person.send_frame({"type": "name", "name": "Cleo"})
        Talk(window).stop("2")
        Talk(window).stop("1")
        assert {ada.next()[:2], ada.next()[:2]} == {("1", "stopped"), ("2", "stopped")}
        assert gate.asked == ["one"]


@pytest.mark.parametrize("count", [33, 1500])
def test_stops_for_unknown_ids(count: int) -> None:
    """However many Stops one sends for ids that nobody has, another's Stop is kept.

    It is one for a message that waits for its turn.
    """
    gate, limits = Gate(), Limits(frames_per_second=None)
    with (
        TestClient(make_app(gate.reply, rooms=MemoryRooms(), limits=limits)) as client,
        testing.enter(client, "/chat", name="Ada", timeout=PATIENCE) as person,
        testing.enter(client, "/chat", name="Ada", timeout=PATIENCE) as mallory,
    ):
        ada = Talk(person)
        ada.say("one", "1")
        ada.say("two", "2")
        ada.say("three", "3")
        wait_until(lambda: gate.asked == ["one"], "it is asked")
        ada.stop("2")
        ada.ping()
        for number in range(count):
            Talk(mallory).stop(f"unknown {number}")
        Talk(mallory).ping()
        gate.opened.set()
        ended = {}
        for _ in range(3):
            id_, outcome, _ = ada.next()
            ended[id_] = outcome
        assert ended == {"1": "done", "2": "stopped", "3": "done"}
        assert gate.asked == ["one", "three"]
