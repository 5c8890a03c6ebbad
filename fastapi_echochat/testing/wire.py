"""One WebSocket of Starlette's TestClient, with a timeout on every wait."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import CancelScope
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from ..urls import ENDPOINT

if TYPE_CHECKING:
    # Imported late where it runs: it needs httpx, which a host has where its tests are.
    from starlette.testclient import TestClient, WebSocketTestSession

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


class Wire:
    """An open WebSocket. `open_wire` makes it.

    Attributes:
        timeout: Seconds that a frame is waited for; it may be changed.
    """

    def __init__(self, session: "WebSocketTestSession", timeout: float) -> None:
        self._session = session
        self._receiving: Future[Any] | None = None
        self.timeout = timeout

    def send_text(self, text: str) -> None:
        """Send a text frame."""
        self._session.send_text(text)

    def send_frame(self, frame: Mapping[str, Any]) -> None:
        """Send a frame of `echochat.v1`."""
        self.send_text(json.dumps(frame))

    def receive_text(self, what: str, seconds: float) -> str:
        """Return the next text frame.

        Args:
            what: Names what the frame should be, for the error.
            seconds: How long it is waited for now.

        Raises:
            NoAnswerError: None came.
            ChatError: The chat closed the connection.
        """
        # What was not received in time may still come, and the next to wait gets it.
        if self._receiving is None:
            self._receiving = _in_thread(self._session.receive)
        if not wait([self._receiving], max(seconds, 0)).done:
            raise _in_vain(self.timeout, what)
        received, self._receiving = self._receiving, None
        event = received.result()
        if event["type"] == "websocket.close":
            raise ChatError(event.get("code", 1000), event.get("reason") or "")
        text: str = event["text"]
        return text

    def receive_frame(self, what: str, seconds: float) -> dict[str, Any]:
        """Return the next frame of `echochat.v1`; otherwise as `receive_text`."""
        frame: dict[str, Any] = json.loads(self.receive_text(what, seconds))
        return frame


@contextlib.contextmanager
def open_wire(
    client: "TestClient",
    url: str,
    *,
    subprotocols: list[str] | None,
    timeout: float,
    headers: Mapping[str, str] | None,
) -> Iterator[Wire]:
    """Connect to the endpoint of the page at an address, and leave it at the end of the block.

    Raises:
        NoAnswerError: The handshake or the end did not come within the timeout.
        WebSocketDenialResponse: The handshake was refused; Starlette's, with the `status_code`.
    """
    path, mark, query = url.partition("?")
    address = f"{path.rstrip('/')}/{ENDPOINT}{mark}{query}"
    session = client.websocket_connect(address, subprotocols, headers=dict(headers or {}))
    have_sends_noticed(session)
    endpoint = session.app = _Endpoint(session.app)
    entering = _in_thread(lambda: _enter(session))
    if not wait([entering], timeout).done:
        endpoint.cancel(session)
        raise _in_vain(timeout, f"the handshake with {address}")
    entering.result()
    try:
        yield Wire(session, timeout)
    except BaseException:
        # What went wrong first is what the test should say.
        with contextlib.suppress(NoAnswerError):
            _leave(session, address, timeout)
        raise
    _leave(session, address, timeout)


def have_sends_noticed(session: "WebSocketTestSession") -> None:
    """Have the application of a session notice each message that is sent to it.

    Starlette before 0.46 wakes it by the event that it waited for last, and one that is just about
    to wait makes another: the message is then not noticed before the next.
    """
    if not hasattr(session, "_receive_queue"):
        return  # Since 0.46 a stream carries them.
    send = session.send

    def wake() -> None:
        # In the application's thread, so it is the event that it waits for now.
        if hasattr(session, "_queue_event"):
            session._queue_event.set()

    def send_and_wake(message: Message) -> None:
        send(message)
        session.portal.start_task_soon(wake)

    session.send = send_and_wake  # type: ignore[method-assign]  # `connect` and `close` use it too


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
