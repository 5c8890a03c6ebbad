"""One answer of the reply function, as it is written into a room."""

import asyncio
import logging
from typing import NamedTuple

from ..answer import Answer, Outcome
from ..identity import key_of
from ..protocol.messages import Message
from ..replies import Replier
from .askers import Asker
from .channel import Channel
from .signals import Piece
from .stores.contract import Entry

logger = logging.getLogger("fastapi_echochat")


class Written(NamedTuple):
    """What there is of an answer in the end.

    Attributes:
        text: As far as it came.
        outcome: How it ended.
    """

    text: str
    outcome: Outcome


class RoomAnswer:
    """The answer to one message of a room, whose pieces everybody there sees as they come.

    Args:
        room: The room's name.
        entry: The message.
        channel: Tells the room's processes something.

    Attributes:
        entry: As given.
        task: In which the function runs, also after the answer was ended from outside.
    """

    def __init__(self, room: str, entry: Entry, channel: Channel) -> None:
        self.entry = entry
        self.task: asyncio.Task[str] | None = None
        self._room = room
        self._channel = channel
        self._pieces: list[str] = []
        self._answer = Answer(Message(entry.id, entry.text, entry.author, entry.sent_at, room))
        self._decided = asyncio.get_running_loop().create_future()

    def is_to(self, key: str, message_id: str) -> bool:
        """Tell whether it is the answer to an author's message."""
        return (key_of(self.entry.author), self.entry.id) == (key, message_id)

    async def write(self, replier: Replier, asker: Asker, seconds: float | None) -> Written:
        """Call the function, and return its answer when it ends, or is ended from outside.

        Args:
            replier: Calls it.
            asker: With what it is called.
            seconds: How long it may take; `None` for however long.
        """
        assert asker.call is not None  # In a room without a reply function nobody asks.
        if replier.streams:
            calling = self._answer.stream(asker.call, self._add_piece)
        else:
            calling = self._answer.run(asker.call)
        # In the context of its author's session, not of the one that opened the room.
        self.task = self._answer.task = asker.context.run(asyncio.create_task, calling)
        ends = (self.task, self._decided)
        done, _ = await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            message = "room %r: ended an answer that took longer than %s s"
            logger.warning(message, self._room, seconds)
            self.decide("failed")
        # A function that swallows its cancellation may have returned something all the same.
        if self._answer.outcome == "done" and (text := self.task.result()):
            self._pieces.append(text)
        if self._answer.error is not None:
            error = self._answer.error
            logger.error("room %r: the reply function failed", self._room, exc_info=error)
        # A cancellation of the task that nobody here has decided on is a failure too.
        return Written("".join(self._pieces), self._answer.outcome or "failed")

    def decide(self, outcome: Outcome) -> None:
        """End the answer from outside, unless it has ended."""
        if self._answer.decide(outcome) and not self._decided.done():
            self._decided.set_result(None)

    async def restate(self) -> None:
        """Tell the room all there is so far."""
        if self._pieces:
            await self._tell("".join(self._pieces), is_whole=True)

    async def _add_piece(self, text: str) -> None:
        self._pieces.append(text)
        await self._tell(text, is_whole=False)
        # A function that waits for nothing lets those who listen have their turn.
        await asyncio.sleep(0)

    async def _tell(self, text: str, *, is_whole: bool) -> None:
        position, number = self.entry.position, len(self._pieces)
        await self._channel.tell(
            Piece(in_reply_to=position, number=number, text=text, is_whole=is_whole)
        )
