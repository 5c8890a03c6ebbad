"""Saying one thing to many, none of whom can hold up the others."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator

from ..protocol import TRY_AGAIN_LATER, Close
from ..sender import EndedError, Sender
from .utterance import Utterance

logger = logging.getLogger("fastapi_echochat")


class Outbox:
    """What goes out to one client of a room: at once while it keeps up, else kept, with a bound.

    Args:
        sender: Sends to it.
        size: How many characters are kept for it. With one more it has fallen behind: nothing is
            kept or said to it any longer, and as soon as it takes anything it is closed with code
            1013, to come back for the rest with its last position.
        is_plain: Whether it speaks the plain protocol.
        fell_behind: Called once when it does.

    Attributes:
        since: The position that its client has the log up to by other ways than the room's.
        first: The number of the first thing said in the room that is for it.
        is_busy: Whether a send is under way; what is said meanwhile is kept.
    """

    __slots__ = (
        "_bound", "_fell_behind", "_kept", "_sender", "_size", "first", "is_behind", "is_busy",
        "is_plain", "send_now", "since", "task",
    )  # fmt: skip

    def __init__(
        self, sender: Sender, size: int, *, is_plain: bool, fell_behind: Callable[[], None]
    ) -> None:
        self.send_now = sender.send
        self._sender = sender
        self._bound = size
        self._fell_behind = fell_behind
        # Not a deque: an empty one takes 600 bytes, and most connections never need it.
        self._kept: list[str] = []
        self._size = 0
        self.is_plain = is_plain
        self.is_busy = False
        self.is_behind = False
        self.since = self.first = 0
        self.task: asyncio.Task[None] | None = None

    async def send(self, frame: str) -> None:
        """Send a frame after all that was said to the client before.

        Raises:
            EndedError: The connection is over.
        """
        if self.is_busy:
            self.keep(frame)
            return
        self.is_busy = True
        await self.send_now(frame)
        await self.catch_up()

    def keep(self, frame: str) -> None:
        """Keep a frame until the send that is under way is through."""
        if self.is_behind:
            return
        self._size += len(frame)
        self._kept.append(frame)
        if self._size > self._bound:
            self.is_behind = True
            self._kept.clear()
            self._fell_behind()

    async def catch_up(self) -> None:
        """Send what was kept; then the client is busy no more.

        Raises:
            EndedError: The connection is over.
        """
        while self._kept:
            kept, self._kept = self._kept, []
            self._size = 0
            for frame in kept:
                await self.send_now(frame)
                if self.is_behind:
                    break
        if self.is_behind:
            await self._sender.close(Close(TRY_AGAIN_LATER, "too slow: come back for the rest"))
        self.is_busy = False

    def forget(self) -> None:
        """Give up the send that is under way: its client is gone."""
        if self.task is not None:
            self.task.cancel()


class Fanout:
    """Sends what is said in a room to everybody there.

    One task sends to one client after the other, without a task or a queue for each. A send that
    has to wait is left to the task that began it, and another takes up the rest: so a client that
    reads slowly costs the others a task once, and what comes then goes into its own outbox.
    """

    def __init__(self) -> None:
        self._outboxes: dict[Outbox, None] = {}
        self._said: deque[tuple[Utterance, Outbox | None]] = deque()
        self._utterance: Utterance | None = None
        self._number = 0
        self._rest: Iterator[Outbox] = iter(())
        self._current: Outbox | None = None
        self._task: asyncio.Task[None] | None = None

    def add(self, outbox: Outbox) -> None:
        """Send to a client what is said from now on."""
        outbox.first = self._number + len(self._said) + 1
        self._outboxes[outbox] = None

    def remove(self, outbox: Outbox) -> None:
        """Send no more to a client."""
        self._outboxes.pop(outbox, None)

    def say(self, utterance: Utterance, only: Outbox | None = None) -> None:
        """Send something to everybody, or to one only, after all that was said before."""
        if not self._outboxes:
            return
        self._said.append((utterance, only))
        if self._task is None:
            self._begin()

    def _begin(self) -> None:
        self._task = asyncio.ensure_future(self._send())

    def _hand_over(self) -> None:
        """Let another task go on: the one that sends is waiting for a client."""
        if self._current is not None:
            self._current.task = self._task
        self._begin()

    async def _send(self) -> None:
        task = self._task
        # Runs when this task waits for the first time, which it does in a send only.
        handing_over = asyncio.get_running_loop().call_soon(self._hand_over)
        while True:
            for outbox in self._rest:
                text = self._text_for(outbox)
                if text is None:
                    continue
                if outbox.is_busy:
                    outbox.keep(text)
                    continue
                outbox.is_busy = True
                self._current = outbox
                try:
                    await outbox.send_now(text)
                    if self._task is not task:
                        await outbox.catch_up()
                    outbox.is_busy = False
                except EndedError:
                    self.remove(outbox)
                except Exception:  # Of a middleware around us, and not to end the others' room.
                    logger.exception("a client of a room cannot be sent to")
                    self.remove(outbox)
                if self._task is not task:
                    return
            if not self._said:
                break
            self._utterance, only = self._said.popleft()
            self._number += 1
            if only is None:
                self._rest = iter(tuple(self._outboxes))
            elif only in self._outboxes:
                self._rest = iter((only,))
        handing_over.cancel()
        self._task = self._current = None

    def _text_for(self, outbox: Outbox) -> str | None:
        utterance = self._utterance
        if utterance is None or utterance.position <= outbox.since or self._number < outbox.first:
            return None
        return utterance.plain if outbox.is_plain else utterance.v1
