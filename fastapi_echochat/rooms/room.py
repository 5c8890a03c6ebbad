"""A room that somebody is in, as one process has it."""

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncGenerator, Callable
from typing import Any, Protocol

from ..limits import Limits
from ..replies import Replier, Values
from .answers import Answering
from .attendance import Attendance
from .broadcast import say_draft, say_entry, say_presence, say_typing
from .drafts import Drafts, News
from .fanout import Fanout, Outbox
from .stores.contract import Entry, Rooms, RoomsUnavailableError

logger = logging.getLogger("fastapi_echochat")

# How much of a log is looked at for messages that have no answer.
_LOOKED_BACK = 200
# How often it is told that somebody is writing.
_TYPING_SECONDS = 0.2
# How long is waited before what failed is tried again.
_AGAIN_SECONDS = 1.0


class Occupant(Protocol):
    """Somebody in a room."""

    @property
    def outbox(self) -> Outbox:
        """What goes out to them."""

    @property
    def author(self) -> str | None:
        """The name they speak under."""

    @property
    def values(self) -> Values:
        """What the reply function's dependencies gave for them."""


class Room:
    """What everybody in one room shares: one reader of its log, whatever their number.

    What the log does not keep (who is there, who is writing, answers as they are written) goes
    to the other processes as signals, and comes from there, and from here, the same way.

    Args:
        name: Its name, in the log.
        rooms: Has its log.
        limits: The chat's bounds.
        replier: Calls the reply function; `None` where people talk among themselves.
        is_shared: Whether it matters who is there.
        rested: Called when the room has nothing more to do for nobody.

    Attributes:
        position: Of the newest entry that everybody here was sent.
    """

    def __init__(
        self,
        name: str,
        rooms: Rooms,
        *,
        limits: Limits,
        replier: Replier | None,
        is_shared: bool,
        rested: Callable[[], None],
    ) -> None:
        self.name = name
        self.position = 0
        self._rooms = rooms
        self._id = secrets.token_hex(8)
        self._fanout = Fanout()
        self._is_shared = is_shared
        self._occupants: dict[Occupant, None] = {}
        self._attendance = Attendance(self._announce, self._tell_presence)
        self._drafts = Drafts()
        self._typed_at = 0.0
        self._asked: dict[str, tuple[str | None, Values]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._answering: Answering | None = None
        if replier is not None:
            self._answering = Answering(
                name,
                rooms,
                replier,
                limits,
                values_for=self._values_for,
                signal=self._signal,
                rested=rested,
            )

    @property
    def is_at_work(self) -> bool:
        """Whether an answer is under way here."""
        return self._answering is not None and self._answering.is_at_work

    async def open(self) -> None:
        """Begin to follow the room.

        Raises:
            RoomsUnavailableError: Its log is out of reach.
        """
        newest = await self._rooms.read_back(self.name, limit=_LOOKED_BACK)
        self.position = newest[-1].position if newest else 0
        signals = await self._rooms.signals(self.name)
        self._tasks = [
            asyncio.ensure_future(self._follow()),
            asyncio.ensure_future(self._listen(signals)),
        ]
        if self._answering is not None:
            self._answering.resume(newest)
        await self._signal(kind="hello")

    async def close(self) -> None:
        """End whatever runs here."""
        self._attendance.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._answering is not None:
            await self._answering.close()
        if self._is_shared:
            # Others need not wait until they miss us.
            await self._announce([])

    # --- Who is there --------------------------------------------------------------------------

    def join(self, occupant: Occupant) -> None:
        """Send somebody what is said from `position` on, and who is there."""
        self._occupants[occupant] = None
        self._fanout.add(occupant.outbox)
        self._note(None, occupant.author)
        if self._answering is not None:
            self._answering.attend(is_attended=True)
            self._answering.look()

    def leave(self, occupant: Occupant) -> None:
        """Send somebody no more."""
        if occupant not in self._occupants:
            return
        del self._occupants[occupant]
        self._fanout.remove(occupant.outbox)
        self._note(occupant.author, None)
        if self._answering is not None and not self._occupants:
            self._answering.attend(is_attended=False)

    def rename(self, occupant: Occupant, former: str | None) -> None:
        """Take note of an occupant's new name, and of the one it had before."""
        if occupant in self._occupants:  # And not too slow to be one any longer.
            self._note(former, occupant.author)

    def _note(self, former: str | None, author: str | None) -> None:
        if self._is_shared:
            self._attendance.change(former, author)

    def greet(self) -> list[str]:
        """Return the frames that tell somebody who came what is not in the log."""
        people = self._attendance.people
        frames = [say_presence(people).v1] if people else []
        for in_reply_to, text in self._drafts.so_far().items():
            frames.append(say_draft(in_reply_to, text, is_start=True).v1)
        return frames

    # --- What people do ------------------------------------------------------------------------

    async def append(self, entry: Entry, values: Values) -> Entry:
        """Keep what somebody said, however long its place is out of reach.

        Args:
            entry: What was said.
            values: What the reply function's dependencies gave for whoever said it.
        """
        if self._answering is not None:
            # Whoever sends what another has said is not the one who said it.
            self._asked.setdefault(entry.id, (entry.author, values))
        while True:
            try:
                kept = await self._rooms.append(self.name, entry)
            except RoomsUnavailableError:  # The place says so in the log, once for all.
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                if kept.position <= self.position and not self._waits(kept):
                    # Said before, and answered: then nobody takes these away again.
                    self._asked.pop(entry.id, None)
                return kept

    def say_again(self, outbox: Outbox, entry: Entry) -> None:
        """Tell somebody, in its turn, that an entry is kept, unless they are yet to hear it."""
        if entry.position <= max(self.position, outbox.since):
            self._fanout.say(say_entry(entry, is_again=True), outbox)

    async def stop(self, message_id: str, author: str | None) -> None:
        """Stop an answer, in whatever process it is written."""
        await self._signal(kind="stop", id=message_id, author=author)

    async def type(self, author: str, now: float) -> None:
        """Tell that somebody is writing, unless somebody just was; `now` is the loop's clock."""
        if now - self._typed_at >= _TYPING_SECONDS:
            self._typed_at = now
            await self._signal(kind="typing", author=author)

    # --- What comes from the log, and from other processes ---------------------------------------

    async def _follow(self) -> None:
        while True:
            try:
                async for entry in self._rooms.follow(self.name, after=self.position):
                    self._see(entry)
            except Exception:  # Of a keeper that is not ours; ours wait by themselves.
                logger.exception("room %r: cannot be followed; trying again", self.name)
            await asyncio.sleep(_AGAIN_SECONDS)

    def _see(self, entry: Entry) -> None:
        self.position = entry.position
        self._fanout.say(say_entry(entry))
        if entry.kind == "answer":
            self._drafts.end(entry.id)
            self._asked.pop(entry.id, None)
        if self._answering is not None:
            self._answering.see(entry)

    async def _listen(self, signals: AsyncGenerator[str, None]) -> None:
        while True:
            try:
                async for signal in signals:
                    await self._hear(json.loads(signal))
            except Exception:
                logger.exception("room %r: cannot be listened to; trying again", self.name)
            await asyncio.sleep(_AGAIN_SECONDS)
            signals = await self._rooms.signals(self.name)

    async def _hear(self, signal: dict[str, Any]) -> None:
        kind = signal["kind"]
        if kind == "draft":
            await self._hear_draft(signal)
        elif kind == "typing":
            self._fanout.say(say_typing(signal["author"]))
        elif kind == "stop":
            if self._answering is not None:
                self._answering.stop(signal["id"], signal["author"])
        elif signal["from"] == self._id:
            return
        elif kind == "presence":
            self._attendance.hear(signal["from"], signal["authors"])
            self._attend(is_elsewhere=bool(signal["authors"]))
        elif kind == "waiting":
            self._attend(is_elsewhere=True)
        else:
            # Another process has opened the room, or has missed a piece of an answer.
            self._attendance.announce_soon()
            await self._restate()

    async def _hear_draft(self, signal: dict[str, Any]) -> None:
        in_reply_to, number, text = signal["id"], signal["number"], signal["text"]
        news = self._drafts.take(in_reply_to, number, text, is_whole=signal["is_whole"])
        if news in (News.START, News.PIECE):
            self._fanout.say(say_draft(in_reply_to, text, is_start=news is News.START))
        elif news is News.GAP:
            await self._restate()
            await self._signal(kind="hello")

    # --- What is told --------------------------------------------------------------------------

    async def _announce(self, authors: list[str]) -> None:
        await self._signal(kind="presence", authors=authors)

    def _tell_presence(self, people: set[str]) -> None:
        self._fanout.say(say_presence(people))

    def _attend(self, *, is_elsewhere: bool) -> None:
        # Who is there in another process is there from now on for as long as one who just left.
        if is_elsewhere and self._answering is not None:
            self._answering.attend(is_attended=bool(self._occupants))

    async def _restate(self) -> None:
        if self._answering is not None:
            await self._answering.restate()

    async def _signal(self, **signal: object) -> None:
        await self._rooms.signal(self.name, json.dumps({**signal, "from": self._id}))

    def _waits(self, entry: Entry) -> bool:
        return self._answering is not None and self._answering.waits(entry.id)

    def _values_for(self, entry: Entry) -> Values | None:
        author, values = self._asked.get(entry.id, (None, None))
        if values is not None and author == entry.author:
            return values
        for occupant in self._occupants:
            if occupant.author == entry.author:
                return occupant.values
        return None
