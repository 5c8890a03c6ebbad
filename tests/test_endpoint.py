"""The endpoint over a real socket: both protocols, bad input, and clients that misbehave."""

import asyncio
import contextlib
import itertools
import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, HTTPException
from fastapi.requests import HTTPConnection
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from websockets.asyncio.client import connect as connect_async
from websockets.sync.client import connect

from fastapi_echochat import Limits, Message
from tests.apps import make_app, open_session
from tests.clients import V1, Client, ask, close_code, receive, refusal
from tests.conftest import Keep, Serve
from tests.raw_client import RawClient
from tests.servers import uvicorn_process
from tests.waiting import PATIENCE, get, wait_until


@pytest.fixture
def url(serve: Serve) -> str:
    """Serve a chat that echoes."""
    return serve(make_app()).ws()


# --- The two protocols ---------------------------------------------------------------------


def test_plain_client_gets_what_the_tutorial_answers(url: str) -> None:
    """A client that asks for no protocol gets one text frame for each, and nothing unasked."""
    with connect(url) as websocket:
        for text in ("NBA", "", "Привет 👋\n", '{"type":"ping"}', " " * 1000):
            websocket.send(text)
            assert websocket.recv(PATIENCE) == f"Message text was: {text}"


def test_echochat_v1(url: str) -> None:
    """A client of echochat.v1 is welcomed, answered by id, and its pings are answered."""
    with connect(url, subprotocols=V1) as websocket:
        assert websocket.subprotocol == "echochat.v1"
        assert receive(websocket) == {
            "type": "welcome",
            "limits": {
                "message_bytes": 65536,
                "waiting_messages": 1000,
                "messages_per_second": None,
                "resume_seconds": None,
            },
            "you": {"id": None, "name": None, "is_guest": True},
            "room": None,
        }
        websocket.send('{"type":"message","id":"1","text":"NBA","unknown":"is passed over"}')
        assert receive(websocket) == {
            "type": "reply",
            "in_reply_to": "1",
            "text": "Message text was: NBA",
            "done": True,
        }
        websocket.send('{"type":"ping"}')
        assert receive(websocket) == {"type": "pong"}


def test_unknown_subprotocol_is_not_agreed_to(url: str) -> None:
    """A client that offers other protocols only is told none, and may speak the plain one."""
    with connect(url, subprotocols=["graphql-ws", "mqtt"]) as websocket:  # type: ignore[list-item]  # a NewType of str
        assert websocket.subprotocol is None
        websocket.send("NBA")
        assert websocket.recv(PATIENCE) == "Message text was: NBA"


@pytest.mark.parametrize("form", ["def", "async def", "method", "object"])
def test_reply_functions(serve: Serve, form: str) -> None:
    """A plain function answers from a thread, an async one on the loop, and so do methods."""

    def reply(message: Message) -> str:
        return f"{message.text} {threading.current_thread() is loop_thread[0]}"

    async def reply_async(message: Message) -> str:
        await asyncio.sleep(0)
        return reply(message)

    class Bot:
        async def method(self, message: Message) -> str:
            return await reply_async(message)

        __call__ = method

    forms: dict[str, Any] = {
        "def": reply,
        "async def": reply_async,
        "method": Bot().method,
        "object": Bot(),
    }
    loop_thread: list[threading.Thread] = []
    app = make_app(forms[form])

    @app.get("/thread")
    async def thread() -> None:
        loop_thread.append(threading.current_thread())

    server = serve(app)
    get(server.url("/thread"))

    assert ask(server.ws(), "on the loop:") == f"on the loop: {form != 'def'}"


def test_message_says_when_and_which(serve: Serve) -> None:
    """A reply function gets the client's id, no author where nobody has a name, and the time."""
    got: list[Message] = []

    def reply(message: Message) -> str:
        got.append(message)
        return "seen"

    with Client(serve(make_app(reply)).ws(), enters=False) as talk:
        talk.say("hello", "a-1")
        talk.receive()

    assert (got[0].id, got[0].text, got[0].author) == ("a-1", "hello", None)
    assert abs(got[0].sent_at.timestamp() - time.time()) < 60


# --- Bad input -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["x" * 11, "é" * 6, "😀😀😀"])
def test_too_long_for_the_plain_protocol(serve: Serve, text: str) -> None:
    """A plain message over the limit, in bytes of UTF-8, ends the connection with 1009."""
    url = serve(make_app(limits=Limits(message_bytes=10))).ws()

    with connect(url) as websocket:
        websocket.send("é" * 5)
        assert websocket.recv(PATIENCE) == "Message text was: " + "é" * 5
        websocket.send(text)
        assert close_code(websocket) == 1009


def test_too_long_for_echochat_v1(serve: Serve) -> None:
    """An echochat.v1 message over the limit is an error, and the connection stays open."""
    url = serve(make_app(limits=Limits(message_bytes=10))).ws()

    with Client(url, enters=False) as talk:
        talk.say("é" * 6, "1")
        assert talk.receive() == {
            "type": "error",
            "code": "message_too_long",
            "detail": "a message may have 10 bytes of UTF-8",
            "in_reply_to": "1",
        }
        talk.websocket.send("x" * 5000)
        error = talk.receive()
        assert (error["code"], error["in_reply_to"]) == ("message_too_long", None)
        # Escaped, ten bytes take sixty characters.
        talk.websocket.send(r'{"type":"message","id":"2","text":"' + r"\u0000" * 10 + '"}')
        assert talk.receive()["text"] == "Message text was: " + "\0" * 10


@pytest.mark.parametrize("subprotocols", [None, V1])
def test_binary_frame(url: str, subprotocols: Any) -> None:
    """A binary frame ends the connection with 1003 in both protocols."""
    with connect(url, subprotocols=subprotocols) as websocket:
        if subprotocols:
            receive(websocket)
        websocket.send(b"NBA")
        assert close_code(websocket) == 1003


@pytest.mark.parametrize(
    ("frame", "detail"),
    [
        ("", "Invalid JSON"),
        ("NBA", "Invalid JSON"),
        ("[]", "object"),
        ("null", "object"),
        ("{}", "'type'"),
        ('{"type":"nonsense"}', "nonsense"),
        ('{"type":7}', "7"),
        ('{"type":"welcome"}', "welcome"),
        ('{"type":"message","text":"no id"}', "message.id"),
        ('{"type":"message","id":"1"}', "message.text"),
        ('{"type":"message","id":1,"text":"x"}', "message.id"),
        ('{"type":"message","id":"","text":"x"}', "message.id"),
        ('{"type":"message","id":"' + "i" * 65 + '","text":"x"}', "message.id"),
        ('{"type":"message","id":"1","text":null}', "message.text"),
        (r'{"type":"message","id":"1","text":"\ud800"}', "Invalid JSON"),
        ("[" * 1000, "Invalid JSON"),
        ("[" * 100_000, "one object"),
        ('{"type":"' + "n" * 10_000 + '"}', "nnn"),
        ("1" * 10_000, ""),
    ],
)
def test_bad_frame(url: str, frame: str, detail: str) -> None:
    """What is no frame of echochat.v1 gets an error that says why, and nobody is cut off."""
    with Client(url, enters=False) as talk:
        talk.websocket.send(frame)
        error = talk.receive()
        assert (error["type"], error["code"]) == ("error", "bad_frame")
        assert detail in error["detail"]
        assert len(error["detail"]) <= 200
        assert talk.is_alive()


@pytest.mark.parametrize(
    ("frame", "answered"),
    [
        (r'{"type":"message","id":"1","text":"\ud800"}', "1"),
        ('{"type":"message","id":"1","text":null}', "1"),
        ('{"type":"message","id":"1"}', "1"),
        (r'{"type":"message","id":"\ud800","text":"x"}', None),
        ('{"type":"message","id":1,"text":"x"}', None),
        ('{"type":"message","id":"' + "i" * 65 + '","text":"x"}', None),
        ('{"type":"stop","id":""}', None),
        ('["message"]', None),
    ],
)
def test_message_that_cannot_be_read(url: str, frame: str, answered: str | None) -> None:
    """Where of a message as much as its id can be read, the error says which message it was."""
    with Client(url, enters=False) as talk:
        talk.websocket.send(frame)
        error = talk.receive()
        assert (error["code"], error["in_reply_to"]) == ("bad_frame", answered)


def failing(message: Message) -> str:
    if message.text == "fail":
        raise RuntimeError("the database password is hunter2")
    if message.text == "nothing":
        return None  # type: ignore[return-value]  # as a reply function in the field does
    return "\ud800" if message.text == "surrogate" else "answer"


@pytest.mark.parametrize("text", ["fail", "nothing", "surrogate"])
def test_reply_function_fails(
    serve: Serve, caplog: pytest.LogCaptureFixture, expected_errors: list[str], text: str
) -> None:
    """A failing reply function is told without its words, logged whole, and ends v1 never."""
    expected_errors.append("the reply function failed")
    url = serve(make_app(failing)).ws()

    with Client(url, enters=False) as talk:
        talk.say(text, "1")
        assert talk.receive() == {
            "type": "error",
            "code": "reply_failed",
            "detail": "the answer could not be made",
            "in_reply_to": "1",
        }
        talk.say("again", "2")
        assert talk.receive()["text"] == "answer"
    with connect(url) as plain:
        plain.send(text)
        assert close_code(plain) == 1011
    assert [r.levelname for r in caplog.records if r.exc_info] == ["ERROR", "ERROR"]


def test_invalid_utf_8(url: str, expected_errors: list[str]) -> None:
    """Bytes that are no UTF-8 end the connection with 1007; uvicorn 0.54 logs that by itself."""
    expected_errors.append("Invalid UTF-8 sequence received from client.")
    with RawClient(url) as client:
        client.send_text(b"\xff\xfe")
        assert client.receive_close() == 1007


def test_invalid_utf_8_during_an_answer(serve: Serve, expected_errors: list[str]) -> None:
    """An answer that meets a connection which uvicorn has just closed is let go in silence."""
    expected_errors.append("Invalid UTF-8 sequence received from client.")
    begun, answered = threading.Event(), threading.Event()

    async def slow(message: Message) -> str:
        begun.set()
        try:
            await asyncio.sleep(0.2)
        finally:
            answered.set()
        return message.text

    with RawClient(serve(make_app(slow)).ws()) as client:
        client.send_text(b"slow")
        # Read together with what ends its connection, a message is not answered at all.
        assert begun.wait(PATIENCE)
        client.send_text(b"\xff\xfe")
        assert client.receive_close() == 1007
    assert answered.wait(PATIENCE)


def test_frame_in_many_fragments(url: str) -> None:
    """A message in 5,000 fragments, cut inside characters too, is one message."""
    text = "ж" * 2500
    data = text.encode()

    with RawClient(url) as client:
        client.send_text(data[:1], fin=False)
        for i in range(1, len(data) - 1):
            client.continue_text(data[i : i + 1], fin=False)
        client.continue_text(data[-1:], fin=True)
        assert client.receive_text() == f"Message text was: {text}"


def test_endpoint_asked_over_plain_http(serve: Serve) -> None:
    """A browser that opens the endpoint's address is told what it is, with 426."""
    response = get(serve(make_app()).url("/chat/ws"))

    assert response.status_code == 426
    assert response.headers["upgrade"] == "websocket"
    assert "proxy" in response.text


# --- Who may connect, and how many -----------------------------------------------------------


def test_foreign_origin(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """A page of another host is refused with 403, and the log says how to allow it."""
    for origin in ("https://evil.example", "null", "nonsense"):
        assert refusal(url, Origin=origin).status_code == 403
        assert f"EchoChat(allowed_origins=['{origin}'])" in caplog.text


def test_page_without_tls_of_an_endpoint_that_has_it(url: str) -> None:
    """Behind a proxy with TLS, a page of the same host that came without it gets 403."""
    insecure, secure = "http://127.0.0.1", "https://127.0.0.1"
    behind_tls: Any = {"X-Forwarded-Proto": "https"}
    behind_two: Any = {"X-Forwarded-Proto": "https, http"}
    behind_none: Any = {"X-Forwarded-Proto": "http"}

    for headers in (behind_tls, behind_two):
        assert refusal(url, Origin=insecure, **headers).status_code == 403
        assert ask(url, Origin=secure, **headers) == "Message text was: NBA"
    # Of a proxy that says nothing, it may be its own TLS.
    for headers in (behind_none, {}):
        assert ask(url, Origin=insecure, **headers) == "Message text was: NBA"
        assert ask(url, Origin=secure, **headers) == "Message text was: NBA"


@pytest.mark.parametrize(("scheme", "may"), [("https", True), ("http", False)])
def test_endpoint_with_tls_of_its_own(scheme: str, may: bool) -> None:
    """Where the server itself has TLS, its own http pages are told from its https pages too."""
    client = TestClient(make_app(), headers={"origin": f"{scheme}://chat.example"})
    session = open_session(client, "wss://chat.example/chat/ws")

    with contextlib.nullcontext() if may else pytest.raises(WebSocketDisconnect), session:
        session.send_text("NBA")
        assert session.receive_text() == "Message text was: NBA"


def test_refused_handshake_does_not_fill_the_log(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """However long the headers of a refused handshake are, its line is at most a kilobyte."""
    host = "é" * 3000
    headers: Any = {"Origin": "é" * 3000, "X-Forwarded-Host": host, "X-Forwarded-Proto": host}
    assert refusal(url, **headers).status_code == 403

    (line,) = (record for record in caplog.records if record.name == "fastapi_echochat")
    assert len(line.getMessage().encode()) <= 1024
    assert "EchoChat(allowed_origins=" in line.getMessage()


@pytest.mark.parametrize(
    ("origin", "headers"),
    [
        ("http://127.0.0.1:9", {}),
        ("https://app.example", {}),
        ("https://public.example", {"X-Forwarded-Host": "public.example"}),
    ],
)
def test_origins_that_may_connect(serve: Serve, origin: str, headers: dict[str, str]) -> None:
    """A page of the same host, whatever its port, of a forwarded host or a named one connects."""
    url = serve(make_app(allowed_origins=["https://app.example"])).ws()

    assert ask(url, Origin=origin, **headers) == "Message text was: NBA"


def test_too_many_connections(serve: Serve) -> None:
    """One connection more than the limit gets 503 before it is accepted, and again room."""
    url = serve(make_app(limits=Limits(connections=2))).ws()

    with connect(url) as first:
        with connect(url):
            for _ in range(3):
                refused = refusal(url)
                assert refused.status_code == 503
                assert b"Too many connections" in (refused.body or b"")
        first.send("still here")
        assert first.recv(PATIENCE) == "Message text was: still here"
        assert ask(url) == "Message text was: NBA"


def test_guard_covers_page_and_endpoint(serve: Serve, expected_errors: list[str]) -> None:
    """One dependency of the host's refuses page and handshake alike, with its own status."""
    # What uvicorn 0.54 logs by itself at every denial response.
    expected_errors.append("ASGI callable returned without completing handshake.")

    def signed_in(connection: HTTPConnection) -> None:
        if connection.cookies.get("session") != "valid":
            raise HTTPException(401, "Sign in first")

    server = serve(make_app(dependencies=[Depends(signed_in)]))
    cookie = {"Cookie": "session=valid"}

    for query in ("", "?asset=chat.js"):
        assert get(server.url(f"/chat{query}")).status_code == 401
        assert get(server.url(f"/chat{query}"), headers=cookie).status_code == 200
    refused = refusal(server.ws())
    assert refused.status_code == 401
    assert b"Sign in first" in (refused.body or b"")
    assert ask(server.ws(), **cookie) == "Message text was: NBA"


# --- Order, waiting, and clients that misbehave ----------------------------------------------


@pytest.mark.parametrize("reply", ["echo", "def", "async def"])
@pytest.mark.parametrize("subprotocols", [None, V1])
def test_messages_sent_without_waiting(serve: Serve, reply: str, subprotocols: Any) -> None:
    """Three times as many messages as may wait, sent at once, are answered in order, each once."""
    count = 3 * Limits().waiting_messages

    async def answer(message: Message) -> str:
        if message.text.endswith("00"):
            await asyncio.sleep(0)
        return message.text

    functions: dict[str, list[Any]] = {
        "echo": [],
        "def": [lambda message: message.text],
        "async def": [answer],
    }
    url = serve(make_app(*functions[reply])).ws()

    async def talk() -> list[str]:
        async with connect_async(url, subprotocols=subprotocols) as websocket:

            async def send() -> None:
                for i in range(count):
                    frame = {"type": "message", "id": f"{i}", "text": f"{i}"}
                    await websocket.send(json.dumps(frame) if subprotocols else f"{i}")

            sending = asyncio.create_task(send())
            if subprotocols:
                await websocket.recv()
            answers = [str(await websocket.recv()) for _ in range(count)]
            await sending
        if subprotocols:
            frames = [json.loads(answer) for answer in answers]
            assert [frame["in_reply_to"] for frame in frames] == [f"{i}" for i in range(count)]
            return [frame["text"] for frame in frames]
        return answers

    prefix = "Message text was: " if reply == "echo" else ""
    assert asyncio.run(talk()) == [f"{prefix}{i}" for i in range(count)]


def test_ping_is_answered_during_an_answer(serve: Serve) -> None:
    """While an answer takes its time a ping is answered, and the next messages wait in order."""
    go_on = threading.Event()

    def slow(message: Message) -> str:
        assert go_on.wait(PATIENCE)
        return message.text

    with Client(serve(make_app(slow)).ws(), enters=False) as talk:
        for i in range(10):
            talk.say(f"{i}")
        assert talk.is_alive()
        go_on.set()
        assert [talk.receive()["text"] for _ in range(10)] == [f"{i}" for i in range(10)]


def test_waiting_messages_are_bounded(serve: Serve) -> None:
    """No more messages wait than the limit says; the sender is slowed, and nothing is lost."""
    go_on = threading.Event()

    def slow(message: Message) -> str:
        assert go_on.wait(PATIENCE)
        return message.id

    limits = Limits(waiting_messages=3)
    with RawClient(serve(make_app(slow, limits=limits)).ws()) as client:
        # Three wait, one is answered; the rest is in the buffers of the kernel and of uvicorn.
        sent = client.fill(itertools.repeat(b"x" * 60_000))
        go_on.set()
        numbers = [int(client.receive_text()) for _ in range(sent)]
        assert numbers == list(range(numbers[0], numbers[0] + sent))


def test_client_leaves_during_an_answer(serve: Serve) -> None:
    """An answer that nobody waits for any more is cancelled, and its finally blocks run."""
    ended: list[type[BaseException]] = []
    begun = threading.Event()

    async def endless(message: Message) -> str:
        begun.set()
        try:
            await asyncio.sleep(3600)
        except BaseException as exc:
            ended.append(type(exc))
            raise
        return message.text

    url = serve(make_app(endless)).ws()
    for leave in (lambda client: client.socket.close(), RawClient.reset):
        begun.clear()
        client = RawClient(url)
        client.send_text(b"hello")
        assert begun.wait(PATIENCE)
        leave(client)
    wait_until(lambda: len(ended) == 2, "both answers are cancelled")
    assert ended == [asyncio.CancelledError] * 2


def test_connection_reset_in_the_middle_of_an_answer(serve: Serve) -> None:
    """A TCP reset while frames are under way in both directions ends in silence."""
    server = serve(make_app())

    for size in (1, 60_000):
        for _ in range(20):
            client = RawClient(server.ws())
            for _ in range(5):
                client.send_text(b"x" * size)
            client.reset()
    assert ask(server.ws()) == "Message text was: NBA"


# In a process of its own: what is traced takes several times as long, and its clients are not.
TRACED_HOST = """
import tracemalloc
from fastapi_echochat.session import Session
from tests.apps import count_left, make_app

app = count_left(make_app(), Session)
ours = [tracemalloc.Filter(inclusive=True, filename_pattern="*fastapi_echochat*")]
snapshots = []

@app.get("/trace")
async def trace() -> None:
    tracemalloc.start()

@app.get("/grown")
async def grown() -> int:
    snapshots.append(tracemalloc.take_snapshot().filter_traces(ours))
    differences = snapshots[-1].compare_to(snapshots[0], "lineno")
    return sum(difference.size_diff for difference in differences)
"""


@pytest.mark.slow
def test_connections_that_come_and_go_leave_nothing(tmp_path: Path, keep: Keep) -> None:
    """1,200 connections opened and dropped, rudely or not, leave no task and no memory behind."""
    server = keep(uvicorn_process(TRACED_HOST, tmp_path))
    url = server.ws()

    def come_and_go(times: int) -> None:
        for i in range(times):
            client = RawClient(url, subprotocol="echochat.v1" if i % 2 else None)
            client.send_text(b"NBA" if i % 3 else b'{"type":"message"')
            if i % 4 == 0:
                client.receive_text()
            client.reset() if i % 5 else client.socket.close()

    def all_gone() -> bool:
        return bool(get(server.url("/left")).json() == idle)

    idle = get(server.url("/left")).json()
    assert idle[0] == 0
    come_and_go(200)
    wait_until(all_gone, "nothing is left")
    get(server.url("/trace"))
    come_and_go(500)
    wait_until(all_gone, "nothing is left")
    assert get(server.url("/grown")).json() == 0
    come_and_go(500)
    wait_until(all_gone, "nothing is left")
    assert get(server.url("/grown")).json() < 10_000


def test_client_that_sends_and_never_reads(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A client that never reads is no longer read from, and is let go after `send_seconds`."""
    server = serve(make_app(limits=Limits(send_seconds=1.0)))

    with RawClient(server.ws()) as client:
        # Some megabytes fit into the kernel's buffers of both directions, and no more is taken.
        client.fill(itertools.repeat(b"x" * 60_000))
        wait_until(lambda: "its client has read nothing for 1.0 s" in caplog.text, "it is let go")
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_slow_reader_is_not_taken_for_one_that_never_reads(serve: Serve) -> None:
    """A client that reads slowly, but reads, is kept for as long as it likes."""
    server = serve(make_app(limits=Limits(send_seconds=1.0)))

    with RawClient(server.ws()) as client:
        sent = client.fill(itertools.repeat(b"x" * 60_000), still=0.25)
        begun = time.monotonic()
        # How many fit differs: eight pauses, whatever their number.
        part = max(1, sent // 8)
        for i in range(sent):
            assert len(client.receive_text()) == 60_018
            if i % part == part - 1:
                # Slowness itself is what is tested: less than would be too long, again and again.
                time.sleep(0.3)
        assert time.monotonic() - begun > 2 * 1.0
