"""Sending to one WebSocket: directly, and not for ever."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import WebSocketDisconnect

from .protocol import Close

Send = Callable[[Any], Awaitable[None]]
"""ASGI's `send`, whoever passes it on."""

# Starlette and uvicorn have no common exception for "already closed": which one it is depends on
# which side noticed it first (uvicorn 0.54 raises RuntimeError after invalid UTF-8 or a missed
# ping).
ENDED = (WebSocketDisconnect, OSError, RuntimeError)
"""What a send raises where the connection is over."""


class EndedError(Exception):
    """The connection is over: there is nobody to speak to."""


class Sender:
    """What goes out to one client.

    Nothing is kept here: a send waits until the server takes it, and so its caller does.

    Args:
        send: Of a WebSocket that is accepted.
        seconds: How long a client may take nothing; `None` for ever.
        stalled: Called, once, between one and two times as long after it took the last.
    """

    __slots__ = (
        "_begun",
        "_pass_on",
        "_seconds",
        "_sent",
        "_sent_before",
        "_stalled",
        "_timer",
    )

    def __init__(self, send: Send, seconds: float | None, stalled: Callable[[], None]) -> None:
        self._pass_on = send
        self._seconds = seconds
        self._stalled = stalled
        self._begun = 0
        self._sent = 0
        self._sent_before = -1
        self._timer: asyncio.TimerHandle | None = None

    async def send(self, frame: str) -> None:
        """Send a text frame.

        Raises:
            EndedError: The connection is over.
        """
        self.begin()
        try:
            await self._pass_on({"type": "websocket.send", "text": frame})
        except ENDED:
            raise EndedError from None
        finally:
            self.end()

    async def close(self, close: Close) -> None:
        """Close the connection.

        Raises:
            EndedError: Always: now it is over.
        """
        event = {"type": "websocket.close", "code": close.code, "reason": close.reason}
        self.begin()
        with contextlib.suppress(*ENDED):
            await self._pass_on(event)
        self.end()
        raise EndedError

    def end(self) -> None:
        """Look after a send no more: it is through."""
        self._sent += 1

    def forget(self) -> None:
        """Look after nothing any more."""
        if self._timer is not None:
            self._timer.cancel()

    def begin(self) -> None:
        """Look after a send that its caller makes itself, from now until `end`."""
        if self._timer is None and self._seconds is not None:
            self._look_in(self._seconds)
        self._begun += 1

    def _look_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        # One lazy timer instead of a timeout around each send: it is set by the first send, and
        # lets itself go where it finds none under way.
        self._timer = None
        if self._begun == self._sent or self._seconds is None:
            return
        if self._sent == self._sent_before:
            self._stalled()
            return
        self._sent_before = self._sent
        self._look_in(self._seconds)
