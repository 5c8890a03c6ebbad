"""One WebSocket, from accept to close."""

import asyncio
import contextlib
import contextvars
from collections.abc import Coroutine
from datetime import datetime, timezone
from time import monotonic
from typing import Any

from .client import Client
from .exchanges import Exchange
from .inbox import Inbox
from .limits import Limits
from .pace import Pace
from .protocol.frames import (
    ClientFrame,
    ErrorFrame,
    FeedbackFrame,
    MessageFrame,
    PingFrame,
    PongFrame,
    ServerFrame,
    SlowedFrame,
)
from .protocol.serializer import INTERNAL_ERROR, POLICY_VIOLATION, RESTART, UNSUPPORTED_DATA, Close
from .sender import EndedError, Sender
from .session_log import SessionLog
from .standby import running_standby
from .state import State
from .verdicts import Verdicts
from .watchdog import Watchdog

# How long the end of what a session still does is waited for. What goes on then, such as a reply
# function that is not to be cancelled, goes on without the session.
_ENDING_SECONDS = 1.0
_PONG = PongFrame()
# Looked up for each frame.
_OPEN, _UTC, _now = State.OPEN, timezone.utc, datetime.now


class Session:
    """Reads a client's frames, and has its messages processed in order, one at a time.

    The task that reads processes a message itself. If that takes longer than a moment, because of
    a reply function, a store or the client, another task goes on reading, so that a ping is
    answered, an answer can be stopped and a client that leaves is noticed; what it reads meanwhile
    waits in the inbox. So most messages cost neither a task nor a queue.

    A subclass says what processing is, and what other frames mean.

    Args:
        client: Its client.
        sender: Sends to the client.
        limits: Its bounds.
        watchdog: Notices if the client stops reading.

    Attributes:
        context: The context variables (`contextvars`) that it was begun in.
    """

    __slots__ = (
        "_current", "_ended", "_inbox", "_judge", "_limits", "_number", "_pace", "_reader",
        "_receive", "_sender", "_serializer", "_space", "_standby", "_state", "_verdicts",
        "_watchdog", "_worker", "context",
    )  # fmt: skip

    def __init__(self, client: Client, sender: Sender, limits: Limits, watchdog: Watchdog) -> None:
        self._receive = client.receive
        self._serializer = client.serializer
        self._number = client.number
        self._sender = sender
        self._limits = limits
        self._watchdog = watchdog
        self._standby = running_standby()
        self._inbox = Inbox(limits)
        self._judge = client.judge
        self._verdicts: Verdicts | None = None
        self._pace: Pace | None = None
        self.context = contextvars.copy_context()
        self._state = State.OPEN
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._space: asyncio.Future[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        # The task that processes a message, if one does: the reader itself, until it has to wait.
        self._worker: asyncio.Task[None] | None = None
        self._current: MessageFrame | None = None

    @property
    def log(self) -> SessionLog:
        """The package's logger, in this session's name."""
        return SessionLog(self._number)

    # --- For the endpoint ----------------------------------------------------------------------

    def start(self) -> "asyncio.Future[None]":
        """Begin to serve, and return what is done when either side has ended it.

        Nothing that a client does makes it raise.
        """
        self._watchdog.add(self._sender, self._give_up)
        # A task of its own: each time a coroutine is resumed the whole chain of awaits above it is
        # walked, and under a FastAPI endpoint that chain is long.
        self._reader = self.start_task(self._read(is_first=True))
        return self._ended

    async def announce_restart(self) -> None:
        """Close, unless that is done, or the client takes nothing: a close would wait too."""
        if self._state is State.OPEN and not self._sender.is_sending():
            with contextlib.suppress(EndedError):
                await self.close(RESTART)

    async def finish(self) -> None:
        """End whatever goes on for the client."""
        self._watchdog.remove(self._sender)
        self._standby.remove(self)
        if self._state is State.STALLED:
            self.log.info("ended: its client has read nothing for %s s", self._limits.send_seconds)
        self._state = State.OVER
        self._inbox.clear()
        if self._verdicts is not None:
            self._verdicts.finish()
        running = [task for task in self._tasks() if not task.done()]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=_ENDING_SECONDS)

    # --- For subclasses ------------------------------------------------------------------------

    async def greet(self) -> None:
        """Do what comes before the first frame is read."""

    async def process_message(self, frame: MessageFrame, received_at: datetime) -> None:
        """Do what a message asks for, which came at a time, in UTC."""
        raise AssertionError("every kind of session has its own")

    async def handle_frame(self, frame: ClientFrame) -> None:
        """Do what a frame asks for that is neither a message nor a ping."""
        raise AssertionError("every kind of session has its own")

    async def find_exchange(self, answer_id: str | int) -> Exchange | None:
        """Return a message and its answer, if the client may see one of this id."""
        raise AssertionError("every kind of session has its own")

    async def tell(self, frame: ServerFrame) -> None:
        """Send a frame, if the client's protocol has it.

        Raises:
            EndedError: The connection is over.
        """
        encoded = self._serializer.encode(frame)
        if isinstance(encoded, Close):
            await self.close(encoded)
        elif encoded is not None:
            await self._sender.send(encoded)

    async def close(self, close: Close) -> None:
        """Close the connection.

        Raises:
            EndedError: Always: now it is over.
        """
        self._state = State.CLOSED
        await self._sender.close(close)

    def start_next(self) -> None:
        """Have the next message of the inbox processed, if none is."""
        if self._worker is None and self._inbox:
            self._worker = self.start_task(self._work_in_task())

    def read_on(self) -> None:
        """Have another task read on, if the one that reads is processing a message."""
        if self._worker is not None and self._worker is self._reader and self._state is _OPEN:
            self._reader = self.start_task(self._read())

    def start_task(self, coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Return a new task, in the context that the session was begun in.

        What a reply function sets, such as the span of a trace, is not the next one's.
        """
        return self.context.run(asyncio.create_task, coroutine)

    def _tasks(self) -> "set[asyncio.Task[None]]":
        return {task for task in (self._reader, self._worker) if task is not None}

    # --- Reading and working ---------------------------------------------------------------------

    async def _read(self, *, is_first: bool = False) -> None:
        receive, read, inbox = self._receive, self._serializer.read, self._inbox
        standby, at_work = self._standby, self._standby.at_work
        try:
            if is_first:
                await self.greet()
            while self._state is _OPEN:
                event = await receive()
                text = event.get("text")
                if text is None:
                    if event["type"] == "websocket.disconnect":
                        break
                    await self.close(Close(UNSUPPORTED_DATA, "binary frames are not understood"))
                    break
                frame = read(text)
                if isinstance(frame, MessageFrame):
                    if self._worker is not None or not inbox.admit_at_once():
                        await self._queue_message(frame)
                        continue
                    worker = self._worker = self._reader
                    self._current = frame
                    at_work[self] = False
                    if standby.timer is None:
                        standby.start_timer()
                    await self.process_message(frame, _now(_UTC))
                    if self._worker is not worker:
                        return  # It was ended from outside, and another task goes on.
                    if self._reader is not worker:
                        await self._work()
                        return  # Another task reads on.
                    at_work.pop(self, None)
                    self._worker = self._current = None
                else:
                    await self._handle_other(frame)
        except EndedError:
            pass
        except Exception:
            await self._fail()
        self._end()

    async def _handle_other(self, frame: ClientFrame | ErrorFrame) -> None:
        if isinstance(frame, PingFrame):
            await self.tell(_PONG)
            return
        self._pace = self._pace or Pace(self._limits)
        if not await self._pace.wait_for_turn():
            self.log.info("closed: its client sends frames too fast")
            await self.close(Close(POLICY_VIOLATION, "too many frames"))
        if isinstance(frame, ErrorFrame):
            await self.tell(frame)
        elif isinstance(frame, FeedbackFrame):
            if self._verdicts is None:
                self._verdicts = Verdicts(self._judge, self._limits, self)
            await self._verdicts.add(frame)
        else:
            await self.handle_frame(frame)

    async def _queue_message(self, frame: MessageFrame) -> None:
        """Have a message wait for its turn; while too many do, no more is read."""
        if self._current is not None and self._current.id == frame.id:
            return  # Sent twice; it is processed once.
        if self._inbox.add(frame):
            self.start_next()
            while self._inbox.is_full and self._state is State.OPEN:
                self._space = asyncio.get_running_loop().create_future()
                await self._space

    async def _work_in_task(self) -> None:
        try:
            await self._work()
        except EndedError:
            self._end()
        except Exception:
            await self._fail()

    async def _work(self) -> None:
        """Process what waits in the inbox, unless another task does so by now."""
        worker, inbox, announced = self._worker, self._inbox, 0.0
        while (due := inbox.next_due()) is not None:
            if due and (seconds := round(due - monotonic(), 3)) > 0:
                # Not again where the timer was early: uvloop counts whole milliseconds.
                if due != announced:
                    announced = due
                    await self.tell(SlowedFrame(seconds=seconds))
                await asyncio.sleep(seconds)
                continue  # What was first may have been stopped meanwhile.
            self._current, received_at = inbox.take()
            if self._space is not None and not self._space.done():
                self._space.set_result(None)
            await self.process_message(self._current, received_at)
            if self._worker is not worker:
                return
        self._worker = self._current = None

    # --- The end -------------------------------------------------------------------------------

    async def _fail(self) -> None:
        """Log what is being handled, which is no fault of the client's, and close."""
        self.log.exception("ended by an error")
        with contextlib.suppress(EndedError):
            await self.close(Close(INTERNAL_ERROR, "an error in the server"))
        self._end()

    def _end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def _give_up(self) -> None:
        """End the session from outside its tasks: its client reads nothing."""
        self._state = State.STALLED
        self._end()
