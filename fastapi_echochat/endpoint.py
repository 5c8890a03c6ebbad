"""The handshake of a WebSocket: which pages may connect, how many, and in which protocol."""

import asyncio
import contextlib
import logging
from itertools import count
from typing import Protocol
from weakref import WeakKeyDictionary

from fastapi import WebSocket
from fastapi.responses import PlainTextResponse
from starlette.datastructures import Headers
from starlette.websockets import WebSocketState

from .client import Client
from .exits import exit_dependencies
from .feedback import Feedback
from .identity import Author, given_author
from .limits import Limits
from .names import shown_author
from .origins import OriginRule
from .protocol.plain import Plain
from .protocol.serializer import Serializer
from .protocol.v1 import EchochatV1
from .replies import Values
from .session import Session
from .watchdog import Watchdog

logger = logging.getLogger("fastapi_echochat")

# How long a refused connection may take to be closed; see `_refuse`. The next turn of the event
# loop does it, but for TLS.
_REFUSED_SECONDS = 0.1
# How long sessions may take to end that a server has not ended.
_LEFT_SECONDS = 3.0
# How long one of them may take to be told that.
_RESTART_SECONDS = 1.0
# How much of a header stands in the log.
_SHOWN_LENGTH = 120


class Sessions(Protocol):
    """Opens the sessions of a chat: conversations, or participants of rooms."""

    def refusal(self, client: Client) -> str | None:
        """Return why there is nothing at a client's address, `None` where there is."""

    def open(self, client: Client, watchdog: Watchdog) -> Session:
        """Return a session with a client, which is accepted and not served yet."""

    async def close(self) -> None:
        """End what goes on without connections."""


class Endpoint:
    """The WebSocket side of a chat, whichever of its mounts a connection comes through.

    Args:
        sessions: Opens its sessions.
        limits: Its bounds.
        origins: Which web pages may connect.
        feedback: Calls the function that is told what people think of answers, if there is one.
    """

    def __init__(
        self,
        sessions: Sessions,
        limits: Limits,
        origins: OriginRule,
        feedback: Feedback | None = None,
    ) -> None:
        self._sessions = sessions
        self._limits = limits
        self._origins = origins
        self._feedback = feedback
        self._plain = Plain(limits)
        self._v1 = EchochatV1(limits)
        # Of each event loop its own: a timer of one cannot end what runs in another.
        self._watchdogs: WeakKeyDictionary[asyncio.AbstractEventLoop, Watchdog] = (
            WeakKeyDictionary()
        )
        self._open = 0
        self._served: dict[Session, asyncio.Future[None]] = {}
        self._numbers = count(1)

    async def serve(
        self,
        websocket: WebSocket,
        values: Values,
        author: object,
        feedback: Values,
        *,
        keeps_open: bool,
    ) -> None:
        """Serve one WebSocket, from its handshake to its close.

        Args:
            websocket: Not accepted yet.
            values: What the reply function's dependencies gave for it.
            author: What the dependency `EchoChat(author=)` gave, `None` for a guest.
            feedback: What the dependencies of the function of `feedback=` gave for it.
            keeps_open: Whether dependencies are exited after the session, or before it.

        Raises:
            TypeError: It gave something else than it may.
            ValueError: The id that it gave cannot be one.
        """
        if not _runs_asyncio():
            logger.error(
                "refused with 403: this chat needs asyncio, and the server runs another event loop "
                "(hypercorn: --worker-class asyncio, not trio)"
            )
            await websocket.close()
            return
        known = given_author(author)
        if not self._may_connect(websocket):
            # Before `accept` this is status 403 (ASGI specification, "Close - send event").
            await websocket.close()
            return
        if self._limits.connections is not None and self._open >= self._limits.connections:
            logger.warning(
                "refused with 503: %s connections are open, as many as Limits(connections=) allows",
                self._open,
            )
            await _refuse(websocket, 503, "Too many connections. Try again later.\n")
            return
        self._open += 1
        try:
            session = await self._shake_hands(websocket, values, known, feedback, keeps_open)
            if session is not None:
                ended = self._served[session] = session.start()
                try:
                    await ended
                except asyncio.CancelledError:
                    await _announce_restart(session)
                finally:
                    try:
                        await session.finish()
                    finally:
                        del self._served[session]
                    # For dependencies that look whether they may still send something.
                    websocket.client_state = WebSocketState.DISCONNECTED
                    websocket.application_state = WebSocketState.DISCONNECTED
        except asyncio.CancelledError:
            # Only a server does this, at the end of its patience with a shutdown, and uvicorn
            # 0.54 then logs a traceback for each endpoint that does not simply return.
            return
        finally:
            self._open -= 1

    async def close(self) -> None:
        """End what still goes on: the server ends."""
        if _runs_asyncio():  # Elsewhere no session was opened.
            await self._end_sessions()
            await self._sessions.close()

    async def _end_sessions(self) -> None:
        """End the sessions of this event loop that the server has left as they are.

        granian 2.8 closes their sockets and tells nobody, and drops what has not ended when the
        lifespan has.
        """
        loop = asyncio.get_running_loop()
        left = {key: ended for key, ended in self._served.items() if ended.get_loop() is loop}
        await asyncio.gather(*map(_announce_restart, left))
        for ended in left.values():
            if not ended.done():
                ended.set_result(None)
        deadline = loop.time() + _LEFT_SECONDS
        # At the end, once: an event for each session would take memory.
        while not self._served.keys().isdisjoint(left) and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def _shake_hands(
        self,
        websocket: WebSocket,
        values: Values,
        author: Author | None,
        feedback: Values,
        keeps_open: bool,
    ) -> Session | None:
        """Accept a WebSocket, and return its session; `None` where there is none."""
        serializer: Serializer = self._plain
        if self._v1.subprotocol in websocket.scope.get("subprotocols", ()):
            serializer = self._v1
        if author is not None:
            author = shown_author(author, self._limits.name_length)
        judge = None if self._feedback is None else self._feedback.bind(feedback)
        client = Client(websocket, serializer, author, values, judge, next(self._numbers))
        if (why := self._sessions.refusal(client)) is not None:
            await _refuse(websocket, 404, why)
            return None
        if not keeps_open:
            # A guard's database session would be held as long as the page is open. Before
            # `accept`, so that one that cannot be committed refuses the handshake.
            await exit_dependencies(websocket)
        try:
            await websocket.accept(subprotocol=serializer.subprotocol)
        except OSError:  # The client has left already: uvicorn's ClientDisconnected.
            return None
        return self._sessions.open(client, self._watchdog())

    def _watchdog(self) -> Watchdog:
        loop = asyncio.get_running_loop()
        watchdog = self._watchdogs.get(loop)
        if watchdog is None:
            watchdog = self._watchdogs[loop] = Watchdog(self._limits.send_seconds)
        return watchdog

    def _may_connect(self, websocket: WebSocket) -> bool:
        # Those of the WebSocket would stay, with a list of their own, as long as it does.
        headers = Headers(raw=websocket.scope["headers"])
        origin = headers.get("origin")
        if origin is None:
            return True  # No browser.
        hosts = [*headers.getlist("host"), *headers.getlist("x-forwarded-host")]
        # The scheme that the browser sees: a proxy may take TLS away, or add it.
        scheme = headers.get("x-forwarded-proto", websocket.scope.get("scheme", "ws"))
        scheme = scheme.partition(",")[0].strip().lower()
        if self._origins.allows(origin, hosts, is_secure=scheme in ("wss", "https")):
            return True
        shown = _shorten(ascii(origin))
        logger.warning(
            "refused with 403: a page of %s may not connect to %s (%s); if it may, pass host and "
            "scheme on in the proxy (nginx: proxy_set_header Host $host; proxy_set_header "
            "X-Forwarded-Proto $scheme) or write EchoChat(allowed_origins=[%s])",
            shown,
            _shorten(" or ".join(map(ascii, hosts))),
            _shorten(ascii(scheme)),
            shown,
        )
        return False


def _runs_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _shorten(text: str) -> str:
    """Cut what a client has sent, so that it cannot fill the log."""
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"


async def _announce_restart(session: Session) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(session.announce_restart(), _RESTART_SECONDS)


async def _refuse(websocket: WebSocket, status: int, text: str) -> None:
    if "websocket.http.response" not in websocket.scope.get("extensions", {}):
        await websocket.close()
        return
    await websocket.receive()
    await websocket.send_denial_response(PlainTextResponse(text, status))
    # uvicorn 0.54 logs at ERROR an endpoint that returns from a refusal before its transport is
    # closed (https://github.com/Kludex/uvicorn/pull/3138). Nothing may be received meanwhile:
    # hypercorn 0.18 does not say "disconnected" before the client closes, granian 2.8 never, and
    # that panics if it ends while an endpoint waits for it.
    await asyncio.sleep(_REFUSED_SECONDS)
