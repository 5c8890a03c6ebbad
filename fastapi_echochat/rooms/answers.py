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
from .questions import Questions
from .room_answer import RoomAnswer
from .signals import Waiting
from .stores.contract import Entry, Rooms, RoomsUnavailableError

logger = logging.getLogger("fastapi_echochat")

# How long a process keeps others from answering after it died: they take up its answers then.
_LEASE_SECONDS = 6.0
_RENEW_SECONDS = _LEASE_SECONDS / 3
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
        askers: Know with what each message is answered.
        channel: Tells the room's processes something.
        rested: Called when there is nothing more to answer here.
    """

    def __init__(
        self,
        room: str,
        store: Rooms,
        replier: Replier,
        limits: Limits,
        *,
        askers: Askers,
        channel: Channel,
        rested: Callable[[], None],
    ) -> None:
        self._room = room
        self._store = store
        self._replier = replier
        self._limits = limits
        self._askers = askers
        self._channel = channel
        self._rested = rested
        self._questions = Questions(limits.unanswered_messages)
        self._task: asyncio.Task[None] | None = None
        # While the history is looked through: what was answered meanwhile.
        self._resuming: asyncio.Task[None] | None = None
        self._answered: set[int] = set()
        self._news = asyncio.Event()
        self._current: RoomAnswer | None = None
        self._stopped: dict[asyncio.Task[str], str] = {}
        self._is_attended = False
        self._leaving: asyncio.TimerHandle | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether an answer is under way here, or the room is looked through for questions."""
        return self._task is not None or self._resuming is not None

    def is_open(self, position: int) -> bool:
        """Tell whether the message at a position waits for its answer, or for the end of it."""
        return position in self._questions

    async def wait_for_place(self, key: str) -> None:
        """Wait until an author has few enough messages without an answer to send one more."""
        while self._questions.count(key) >= self._limits.unanswered_messages:
            self._news.clear()
            await self._news.wait()

    def resume(self, until: int) -> None:
        """Take up what has no answer in the history up to a position, where it is not too old."""
        self._resuming = asyncio.create_task(self._resume(until))

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

    def forget_old(self) -> None:
        """Let go of what is too old to be answered, and waits for its author to come back."""
        oldest = self._oldest()
        for entry in self._questions.waiting_since(oldest):
            if self._askers.find(entry) is None:
                self._let_go(entry.position)

    def stop(self, key: str, message_id: str) -> None:
        """Stop an answer, begun or not, for the author of the message."""
        if self._current is not None and self._current.is_to(key, message_id):
            self._current.decide("stopped")
        else:
            self._questions.stop(key, message_id)

    def attend(self, *, is_attended: bool) -> None:
        """Note whether anybody is there to hear; an answer goes on without for a while."""
        self._is_attended = is_attended
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if not is_attended and self._limits.unattended_seconds is not None:
            self._leaving = asyncio.get_running_loop().call_later(
                self._limits.unattended_seconds, self._end_unattended
            )

    async def restate(self) -> None:
        """Tell the room all there is so far of the answer under way."""
        if self._current is not None:
            await self._current.restate()

    async def close(self) -> None:
        """End: what is under way is left to the process that opens the room next."""
        self.attend(is_attended=True)
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

    def _candidates(self) -> Iterator[tuple[Entry, Asker]]:
        """Yield a message of each author whom one here may have answered, in their turns."""
        self.forget_old()
        stopped = Counter(self._stopped.values())
        for entry in self._questions.first_of_each():
            asker = self._askers.find(entry)
            if asker is not None and stopped[key_of(entry.author)] < _MOST_STOPPED:
                yield entry, asker

    def _let_go(self, position: int) -> None:
        """Note that a message is answered, or never will be."""
        entry = self._questions.remove(position)
        if entry is not None:
            self._askers.forget(key_of(entry.author), entry.id)
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
            if await self._hold(entry, _LEASE_SECONDS):
                # It is not given up after the answer: a process that has not seen that yet would
                # begin another. It ends by itself.
                if entry.position in self._questions:
                    await self._give_answer(entry, asker)
                return True
        if is_any:
            # Other processes are at it. Their answers are news; if they die, their leases end.
            if self._is_attended:
                await self._channel.tell(Waiting(process=self._channel.process))
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), _AGAIN_SECONDS)
        return is_any

    async def _hold(self, entry: Entry, seconds: float) -> bool:
        try:
            return await self._store.hold(
                self._room, entry.position, self._channel.process, seconds
            )
        except RoomsUnavailableError:
            return False

    # --- One answer ----------------------------------------------------------------------------

    async def _give_answer(self, entry: Entry, asker: Asker) -> None:
        if self._questions.is_stopped(entry):
            await self._keep(entry, "", "stopped")
            return
        current = self._current = RoomAnswer(self._room, entry, self._channel)
        renewing = asyncio.create_task(self._renew(entry))
        timer = None
        if self._limits.reply_seconds is not None:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(self._limits.reply_seconds, self._end_overdue, current)
        try:
            text, outcome = await current.write(self._replier, asker)
            self._leave_behind(current)
            await self._keep(entry, text, outcome)
        except asyncio.CancelledError:
            # Of a room that is closed: another process answers, at once.
            current.decide("stopped")
            await self._hold(entry, 0)
            raise
        finally:
            self._current = None
            renewing.cancel()
            if timer is not None:
                timer.cancel()

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

    async def _renew(self, entry: Entry) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            await self._hold(entry, _LEASE_SECONDS)

    # --- Answers that are ended from outside -----------------------------------------------------

    def _leave_behind(self, answer: RoomAnswer) -> None:
        """Let a function go on that was cancelled and does not end: nothing waits for it."""
        if answer.task is not None and not answer.task.done():
            self._stopped[answer.task] = key_of(answer.entry.author)
            answer.task.add_done_callback(self._forget_stopped)

    def _forget_stopped(self, task: "asyncio.Task[str]") -> None:
        self._stopped.pop(task, None)
        self.look()

    def _end_overdue(self, answer: RoomAnswer) -> None:
        seconds = self._limits.reply_seconds
        logger.warning("room %r: ended an answer that took longer than %s s", self._room, seconds)
        answer.decide("failed")

    def _end_unattended(self) -> None:
        seconds = self._limits.unattended_seconds
        if self._current is not None:
            logger.warning(
                "room %r: ended an answer: nobody was there for %s s", self._room, seconds
            )
            self._current.decide("stopped")
        for entry in self._questions.clear():
            self._askers.forget(key_of(entry.author), entry.id)
