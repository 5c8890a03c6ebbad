"""Sending to one WebSocket: directly, and not for ever."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import WebSocketDisconnect

from .protocol.serializer import Close

Send = Callable[[Any], Awaitable[None]]
"""ASGI's `send`, as the server or a middleware passes it on."""

# Starlette and uvicorn have no common exception for "already closed": which one it is depends on
# which side noticed it first (uvicorn 0.54 raises RuntimeError after invalid UTF-8 or a missed
# ping).
ENDED = (WebSocketDisconnect, OSError, RuntimeError)
"""What a send raises where the connection is over."""

# 1009 is 4009, and so on.
_OWN_CODES = 3000


class EndedError(Exception):
    """The connection is over: nobody reads what is sent."""


class Sender:
    """What goes out to one client.

    Nothing is kept here: a send waits until the server takes it, and so its caller does.

    Args:
        pass_on: `send` of a WebSocket that is accepted.

    Attributes:
        pass_on: For callers that send themselves; they keep the other two up to date.
        under_way: How many sends are.
        has_moved: Whether one was taken since `is_stuck` last asked.
    """

    __slots__ = ("has_moved", "pass_on", "under_way")

    def __init__(self, pass_on: Send) -> None:
        self.pass_on = pass_on
        self.under_way = 0
        self.has_moved = True

    async def send(self, frame: str) -> None:
        """Send a text frame.

        Raises:
            EndedError: The connection is over.
        """
        self.under_way += 1
        try:
            await self.pass_on({"type": "websocket.send", "text": frame})
        except ENDED:
            raise EndedError from None
        finally:
            self.under_way -= 1
            self.has_moved = True

    async def close(self, close: Close) -> None:
        """Close the connection.

        Raises:
            EndedError: Always: now it is over.
        """
        event = {"type": "websocket.close", "code": close.code, "reason": close.reason}
        self.under_way += 1
        try:
            await self.pass_on(event)
        except ENDED:
            pass
        except Exception:
            # daphne 4.2 raises an Exception for what it cannot send, which is all of RFC 6455's
            # codes but 1000. Applications have their own from 4000 on (section 7.4.2). Whatever a
            # server raises then, there is no more to do.
            with contextlib.suppress(Exception):
                await self.pass_on({**event, "code": close.code + _OWN_CODES})
        finally:
            self.under_way -= 1
        raise EndedError

    def is_sending(self) -> bool:
        """Tell whether a send is under way."""
        return self.under_way > 0

    def is_stuck(self) -> bool:
        """Tell whether a send is under way, and none was taken since the last time this asked."""
        if not self.is_sending():
            return False
        is_stuck = not self.has_moved
        self.has_moved = False
        return is_stuck
