"""A connection to a chat without rooms, in either protocol."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from ..protocol.frames import ECHOCHAT_V1
from .wire import ChatError, Wire, open_wire

if TYPE_CHECKING:
    from starlette.testclient import TestClient


class Chat:
    """One open connection to a chat. `connect` makes it.

    Attributes:
        welcome: The first frame of `echochat.v1`; `None` in the plain protocol, which has none.
    """

    def __init__(self, wire: Wire, *, plain: bool) -> None:
        self._wire = wire
        self._plain = plain
        self._sent = 0
        what = "the welcome; where the chat has rooms, testing.enter comes in"
        self.welcome: dict[str, Any] | None = (
            None if plain else wire.receive_frame(what, wire.timeout)
        )

    @property
    def timeout(self) -> float:
        """Seconds that an answer, or a piece of one, may take; it may be changed."""
        return self._wire.timeout

    @timeout.setter
    def timeout(self, seconds: float) -> None:
        self._wire.timeout = seconds

    def send(self, text: str) -> str:
        """Send a message, and return the `id` that it has."""
        self._sent += 1
        if self._plain:
            self._wire.send_text(text)
        else:
            self.send_frame({"type": "message", "id": str(self._sent), "text": text})
        return str(self._sent)

    def send_frame(self, frame: Mapping[str, Any]) -> None:
        """Send a frame of `echochat.v1`, such as `{"type": "ping"}`, or one that is none."""
        self._wire.send_frame(frame)

    def stop(self, message_id: str | None = None) -> None:
        """Want no more of the answer to a message, by default the last; for `echochat.v1`."""
        self.send_frame({"type": "stop", "id": message_id or str(self._sent)})

    def receive(self) -> Any:
        """Return the next frame: a dictionary in `echochat.v1`, a text in the plain protocol.

        Raises:
            NoAnswerError: None came within the timeout.
            ChatError: The chat closed the connection.
        """
        return self._receive("a frame", self.timeout)

    def ask(self, text: str) -> str:
        """Send a message and return its whole answer, within the timeout, its pieces joined.

        What comes meanwhile and is not of this answer is passed over.

        Raises:
            NoAnswerError: The answer did not end within the timeout.
            ChatError: The answer is an error, or the chat closed the connection.
        """
        deadline = time.monotonic() + self.timeout
        return "".join(self._answer(self.send(text), text, deadline))

    def pieces(self, text: str) -> Iterator[str]:
        """Send a message at once, and yield its answer piece by piece, each within the timeout.

        An answer in one frame is one piece; so is every answer of the plain protocol. What comes
        meanwhile and is not of this answer is passed over.

        Raises:
            NoAnswerError: The next piece did not come within the timeout.
            ChatError: The answer ends with an error, or the chat closed the connection.
        """
        return self._answer(self.send(text), text, None)

    def _answer(self, message_id: str, text: str, deadline: float | None) -> Iterator[str]:
        what = f"the answer to {text!r}"
        done = False
        while not done:
            left = self.timeout if deadline is None else deadline - time.monotonic()
            frame = self._receive(what, left)
            if self._plain:
                yield frame
                return
            if frame["type"] == "error" and frame["in_reply_to"] in (message_id, None):
                raise ChatError(frame["code"], frame["detail"])
            if frame["type"] == "reply" and frame["in_reply_to"] == message_id:
                done = frame["done"]
                what = f"the rest of the answer to {text!r}"
                # The frame that ends a streamed answer has no text of its own.
                if frame["text"]:
                    yield frame["text"]

    def _receive(self, what: str, seconds: float) -> Any:
        if self._plain:
            return self._wire.receive_text(what, seconds)
        return self._wire.receive_frame(what, seconds)


@contextlib.contextmanager
def connect(
    client: "TestClient",
    url: str,
    *,
    protocol: Literal["echochat.v1", "plain"] = "echochat.v1",
    timeout: float = 5.0,
    headers: Mapping[str, str] | None = None,
) -> Iterator[Chat]:
    """Connect to the chat whose page is at an address, and leave it at the end of the block.

    ```python
    with testing.connect(TestClient(app), "/support/chat") as chat:
        assert chat.ask("NBA") == "Message text was: NBA"
    ```

    Args:
        client: Starlette's, which is also FastAPI's.
        url: Where the chat's page is; a query of it is kept.
        protocol: The protocol to speak: the one of the page, or the plain one.
        timeout: Seconds that a handshake, an answer, each piece of one that is read by the piece,
            and the end of the connection may take.
        headers: Headers of the handshake, such as `{"Origin": "https://www.example.org"}`.

    Raises:
        NoAnswerError: The handshake or the end did not come within the timeout.
        WebSocketDenialResponse: The handshake was refused; Starlette's, with the `status_code`.
        ValueError: `protocol` is neither.
    """
    if protocol not in (ECHOCHAT_V1, "plain"):
        raise ValueError(f"protocol= takes {ECHOCHAT_V1!r} or 'plain', not {protocol!r}")
    is_plain = protocol == "plain"
    subprotocols = None if is_plain else [ECHOCHAT_V1]
    with open_wire(
        client, url, subprotocols=subprotocols, timeout=timeout, headers=headers
    ) as wire:
        yield Chat(wire, plain=is_plain)
