"""The conversation of one WebSocket, from its first frame to its close."""

import asyncio
import contextlib
import logging
from typing import NamedTuple

from fastapi import WebSocket

from .limits import Limits
from .protocol.messages import UNSUPPORTED_DATA, Close, Dialect, Message, Ping, Problem, Stop
from .rate import Rate
from .replies import Replier, Values, check_piece
from .sender import ENDED, EndedError, Sender
from .watchdog import Lookout

logger = logging.getLogger("fastapi_echochat")


class _Turn(NamedTuple):
    """A message that waits for its answer, and when its turn is, by the loop's clock."""

    message: Message
    due: float


class Connection:
    """One connection that talks with the reply function, in order, one answer at a time.

    A task of its own reads. What a reply function takes time for is answered in a task beside it,
    so that a ping is answered, an answer can be stopped and a client that leaves is noticed
    meanwhile. Both send directly: a client that reads slowly slows its own sender down, and
    nothing is kept for it beyond `Limits.waiting_messages`.

    Args:
        websocket: Accepted, with the subprotocol of the dialect.
        dialect: The protocol that it speaks.
        replier: Calls the reply function.
        values: What the reply function's dependencies gave for this connection.
        author: The name that a dependency gave for whoever speaks.
        limits: Its bounds.
        lookout: Looks after its client.
        name: Names the connection in the log.
    """

    __slots__ = (
        "_answering", "_author", "_current", "_dialect", "_ended", "_is_begun", "_is_over",
        "_is_stalled", "_limits", "_lookout", "_name", "_rate", "_reading", "_replier", "_room",
        "_sender", "_values", "_waiting", "_websocket",
    )  # fmt: skip

    def __init__(
        self,
        websocket: WebSocket,
        *,
        dialect: Dialect,
        replier: Replier,
        values: Values,
        author: str | None,
        limits: Limits,
        lookout: Lookout,
        name: str,
    ) -> None:
        self._websocket = websocket
        self._author = author
        self._sender = Sender(websocket.send)
        self._lookout = lookout
        self._dialect = dialect
        self._replier = replier
        self._values = values
        self._limits = limits
        self._name = name
        self._rate = (
            limits.messages_per_second and Rate(limits.messages_per_second, limits.burst)
        ) or None
        self._reading: asyncio.Task[None] | None = None
        # A list, though it is taken from in front: it is short, and an idle connection's is empty.
        self._waiting: list[_Turn] = []
        self._room: asyncio.Future[None] | None = None
        self._answering: asyncio.Task[None] | None = None
        self._current: str | None = None
        self._is_begun = False
        self._ended: Problem | None = None
        self._is_over = False
        self._is_stalled = False

    def begin(self) -> "asyncio.Task[None]":
        """Serve until either side ends; nothing that a client does makes the task raise."""
        # A task of its own: each time a coroutine is resumed the whole chain of awaits above it
        # is walked, and under a FastAPI endpoint that chain is long.
        self._reading = asyncio.create_task(self._read())
        return self._reading

    async def _read(self) -> None:
        sender, rate, at_once = self._sender, self._rate, self._replier.at_once
        receive, send, answer = self._websocket.receive, sender.pass_on, self._dialect.answer
        self._lookout.add(sender, self._end)
        try:
            await self._greet()
            while not self._is_over:
                event = await receive()
                text = event.get("text")
                frame = None
                if text is not None and at_once is not None:
                    frame = answer(text, at_once)
                if frame is not None and (rate is None or self._is_due(rate)):
                    # Answered in the turn that reads it, an echo costs what its frames do: no
                    # message is made, no task and no queue. `Sender.send` would be a coroutine
                    # more, 0.2 of the 7 microseconds that it takes.
                    sender.under_way += 1
                    try:
                        await send({"type": "websocket.send", "text": frame})
                    except ENDED:
                        return
                    sender.under_way -= 1
                    sender.has_moved = True
                elif event["type"] == "websocket.disconnect":
                    return
                else:
                    await self._take(text)
        except EndedError:
            return
        except asyncio.CancelledError:
            if not self._is_stalled:
                raise
            logger.info(
                "%s: ended, its client has read nothing for %s s",
                self._name,
                self._limits.send_seconds,
            )
        finally:
            self._lookout.remove(sender)
            self._is_over = True
            self._waiting.clear()
            if self._answering is not None:
                self._answering.cancel()
                await asyncio.wait([self._answering])

    async def _greet(self) -> None:
        welcome = self._dialect.welcome(self._author)
        if welcome is not None:
            await self._sender.send(welcome)

    def _is_due(self, rate: Rate) -> bool:
        """Count a message whose turn is now; one that has to wait, or others before it, is not."""
        return self._answering is None and rate.admit_at_once(asyncio.get_running_loop().time())

    async def _take(self, frame: str | None) -> None:
        if frame is None:
            await self._sender.close(Close(UNSUPPORTED_DATA, "binary frames are not understood"))
            return
        said = self._dialect.read(frame)
        if isinstance(said, Message):
            await self._queue(said)
        elif isinstance(said, Ping):
            await self._sender.send(self._dialect.pong())
        elif isinstance(said, Stop):
            await self._stop(said.id)
        elif isinstance(said, Problem):
            await self._tell(said)
        else:
            await self._tell(Problem("bad_frame", "this chat has no rooms"))

    # --- Answers that take their time --------------------------------------------------------

    async def _queue(self, message: Message) -> None:
        if message.id == self._current or any(
            message.id == waiting.message.id for waiting in self._waiting
        ):
            return  # Sent twice; it has one answer.
        now = asyncio.get_running_loop().time()
        due = now if self._rate is None else self._rate.admit(now)
        self._waiting.append(_Turn(message, due))
        if self._answering is None:
            self._begin()
        if len(self._waiting) >= self._limits.waiting_messages:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def _begin(self) -> None:
        """Begin the next answer, if there is one."""
        self._answering = self._current = self._ended = None
        self._is_begun = False
        if self._waiting:
            turn = self._waiting.pop(0)
            self._current = turn.message.id
            self._answering = asyncio.ensure_future(self._answer(turn))
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    async def _answer(self, turn: _Turn) -> None:
        loop = asyncio.get_running_loop()
        overdue = None
        self._is_begun = True
        try:
            if self._ended is not None:
                await self._tell(self._ended)
                return
            seconds = turn.due - loop.time()
            if seconds > 0:
                await self._slow_down(seconds)
            if self._limits.reply_seconds is not None:
                overdue = loop.call_later(self._limits.reply_seconds, self._end_overdue_answer)
            await self._speak(turn.message)
        except EndedError:
            self._is_over = True
            self._waiting.clear()
        except asyncio.CancelledError:
            if self._is_over:
                raise
            with contextlib.suppress(EndedError):
                # Where nobody ended the answer, the function has cancelled itself.
                await self._tell(self._ended or self._failed(turn.message))
        finally:
            if overdue is not None:
                overdue.cancel()
            self._begin()

    async def _slow_down(self, seconds: float) -> None:
        frame = self._dialect.slowed(seconds)
        if frame is not None:
            await self._sender.send(frame)
        await asyncio.sleep(seconds)

    async def _speak(self, message: Message) -> None:
        try:
            if self._replier.streams:
                await self._stream(message)
                frame = self._dialect.piece(message.id, "", done=True)
            elif self._replier.at_once is not None:
                frame = self._dialect.reply(message.id, self._replier.at_once(message.text))
            else:
                text = await self._replier.reply(message, self._values)
                frame = self._dialect.reply(message.id, text)
        except EndedError:
            raise
        except Exception:
            await self._tell(self._failed(message))
        else:
            if frame is not None:
                await self._sender.send(frame)

    def _failed(self, message: Message) -> Problem:
        """Log what is being handled; the client is told no word of it."""
        logger.exception("%s: the reply function failed", self._name)
        return Problem("reply_failed", "the answer could not be made", message.id)

    async def _stream(self, message: Message) -> None:
        async with contextlib.aclosing(self._replier.stream(message, self._values)) as pieces:
            async for piece in pieces:
                frame = self._dialect.piece(message.id, check_piece(piece), done=False)
                if frame is not None:
                    await self._sender.send(frame)

    async def _stop(self, message_id: str) -> None:
        """Stop an answer, begun or not; one that is over, or of an unknown message, is over."""
        stopped = Problem("stopped", "the answer was stopped", message_id)
        if message_id == self._current:
            self._end_answer(stopped)
            return
        for turn in self._waiting:
            if turn.message.id == message_id:
                self._waiting.remove(turn)
                await self._tell(stopped)
                return

    def _end_overdue_answer(self) -> None:
        seconds = self._limits.reply_seconds
        logger.warning("%s: ended an answer that took longer than %s s", self._name, seconds)
        detail = f"the answer took longer than {seconds} s"
        self._end_answer(Problem("reply_failed", detail, self._current))

    def _end_answer(self, why: Problem) -> None:
        if self._answering is not None and self._ended is None:
            self._ended = why
            # A task that is cancelled before its first step would never take one.
            if self._is_begun:
                self._answering.cancel()

    async def _tell(self, problem: Problem) -> None:
        told = self._dialect.problem(problem)
        if isinstance(told, Close):
            await self._sender.close(told)
        else:
            await self._sender.send(told)

    def _end(self) -> None:
        """End the connection from outside its tasks: its client reads nothing."""
        self._is_stalled = True
        if self._reading is not None:
            self._reading.cancel()
