"""What the reply function says into a room: to every message once, in turn."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

from ..answer import Outcome
from ..identity import key_of
from ..limits import Limits
from ..replies import Replier
from .askers import Asker, Askers
from .channel import Channel
from .history import append_in_time, find_unanswered
from .lease import Lease
from .listeners import Listeners
from .presence import NOBODY
from .questions import Questions
from .room_answer import RoomAnswer
from .signals import Found, Here, Search, Stop, Waiting
from .stores.contract import Entry, Rooms

logger = logging.getLogger("fastapi_echochat")

# How soon what could not be done is tried again, where nothing happens before.
_AGAIN_SECONDS = 1.0
# Of stopped answers whose functions go on, how many one author may have.
_MOST_STOPPED = 8


class Answers:
    """The reply function in one room.

    It answers what the history has no answer to, and its answers go into the history: so they do
    not depend on a connection, and a process that opens the room after another died goes on where
    that was. A lease for each message sees to it that of several processes one answers.

    Args:
        room: The room's name.
        store: Has its history.
        replier: Calls the reply function.
        limits: Its bounds.
        channel: Tells the room's processes something.
        rested: Called when there is nothing more to answer here.

    Attributes:
        askers: Know with what each message is answered.
    """

    def __init__(
        self,
        room: str,
        store: Rooms,
        replier: Replier,
        limits: Limits,
        channel: Channel,
        rested: Callable[[], None],
    ) -> None:
        self._room = room
        self._store = store
        self._replier = replier
        self._limits = limits
        self._channel = channel
        self._rested = rested
        self.askers = Askers(None if replier.has_dependencies else replier.bind({}), channel)
        self._listeners = Listeners(limits.unattended_seconds, self._end_unattended)
        self._questions = Questions(limits.unanswered_messages, limits.waiting_bytes)
        self._task: asyncio.Task[None] | None = None
        # While the history is looked through: what was answered meanwhile.
        self._resuming: asyncio.Task[None] | None = None
        self._answered: set[int] = set()
        self._news = asyncio.Event()
        self._current: RoomAnswer | None = None
        self._stopped: dict[asyncio.Task[str], str] = {}

    @property
    def is_at_work(self) -> bool:
        """Whether an answer is under way here, or the room is looked through for questions."""
        return self._task is not None or self._resuming is not None

    def is_open(self, position: int) -> bool:
        """Tell whether the message at a position waits for its answer, or for the end of it."""
        return position in self._questions

    # --- Who asks ------------------------------------------------------------------------------

    def join(self, key: str, asker: Asker) -> None:
        """Note that a session of an identity is here."""
        self._forget_old()  # What its author has come back too late for.
        self.askers.add(key, asker)
        self._listeners.note(is_any=True)
        self.look()

    def leave(self, key: str, asker: Asker, *, is_last: bool) -> None:
        """Note that a session has left, and whether nobody else is here."""
        self.askers.remove(key, asker)
        if is_last:
            self._listeners.note(is_any=False)

    async def ask(self, entry: Entry, asker: Asker) -> None:
        """Wait until an author may send a message; it is answered with what its session has."""
        key = key_of(entry.author)
        while self._questions.is_full(key):
            self._news.clear()
            await self._news.wait()
        self.askers.ask(key, entry.id, asker)

    def hear(self, signal: Stop | Search | Found | Here | Waiting) -> None:
        """Note what a process tells, which may be this one."""
        if isinstance(signal, Stop):
            self.stop(signal.author, signal.id)
        elif isinstance(signal, Search | Found):
            self.askers.hear(signal)
        elif isinstance(signal, Here) and signal.present == NOBODY:
            self.askers.search_again()
            self.look()
        elif signal.process != self._channel.process:
            # Who is there in another process is there for as long as one who just left.
            self._listeners.note(is_any=self._listeners.is_any)

    # --- What is asked -------------------------------------------------------------------------

    def resume(self, until: int) -> None:
        """Take up what has no answer in the history up to a position, where it is not too old."""
        self._resuming = asyncio.create_task(self._resume(until))
        # Who opened the room may have left by now.
        self._listeners.note(is_any=False)

    def expect(self, entry: Entry) -> None:
        """Note that a message is kept, which will come from the history."""
        self._questions.expect(entry)

    def see(self, entry: Entry) -> None:
        """Note a new entry of the history."""
        self._questions.arrive(entry.position)
        if entry.kind == "message":
            self._questions.add(entry)
        elif entry.in_reply_to is not None:
            self._let_go(entry.in_reply_to)
            if self._resuming is not None:
                self._answered.add(entry.in_reply_to)
        self.look()

    def look(self) -> None:
        """Begin to answer, if there is anything to answer that was not, or could not be."""
        self._news.set()
        if self._task is None and self._resuming is None and any(self._candidates()):
            self._task = asyncio.create_task(self._run())

    def stop(self, key: str, message_id: str) -> None:
        """Stop an answer, begun or not, for the author of the message."""
        if self._current is not None and self._current.is_to(key, message_id):
            self._current.decide("stopped")
        else:
            self._questions.stop(key, message_id)

    async def restate(self) -> None:
        """Tell the room all there is so far of the answer under way."""
        if self._current is not None:
            await self._current.restate()

    async def close(self) -> None:
        """End: what is under way is left to the process that opens the room next."""
        self._listeners.close()
        running = [task for task in (self._task, self._resuming) if task is not None]
        for task in (*running, *self._stopped):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    # --- Whose turn it is ----------------------------------------------------------------------

    async def _resume(self, until: int) -> None:
        try:
            entries = await find_unanswered(self._store, self._room, until, self._oldest())
        finally:
            self._resuming = None
        self._questions.add_earlier(
            entry for entry in reversed(entries) if entry.position not in self._answered
        )
        self._answered.clear()
        self.look()
        if self._task is None:
            self._rested()

    def _oldest(self) -> datetime:
        return datetime.now(timezone.utc) - timedelta(seconds=self._limits.resume_seconds)

    def _candidates(self) -> Iterator[tuple[Entry, Asker | None]]:
        """Yield a message of each author that may be answered here, in their turns.

        `None` with it means that it is not yet known whether here or where its author is.
        """
        self._forget_old()
        stopped = Counter(self._stopped.values())
        for entry in self._questions.first_of_each():
            key = key_of(entry.author)
            asker = self.askers.find(entry, self._questions.newest(key))
            is_awaited = asker is None and self.askers.need_authors
            if not is_awaited and stopped[key] < _MOST_STOPPED:
                yield entry, asker

    def _forget_old(self) -> None:
        """Let go of what is too old to be answered, and waits for its author to come back."""
        if self.askers.need_authors:
            for entry in self._questions.waiting_since(self._oldest()):
                if self.askers.find(entry, 0) is None:
                    self._let_go(entry.position)

    def _let_go(self, position: int) -> None:
        """Note that a message is answered, or never will be."""
        entry = self._questions.remove(position)
        if entry is not None:
            key = key_of(entry.author)
            self.askers.forget(key, entry.id, is_last=not self._questions.newest(key))
            self._news.set()

    async def _run(self) -> None:
        try:
            while await self._answer_next():
                pass
        finally:
            self._task = None
            self._rested()

    async def _answer_next(self) -> bool:
        """Answer a message, or wait while others do, and tell whether there was one to answer."""
        self._news.clear()
        is_any = False
        for entry, asker in self._candidates():
            is_any = True
            lease = Lease(self._store, self._room, entry.position, self._channel.process)
            if asker is not None and await lease.take():
                # It is not given up after the answer: a process that has not seen that yet would
                # begin another. It ends by itself.
                if entry.position in self._questions:
                    await self._give_answer(entry, asker, lease)
                return True
        if is_any:
            # Other processes are at it. Their answers are news; if they die, their leases end.
            if self._listeners.is_any:
                await self._channel.tell(Waiting(process=self._channel.process))
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), _AGAIN_SECONDS)
        return is_any

    # --- One answer ----------------------------------------------------------------------------

    async def _give_answer(self, entry: Entry, asker: Asker, lease: Lease) -> None:
        if self._questions.is_stopped(entry):
            await self._keep(entry, "", "stopped")
            return
        current = self._current = RoomAnswer(self._room, entry, self._channel)
        try:
            async with lease.renewed():
                written = await current.write(self._replier, asker, self._limits.reply_seconds)
                self._leave_behind(current)
                await self._keep(entry, *written)
        except asyncio.CancelledError:
            # Of a room that is closed: another process answers, at once.
            current.decide("stopped")
            await lease.give_up()
            raise
        finally:
            self._current = None

    async def _keep(self, entry: Entry, text: str, outcome: Outcome) -> None:
        answer = Entry(
            kind="answer",
            id=str(entry.position),
            author=None,
            text=text,
            sent_at=datetime.now(timezone.utc),
            outcome=outcome,
        )
        await append_in_time(self._store, self._room, answer)
        self._let_go(entry.position)

    # --- Answers that are ended from outside -----------------------------------------------------

    def _leave_behind(self, answer: RoomAnswer) -> None:
        """Let a function go on that was cancelled and does not end: nothing waits for it."""
        if answer.task is not None and not answer.task.done():
            self._stopped[answer.task] = key_of(answer.entry.author)
            answer.task.add_done_callback(self._forget_stopped)

    def _forget_stopped(self, task: "asyncio.Task[str]") -> None:
        self._stopped.pop(task, None)
        self.look()

    def _end_unattended(self) -> None:
        seconds = self._limits.unattended_seconds
        if self._current is not None:
            logger.warning(
                "room %r: ended an answer: nobody was there for %s s", self._room, seconds
            )
            self._current.decide("stopped")
        for position in self._questions:
            self._let_go(position)
