"""For the host's own tests: a chat as its clients speak it, and no test that waits for ever."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from anyio import CancelScope
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from .addresses import ENDPOINT
from .frames import ECHOCHAT_V1

if TYPE_CHECKING:
    # Imported late where it runs: it needs httpx, which a host has where its tests are.
    from starlette.testclient import TestClient, WebSocketTestSession

__all__ = ["Chat", "ChatError", "NoAnswerError", "connect"]

Result = TypeVar("Result")


class NoAnswerError(AssertionError):
    """What a test waited for did not come in time; the message names it."""


class ChatError(Exception):
    """The chat answered with an error, or closed the connection.

    Attributes:
        code: The `code` of an error frame, such as `"reply_failed"`; of a close, its number (RFC
            6455, section 7.4).
        detail: What the chat says about it.
    """

    def __init__(self, code: str | int, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Chat:
    """One open connection to a chat. `connect` makes it.

    Attributes:
        timeout: Seconds that an answer, or a piece of one, may take; it may be changed.
        welcome: The first frame of `echochat.v1`; `None` in the plain protocol, which has none.
    """

    def __init__(self, session: "WebSocketTestSession", *, plain: bool, timeout: float) -> None:
        self._session = session
        self._plain = plain
        self.timeout = timeout
        self._sent = 0
        self._receiving: Future[Any] | None = None
        self.welcome: dict[str, Any] | None = None if plain else self.receive()

    def send(self, text: str) -> str:
        """Send a message, and return the `id` that it has."""
        self._sent += 1
        if self._plain:
            self._session.send_text(text)
        else:
            self.send_frame({"type": "message", "id": str(self._sent), "text": text})
        return str(self._sent)

    def send_frame(self, frame: Mapping[str, Any]) -> None:
        """Send a frame of `echochat.v1`, such as `{"type": "ping"}`, or one that is none."""
        self._session.send_text(json.dumps(frame))

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
        # What was not received in time may still come, and the next to wait gets it.
        if self._receiving is None:
            self._receiving = _in_thread(self._session.receive)
        if not wait([self._receiving], max(seconds, 0)).done:
            raise _in_vain(self.timeout, what)
        received, self._receiving = self._receiving, None
        event = received.result()
        if event["type"] == "websocket.close":
            raise ChatError(event.get("code", 1000), event.get("reason") or "")
        return event["text"] if self._plain else json.loads(event["text"])


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
    path, mark, query = url.partition("?")
    address = f"{path.rstrip('/')}/{ENDPOINT}{mark}{query}"
    session = client.websocket_connect(
        address, None if protocol == "plain" else [ECHOCHAT_V1], headers=dict(headers or {})
    )
    endpoint = session.app = _Endpoint(session.app)
    entering = _in_thread(lambda: _enter(session))
    if not wait([entering], timeout).done:
        endpoint.cancel(session)
        raise _in_vain(timeout, f"the handshake with {address}")
    entering.result()
    try:
        yield Chat(session, plain=protocol == "plain", timeout=timeout)
    except BaseException:
        # What went wrong first is what the test should say.
        with contextlib.suppress(NoAnswerError):
            _leave(session, address, timeout)
        raise
    _leave(session, address, timeout)


class _Endpoint:
    """The application of one session: it can be cancelled, and never ends without a word.

    Starlette's session waits for the application's next event however long that takes, and has no
    other way to be told that there is none.
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Any]) -> None:
        self._app = app
        self._scope: CancelScope | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with CancelScope() as self._scope:
            await self._app(scope, receive, send)
        reason = "the endpoint ended without a close"
        await send({"type": "websocket.close", "code": 1006, "reason": reason})

    def cancel(self, session: "WebSocketTestSession") -> None:
        if self._scope is not None:
            session.portal.start_task_soon(self._scope.cancel)


def _enter(session: "WebSocketTestSession") -> None:
    from starlette.testclient import WebSocketDenialResponse  # noqa: PLC0415 - see above

    try:
        session.__enter__()
    except WebSocketDenialResponse:
        raise
    except WebSocketDisconnect as exc:
        # A close before the handshake's end is a 403 (ASGI specification, "Close - send event").
        reason = exc.reason or "the handshake was refused"
        raise WebSocketDenialResponse(status_code=403, content=reason.encode()) from None


def _leave(session: "WebSocketTestSession", address: str, timeout: float) -> None:
    leaving = _in_thread(lambda: session.__exit__(None, None, None))
    if not wait([leaving], timeout).done:
        raise _in_vain(timeout, f"the end of {address}, which goes on without its client")
    leaving.result()


def _in_thread(function: Callable[[], Result]) -> "Future[Result]":
    """Call a function in a thread that holds up nobody, in the caller's context."""
    future: Future[Result] = Future()
    context = copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(function))
        except BaseException as exc:
            future.set_exception(exc)

    threading.Thread(target=run, daemon=True).start()
    return future


def _in_vain(seconds: float, what: str) -> NoAnswerError:
    return NoAnswerError(f"waited {seconds} s in vain for {what}")
