"""The client of a session, as the handshake has found it."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from fastapi import WebSocket

from .feedback import Judge
from .identity import Author
from .protocol.serializer import Serializer
from .replies import Values


class Client(NamedTuple):
    """The client of a session, as the handshake has found it.

    Attributes:
        websocket: Accepted, with the subprotocol of the serializer.
        serializer: The protocol that it speaks.
        author: Who it is, as far as a dependency knows; `None` for a guest.
        values: What the reply function's dependencies gave for it.
        judge: The function of `feedback=` with what its dependencies gave, if there is one.
        number: Names the session in the log.
    """

    websocket: WebSocket
    serializer: Serializer
    author: Author | None
    values: Values
    judge: Judge | None
    number: int

    # Starlette's `receive` and `send` look at the order of events once more, in a coroutine of
    # their own for each, which is a seventh of an echo. Where there is no other they do as well.
    @property
    def receive(self) -> Callable[[], Awaitable[Any]]:
        """ASGI's `receive`: the next event of an accepted WebSocket."""
        return getattr(self.websocket, "_receive", self.websocket.receive)

    @property
    def send(self) -> Callable[[Any], Awaitable[None]]:
        """ASGI's `send`."""
        return getattr(self.websocket, "_send", self.websocket.send)
