"""The handshake of a WebSocket: who may connect, how many, and in which protocol."""

import asyncio
import contextlib
import logging
import secrets

from fastapi import WebSocket
from fastapi.responses import PlainTextResponse
from starlette.websockets import WebSocketState

from .addresses import OriginRule
from .connection import Connection
from .frames import ECHOCHAT_V1
from .limits import Limits
from .protocol import Dialect, EchochatV1, Plain
from .replies import Replier, Values

logger = logging.getLogger("fastapi_echochat")

# How long the end of a refused connection is waited for; see `_refuse`.
_REFUSED_SECONDS = 1.0


class Endpoint:
    """The WebSocket side of a chat, whichever of its mounts a connection comes through.

    Args:
        replier: Calls the reply function.
        limits: The chat's bounds.
        origins: Which web pages may connect.
    """

    def __init__(self, replier: Replier, limits: Limits, origins: OriginRule) -> None:
        self._replier = replier
        self._limits = limits
        self._origins = origins
        self._open = 0

    async def serve(self, websocket: WebSocket, values: Values) -> None:
        """Serve one WebSocket, from its handshake to its close.

        Args:
            websocket: Not accepted yet.
            values: What the reply function's dependencies gave for it.
        """
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
            await self._converse(websocket, values)
        except asyncio.CancelledError:
            # Only a server does this, at the end of its patience with a shutdown, and uvicorn
            # 0.54 then logs a traceback for each endpoint that does not simply return.
            return
        finally:
            self._open -= 1

    async def _converse(self, websocket: WebSocket, values: Values) -> None:
        dialect: Dialect = Plain(self._limits)
        subprotocol = None
        if ECHOCHAT_V1 in websocket.scope.get("subprotocols", ()):
            dialect = EchochatV1(self._limits)
            subprotocol = ECHOCHAT_V1
        try:
            await websocket.accept(subprotocol=subprotocol)
        except OSError:  # The client has left already: uvicorn's ClientDisconnected.
            return
        name = f"connection {secrets.token_hex(4)}"
        connection = Connection(
            websocket,
            dialect=dialect,
            replier=self._replier,
            values=values,
            limits=self._limits,
            name=name,
        )
        await connection.run()

    def _may_connect(self, websocket: WebSocket) -> bool:
        headers = websocket.headers
        origin = headers.get("origin")
        hosts = [*headers.getlist("host"), *headers.getlist("x-forwarded-host")]
        if self._origins.allows(origin, hosts):
            return True
        logger.warning(
            "refused with 403: a page of %r may not connect to %s; if it may, pass the host on in "
            "the proxy (nginx: proxy_set_header Host $host) or write "
            "EchoChat(allowed_origins=[%r])",
            origin,
            " or ".join(map(repr, hosts)),
            origin,
        )
        return False


async def _refuse(websocket: WebSocket, status: int, text: str) -> None:
    if "websocket.http.response" not in websocket.scope.get("extensions", {}):
        await websocket.close()
        return
    await websocket.receive()
    await websocket.send_denial_response(PlainTextResponse(text, status))
    # uvicorn 0.54 logs at ERROR an endpoint that returns from a refusal before its transport is
    # closed (https://github.com/Kludex/uvicorn/pull/3138): wait for that. It says "disconnected"
    # once for the refusal and once for the transport; the state is set back because Starlette
    # passes on one only.
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(websocket.receive(), _REFUSED_SECONDS)
        websocket.client_state = WebSocketState.CONNECTED
        await asyncio.wait_for(websocket.receive(), _REFUSED_SECONDS)
