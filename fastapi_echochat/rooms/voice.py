"""What one client says into its room, in order."""

import asyncio
import contextlib
import logging

from ..limits import Limits
from ..protocol.messages import INTERNAL_ERROR, Close, Dialect, Message, Stop
from ..rate import Rate
from ..replies import Values
from ..sender import EndedError
from .fanout import Outbox
from .room import Room
from .stores.contract import Entry

logger = logging.getLogger("fastapi_echochat")

# How long is waited for what a client said just before it left.
_LAST_WORDS_SECONDS = 2.0


class Voice:
    """Keeps what a client says, one message after the other, while its connection goes on reading.

    Where the log is out of reach, or the client is faster than it may be, its messages wait here,
    at most `Limits.waiting_messages` of them; then no more is read from it.

    Args:
        outbox: Goes to their client.
        values: What the reply function's dependencies gave for them.
        dialect: The protocol that it speaks.
        limits: Its bounds.
        name: Names the connection in the log.
    """

    def __init__(
        self, outbox: Outbox, values: Values, dialect: Dialect, limits: Limits, name: str
    ) -> None:
        self._outbox = outbox
        self._values = values
        self._dialect = dialect
        self._limits = limits
        self._name = name
        self._rate = (
            limits.messages_per_second and Rate(limits.messages_per_second, limits.burst)
        ) or None
        self._room: Room | None = None
        self._waiting: list[tuple[Message | Stop, str | None]] = []
        self._has_space: asyncio.Future[None] | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._is_over = False

    def enter(self, room: Room) -> None:
        """Speak into a room."""
        self._room = room

    async def say(self, said: Message | Stop, author: str | None) -> None:
        """Have something said after all that was before; waits while too much does.

        Args:
            said: A message, or the end of an answer.
            author: The name it is said under, whatever it is when its turn comes.

        Raises:
            EndedError: The connection is over.
        """
        if self._is_over:
            raise EndedError
        if isinstance(said, Message) and any(
            isinstance(waiting, Message) and waiting.id == said.id for waiting, _ in self._waiting
        ):
            return  # Sent twice; it is kept once.
        self._waiting.append((said, author))
        if self._speaking is None:
            self._speaking = asyncio.ensure_future(self._speak())
        if len(self._waiting) >= self._limits.waiting_messages:
            self._has_space = asyncio.get_running_loop().create_future()
            await self._has_space

    async def end(self) -> None:
        """Wait a little for what was said, though whoever said it has left; then be silent."""
        if self._speaking is not None:
            await asyncio.wait([self._speaking], timeout=_LAST_WORDS_SECONDS)
        if self._speaking is not None:
            self._speaking.cancel()

    async def _speak(self) -> None:
        try:
            while self._waiting and self._room is not None:
                said, author = self._waiting[0]
                if isinstance(said, Stop):
                    await self._room.stop(said.id, author)
                else:
                    await self._keep(said, author, self._room)
                self._waiting.pop(0)
                self._give_space()
        except Exception:
            logger.exception("%s: a message could not be kept", self._name)
            self._is_over = True
            self._give_space()
            with contextlib.suppress(EndedError):
                await self._outbox.close(Close(INTERNAL_ERROR, "a message could not be kept"))
        finally:
            self._speaking = None

    def _give_space(self) -> None:
        if self._has_space is not None and not self._has_space.done():
            self._has_space.set_result(None)

    async def _keep(self, message: Message, author: str | None, room: Room) -> None:
        await self._wait_for_turn()
        entry = Entry(
            kind="message",
            id=message.id,
            author=author,
            text=message.text,
            sent_at=message.sent_at,
        )
        kept = await room.append(entry, self._values)
        if kept.sent_at != entry.sent_at and not self._outbox.is_plain:
            # It was kept before, so it may not come by the room any more.
            room.say_again(self._outbox, kept)

    async def _wait_for_turn(self) -> None:
        if self._rate is None:
            return
        now = asyncio.get_running_loop().time()
        seconds = self._rate.admit(now) - now
        if seconds > 0:
            slowed = self._dialect.slowed(seconds)
            if slowed is not None:
                await self._tell(slowed)
            await asyncio.sleep(seconds)

    async def _tell(self, frame: str) -> None:
        # What was said is kept, though its client has left.
        with contextlib.suppress(EndedError):
            await self._outbox.send(frame)
