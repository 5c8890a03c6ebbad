"""Sending one frame to many clients, none of whom can hold up the others."""

import asyncio
import logging
from collections.abc import Callable, Iterator

from ..limits import size_of
from ..protocol.frames import PongFrame
from ..protocol.serializer import TRY_AGAIN_LATER, Close, Serializer
from ..sender import ENDED, EndedError, Send, Sender
from .broadcast import NO_POSITION, Broadcast

logger = logging.getLogger("fastapi_echochat")

# What a frame takes beside its characters: of short ones that is most.
_FRAME_BYTES = 64


def _nobody() -> None:
    """Stand in for a callback, where there is none (any longer)."""


class Outbox(Sender):
    """What goes out to one client of a room: at once while it keeps up, else kept, with a bound.

    Args:
        pass_on: `send` of a WebSocket that is accepted.
        size: How many bytes are kept for it. With more it has fallen behind: nothing is kept for
            it any longer, and as soon as it takes anything it is closed with code 1013, to come
            back for the rest with its last position.
        serializer: The protocol that it speaks.
        fell_behind: Called once when it does.

    Attributes:
        serializer: The protocol that it speaks.
        since: The position that its client has the history up to by other ways than the room's.
        is_busy: Whether a send is under way; what comes meanwhile is kept.
    """

    __slots__ = (
        "_bound", "_fell_behind", "_kept", "_size", "is_behind", "is_busy", "serializer", "since",
        "task",
    )  # fmt: skip

    def __init__(
        self, pass_on: Send, size: int, *, serializer: Serializer, fell_behind: Callable[[], None]
    ) -> None:
        super().__init__(pass_on)
        self._bound = size
        self._fell_behind = fell_behind
        # Not a deque: an empty one takes 600 bytes, and most connections never need it.
        self._kept: list[str] = []
        self._size = 0
        self.serializer = serializer
        self.is_busy = False
        self.is_behind = False
        self.since = 0
        self.task: asyncio.Task[None] | None = None

    async def send(self, frame: str) -> None:
        """Send a frame after all that was sent to the client before.

        Raises:
            EndedError: The connection is over.
        """
        if self.is_busy:
            self.keep(frame)
            return
        self.is_busy = True
        await super().send(frame)
        await self.catch_up()

    def keep(self, frame: str) -> None:
        """Keep a frame until the send that is under way is through."""
        if self.is_behind:
            return
        self._size += size_of(frame) + _FRAME_BYTES
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
            kept, self._kept = self._kept[::-1], []
            while kept and not self.is_behind:
                frame = kept.pop()
                await super().send(frame)
                self._size -= size_of(frame) + _FRAME_BYTES
        if self.is_behind:
            await self.close(Close(TRY_AGAIN_LATER, "too slow: come back for the rest"))
        self.is_busy = False

    def is_sending(self) -> bool:
        """Tell whether a send is under way."""
        return self.is_busy or super().is_sending()

    def forget(self) -> None:
        """Give up the send that is under way: its client is gone."""
        if self.task is not None:
            self.task.cancel()
        # A method of what has this outbox: without a cycle both are freed at once.
        self._fell_behind = _nobody


# Before the first broadcast, and after the last.
_NOTHING = Broadcast(PongFrame())


class Fanout:
    """Sends a room's broadcasts to everybody there.

    One task sends to one client after the other, without a task or a queue for each. A send that
    has to wait is left to the task that began it, and another takes up the rest: so a client that
    reads slowly costs the others a task once, and what comes then goes into its own outbox.
    """

    def __init__(self) -> None:
        self._outboxes: dict[Outbox, None] = {}
        # The same for all broadcasts until somebody comes or goes.
        self._everybody: tuple[Outbox, ...] | None = None
        # Not a deque, as in an outbox: an empty one takes 600 bytes.
        self._waiting: list[tuple[Broadcast, tuple[Outbox, ...]]] = []
        self._broadcast = _NOTHING
        self._rest: Iterator[Outbox] = iter(())
        self._current: Outbox | None = None
        self._task: asyncio.Task[None] | None = None

    def add(self, outbox: Outbox) -> None:
        """Send to a client what comes from now on."""
        self._outboxes[outbox] = None
        self._everybody = None

    def remove(self, outbox: Outbox) -> None:
        """Send no more to a client, nor what is on its way."""
        outbox.since = NO_POSITION
        self._outboxes.pop(outbox, None)
        self._everybody = None

    def send(self, broadcast: Broadcast, only: Outbox | None = None) -> None:
        """Send something to everybody, or to one only, after all that was sent before."""
        if self._everybody is None:
            self._everybody = tuple(self._outboxes)
        receivers = self._everybody if only is None else (only,)
        if not receivers or (only is not None and only not in self._outboxes):
            return
        self._waiting.append((broadcast, receivers))
        if self._task is None:
            self._start_sending()

    def _start_sending(self) -> None:
        self._task = asyncio.ensure_future(self._send_waiting())

    def _hand_over(self) -> None:
        """Let another task go on: the one that sends is waiting for a client."""
        if self._current is not None:
            self._current.task = self._task
        self._start_sending()

    async def _send_waiting(self) -> None:
        task = self._task
        # Runs when this task waits for the first time, which it does in a send only.
        handing_over = asyncio.get_running_loop().call_soon(self._hand_over)
        while True:
            broadcast, serializer, text = self._broadcast, None, None
            for outbox in self._rest:
                if outbox.serializer is not serializer:
                    serializer = outbox.serializer
                    text = broadcast.encode(serializer)
                if text is None or broadcast.position <= outbox.since:
                    continue
                if outbox.is_busy:
                    outbox.keep(text)
                    continue
                outbox.is_busy = True
                self._current = outbox
                try:
                    # Not through `Sender.send`, a coroutine more: a tenth of a delivery.
                    await outbox.pass_on({"type": "websocket.send", "text": text})
                    if self._task is not task:
                        outbox.has_moved = True
                        await outbox.catch_up()
                except (EndedError, *ENDED):
                    self.remove(outbox)
                except Exception:  # Of a middleware around us, and not to end the others' room.
                    logger.exception("a client of a room cannot be sent to")
                    self.remove(outbox)
                outbox.is_busy = False
                if self._task is not task:
                    return
            if not self._waiting:
                break
            self._broadcast, receivers = self._waiting.pop(0)
            self._rest = iter(receivers)
        handing_over.cancel()
        self._task = self._current = None
        self._broadcast = _NOTHING
