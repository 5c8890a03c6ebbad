"""The conversation of one WebSocket, from its first frame to its close."""

import asyncio
import contextlib
import logging

from fastapi import WebSocket, WebSocketDisconnect

from .limits import Limits
from .protocol import UNSUPPORTED_DATA, Close, Dialect, Message, Ping, Problem
from .replies import Replier

logger = logging.getLogger("fastapi_echochat")


class _EndedError(Exception):
    """The connection is over: there is nobody to speak to."""


class Connection:
    """One connection that talks with the reply function, in order, one answer at a time.

    A task of its own reads. What a reply function takes time for is answered in a second task,
    so that a ping is answered and a client that leaves is noticed meanwhile. Both send directly:
    a client that reads slowly slows its own sender down, and nothing is kept for it beyond
    `Limits.waiting_messages`.

    Args:
        websocket: Accepted, with the subprotocol of the dialect.
        dialect: The protocol that it speaks.
        replier: Calls the reply function.
        limits: Its bounds.
        name: Names the connection in the log.
    """

    __slots__ = (
        "_answering", "_dialect", "_limits", "_name", "_reading", "_replier", "_room", "_sending",
        "_sent", "_sent_before", "_stalled", "_timer", "_waiting", "_websocket",
    )  # fmt: skip

    def __init__(
        self, websocket: WebSocket, dialect: Dialect, replier: Replier, limits: Limits, name: str
    ) -> None:
        self._websocket = websocket
        self._dialect = dialect
        self._replier = replier
        self._limits = limits
        self._name = name
        # A list, though it is taken from in front: it is short, and an idle connection's is empty.
        self._waiting: list[Message] = []
        self._room: asyncio.Future[None] | None = None
        self._answering: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._sending = 0
        self._sent = 0
        self._sent_before = -1
        self._timer: asyncio.TimerHandle | None = None
        self._stalled = False

    async def run(self) -> None:
        """Serve until either side ends; nothing that a client does makes it raise."""
        # A task of its own: each time a coroutine is resumed the whole chain of awaits above it
        # is walked, and under a FastAPI endpoint that chain is long.
        self._reading = asyncio.ensure_future(self._read())
        try:
            await self._reading
        finally:
            if self._timer is not None:
                self._timer.cancel()

    async def _read(self) -> None:
        try:
            welcome = self._dialect.welcome()
            if welcome is not None:
                await self._send(welcome)
            while True:
                event = await self._websocket.receive()
                if event["type"] == "websocket.disconnect":
                    return
                await self._take(event.get("text"))
        except _EndedError:
            return
        except asyncio.CancelledError:
            if not self._stalled:
                raise
            logger.info(
                "%s: ended, its client has read nothing for %s s",
                self._name,
                self._limits.send_seconds,
            )
        finally:
            await self._stop_answering()

    async def _take(self, frame: str | None) -> None:
        if frame is None:
            await self._close(Close(UNSUPPORTED_DATA, "binary frames are not understood"))
            return
        said = self._dialect.read(frame)
        if isinstance(said, Message):
            if self._replier.at_once is not None:
                answer = self._replier.at_once(said)
                await self._send(self._dialect.reply(said.id, answer))
            else:
                await self._wait_for_answer(said)
        elif isinstance(said, Ping):
            await self._send(self._dialect.pong())
        else:
            await self._tell(said)

    async def _wait_for_answer(self, message: Message) -> None:
        self._waiting.append(message)
        if self._answering is None:
            self._answering = asyncio.ensure_future(self._answer())
        if len(self._waiting) >= self._limits.waiting_messages:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    async def _answer(self) -> None:
        try:
            while self._waiting:
                message = self._waiting.pop(0)
                self._make_room()
                try:
                    text = await self._replier.reply(message)
                except Exception:
                    logger.exception("%s: the reply function failed", self._name)
                    await self._tell(
                        Problem("reply_failed", "the answer could not be made", message.id)
                    )
                else:
                    await self._send(self._dialect.reply(message.id, text))
        except _EndedError:
            # Whoever reads learns it too: the server says so, or the next send does.
            self._waiting.clear()
        finally:
            self._answering = None
            self._make_room()

    def _make_room(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    async def _stop_answering(self) -> None:
        if self._answering is not None:
            answering = self._answering
            answering.cancel()
            await asyncio.wait([answering])

    async def _tell(self, problem: Problem) -> None:
        told = self._dialect.problem(problem)
        if isinstance(told, Close):
            await self._close(told)
        else:
            await self._send(told)

    async def _close(self, close: Close) -> None:
        with contextlib.suppress(_EndedError):
            await self._pass_on(
                {"type": "websocket.close", "code": close.code, "reason": close.reason}
            )
        raise _EndedError

    async def _send(self, frame: str) -> None:
        await self._pass_on({"type": "websocket.send", "text": frame})

    async def _pass_on(self, event: dict[str, object]) -> None:
        if self._timer is None and self._limits.send_seconds is not None:
            self._look_again(self._limits.send_seconds)
        self._sending += 1
        try:
            await self._websocket.send(event)
        except (WebSocketDisconnect, OSError, RuntimeError):
            # Starlette and uvicorn have no common exception for "already closed": which one it
            # is depends on which side noticed it first (uvicorn 0.54 raises RuntimeError after
            # invalid UTF-8 or a missed ping).
            raise _EndedError from None
        finally:
            self._sending -= 1
            self._sent += 1

    def _look_again(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        # One lazy timer instead of a timeout around each send: it is set by the first send, and
        # lets itself go where it finds none under way.
        self._timer = None
        if not self._sending or self._reading is None or self._limits.send_seconds is None:
            return
        if self._sent == self._sent_before:
            self._stalled = True
            self._reading.cancel()
            return
        self._sent_before = self._sent
        self._look_again(self._limits.send_seconds)
