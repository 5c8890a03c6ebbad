"""A session that talks with the reply function: the echo, and every bot without rooms."""

import asyncio
from datetime import datetime

from .answer import Answer, Outcome
from .client import Client
from .exchanges import Exchange, Exchanges
from .identity import Author
from .limits import Limits
from .protocol.frames import (
    ClientFrame,
    ErrorFrame,
    MessageFrame,
    StopFrame,
)
from .protocol.messages import Message
from .protocol.welcome import WelcomeFrame, WelcomeLimits, WelcomeYou
from .replies import Replier
from .sender import ENDED, EndedError, Sender
from .session import Session
from .watchdog import Watchdog

# Of stopped answers whose functions go on: a function that is not to be cancelled does so, and no
# client may have any number of them.
_MOST_STOPPED = 8


class Conversations:
    """Opens the conversations of a chat.

    Args:
        replier: Calls the reply function.
        limits: The bounds of each.
    """

    def __init__(self, replier: Replier, limits: Limits) -> None:
        self._replier = replier
        self._limits = limits

    def refusal(self, client: Client) -> str | None:
        """Return why there is nothing at a client's address: a conversation is at every one."""
        return None

    def open(self, client: Client, watchdog: Watchdog) -> Session:
        """Return a conversation with a client, not begun yet."""
        return Conversation(client, self._replier, self._limits, watchdog)

    async def close(self) -> None:
        """Do nothing: a conversation ends with its connection."""


class Conversation(Session):
    """One client and the reply function: each message has one answer, in order.

    Args:
        client: Its client.
        replier: Calls the reply function.
        limits: Its bounds.
        watchdog: Notices if the client stops reading.
    """

    __slots__ = ("_answer", "_author", "_call", "_exchanges", "_stopped", "_streams")

    def __init__(
        self, client: Client, replier: Replier, limits: Limits, watchdog: Watchdog
    ) -> None:
        super().__init__(client, Sender(client.send), limits, watchdog)
        self._author: Author | None = client.author
        self._call = replier.bind(client.values)
        self._streams = replier.streams
        self._answer: Answer | None = None
        # The plain protocol has no way to judge one.
        has_feedback = client.judge is not None and client.serializer.has_pieces
        self._exchanges = Exchanges() if has_feedback else None
        self._stopped: set[asyncio.Task[None]] | None = None

    async def greet(self) -> None:
        """Welcome the client."""
        author = self._author
        await self.tell(
            WelcomeFrame(
                limits=WelcomeLimits.of(self._limits, with_rooms=False),
                you=WelcomeYou(
                    id=None, name=None if author is None else author.name, is_guest=author is None
                ),
                room=None,
            )
        )

    async def process_message(self, frame: MessageFrame, received_at: datetime) -> None:
        """Answer a message."""
        message = Message(frame.id, frame.text, self._author, received_at)
        answer = self._answer = Answer(message, self._worker)
        if self._exchanges is not None:
            self._exchanges.begin()
        if self._limits.reply_seconds is not None:
            answer.timer = asyncio.get_running_loop().call_later(
                self._limits.reply_seconds, self._end_overdue, answer
            )
        if self._streams:
            emit = self._send_piece if self._serializer.has_pieces else None
            text = await answer.stream(self._call, emit)
        else:
            # Not through `Answer.run`, a coroutine more: a hundredth of an echo.
            try:
                text = answer.settle(await self._call(message))
            except (Exception, asyncio.CancelledError) as exc:
                text = answer.fail(exc)
        if self._answer is not answer:
            return  # The client was told already how it ended.
        self._answer = None
        if answer.outcome == "done":
            if self._exchanges is not None:
                self._exchanges.add_piece(text)
                self._exchanges.end(message)
            sender = self._sender
            sender.under_way += 1
            try:
                # Not through `Sender.send`, a coroutine more: a fiftieth of an echo.
                await sender.pass_on(
                    {
                        "type": "websocket.send",
                        "text": self._serializer.encode_reply(message.id, text, done=True),
                    }
                )
            except ENDED:
                raise EndedError from None
            finally:
                sender.under_way -= 1
                sender.has_moved = True
        else:
            self.log.error("the reply function failed", exc_info=answer.error)
            await self.tell(_failed(message.id, "the answer could not be made"))

    async def handle_frame(self, frame: ClientFrame) -> None:
        """Stop an answer; no other frame makes sense without rooms."""
        if isinstance(frame, StopFrame):
            await self._stop(frame.id)
        else:
            await self.tell(ErrorFrame(code="bad_frame", detail="this chat has no rooms"))

    async def find_exchange(self, answer_id: str | int) -> Exchange | None:
        """Return one of the last exchanges of this session: nothing else is kept here."""
        assert self._exchanges is not None
        return self._exchanges.find(answer_id) if isinstance(answer_id, str) else None

    async def finish(self) -> None:
        """End the answer under way, and those that were stopped and go on."""
        if self._answer is not None:
            self._answer.decide("stopped")
            self._answer = None
        await super().finish()

    def _tasks(self) -> "set[asyncio.Task[None]]":
        return super()._tasks() | (self._stopped or set())

    async def _send_piece(self, text: str) -> None:
        assert self._current is not None
        if self._exchanges is not None:
            self._exchanges.add_piece(text)
        await self._sender.send(self._serializer.encode_reply(self._current.id, text, done=False))

    # --- Answers that are ended from outside -----------------------------------------------------

    async def _stop(self, message_id: str) -> None:
        """End an answer, begun or not; of an unknown message there is none."""
        if self._answer is not None and self._answer.message.id == message_id:
            self._end_answer(self._answer, "stopped")
        elif not self._inbox.remove(message_id):
            return
        stopped = "the answer was stopped"
        await self.tell(ErrorFrame(code="stopped", detail=stopped, in_reply_to=message_id))
        if self._worker is None and self._has_too_many_stopped():
            self._worker = self.start_task(self._go_on())
        else:
            self.start_next()

    def _end_overdue(self, answer: Answer) -> None:
        if answer is not self._answer:
            return
        seconds = self._limits.reply_seconds
        self.log.warning("ended an answer that took longer than %s s", seconds)
        self._end_answer(answer, "failed")
        # A task, for it may have to wait for the client; it goes on with the next message then.
        error = _failed(answer.message.id, f"the answer took longer than {seconds} s")
        self._worker = self.start_task(self._tell_and_go_on(error))

    async def _tell_and_go_on(self, error: ErrorFrame) -> None:
        try:
            await self.tell(error)
        except EndedError:
            self._end()
        else:
            await self._go_on()

    async def _go_on(self) -> None:
        while self._has_too_many_stopped():
            await asyncio.wait(self._stopped or (), return_when=asyncio.FIRST_COMPLETED)
        self._worker = None
        self.start_next()

    def _has_too_many_stopped(self) -> bool:
        return self._stopped is not None and len(self._stopped) >= _MOST_STOPPED

    def _end_answer(self, answer: Answer, outcome: Outcome) -> None:
        """Let go of the answer under way: what its function still does is not waited for."""
        self.read_on()
        answer.decide(outcome)
        self._answer = self._current = self._worker = None
        task = answer.task
        if task is not None and not task.done():
            if self._stopped is None:
                self._stopped = set()
            self._stopped.add(task)
            task.add_done_callback(self._stopped.discard)


def _failed(message_id: str, detail: str) -> ErrorFrame:
    return ErrorFrame(code="reply_failed", detail=detail, in_reply_to=message_id)
