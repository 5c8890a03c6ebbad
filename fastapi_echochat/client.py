"""The client of a session, as the handshake has found it."""

from typing import NamedTuple

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
