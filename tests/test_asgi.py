"""What ASGI lets a server do: nothing is assumed that one server alone does."""

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest

from fastapi_echochat import Message
from tests.apps import make_app
from tests.clients import ask
from tests.conftest import Serve
from tests.pages import ChatPage
from tests.raw_client import RawClient
from tests.waiting import get, in_loop, until

Scope = MutableMapping[str, Any]
Channel = Callable[..., Any]

SCOPE = {
    "type": "websocket", "path": "/chat/ws", "headers": [], "query_string": b"",
    "asgi": {"version": "3.0"},
}  # fmt: skip


def test_scope_without_what_is_optional(serve: Serve) -> None:
    """Where ASGI has a default a server may say nothing, as daphne does of a WebSocket's scheme."""
    app = make_app()

    async def bare(scope: Scope, receive: Channel, send: Channel) -> None:
        optional = {"client", "raw_path", "root_path", "scheme", "server", "state"}
        if scope["type"] == "websocket":
            optional |= {"extensions", "http_version", "subprotocols"}
        await app({key: scope[key] for key in scope.keys() - optional}, receive, send)

    server = serve(bare)

    page = ChatPage(get(server.url("/chat")).text)
    assert page.endpoint == server.ws()
    assert ask(server.ws(), Origin=server.url()) == "Message text was: NBA"


@pytest.mark.parametrize(("takes_own", "code"), [(True, 4009), (False, 1011)])
def test_server_that_cannot_send_a_close_code(serve: Serve, takes_own: bool, code: int) -> None:
    """A session ends, and the log stays clean, though the server raises for its close code."""
    app = make_app()

    async def picky(scope: Scope, receive: Channel, send: Channel) -> None:
        async def send_what_it_can(event: Scope) -> None:
            if event["type"] == "websocket.close" and not (takes_own and event["code"] >= 4000):
                raise Exception("invalid close code")  # As daphne does.
            await send(event)

        await app(scope, receive, send_what_it_can)
        if not takes_own:
            await send({"type": "websocket.close", "code": 1011})

    with RawClient(serve(picky).ws()) as client:
        client.send_text(b"x" * 70_000)
        assert client.receive_close() == code


@in_loop
async def test_nothing_is_received_after_a_refusal() -> None:
    """A refused endpoint waits for no event that a server may never send, as granian does not."""
    received: list[None] = []
    sent: list[Any] = []

    async def receive() -> Any:
        received.append(None)
        return {"type": "websocket.connect"}

    async def send(event: Any) -> None:
        sent.append(event)

    scope = {**SCOPE, "path": f"/{'x' * 256}/ws", "extensions": {"websocket.http.response": {}}}
    await make_app(None, prefix="/{room}")(scope, receive, send)

    assert (sent[0]["status"], len(received)) == (404, 1)


class Connection:
    """One connection to an application that no server serves, and an answer without an end."""

    def __init__(self) -> None:
        self.has_begun = False
        self.has_ended = False
        self.codes: list[int] = []
        self.app = make_app(self.answer)
        message = {"type": "websocket.receive", "text": "NBA"}
        self._events = [{"type": "websocket.connect"}, message]
        self.task = asyncio.ensure_future(self.app(dict(SCOPE), self.receive, self.send))

    async def answer(self, message: Message) -> str:
        self.has_begun = True
        try:
            await asyncio.sleep(3600)
        finally:
            self.has_ended = True
        return message.text

    async def receive(self) -> Any:
        if not self._events:
            await asyncio.Event().wait()
        return self._events.pop(0)

    async def send(self, event: Any) -> None:
        self.codes += [event["code"]] if event["type"] == "websocket.close" else []


@in_loop
async def test_server_that_cancels_its_endpoints() -> None:
    """A server that only cancels endpoints when it ends, as hypercorn does, closes with 1012."""
    connection = Connection()
    await until(lambda: connection.has_begun, "it is answered")

    connection.task.cancel()
    await asyncio.wait([connection.task])

    assert (connection.codes, connection.has_ended) == ([1012], True)


@in_loop
async def test_server_that_leaves_sessions_open() -> None:
    """Sessions that a server has left open, as granian does, have ended when the lifespan has."""
    connection = Connection()
    async with connection.app.router.lifespan_context(connection.app):
        await until(lambda: connection.has_begun, "it is answered")

    assert (connection.codes, connection.has_ended) == ([1012], True)
    await asyncio.wait([connection.task])
