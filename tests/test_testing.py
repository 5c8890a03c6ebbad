"""What a host's own tests speak to a chat with: both protocols, and no wait without an end."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Any

import anyio.to_thread
import pytest
from fastapi import Depends, FastAPI, HTTPException, WebSocket
from fastapi.requests import HTTPConnection
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from fastapi_echochat import EchoChat, Limits, Message, testing

BOTH = pytest.mark.parametrize("protocol", ["echochat.v1", "plain"])


def client(*arguments: Any, dependencies: list[Any] | None = None, **options: Any) -> TestClient:
    app = FastAPI()
    router = EchoChat(*arguments, **options).router
    app.include_router(router, prefix="/chat", dependencies=dependencies)
    return TestClient(app)


async def spell(message: Message) -> AsyncIterator[str]:
    for letter in message.text:
        yield letter


async def fail(message: Message) -> AsyncIterator[str]:
    yield "so far"
    raise LookupError(message.text)


async def say_nothing(message: Message) -> str:
    await asyncio.Event().wait()
    return message.text


@BOTH
@pytest.mark.parametrize("address", ["/chat", "/chat/", "/chat?tenant=acme", "/chat/?x"])
def test_ask_and_read(protocol: Any, address: str) -> None:
    """A question is answered in either protocol, at the address that the page has."""
    with testing.connect(client(), address, protocol=protocol) as chat:
        assert chat.ask("NBA") == "Message text was: NBA"
        assert chat.ask("") == "Message text was: "


def test_frames_of_either_protocol() -> None:
    """A frame is a dictionary in echochat.v1, whose first one is kept, and a text in plain."""
    with testing.connect(client(limits=Limits(message_bytes=9)), "/chat") as chat:
        assert chat.welcome is not None
        assert chat.welcome["limits"]["message_bytes"] == 9
        sent = chat.send("NBA")
        text = "Message text was: NBA"
        assert chat.receive() == {
            "type": "reply", "in_reply_to": sent, "text": text, "done": True,
        }  # fmt: skip
        chat.send_frame({"type": "ping"})
        assert chat.receive() == {"type": "pong"}

    with testing.connect(client(), "/chat", protocol="plain") as chat:
        assert chat.welcome is None
        chat.send("NBA")
        assert chat.receive() == text


def test_streamed_answer() -> None:
    """A streamed answer is read whole or by the piece; plain has it in one piece."""
    with testing.connect(client(spell), "/chat") as chat:
        assert chat.ask("NBA") == "NBA"
        assert list(chat.pieces("NBA")) == ["N", "B", "A"]
        assert list(chat.pieces("")) == []
    with testing.connect(client(spell), "/chat", protocol="plain") as chat:
        assert list(chat.pieces("NBA")) == ["NBA"]


def test_other_frames_are_passed_over() -> None:
    """A question is answered by its own answer, whatever else is on its way."""
    with testing.connect(client(), "/chat") as chat:
        chat.send("first")
        chat.send_frame({"type": "ping"})
        assert chat.ask("second") == "Message text was: second"


def test_stopped_answer() -> None:
    """An answer that is stopped ends with the error that says so."""

    async def go_on(message: Message) -> AsyncIterator[str]:
        yield message.text
        await asyncio.Event().wait()

    with testing.connect(client(go_on), "/chat") as chat:
        pieces = chat.pieces("and")
        assert next(pieces) == "and"
        chat.stop()
        with pytest.raises(testing.ChatError, match=r"^stopped: "):
            next(pieces)


def test_errors_of_echochat_v1() -> None:
    """An error is raised with its code and what the chat says; the connection goes on."""
    with testing.connect(client(fail, limits=Limits(message_bytes=9)), "/chat") as chat:
        with pytest.raises(testing.ChatError) as failed:
            chat.ask("NBA")
        with pytest.raises(testing.ChatError, match="9 bytes") as too_long:
            chat.ask("0123456789")
        pieces = chat.pieces("NBA")
        assert next(pieces) == "so far"
    assert failed.value.code == "reply_failed"
    assert str(failed.value) == f"reply_failed: {failed.value.detail}"
    assert too_long.value.code == "message_too_long"


def test_errors_of_the_plain_protocol() -> None:
    """The close that is an error in the plain protocol is raised with its number and reason."""
    with (
        testing.connect(client(fail), "/chat", protocol="plain") as chat,
        pytest.raises(testing.ChatError) as closed,
    ):
        chat.ask("NBA")
    assert closed.value.code == 1011
    assert closed.value.detail


@BOTH
def test_answer_that_never_comes(protocol: Any) -> None:
    """A wait ends after the timeout, and names what it was for; so do the frames after it."""
    with testing.connect(client(say_nothing), "/chat", protocol=protocol, timeout=0.1) as chat:
        with pytest.raises(AssertionError, match=r"^waited 0.1 s .* answer to 'NBA'$"):
            chat.ask("NBA")
        with pytest.raises(testing.NoAnswerError, match=r"^waited 0\.1 s in vain for a frame$"):
            chat.receive()


def test_answer_that_never_ends() -> None:
    """A question waits for its whole answer no longer than the timeout, however much comes."""

    async def go_on(message: Message) -> AsyncIterator[str]:
        while True:
            yield message.text
            await asyncio.sleep(0.01)

    with (
        testing.connect(client(go_on), "/chat", timeout=0.2) as chat,
        pytest.raises(testing.NoAnswerError, match="the rest of the answer to 'and'"),
    ):
        chat.ask("and")


def test_late_frame_is_not_lost() -> None:
    """What comes after a wait has ended is there for the next one."""
    goes_on = threading.Event()

    def reply(message: Message) -> str:
        assert goes_on.wait(10)
        return message.text

    with testing.connect(client(reply), "/chat", timeout=0.1) as chat:
        sent = chat.send("NBA")
        with pytest.raises(testing.NoAnswerError):
            chat.receive()
        goes_on.set()
        chat.timeout = 10
        assert chat.receive()["in_reply_to"] == sent


def test_refused_handshake() -> None:
    """A handshake that a guard refuses is raised with its status and body, and can be let in."""

    def guard(connection: HTTPConnection) -> None:
        if "x-user" not in connection.headers:
            raise HTTPException(401, "Sign in first")

    browser = client(dependencies=[Depends(guard)])

    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        testing.connect(browser, "/chat"),
    ):
        pytest.fail("it was let in")
    with testing.connect(browser, "/chat", headers={"x-user": "ada"}) as chat:
        assert chat.ask("NBA") == "Message text was: NBA"
    assert refused.value.status_code == 401
    assert refused.value.json() == {"detail": "Sign in first"}


def test_page_of_another_site_is_refused() -> None:
    """A handshake that is closed before it is accepted is a 403, as a server makes of it."""
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        testing.connect(client(), "/chat", headers={"Origin": "https://evil.example"}),
    ):
        pytest.fail("it was let in")
    assert refused.value.status_code == 403


def test_handshake_that_never_ends() -> None:
    """A handshake that nobody answers is given up after the timeout, and what answers it ended."""
    ended = threading.Event()

    async def guard() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    browser = client(dependencies=[Depends(guard)])

    with (
        pytest.raises(testing.NoAnswerError, match=r"for the handshake with /chat/ws$"),
        testing.connect(browser, "/chat", timeout=0.1),
    ):
        pytest.fail("it was let in")
    assert ended.wait(10)


def host(endpoint: Any) -> TestClient:
    app = FastAPI()
    app.add_api_websocket_route("/chat/ws", endpoint)
    return TestClient(app)


def test_endpoint_that_does_not_end() -> None:
    """A test ends though the endpoint does not, and says so, unless it has failed before."""
    released = threading.Event()

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await anyio.to_thread.run_sync(released.wait)

    def connect() -> AbstractContextManager[testing.Chat]:
        return testing.connect(host(endpoint), "/chat", protocol="plain", timeout=0.1)

    try:
        with pytest.raises(testing.NoAnswerError, match="for the end of /chat/ws"), connect():
            pass
        with pytest.raises(KeyError, match="first"), connect():
            raise KeyError("first")
    finally:
        released.set()


def test_endpoint_that_ends_without_a_word() -> None:
    """An endpoint that returns without a close is told of at once, not waited for."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()

    with (
        testing.connect(host(endpoint), "/chat", protocol="plain", timeout=60) as chat,
        pytest.raises(testing.ChatError, match=r"^1006: "),
    ):
        chat.ask("NBA")


def test_endpoint_that_raises() -> None:
    """What an endpoint raises reaches the test, as with Starlette's TestClient itself."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_text()
        raise LookupError("in the endpoint")

    with (
        pytest.raises(LookupError, match="in the endpoint"),
        testing.connect(host(endpoint), "/chat", protocol="plain", timeout=60) as chat,
    ):
        chat.ask("NBA")


def test_protocol_that_is_none() -> None:
    """A protocol that is none of the two is refused by name."""
    with (
        pytest.raises(ValueError, match=r"protocol= takes 'echochat.v1' or 'plain', not 'v2'"),
        testing.connect(client(), "/chat", protocol="v2"),  # type: ignore[arg-type]  # the point
    ):
        pytest.fail("it was let in")


def test_client_with_a_lifespan() -> None:
    """A client that is entered, and so shares its event loop, serves several chats at a time."""
    with (
        client() as browser,
        testing.connect(browser, "/chat") as one,
        testing.connect(browser, "/chat", protocol="plain") as two,
    ):
        assert (one.ask("a"), two.ask("b")) == ("Message text was: a", "Message text was: b")


def test_package_needs_no_client() -> None:
    """Where no HTTP client is installed the package, this module in it, can be imported."""
    program = (
        "import sys; sys.modules.update({'httpx': None, 'httpx2': None}); "
        "from fastapi_echochat import *; print(testing.connect.__name__)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert ran.stdout.strip() == "connect"
