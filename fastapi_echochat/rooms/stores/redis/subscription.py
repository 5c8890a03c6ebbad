"""What comes in live from other processes: one connection for all rooms of an event loop."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from ..contract import RoomsUnavailableError
from ..followers import Audience
from .packing import SIGNAL, unpack_published
from .recent import Tail

logger = logging.getLogger("fastapi_echochat")

# Seconds between two tries to connect, at first and at most.
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0

# Seconds after which a silent connection is sent a ping, and the number of silences in a row after
# which it is given up.
_SILENCE_SECONDS = 3.0
_SILENCES = 3


class Subscriber(Protocol):
    """What is used of redis.asyncio's PubSub."""

    def subscribe(self, *channels: str) -> Awaitable[Any]:
        """Ask for channels."""

    def unsubscribe(self, *channels: str) -> Awaitable[Any]:
        """Ask for channels no more."""

    def ping(self) -> Awaitable[Any]:
        """Ask for a sign of life."""

    async def get_message(self, *, timeout: float) -> dict[str, Any] | None:
        """Return what came in, `None` if nothing did in so many seconds."""

    async def aclose(self) -> None:
        """Close the connection."""


class Subscription:
    """The rooms that somebody follows or listens to in this event loop, kept subscribed to.

    Args:
        connect: Returns a new subscriber, or raises RoomsUnavailableError.
        channel: Returns the name of a room's channel.
        lost: Told why a subscriber was lost.

    Attributes:
        audience: Who follows and listens.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Subscriber]],
        channel: Callable[[str], str],
        lost: Callable[[Exception], bool],
    ) -> None:
        self.audience = Audience(self._joined, self._left)
        self._connect = connect
        self._channel = channel
        self._lost = lost
        self._listening: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        # A subscriber while it is connected, what was asked of it, by channel, and what it granted.
        self._subscriber: Subscriber | None = None
        self._asked: dict[str, str] = {}
        self._tails: dict[str, Tail] = {}
        self._asking = asyncio.Lock()
        self._is_away = False
        self._news = asyncio.Event()

    def tail(self, room: str) -> Tail | None:
        """Return what came in of a room, `None` while there is no subscription."""
        return self._tails.get(room)

    async def granted(self, room: str) -> None:
        """Wait until a room is subscribed to, or cannot be for now."""
        while room not in self._tails and not self._is_away:
            await self._news.wait()

    def start(self) -> None:
        """Begin to listen, if there is an audience."""
        if self._listening is None and self.audience.rooms():
            self._is_away = False
            self._listening = asyncio.get_running_loop().create_task(self._listen(self._ending))

    async def stop(self) -> None:
        """Listen no more, until the next start."""
        self._cancel()
        if self._ending is not None:
            await asyncio.wait([self._ending])

    def _joined(self, room: str) -> None:
        self.start()
        self._do(self._adjust(room))

    def _left(self, room: str) -> None:
        if not self.audience.rooms():
            self._cancel()
        elif not self.audience.attends(room):
            self._do(self._adjust(room))

    def _cancel(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            self._ending, self._listening = self._listening, None
            self._forget()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        if self._subscriber is None:
            # It asks for all rooms once it is connected.
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _adjust(self, room: str) -> None:
        channel = self._channel(room)
        async with self._asking:
            wanted = self.audience.attends(room)
            if (subscriber := self._subscriber) is None or wanted == (channel in self._asked):
                return
            # Where it is lost, whoever listens to it notices.
            with contextlib.suppress(Exception):
                if wanted:
                    self._asked[channel] = room
                    await subscriber.subscribe(channel)
                else:
                    del self._asked[channel]
                    self._tails.pop(room, None)
                    await subscriber.unsubscribe(channel)

    async def _listen(self, ending: asyncio.Task[None] | None) -> None:
        if ending is not None:
            await asyncio.wait([ending])
        pause = _FIRST_PAUSE
        # Asked each time, for redis-py (8.1) now and then loses a cancellation.
        while self._listening is asyncio.current_task():
            subscriber = None
            try:
                subscriber = await self._connect()
                self._subscriber = subscriber
                self._asked = {self._channel(room): room for room in self.audience.rooms()}
                async with self._asking:
                    await subscriber.subscribe(*self._asked)
                pause = _FIRST_PAUSE
                await self._hear(subscriber)
            except RoomsUnavailableError:
                pause = min(_LONGEST_PAUSE, 2 * pause)
            except Exception as exc:
                # Whatever it is, those who follow must not wait for a listener that is dead.
                if not self._lost(exc):
                    logger.exception("what came in from Redis was not understood")
            finally:
                if subscriber is not None:
                    with contextlib.suppress(Exception):
                        await subscriber.aclose()
            if self._listening is asyncio.current_task():
                self._forget()
                self._is_away = True
                self._tell()
                await asyncio.sleep(pause)

    def _forget(self) -> None:
        self._subscriber = None
        self._asked = {}
        self._tails = {}

    async def _hear(self, subscriber: Subscriber) -> None:
        silences = 0
        while silences < _SILENCES:
            if self._subscriber is not subscriber:
                return
            message = await subscriber.get_message(timeout=_SILENCE_SECONDS)
            if message is not None:
                silences = 0
                self._take(message)
                continue
            silences += 1
            async with self._asking:
                await subscriber.ping()
        raise TimeoutError(
            f"nothing came for {_SILENCES * _SILENCE_SECONDS:.0f} s, not even a pong"
        )

    def _take(self, message: dict[str, Any]) -> None:
        if (room := self._asked.get(message["channel"])) is None:
            return
        if message["type"] == "subscribe":
            self._is_away = False
            self._tails[room] = Tail()
            self._tell()
            # What was appended before is read from the log, what is appended now comes in.
            self.audience.wake(room)
        elif message["type"] == "message" and (tail := self._tails.get(room)) is not None:
            if (text := message["data"]).startswith(SIGNAL):
                self.audience.tell(room, text.removeprefix(SIGNAL))
                return
            try:
                tail.add(*unpack_published(text))
            except ValueError:
                # Nobody here published that; what the log holds is read from there.
                self._tails[room] = Tail()
            self.audience.wake(room)

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
