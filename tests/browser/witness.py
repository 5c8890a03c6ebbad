"""What a server was asked for, and what a page sent."""

from dataclasses import dataclass

from playwright.sync_api import Page
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class Asked:
    """One request, or one WebSocket handshake; `status` is None until it is answered."""

    kind: str
    path: str
    query: str
    status: int | None = None


class Witness:
    """ASGI middleware that writes down what comes in, and how it is answered."""

    def __init__(self, app: ASGIApp, asked: list[Asked]) -> None:
        self._app = app
        self._asked = asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Asked(scope["type"], scope["path"], scope["query_string"].decode())
        self._asked.append(asked)

        async def answer(message: Message) -> None:
            if asked.status is None:
                asked.status = _status(message)
            await send(message)

        await self._app(scope, receive, answer)


def handshakes(asked: list[Asked]) -> list[int | None]:
    """Return how the handshakes were answered: 101 is a connection."""
    return [request.status for request in asked if request.kind == "websocket"]


def note_messages(page: Page, sent: list[str]) -> None:
    """Write down the frames with messages that the page sends; it also asks for signs of life."""

    def note(frame: object) -> None:
        if '"type":"message"' in str(frame):
            sent.append(str(frame))

    page.on("websocket", lambda socket: socket.on("framesent", note))


def _status(message: Message) -> int:
    if message["type"] == "websocket.accept":
        return 101
    if message["type"] == "websocket.close":
        return 403
    status: int = message["status"]
    return status
