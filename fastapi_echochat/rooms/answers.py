"""What the reply function says into a room: to every message once, in turn."""

import asyncio
import contextlib
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone

from ..answer import Answer, Outcome
from ..identity import key_of
from ..limits import Limits
from ..protocol.messages import Message
from ..replies import Replier
from .askers import Asker, Askers
from .history import read_unanswered
from .questions import Questions
from .signals import Piece, Signal, Waiting
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
        signal: Tells the room's processes something.
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
        signal: Callable[[Signal], Awaitable[None]],
        rested: Callable[[], None],
    ) -> None:
        self._room = room
        self._store = store
        self._replier = replier
        self._limits = limits
        self._askers = askers
        self._signal = signal
        self._rested = rested
        self._holder = secrets.token_hex(8)
        self._questions = Questions(limits.unanswered_messages)
        self._task: asyncio.Task[None] | None = None
        # While the history is looked through: what was answered meanwhile.
        self._resuming: asyncio.Task[None] | None = None
        self._answered: set[int] = set()
        self._news = asyncio.Event()
        self._entry: Entry | None = None
        self._answer: Answer | None = None
        self._decided: asyncio.Future[None] | None = None
        self._pieces: list[str] = []
        self._stopped: dict[asyncio.Task[str], str] = {}
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

    def see(self, entry: Entry) -> None:
        """Note a new entry of the history."""
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
        if self._task is None and self._resuming is None and self._candidates():
            self._task = asyncio.create_task(self._run())

    def stop(self, key: str, message_id: str) -> None:
        """Stop an answer, begun or not, for the author of the message."""
        entry = self._entry
        if entry is not None and (key_of(entry.author), entry.id) == (key, message_id):
            self._decide("stopped")
        else:
            self._questions.stop(key, message_id)

    def attend(self, *, is_attended: bool) -> None:
        """Note whether anybody is there to hear; an answer goes on without for a while."""
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if not is_attended and self._limits.unattended_seconds is not None:
            self._leaving = asyncio.get_running_loop().call_later(
                self._limits.unattended_seconds, self._end_unattended
            )

    async def restate(self) -> None:
        """Tell the room all there is so far of the answer under way."""
        if self._entry is not None and self._pieces:
            await self._tell_piece(self._entry, "".join(self._pieces), is_whole=True)

    async def close(self) -> None:
        """End: what is under way is left to the process that opens the room next."""
        self.attend(is_attended=True)
        running = [task for task in (self._task, self._resuming) if task is not None]
        for task in (*running, *self._stopped):
            task.cancel()
        if running:
            await asyncio.wait(running)

    # --- Whose turn it is ----------------------------------------------------------------------

    async def _resume(self, until: int) -> None:
        oldest = datetime.now(timezone.utc) - timedelta(seconds=self._limits.resume_seconds)
        try:
            while True:
                try:
                    found = read_unanswered(self._store, self._room, until, oldest)
                    entries = [entry async for entry in found]
                    break
                except RoomsUnavailableError:
                    await asyncio.sleep(_AGAIN_SECONDS)
        finally:
            self._resuming = None
        self._questions.add_earlier(
            entry for entry in reversed(entries) if entry.position not in self._answered
        )
        self._answered.clear()
        self.look()
        if self._task is None:
            self._rested()

    def _candidates(self) -> list[tuple[Entry, Asker]]:
        """Return a message of each author whom one here may have answered, in their turns."""
        oldest = datetime.now(timezone.utc) - timedelta(seconds=self._limits.resume_seconds)
        stopped = Counter(self._stopped.values())
        candidates = []
        for entry in self._questions.first_of_each():
            asker = self._askers.find(entry)
            if asker is None:
                if entry.sent_at < oldest:
                    self._let_go(entry.position)
            elif stopped[key_of(entry.author)] < _MOST_STOPPED:
                candidates.append((entry, asker))
        return candidates

    def _let_go(self, position: int) -> None:
        """Note that a message is answered, or never will be."""
        entry = self._questions.remove(position)
        if entry is not None:
            self._askers.forget(key_of(entry.author), entry.id)
            self._news.set()

    async def _run(self) -> None:
        try:
            while candidates := self._candidates():
                self._news.clear()
                for entry, asker in candidates:
                    if await self._hold(entry, _LEASE_SECONDS):
                        # It is not given up after the answer: a process that has not seen that
                        # yet would begin another. It ends by itself.
                        if entry.position in self._questions:
                            self._questions.had_turn(entry)
                            await self._give_answer(entry, asker)
                        break
                else:
                    # Other processes are at it. Their answers are news; if they die, their leases
                    # end.
                    await self._signal(Waiting(process=self._holder))
                    with contextlib.suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(self._news.wait(), _AGAIN_SECONDS)
        finally:
            self._task = None
            self._rested()

    async def _hold(self, entry: Entry, seconds: float) -> bool:
        try:
            return await self._store.hold(self._room, entry.position, self._holder, seconds)
        except RoomsUnavailableError:
            return False

    # --- One answer ----------------------------------------------------------------------------

    async def _give_answer(self, entry: Entry, asker: Asker) -> None:
        if self._questions.is_stopped(entry):
            await self._keep(entry, "", "stopped")
            return
        message = Message(entry.id, entry.text, entry.author, entry.sent_at, self._room)
        loop = asyncio.get_running_loop()
        answer = self._answer = Answer(message)
        self._entry, self._pieces, self._decided = entry, [], loop.create_future()
        renewing = asyncio.create_task(self._renew(entry))
        timer = None
        if self._limits.reply_seconds is not None:
            timer = loop.call_later(self._limits.reply_seconds, self._end_overdue)
        calling = answer.run(self._replier, asker.values, self._add_piece)
        # In the context of its author's session, whoever opened the room.
        answer.task = task = asker.context.run(asyncio.create_task, calling)
        try:
            await asyncio.wait((task, self._decided), return_when=asyncio.FIRST_COMPLETED)
            if task.done() and not task.cancelled() and (text := task.result()):
                self._pieces.append(text)
            if answer.error is not None:
                logger.error(
                    "room %r: the reply function failed", self._room, exc_info=answer.error
                )
            self._leave_behind(task, entry)
            # Decided, or the function's own end; a cancellation of it alone is a failure too.
            await self._keep(entry, "".join(self._pieces), answer.outcome or "failed")
        except asyncio.CancelledError:
            # Of a room that is closed: another process answers, at once.
            answer.decide("stopped")
            await self._hold(entry, 0)
            raise
        finally:
            self._entry = self._answer = None
            renewing.cancel()
            if timer is not None:
                timer.cancel()

    async def _add_piece(self, text: str) -> None:
        entry = self._entry
        if entry is not None:
            self._pieces.append(text)
            await self._tell_piece(entry, text, is_whole=False)
            # A function that waits for nothing lets those who listen have their turn.
            await asyncio.sleep(0)

    async def _tell_piece(self, entry: Entry, text: str, *, is_whole: bool) -> None:
        number = len(self._pieces)
        await self._signal(
            Piece(in_reply_to=entry.position, number=number, text=text, is_whole=is_whole)
        )

    async def _keep(self, entry: Entry, text: str, outcome: Outcome) -> None:
        answer = Entry(
            kind="answer",
            id=str(entry.position),
            author=None,
            text=text,
            sent_at=datetime.now(timezone.utc),
            outcome=outcome,
        )
        while True:
            try:
                await self._store.append(self._room, answer)
            except RoomsUnavailableError:
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                self._let_go(entry.position)
                return

    async def _renew(self, entry: Entry) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            await self._hold(entry, _LEASE_SECONDS)

    # --- Answers that are ended from outside -----------------------------------------------------

    def _decide(self, outcome: Outcome) -> None:
        if self._answer is not None and self._answer.decide(outcome) and self._decided is not None:
            self._decided.set_result(None)

    def _leave_behind(self, task: "asyncio.Task[str]", entry: Entry) -> None:
        """Let a function go on that was cancelled and does not end: nothing waits for it."""
        if not task.done():
            self._stopped[task] = key_of(entry.author)
            task.add_done_callback(self._forget_stopped)

    def _forget_stopped(self, task: "asyncio.Task[str]") -> None:
        self._stopped.pop(task, None)
        self.look()

    def _end_overdue(self) -> None:
        seconds = self._limits.reply_seconds
        logger.warning("room %r: ended an answer that took longer than %s s", self._room, seconds)
        self._decide("failed")

    def _end_unattended(self) -> None:
        seconds = self._limits.unattended_seconds
        if self._answer is not None:
            logger.warning(
                "room %r: ended an answer: nobody was there for %s s", self._room, seconds
            )
        for entry in self._questions.clear():
            self._askers.forget(key_of(entry.author), entry.id)
        self._decide("stopped")
