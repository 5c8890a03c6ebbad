"""The application that most tests need: one with one chat."""

import asyncio
import gc
from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketTestSession

from fastapi_echochat import EchoChat, MemoryRooms, echo
from fastapi_echochat.testing.wire import have_sends_noticed


def make_app(
    reply: Any = echo, *, prefix: str = "/chat", dependencies: Iterable[Any] = (), **options: Any
) -> FastAPI:
    """Make an application with a chat, whose rooms are in memory unless `rooms` says where."""
    if reply is None or options.get("private"):
        options = {"rooms": MemoryRooms(), **options}
    app = FastAPI()
    router = EchoChat(reply, **options).router
    app.include_router(router, prefix=prefix, dependencies=list(dependencies))
    return app


def mount(chat: EchoChat, prefix: str = "/chat") -> FastAPI:
    """Make an application with a chat that the test needs by itself."""
    app = FastAPI()
    app.include_router(chat.router, prefix=prefix)
    return app


def count_left(app: FastAPI, kind: type) -> FastAPI:
    """Let an application say at `/left` how many of a kind its process has, and how many tasks."""

    @app.get("/left")
    async def left() -> tuple[int, int]:
        gc.collect()
        return sum(isinstance(each, kind) for each in gc.get_objects()), len(asyncio.all_tasks())

    return app


def make_client(*arguments: Any, **options: Any) -> TestClient:
    """Make a client of such an application, in this process."""
    return TestClient(make_app(*arguments, **options))


def open_session(client: TestClient, endpoint: str, *subprotocols: str) -> WebSocketTestSession:
    """Return a session of Starlette's own, not begun yet, whose application misses no message."""
    session = client.websocket_connect(endpoint, list(subprotocols) or None)
    have_sends_noticed(session)
    return session
