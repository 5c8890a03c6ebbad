"""What the reply function says into a room: to every message once, in turn."""

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta, timezone

from ..limits import Limits
from ..protocol.messages import Message
from ..replies import Replier, Values, check_piece
from .stores.contract import Entry, Outcome, Rooms, RoomsUnavailableError

logger = logging.getLogger("fastapi_echochat")

# How long a process keeps others from answering after it died: they take up its answers then.
_LEASE_SECONDS = 6.0
_RENEW_SECONDS = _LEASE_SECONDS / 3
# How soon what could not be done is tried again, where nothing happens before.
_AGAIN_SECONDS = 1.0
# Of stops that come before the message they are about.
_REMEMBERED_STOPS = 32

Signal = Callable[..., Awaitable[None]]
"""Tells the room of something that its log does not keep, in all processes."""


class Answering:
    """The reply function in one room.

    It answers what the log has no answer to, oldest first, and its answers go into the log: so
    they do not depend on a connection, and whoever opens the room after a process died goes on
    where it was. A lease for each message sees to it that of several processes one answers.

    Args:
        room: The room's name.
        rooms: Has its log.
        replier: Calls the reply function.
        limits: Its bounds.
        values_for: Returns what the function's dependencies gave for the sender of a message,
            `None` where the sender is not here.
        signal: Tells the room of a piece of an answer, and that somebody waits for one.
        rested: Called when there is nothing more to answer here.
    """

    def __init__(
        self,
        room: str,
        rooms: Rooms,
        replier: Replier,
        limits: Limits,
        *,
        values_for: Callable[[Entry], Values | None],
        signal: Signal,
        rested: Callable[[], None],
    ) -> None:
        self._room = room
        self._rooms = rooms
        self._replier = replier
        self._limits = limits
        self._values_for = values_for
        self._signal = signal
        self._rested = rested
        self._holder = secrets.token_hex(8)
        self._open: dict[str, Entry] = {}
        self._stops: deque[tuple[str, str | None]] = deque(maxlen=_REMEMBERED_STOPS)
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._current: str | None = None
        self._composing: asyncio.Task[None] | None = None
        self._pieces: list[str] = []
        self._outcome: Outcome | None = None
        self._leaving: asyncio.TimerHandle | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether an answer is under way here."""
        return self._task is not None

    def waits(self, message_id: str) -> bool:
        """Tell whether a message waits for its answer, or for the end of it."""
        return message_id in self._open

    def resume(self, entries: Iterable[Entry]) -> None:
        """Take up what is unanswered in the newest part of a log, where it is not too old."""
        oldest = datetime.now(timezone.utc) - timedelta(seconds=self._limits.resume_seconds)
        for entry in entries:
            if entry.kind == "answer" or entry.sent_at >= oldest:
                self.see(entry)

    def see(self, entry: Entry) -> None:
        """Take note of what was said."""
        if entry.kind == "message":
            self._open[entry.id] = entry
        elif entry.kind == "answer":
            self._open.pop(entry.id, None)
        self.look()

    def look(self) -> None:
        """Begin to answer, if there is anything to answer that was not, or could not be."""
        self._news.set()
        if self._task is None and self._next() is not None:
            self._task = asyncio.ensure_future(self._run())

    def stop(self, message_id: str, author: str | None) -> None:
        """Stop an answer, begun or not, for the one who said the message."""
        entry = self._open.get(message_id)
        if message_id == self._current and entry is not None and entry.author == author:
            self._end("stopped")
        else:
            self._stops.append((message_id, author))

    def attend(self, *, is_attended: bool) -> None:
        """Take note of whether anybody is there to hear; an answer goes on without for a while."""
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if not is_attended and self._limits.unattended_seconds is not None:
            self._leaving = asyncio.get_running_loop().call_later(
                self._limits.unattended_seconds, self._end_unattended
            )

    async def restate(self) -> None:
        """Tell the room all there is so far of the answer under way."""
        if self._current is not None and self._pieces:
            await self._draft(self._current, "".join(self._pieces), is_whole=True)

    async def close(self) -> None:
        """End: what is under way is left to whoever opens the room next."""
        self.attend(is_attended=True)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _next(self) -> tuple[Entry, Values] | None:
        for entry in self._open.values():
            values = self._values_for(entry)
            if values is not None:
                return entry, values
        return None

    async def _run(self) -> None:
        try:
            while (question := self._next()) is not None:
                entry, values = question
                self._news.clear()
                if await self._hold(entry, _LEASE_SECONDS):
                    # It is not given up after the answer: who has not seen that yet would begin
                    # another. It ends by itself.
                    if entry.id in self._open:
                        await self._answer(entry, values)
                else:
                    # Another process is at it. Its answer is news; if it dies, its lease ends.
                    await self._signal(kind="waiting")
                    with contextlib.suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(self._news.wait(), _AGAIN_SECONDS)
        finally:
            self._task = None
            self._rested()

    async def _hold(self, entry: Entry, seconds: float) -> bool:
        try:
            return await self._rooms.hold(f"{self._room} {entry.id}", self._holder, seconds)
        except RoomsUnavailableError:
            return False

    async def _answer(self, entry: Entry, values: Values) -> None:
        loop = asyncio.get_running_loop()
        message = Message(entry.id, entry.text, entry.author, entry.sent_at, self._room)
        self._current = entry.id
        self._outcome = None
        self._pieces = []
        renewing = asyncio.ensure_future(self._renew(entry))
        overdue = None
        if self._limits.reply_seconds is not None:
            overdue = loop.call_later(self._limits.reply_seconds, self._end_overdue)
        self._composing = asyncio.ensure_future(self._compose(message, values))
        if (entry.id, entry.author) in self._stops:
            self._end("stopped")
        try:
            await asyncio.wait([self._composing])
            await self._keep(entry, self._judge(self._composing))
        except asyncio.CancelledError:
            # Of a room that is closed: another process answers, at once.
            await self._hold(entry, 0)
            raise
        finally:
            self._current = None
            renewing.cancel()
            if overdue is not None:
                overdue.cancel()
            self._composing.cancel()

    async def _draft(self, message_id: str, text: str, *, is_whole: bool) -> None:
        number = len(self._pieces)
        await self._signal(kind="draft", id=message_id, number=number, text=text, is_whole=is_whole)

    async def _compose(self, message: Message, values: Values) -> None:
        if self._replier.streams:
            async with contextlib.aclosing(self._replier.stream(message, values)) as pieces:
                async for piece in pieces:
                    text = check_piece(piece)
                    self._pieces.append(text)
                    await self._draft(message.id, text, is_whole=False)
                    # A function that waits for nothing lets those who listen have their turn.
                    await asyncio.sleep(0)
        elif self._replier.at_once is not None:
            self._pieces.append(self._replier.at_once(message.text))
        else:
            self._pieces.append(await self._replier.reply(message, values))

    def _judge(self, composing: "asyncio.Task[None]") -> Outcome:
        if composing.cancelled():
            # Where nobody ended it, the function has cancelled itself.
            return self._outcome or "failed"
        exc = composing.exception()
        if exc is None:
            return "done"
        logger.error("room %r: the reply function failed", self._room, exc_info=exc)
        return "failed"

    async def _keep(self, entry: Entry, outcome: Outcome) -> None:
        answer = Entry(
            kind="answer",
            id=entry.id,
            author=None,
            text="".join(self._pieces),
            sent_at=datetime.now(timezone.utc),
            outcome=outcome,
        )
        while True:
            try:
                await self._rooms.append(self._room, answer)
            except RoomsUnavailableError:
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                self._open.pop(entry.id, None)
                return

    async def _renew(self, entry: Entry) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            await self._hold(entry, _LEASE_SECONDS)

    def _end(self, outcome: Outcome) -> None:
        if self._composing is not None and self._current is not None and self._outcome is None:
            self._outcome = outcome
            self._composing.cancel()

    def _end_overdue(self) -> None:
        seconds = self._limits.reply_seconds
        logger.warning("room %r: ended an answer that took longer than %s s", self._room, seconds)
        self._end("failed")

    def _end_unattended(self) -> None:
        seconds = self._limits.unattended_seconds
        if self._current is not None:
            logger.warning(
                "room %r: ended an answer: nobody was there for %s s", self._room, seconds
            )
        self._open.clear()
        self._end("stopped")
