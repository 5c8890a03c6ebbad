"""The handshake of a WebSocket: who may connect, how many, and in which protocol."""

import asyncio
import contextlib
import logging
from itertools import count
from weakref import WeakKeyDictionary

from fastapi import WebSocket
from fastapi.responses import PlainTextResponse
from starlette.datastructures import Headers
from starlette.websockets import WebSocketState

from .conversation import Connection
from .limits import Limits
from .names import clean_name
from .origins import OriginRule
from .protocol.frames import ECHOCHAT_V1
from .protocol.messages import Dialect
from .protocol.v1 import EchochatV1, Plain
from .replies import Replier, Values
from .rooms.hub import Hub
from .rooms.naming import ROOM_LENGTH, room_name
from .rooms.participant import Member
from .rooms.stores.contract import Rooms
from .watchdog import Lookout

logger = logging.getLogger("fastapi_echochat")

# How long the end of a refused connection is waited for; see `_refuse`.
_REFUSED_SECONDS = 1.0


class Endpoint:
    """The WebSocket side of a chat, whichever of its mounts a connection comes through.

    Args:
        replier: Calls the reply function; `None` where there is none, with rooms.
        limits: The chat's bounds.
        origins: Which web pages may connect.
        rooms: Has the logs of rooms; `None` in a chat without.
        is_private: Whether each conversation is a room of its own.
        has_author: Whether a dependency gives names, so that guests are marked.
    """

    def __init__(
        self,
        replier: Replier | None,
        limits: Limits,
        origins: OriginRule,
        *,
        rooms: Rooms | None,
        is_private: bool,
        has_author: bool,
    ) -> None:
        self._replier = replier
        self._limits = limits
        self._origins = origins
        self._rooms = rooms
        self._is_private = is_private
        self._has_author = has_author
        # Of each event loop its own: what waits in one cannot be woken from another.
        self._hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()
        self._lookouts: WeakKeyDictionary[asyncio.AbstractEventLoop, Lookout] = WeakKeyDictionary()
        self._guests = EchochatV1(limits)
        self._open = 0
        self._numbers = count(1)

    async def serve(self, websocket: WebSocket, values: Values, author: object) -> None:
        """Serve one WebSocket, from its handshake to its close.

        Args:
            websocket: Not accepted yet.
            values: What the reply function's dependencies gave for it.
            author: The name that a dependency gave, `None` for a guest.

        Raises:
            TypeError: It gave something else.
        """
        if author is not None and not isinstance(author, str):
            raise TypeError(f"author= gives a name, or None for a guest, not {author!r}")
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
            author = author and clean_name(author, self._limits.name_length)
            conversation = await self._begin(websocket, values, author)
            if conversation is not None:
                await conversation
        except asyncio.CancelledError:
            # Only a server does this, at the end of its patience with a shutdown, and uvicorn
            # 0.54 then logs a traceback for each endpoint that does not simply return.
            return
        finally:
            self._open -= 1

    async def close(self) -> None:
        """End what goes on without connections: the server ends."""
        hub = self._hubs.get(asyncio.get_running_loop())
        if hub is not None:
            await hub.close()

    async def _begin(
        self, websocket: WebSocket, values: Values, author: str | None
    ) -> "asyncio.Task[None] | None":
        """Shake hands, and return the task of the conversation; `None` where there is none."""
        dialect: Dialect = Plain(self._limits, author)
        subprotocol = None
        if ECHOCHAT_V1 in websocket.scope.get("subprotocols", ()):
            dialect = self._guests if author is None else EchochatV1(self._limits, author)
            subprotocol = ECHOCHAT_V1
        # The plain protocol has no way to say which conversation it is, so none is kept for it.
        is_in_room = self._rooms is not None and not (self._is_private and subprotocol is None)
        room = room_name(websocket.scope["path_params"]) if is_in_room else None
        if is_in_room and room is None:
            await _refuse(websocket, 404, f"A room's name has 1 to {ROOM_LENGTH} characters.\n")
            return None
        try:
            await websocket.accept(subprotocol=subprotocol)
        except OSError:  # The client has left already: uvicorn's ClientDisconnected.
            return None
        name = f"connection {next(self._numbers)}"
        lookout = self._lookout()
        if self._rooms is not None and room is not None:
            return Member(
                websocket,
                dialect=dialect,
                hub=self._hub(self._rooms),
                rooms=self._rooms,
                room=room,
                is_private=self._is_private,
                given=author,
                is_marked=self._has_author,
                values=values,
                limits=self._limits,
                lookout=lookout,
                name=name,
            ).begin()
        if self._replier is not None:
            return Connection(
                websocket,
                dialect=dialect,
                replier=self._replier,
                values=values,
                author=author,
                limits=self._limits,
                lookout=lookout,
                name=name,
            ).begin()
        return None

    def _lookout(self) -> Lookout:
        loop = asyncio.get_running_loop()
        lookout = self._lookouts.get(loop)
        if lookout is None:
            lookout = self._lookouts[loop] = Lookout(self._limits.send_seconds)
        return lookout

    def _hub(self, rooms: Rooms) -> Hub:
        loop = asyncio.get_running_loop()
        if loop not in self._hubs:
            self._hubs[loop] = Hub(
                rooms, self._limits, self._replier, is_shared=not self._is_private
            )
        return self._hubs[loop]

    def _may_connect(self, websocket: WebSocket) -> bool:
        # Those of the WebSocket would stay, with a list of their own, as long as it does.
        headers = Headers(raw=websocket.scope["headers"])
        origin = headers.get("origin")
        if origin is None:
            return True  # No browser.
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
