"""Reply functions of every form over a real socket: streamed, stopped, slow, and at fault."""

import asyncio
import functools
import logging
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from fastapi_echochat import Limits, Message
from fastapi_echochat.rate import Rate
from fastapi_echochat.session import Session
from tests.apps import count_left, make_app
from tests.clients import Client, ask, close_code
from tests.conftest import Serve
from tests.raw_client import RawClient
from tests.servers import uvicorn_process
from tests.waiting import PATIENCE, get, patient, wait_until


def error(code: str, detail: str, in_reply_to: str = "1") -> dict[str, str]:
    return {"type": "error", "code": code, "detail": detail, "in_reply_to": in_reply_to}


FAILED = error("reply_failed", "the answer could not be made")
STOPPED = error("stopped", "the answer was stopped")


# --- Forms -----------------------------------------------------------------------------------


def function(message: Message) -> str:
    return message.text + "!"


async def coroutine(message: Message) -> str:
    return message.text + "!"


def generator(message: Message) -> Iterator[str]:
    yield message.text
    yield "!"


async def async_generator(message: Message) -> AsyncIterator[str]:
    yield message.text
    yield "!"


class Bot:
    def function(self, message: Message) -> str:
        return message.text + "!"

    __call__ = function

    async def async_generator(self, message: Message) -> AsyncIterator[str]:
        yield message.text
        yield "!"

    @staticmethod
    def static(message: Message) -> str:
        return message.text + "!"


class AsyncBot:
    async def __call__(self, message: Message) -> AsyncIterator[str]:
        yield message.text
        yield "!"


def with_mark(message: Message, mark: str) -> str:
    return message.text + mark


async def marked(message: Message, mark: str, again: int = 1) -> AsyncIterator[str]:
    yield message.text
    yield mark * again


FORMS: dict[str, tuple[Callable[..., Any], int]] = {
    "def": (function, 1),
    "async def": (coroutine, 1),
    "generator": (generator, 2),
    "async generator": (async_generator, 2),
    "object": (Bot(), 1),
    "object with an async generator": (AsyncBot(), 2),
    "bound method": (Bot().function, 1),
    "bound async generator": (Bot().async_generator, 2),
    "static method": (Bot.static, 1),
    "partial": (functools.partial(with_mark, mark="!"), 1),
    "partial of a partial": (functools.partial(functools.partial(marked, mark="!"), again=1), 2),
    "lambda": (lambda message: message.text + "!", 1),
    "lambda with a default": (lambda message, mark="!": message.text + mark, 1),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_reply_function(serve: Serve, form: str) -> None:
    """Whatever form a reply function has, its answer comes in its pieces, or joined in one."""
    reply, pieces = FORMS[form]
    server = serve(make_app(reply))

    with Client(server.ws(), enters=False) as talk:
        talk.say("NBA", "1")
        frames = talk.answer_frames()
        assert "".join(frame["text"] for frame in frames) == "NBA!"
        assert [frame["done"] for frame in frames] == (
            [True] if pieces == 1 else [False] * pieces + [True]
        )
        assert {frame["in_reply_to"] for frame in frames} == {"1"}
    with connect(server.ws()) as plain:
        for text in ("NBA", "NFL"):
            plain.send(text)
            assert plain.recv(PATIENCE) == f"{text}!"


def test_context_of_the_connection_reaches_a_thread(serve: Serve) -> None:
    """Plain functions of one connection run in threads that are not the event loop's."""
    names: set[str] = set()

    def reply(message: Message) -> Iterator[str]:
        names.add(threading.current_thread().name)
        yield message.text

    with Client(serve(make_app(reply)).ws(), enters=False) as talk:
        talk.say("a", "1")
        talk.answer_frames()
    assert names == {"echochat reply"}


# --- Stop ------------------------------------------------------------------------------------


def test_stop_ends_a_streamed_answer(serve: Serve) -> None:
    """A stopped answer is ended at once, its finally blocks run, and the next one is answered."""
    ended = threading.Event()

    async def reply(message: Message) -> AsyncIterator[str]:
        try:
            yield "first"
            if message.text == "endless":
                await asyncio.sleep(3600)
        finally:
            ended.set()

    with Client(serve(make_app(reply)).ws(), enters=False) as talk:
        talk.say("endless", "1")
        assert talk.receive()["text"] == "first"
        talk.say("short", "2")
        talk.stop("1")
        assert talk.receive() == STOPPED
        assert ended.wait(PATIENCE)
        assert [frame["text"] for frame in talk.answer_frames()] == ["first", ""]


@pytest.mark.parametrize("form", ["def", "generator"])
def test_stop_does_not_wait_for_a_thread(serve: Serve, form: str) -> None:
    """An answer whose thread is blocked is stopped at once; its generator is closed later."""
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def reply(message: Message) -> str:
        begun.set()
        assert go_on.wait(PATIENCE)
        ended.set()
        return message.text

    def stream(message: Message) -> Iterator[str]:
        try:
            begun.set()
            assert go_on.wait(PATIENCE)
            yield message.text
        finally:
            ended.set()

    with Client(serve(make_app(reply if form == "def" else stream)).ws(), enters=False) as talk:
        talk.say("blocked", "1")
        assert begun.wait(PATIENCE)
        talk.stop()
        assert talk.receive() == STOPPED
        assert talk.is_alive()
        go_on.set()
        assert ended.wait(PATIENCE)


def test_stop_of_a_message_that_waits(serve: Serve) -> None:
    """A message that waits for its turn can be stopped, and the others keep their order."""
    go_on = threading.Event()

    def reply(message: Message) -> str:
        assert go_on.wait(PATIENCE)
        return message.text

    with Client(serve(make_app(reply)).ws(), enters=False) as talk:
        for i in "123":
            talk.say(i, i)
        talk.stop("2")
        assert talk.receive() == {**STOPPED, "in_reply_to": "2"}
        go_on.set()
        assert [talk.receive()["text"] for _ in range(2)] == ["1", "3"]


def test_stop_before_the_function_is_called(serve: Serve) -> None:
    """A message and its stop in one breath are answered with the stop, and the next one is too."""
    called: list[str] = []

    async def reply(message: Message) -> str:
        called.append(message.text)
        return message.text

    with Client(serve(make_app(reply)).ws(), enters=False) as talk:
        for _ in range(50):
            talk.say("a", "1")
            talk.stop()
            frame = talk.receive()
            assert frame == STOPPED or frame["text"] == "a"
        talk.say("b", "2")
        assert talk.receive()["text"] == "b"


def test_stop_of_what_is_over_or_unknown(serve: Serve) -> None:
    """To stop an answer that is over, or of a message never sent, changes nothing."""
    with Client(serve(make_app(async_generator)).ws(), enters=False) as talk:
        talk.say("a", "1")
        talk.answer_frames()
        talk.stop("1")
        talk.stop("never sent")
        assert talk.is_alive()
        talk.say("b", "2")
        assert talk.answer_frames()[0]["text"] == "b"


@pytest.mark.parametrize("form", ["async def", "async generator"])
def test_function_that_will_not_be_stopped(serve: Serve, form: str) -> None:
    """A function that swallows its cancellation is not heard any more, and holds up nobody."""
    begun, swallowed = threading.Event(), threading.Event()

    async def wait_for_ever() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            swallowed.set()

    async def reply(message: Message) -> str:
        if message.text == "endless":
            await wait_for_ever()
        return "never" if swallowed.is_set() and message.id == "1" else message.text

    async def stream(message: Message) -> AsyncIterator[str]:
        if message.text == "endless":
            await wait_for_ever()
            yield "never"
        yield message.text

    server = serve(make_app(reply if form == "async def" else stream))
    with Client(server.ws(), enters=False) as talk:
        talk.say("endless", "1")
        assert begun.wait(PATIENCE)
        talk.stop()
        assert talk.receive() == STOPPED
        assert swallowed.wait(PATIENCE)
        assert talk.is_alive()
        talk.say("next", "2")
        assert talk.answer_frames()[0]["text"] == "next"


# --- Faults of the function ------------------------------------------------------------------


def raises_at_once(message: Message) -> str:
    raise RuntimeError("the database password is hunter2")


async def raises_after_three(message: Message) -> AsyncIterator[str]:
    for piece in "abc":
        yield piece
    raise RuntimeError("the database password is hunter2")


def raises_after_three_in_a_thread(message: Message) -> Iterator[str]:
    yield from "abc"
    raise RuntimeError("the database password is hunter2")


def returns_none(message: Message) -> Any:
    return None


async def yields_a_number(message: Message) -> AsyncIterator[Any]:
    yield "a"
    yield 7


def yields_none(message: Message) -> Iterator[Any]:
    yield None


async def yields_half_a_pair(message: Message) -> AsyncIterator[str]:
    yield "\ud800"


def raises_system_exit(message: Message) -> str:
    raise SystemExit(1)


def raises_stop_iteration(message: Message) -> str:
    raise StopIteration


async def cancels_itself(message: Message) -> str:
    raise asyncio.CancelledError


async def refuses_to_be_closed(message: Message) -> AsyncIterator[str]:
    try:
        yield "a"
        raise RuntimeError
    finally:
        yield "b"


FAULTS: dict[Callable[..., Any], int] = {
    raises_at_once: 0,
    raises_after_three: 3,
    raises_after_three_in_a_thread: 3,
    returns_none: 0,
    yields_a_number: 1,
    yields_none: 0,
    yields_half_a_pair: 0,
    raises_system_exit: 0,
    raises_stop_iteration: 0,
    cancels_itself: 0,
    refuses_to_be_closed: 2,
}


@pytest.mark.parametrize("reply", FAULTS)
def test_function_at_fault(
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    expected_errors: list[str],
    reply: Callable[..., Any],
) -> None:
    """A failed answer ends in an error without its words, and the connection lives on."""
    expected_errors.append("the reply function failed")
    server = serve(make_app(reply))

    with Client(server.ws(), enters=False) as talk:
        for message_id in "12":
            talk.say("a", message_id)
            *pieces, last = talk.answer_frames()
            assert len(pieces) == FAULTS[reply]
            assert last == {**FAILED, "in_reply_to": message_id}
        assert talk.is_alive()
    with connect(server.ws()) as plain:
        plain.send("a")
        with pytest.raises(ConnectionClosed):
            plain.recv(PATIENCE)
        assert close_code(plain) == 1011
    logged = [record for record in caplog.records if record.exc_info]
    assert len(logged) == 3
    assert all("session " in record.getMessage() for record in logged)


def test_answer_of_no_pieces(serve: Serve) -> None:
    """A function that yields nothing gives an empty answer."""

    async def reply(message: Message) -> AsyncIterator[str]:
        for piece in message.text[:0]:
            yield piece

    server = serve(make_app(reply))
    with Client(server.ws(), enters=False) as talk:
        talk.say("a", "1")
        assert talk.receive() == {"type": "reply", "in_reply_to": "1", "text": "", "done": True}
    assert ask(server.ws(), "a") == ""


@pytest.mark.parametrize("form", ["async generator", "generator", "async def", "def"])
def test_answer_that_takes_too_long(
    serve: Serve, caplog: pytest.LogCaptureFixture, form: str
) -> None:
    """An answer slower than `reply_seconds` is ended with an error, whatever its form."""
    over = threading.Event()

    async def endless(message: Message) -> AsyncIterator[str]:
        while message.text == "endless":
            yield "."
            await asyncio.sleep(0.01)

    def blocked(message: Message) -> Iterator[str]:
        yield "."
        if message.text == "endless":
            assert over.wait(PATIENCE)

    async def sleeps(message: Message) -> str:
        if message.text == "endless":
            await asyncio.sleep(3600)
        return "."

    def blocks(message: Message) -> str:
        return next(iter(list(blocked(message))))

    forms: dict[str, Any] = {
        "async generator": endless,
        "generator": blocked,
        "async def": sleeps,
        "def": blocks,
    }
    with Client(
        serve(make_app(forms[form], limits=Limits(reply_seconds=0.3))).ws(), enters=False
    ) as talk:
        talk.say("endless", "1")
        last = talk.answer_frames()[-1]
        assert last == error("reply_failed", "the answer took longer than 0.3 s")
        talk.say("short", "2")
        assert talk.answer_frames()[-1]["done"] is True
    over.set()
    assert "ended an answer that took longer than 0.3 s" in caplog.text


# --- Faults of the client --------------------------------------------------------------------


def test_same_id_twice(serve: Serve) -> None:
    """A message sent twice while it waits or is answered has one answer."""
    go_on = threading.Event()

    def reply(message: Message) -> str:
        assert go_on.wait(PATIENCE)
        return message.text

    with Client(serve(make_app(reply)).ws(), enters=False) as talk:
        for message_id in "1122":
            talk.say(message_id, message_id)
        # All have arrived once the pong has.
        assert talk.is_alive()
        go_on.set()
        assert [talk.receive()["text"] for _ in range(2)] == ["1", "2"]
        assert talk.is_alive()


def test_fifty_messages_during_one_answer(serve: Serve) -> None:
    """Fifty messages sent during one answer are all answered after it, in order."""
    go_on = threading.Event()

    async def reply(message: Message) -> AsyncIterator[str]:
        await asyncio.to_thread(go_on.wait, 30)
        yield message.text

    with Client(serve(make_app(reply)).ws(), enters=False) as talk:
        for i in range(51):
            talk.say(f"{i}", f"{i}")
        go_on.set()
        answers = [talk.answer_frames()[0]["text"] for _ in range(51)]
        assert answers == [f"{i}" for i in range(51)]


@pytest.mark.parametrize("form", ["async generator", "generator"])
def test_client_that_reads_none_of_100_000_pieces(serve: Serve, form: str) -> None:
    """Pieces for a client that reads none are not made in advance, and their maker is ended."""
    made: list[int] = []
    ended = threading.Event()

    def pieces() -> Generator[str, None, None]:
        try:
            for i in range(100_000):
                made.append(i)
                yield "x" * 1000
        finally:
            ended.set()

    async def stream(message: Message) -> AsyncIterator[str]:
        maker = pieces()
        try:
            for piece in maker:
                yield piece
        finally:
            maker.close()

    def stream_in_a_thread(message: Message) -> Iterator[str]:
        yield from pieces()

    reply = stream if form == "async generator" else stream_in_a_thread
    server = serve(count_left(make_app(reply, limits=Limits(send_seconds=1.0)), Session))
    idle = get(server.url("/left")).json()[1]

    with RawClient(server.ws(), subprotocol="echochat.v1") as client:
        client.send_text(b'{"type":"message","id":"1","text":"go on"}')
        assert ended.wait(PATIENCE)
        # What the kernel's buffers hold, some megabytes, and no more.
        assert len(made) < 30_000
    wait_until(lambda: bool(get(server.url("/left")).json()[1] == idle), "no task is left")


@pytest.mark.parametrize("form", ["async generator", "generator"])
def test_client_that_leaves_in_the_middle(serve: Serve, form: str) -> None:
    """When a client leaves, or resets, in the middle of an answer, the function is ended."""
    ended: list[str] = []

    async def stream(message: Message) -> AsyncIterator[str]:
        try:
            while True:
                yield "x" * 1000
                await asyncio.sleep(0)
        finally:
            ended.append(message.text)

    def stream_in_a_thread(message: Message) -> Iterator[str]:
        try:
            while True:
                yield "x" * 1000
        finally:
            ended.append(message.text)

    reply = stream if form == "async generator" else stream_in_a_thread
    server = serve(count_left(make_app(reply), Session))
    idle = get(server.url("/left")).json()[1]

    for leave in (RawClient.reset, lambda client: client.socket.close()):
        client = RawClient(server.ws(), subprotocol="echochat.v1")
        client.send_text(b'{"type":"message","id":"1","text":"go on"}')
        for _ in range(3):
            client.receive_text()
        leave(client)
    wait_until(lambda: len(ended) == 2, "both functions are ended")
    wait_until(lambda: bool(get(server.url("/left")).json()[1] == idle), "no task is left")


def test_clients_that_leave_blocked_threads_behind(serve: Serve) -> None:
    """Clients that come and go take no more threads than `reply_threads`, and block nobody else."""
    go_on = threading.Event()

    def blocked(message: Message) -> str:
        if message.text == "block":
            assert go_on.wait(PATIENCE)
        return message.text

    before = set(threading.enumerate())
    server = serve(make_app(blocked, limits=Limits(reply_threads=3)))
    for _ in range(20):
        client = RawClient(server.ws())
        client.send_text(b"block")
        client.socket.close()
    new = set(threading.enumerate()) - before
    ours = [thread for thread in new if thread.name == "echochat reply"]
    assert len(ours) <= 3
    # The host's own plain endpoints have their own threads, and go on.
    assert get(server.url("/chat")).status_code == 200
    go_on.set()
    assert ask(server.ws(), "free") == "free"


def test_blocked_thread_does_not_hold_up_the_shutdown(tmp_path: Path) -> None:
    """A server ends in time though a reply function blocks its thread for an hour."""
    source = """
import time
from fastapi import FastAPI
from fastapi_echochat import EchoChat

def blocked(message):
    print("blocked", flush=True)
    time.sleep(3600)

app = FastAPI()
app.include_router(EchoChat(blocked).router, prefix="/chat")
"""
    server = uvicorn_process(source, tmp_path)
    with RawClient(server.ws()) as client:
        client.send_text(b"hello")
        wait_until(lambda: "blocked" in server.log(), "the function blocks")
        begun = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE)
        assert time.monotonic() - begun < patient(3)
        assert client.receive_close() == 1012
    assert server.complaints() == []


# --- The rate --------------------------------------------------------------------------------


def test_rate_slows_and_loses_nothing(serve: Serve) -> None:
    """What comes faster than the rate waits its turn, is told of it, and is answered in order."""
    limits = Limits(messages_per_second=20, burst=3)
    server = serve(make_app(limits=limits))

    with Client(server.ws(), enters=False) as talk:
        assert talk.welcome["limits"]["messages_per_second"] == 20
        begun = time.monotonic()
        for i in range(10):
            talk.say(f"{i}", f"{i}")
        frames = [talk.receive() for _ in range(10)]
        while sum(frame["type"] == "reply" for frame in frames) < 10:
            frames.append(talk.receive())
        # Seven after the burst, a twentieth of a second each: it cannot be faster.
        assert time.monotonic() - begun >= 7 / 20
    replies = [frame["text"] for frame in frames if frame["type"] == "reply"]
    assert replies == [f"Message text was: {i}" for i in range(10)]
    slowed = [frame["seconds"] for frame in frames if frame["type"] == "slowed"]
    assert 1 <= len(slowed) <= 7
    assert all(0 < seconds <= 7 / 20 for seconds in slowed)


def test_ping_is_answered_while_messages_wait_for_their_turn(serve: Serve) -> None:
    """A message that waits for its turn holds up neither a ping nor its own stop."""
    with Client(
        serve(make_app(limits=Limits(messages_per_second=0.001, burst=1))).ws(), enters=False
    ) as talk:
        talk.say("a", "1")
        assert talk.receive()["text"] == "Message text was: a"
        talk.say("b", "2")
        assert talk.receive()["type"] == "slowed"
        assert talk.is_alive()
        talk.stop("2")
        assert talk.receive() == {**STOPPED, "in_reply_to": "2"}


def test_rate_is_arithmetic() -> None:
    """A burst goes through at once, the rest at the even rate, and a pause is made good for."""
    rate = Rate(per_second=2, burst=3)

    assert [rate.admit(100.0) for _ in range(5)] == [100.0, 100.0, 100.0, 100.5, 101.0]
    assert rate.admit(101.0) == 101.5
    assert [rate.admit(200.0) for _ in range(4)] == [200.0, 200.0, 200.0, 200.5]

    # Who would have to wait is not counted.
    assert [rate.admit_at_once(300.0) for _ in range(5)] == [True] * 3 + [False] * 2
    assert [rate.admit_at_once(300.5) for _ in range(2)] == [True, False]
    assert rate.admit(300.5) == 301.0


def test_nothing_is_logged_of_an_ordinary_conversation(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """Answers, stops and pings leave no line of ours in the log."""
    with Client(serve(make_app(async_generator)).ws(), enters=False) as talk:
        talk.say("a", "1")
        talk.answer_frames()
        talk.stop()
        assert talk.is_alive()
    ours = [r for r in caplog.records if r.name == "fastapi_echochat"]
    assert [r for r in ours if r.levelno >= logging.INFO] == []
