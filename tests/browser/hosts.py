"""Pages of hosts: what stands around a chat, or in the way of one."""

from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastapi_echochat import EchoChat, MemoryRooms


def add_frame(app: FastAPI, chat: str, *, sandbox: str | None = None) -> None:
    """Give an app a page, `/`, that has a field of its own and shows a chat in a frame."""
    attribute = "" if sandbox is None else f'sandbox="{escape(sandbox)}"'

    @app.get("/")
    def frame() -> HTMLResponse:
        return HTMLResponse(
            "<!doctype html><title>A host</title><link rel='icon' href='data:,'>"
            "<input id='own' aria-label='Search' autofocus>"
            f"<iframe title='Chat' width='600' height='500' src='{escape(chat)}' {attribute}>"
            "</iframe>"
        )


def add_widget(app: FastAPI, chat: str) -> None:
    """Give an app a page, `/`, with a chat's widget."""

    @app.get("/")
    def widget() -> HTMLResponse:
        return HTMLResponse(
            "<!doctype html><html lang='en'><title>A host</title><link rel='icon' href='data:,'>"
            "<meta name='viewport' content='width=device-width'>"
            f"<script src='{escape(chat)}?asset=widget.js' defer></script><h1>A host</h1>"
        )


def make_lounge(**options: Any) -> FastAPI:
    """Return a host with rooms of people, and an endpoint that speaks into them."""
    app = FastAPI()
    chat = EchoChat(**{"reply": None, "rooms": MemoryRooms(), "title": "Lounge", **options})
    app.include_router(chat.router, prefix="/rooms/{room}")

    @app.post("/say/{room}")
    async def say(room: str, text: str) -> None:
        await chat.post(room, text, author="The house")

    return app


def add_blank(app: FastAPI) -> None:
    """Give an app a page, `/`, that does nothing."""

    @app.get("/")
    def blank() -> HTMLResponse:
        return HTMLResponse("<!doctype html><title>A host</title><link rel='icon' href='data:,'>")


class StrictPolicy:
    """ASGI middleware of a host that sends a strict Content-Security-Policy with everything."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append(
                    "content-security-policy", "default-src 'self'"
                )
            await send(message)

        await self._app(scope, receive, answer)
