"""A room that somebody is in, as one process has it."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from ..identity import Author, key_of, pseudonym
from ..limits import Limits
from ..protocol.frames import DraftFrame, PersonFrame, ServerFrame, WritingFrame
from ..replies import Replier
from .announcer import Announcer
from .answers import Answers
from .askers import Asker
from .broadcast import Broadcast, entry_frame, presence_frame
from .channel import Channel
from .drafts import Drafts, News
from .fanout import Fanout, Outbox
from .history import Page, append_in_time, read_page
from .presence import NOBODY, Present
from .processes import Processes
from .signals import Alive, Hello, Here, Piece, Signal, Stop, Typing
from .stores.contract import Entry, Rooms

logger = logging.getLogger("fastapi_echochat")

# How often it is told that somebody is writing.
_TYPING_SECONDS = 0.2
# How long is waited before what failed is tried again.
_AGAIN_SECONDS = 1.0


class Inhabitant(Protocol):
    """A session in a room, as the room knows it."""

    outbox: Outbox
    author: Author | None
    asker: Asker


class Room:
    """What all participants of one room share: one reader of its history, however many they are.

    What the history does not keep (who is there, who is writing, answers as they are written) goes
    to the other processes as signals, and comes from there, and from here, the same way.

    Args:
        name: Its name, in the store.
        store: Has its history.
        limits: The chat's bounds.
        replier: Calls the reply function; `None` where people talk among themselves.
        is_shared: Whether it matters who is there.
        rested: Called when the room has nothing more to do for nobody.
        processes: The others that may have it open.

    Attributes:
        position: Of the newest entry that everybody here was sent.
        page: The last entries as they were when it was opened, until somebody takes them.
    """

    def __init__(
        self,
        name: str,
        store: Rooms,
        *,
        limits: Limits,
        replier: Replier | None,
        is_shared: bool,
        rested: Callable[[], None],
        processes: Processes,
    ) -> None:
        self.name = name
        self.position = 0
        self.page: Page | None = None
        self._store = store
        self._channel = Channel(store, name, processes.new_name())
        self._key = b""
        self._fanout = Fanout()
        self._is_shared = is_shared
        self._processes = processes
        self._participants: dict[Inhabitant, None] = {}
        self._announcer = Announcer(self._channel, self._tell_presence)
        self._drafts = Drafts()
        self._typed_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._answers: Answers | None = None
        if replier is not None:
            self._answers = Answers(name, store, replier, limits, self._channel, rested)

    @property
    def is_at_work(self) -> bool:
        """Whether an answer is under way here."""
        return self._answers is not None and self._answers.is_at_work

    async def open(self, key: bytes, *, for_new: bool) -> None:
        """Begin to follow the room, for somebody who has nothing of its history or some of it.

        Raises:
            RoomsUnavailableError: Its store is out of reach.
        """
        self._key = key
        # First, so that whatever comes after what is read now is heard of.
        await self._channel.open()
        self.page = await read_page(self._store, self.name) if for_new else None
        newest = self.page[0] if self.page else await self._store.read_back(self.name, limit=1)
        self.position = newest[-1].position if newest else 0
        self._tasks = [
            asyncio.create_task(self._follow()),
            asyncio.create_task(self._channel.listen(self._hear, self._processes.ask_soon)),
        ]
        if self._answers is not None and newest:
            self._answers.resume(self.position)
        if not self._is_shared:
            await self.ask()  # Where people meet, the first of them asks.

    async def ask(self) -> None:
        """Ask the other processes who is there, and what they are writing."""
        await self._channel.tell(Hello(process=self._channel.process))

    def forget(self, is_ended: Callable[[str], bool]) -> None:
        """Do as if processes that have ended, by their names in this room, had taken leave."""
        for process in filter(is_ended, self._announcer.processes):
            self._hear_who_is_there(Here(process=process))

    def fall_silent(self) -> None:
        """Announce nothing more: the room is about to be closed.

        By itself, since the task that closes the room is never begun where its event loop ends.
        """
        self._announcer.close()

    async def close(self) -> None:
        """End what runs here. The room has fallen silent."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._channel.close()
        if self._answers is not None:
            await self._answers.close()
        if self._is_shared or self._answers is not None:
            await self._announcer.take_leave()

    def pseudonym(self, author: Author) -> str:
        """Return what a person is to the clients of this room."""
        return pseudonym(self._key, self.name, author)

    # --- Who is there --------------------------------------------------------------------------

    def join(self, participant: Inhabitant) -> None:
        """Send a participant what comes after `position`, and tell who is there."""
        self._participants[participant] = None
        self._fanout.add(participant.outbox)
        if self._is_shared:
            self._announcer.add(*self._shown(participant.author))
        if self._answers is not None:
            self._answers.join(key_of(participant.author), participant.asker)

    def leave(self, participant: Inhabitant) -> None:
        """Send a participant no more."""
        if participant not in self._participants:
            return
        del self._participants[participant]
        self._fanout.remove(participant.outbox)
        if self._is_shared:
            self._announcer.remove(*self._shown(participant.author))
        if self._answers is not None:
            key, is_last = key_of(participant.author), not self._participants
            self._answers.leave(key, participant.asker, is_last=is_last)

    def rename(self, participant: Inhabitant, former: Author | None) -> None:
        """Note a participant's new name; `former` is who it was by the former one."""
        if participant in self._participants:  # And not too slow to be one any longer.
            if self._is_shared:
                self._announcer.remove(*self._shown(former))
                self._announcer.add(*self._shown(participant.author))
            if self._answers is not None:
                key = key_of(participant.author)
                self._answers.askers.rename(key_of(former), key, participant.asker)

    def _shown(self, author: Author | None) -> tuple[str | None, str]:
        return (None, "") if author is None else (self.pseudonym(author), author.name)

    def greeting(self) -> list[ServerFrame]:
        """Return what a participant has to hear that came, and is not in the history."""
        frames: list[ServerFrame] = []
        if self._announcer.present != NOBODY:
            frames.append(presence_frame(self._announcer.present))
        for in_reply_to, text in self._drafts.so_far().items():
            frames.append(DraftFrame(in_reply_to=in_reply_to, text=text, is_start=True))
        return frames

    # --- What participants do ------------------------------------------------------------------

    async def append(self, entry: Entry, asker: Asker) -> Entry:
        """Keep a message, however long its store is out of reach.

        Args:
            entry: The message.
            asker: With what it is answered.
        """
        if self._answers is None:
            return await append_in_time(self._store, self.name, entry)
        await self._answers.ask(entry, asker)
        try:
            kept = await append_in_time(self._store, self.name, entry)
        except BaseException:  # Of a session that has ended meanwhile, among others.
            self._answers.askers.forget(key_of(entry.author), entry.id)
            raise
        if kept.position > self.position:
            self._answers.expect(kept)
        elif not self._answers.is_open(kept.position):
            # Sent before, and answered: then nothing comes that would let go of this.
            self._answers.askers.forget(key_of(entry.author), entry.id)
        return kept

    def send_again(self, outbox: Outbox, entry: Entry) -> None:
        """Send a client, in its turn, an entry that was kept before, unless it is yet to come."""
        if entry.position <= max(self.position, outbox.since):
            self._fanout.send(Broadcast(entry_frame(entry, self.pseudonym)), outbox)

    async def stop(self, author: Author | None, message_id: str) -> None:
        """Stop the answer to an author's message, in whatever process it is written."""
        key = key_of(author)
        if self._answers is not None:
            # Directly too: while the store is out of reach signals are lost.
            self._answers.stop(key, message_id)
        self._channel.tell_soon(Stop(author=key, id=message_id))

    async def show_typing(self, author: Author, now: float) -> None:
        """Tell that somebody is writing, unless somebody just was; `now` is the loop's clock."""
        if now - self._typed_at >= _TYPING_SECONDS:
            self._typed_at = now
            self._channel.tell_soon(Typing(id=self.pseudonym(author), name=author.name))

    # --- What comes from the history, and from other processes -----------------------------------

    async def _follow(self) -> None:
        while True:
            try:
                async for entry in self._store.follow(self.name, after=self.position):
                    self._see(entry)
            except Exception:  # Of a store that is not ours; ours wait by themselves.
                logger.exception("room %r: cannot be followed; trying again", self.name)
            await asyncio.sleep(_AGAIN_SECONDS)

    def _see(self, entry: Entry) -> None:
        self.position = entry.position
        self._fanout.send(Broadcast(entry_frame(entry, self.pseudonym), entry.position))
        if entry.in_reply_to is not None:
            self._drafts.end(entry.in_reply_to)
        if self._answers is not None:
            self._answers.see(entry)

    async def _hear(self, signal: Signal) -> None:
        if isinstance(signal, Piece):
            await self._hear_piece(signal)
        elif isinstance(signal, Typing):
            author = PersonFrame(id=signal.id, name=signal.name)
            self._fanout.send(Broadcast(WritingFrame(author=author)))
        elif isinstance(signal, Here | Hello):
            await self._hear_process(signal)
        elif self._answers is not None and not isinstance(signal, Alive):
            self._answers.hear(signal)

    async def _hear_process(self, signal: Here | Hello) -> None:
        if isinstance(signal, Here):
            self._processes.note(signal.process)
            self._hear_who_is_there(signal)
        is_other = signal.process != self._channel.process
        if is_other and (isinstance(signal, Hello) or signal.is_first):
            if self._is_shared:
                self._announcer.announce()
            await self._restate()

    def _hear_who_is_there(self, here: Here) -> None:
        self._announcer.hear(here)
        if self._answers is not None and here.process != self._channel.process:
            self._answers.hear(here)

    async def _hear_piece(self, piece: Piece) -> None:
        news = self._drafts.add(
            piece.in_reply_to, piece.number, piece.text, is_whole=piece.is_whole
        )
        if news in (News.START, News.PIECE):
            is_start = news is News.START
            frame = DraftFrame(in_reply_to=piece.in_reply_to, text=piece.text, is_start=is_start)
            self._fanout.send(Broadcast(frame))
        elif news is News.GAP:
            await self._restate()
            await self.ask()

    # --- What is told --------------------------------------------------------------------------

    def _tell_presence(self, present: Present) -> None:
        self._fanout.send(Broadcast(presence_frame(present)))

    async def _restate(self) -> None:
        if self._answers is not None:
            await self._answers.restate()
