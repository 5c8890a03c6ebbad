"""What other processes publish: one connection for all rooms of an event loop."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from ..contract import RoomsUnavailableError
from ..followers import Followers
from .packing import PROBE, SIGNAL, decoded, unpack_published
from .recent import RecentEntries

logger = logging.getLogger("fastapi_echochat")

# Seconds between two tries to connect, at first and at most.
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0

# Seconds after which something is published to break a silence, and the number of silences in a row
# after which the connection is given up: it is dead, or what it leads to is cut off from the Redis
# that commands are sent to.
_SILENCE_SECONDS = 1.5
_SILENCES = 3


class Subscriber(Protocol):
    """The part of redis.asyncio's PubSub that is used here."""

    def subscribe(self, *channels: str) -> Awaitable[Any]:
        """Subscribe to channels."""

    def unsubscribe(self, *channels: str) -> Awaitable[Any]:
        """Unsubscribe from channels."""

    async def get_message(self, *, timeout: float) -> dict[str, Any] | None:
        """Return the next message, or `None` if there is none within so many seconds."""

    async def aclose(self) -> None:
        """Close the connection."""


class Subscription:
    """Keeps the rooms subscribed to that have followers or listeners in this event loop.

    Args:
        connect: Returns a new subscriber.
        probe: Publishes to a room what nobody takes for an entry or a signal, or raises
            RoomsUnavailableError.
        channel: Returns the name of a room's channel.
        confirmed: Called when Redis has confirmed a subscription.
        lost: Called when a subscriber was lost, with the reason and how many were lost in a row of
            which nothing was confirmed; returns whether it is a reason for which Redis is tried
            again, and not a fault in this program.

    Attributes:
        followers: The followers and listeners.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Subscriber]],
        probe: Callable[[str], Awaitable[None]],
        channel: Callable[[str], str],
        confirmed: Callable[[], None],
        lost: Callable[[Exception, int], bool],
    ) -> None:
        self.followers = Followers(self._room_joined, self._room_left)
        self._connect = connect
        self._probe = probe
        self._channel = channel
        self._confirmed = confirmed
        self._lost = lost
        self._receiving: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._updating: asyncio.Task[None] | None = None
        # A subscriber while it is connected, the rooms that it was asked for, by channel, and the
        # entries of those that it confirmed.
        self._subscriber: Subscriber | None = None
        self._rooms: dict[str, str] = {}
        self._recent: dict[str, RecentEntries] = {}
        # The rooms that are to be subscribed to, or no longer, and Redis is yet to be told of.
        self._changed_rooms: set[str] = set()
        # The rooms of which signals may have been lost, until they are subscribed to again.
        self._lost_rooms: set[str] = set()
        self._commands = asyncio.Lock()
        self._is_away = False
        # How often in a row it was tried to connect, and nothing was confirmed.
        self._tries = 0
        self._changed = asyncio.Event()

    def recent(self, room: str) -> RecentEntries | None:
        """Return a room's newest entries, or `None` while it is not subscribed to."""
        return self._recent.get(room)

    async def wait_until_subscribed(self, room: str) -> None:
        """Wait until a room is subscribed to, or Redis turns out to be away."""
        while room not in self._recent:
            if self._is_away:
                self._lost_rooms.add(room)
                return
            await self._changed.wait()

    def start(self) -> None:
        """Subscribe, if there are followers or listeners."""
        if self._receiving is None and self.followers.awaited_rooms():
            self._is_away = False
            self._receiving = asyncio.get_running_loop().create_task(
                self._receive_always(self._ending)
            )

    async def stop(self) -> None:
        """End the subscription, until the next start."""
        self._cancel_receiving()
        if self._ending is not None:
            await asyncio.wait([self._ending])

    def renew(self) -> None:
        """Subscribe over a new connection, unless one is being made."""
        if self._receiving is not None and self._subscriber is not None:
            self._lost_rooms |= self._recent.keys()
            self._cancel_receiving()
            self.start()

    def _room_joined(self, room: str) -> None:
        self.start()
        self._update_soon(room)

    def _room_left(self, room: str) -> None:
        if not self.followers.is_awaited(room):
            self._lost_rooms.discard(room)
        if not self.followers.awaited_rooms():
            self._cancel_receiving()
        elif not self.followers.is_awaited(room):
            self._update_soon(room)

    def _cancel_receiving(self) -> None:
        if self._receiving is not None:
            self._receiving.cancel()
            self._ending, self._receiving = self._receiving, None
            self._drop_subscriber()

    def _update_soon(self, room: str) -> None:
        if self._subscriber is None:
            # Once connected, it subscribes to all rooms.
            return
        self._changed_rooms.add(room)
        if self._updating is None:
            self._updating = asyncio.get_running_loop().create_task(self._update())

    async def _update(self) -> None:
        try:
            # Those of one moment together: a command for each would cost more than the rest of it.
            async with self._commands:
                while self._changed_rooms and self._subscriber is not None:
                    await self._tell_changes(self._subscriber)
        finally:
            self._changed_rooms.clear()
            self._updating = None

    async def _tell_changes(self, subscriber: Subscriber) -> None:
        rooms, self._changed_rooms = self._changed_rooms, set()
        channels = {self._channel(room): room for room in rooms}
        is_awaited = self.followers.is_awaited
        joined = {name: room for name, room in channels.items() if is_awaited(room)}
        left = [name for name in channels if name in self._rooms and name not in joined]
        for name in left:
            self._recent.pop(self._rooms.pop(name), None)
        joined = {name: room for name, room in joined.items() if name not in self._rooms}
        self._rooms |= joined
        # A lost connection is noticed by the task that receives from it.
        with contextlib.suppress(Exception):
            if joined:
                await subscriber.subscribe(*joined)
            if left:
                await subscriber.unsubscribe(*left)

    async def _receive_always(self, ending: asyncio.Task[None] | None) -> None:
        if ending is not None:
            await asyncio.wait([ending])
            # Each would keep the one before it, with its connection.
            ending = None
        # Checked each time, for redis-py (8.1) now and then loses a cancellation.
        while self._receiving is asyncio.current_task():
            subscriber = None
            self._tries += 1
            try:
                # While Redis loads its data it accepts subscriptions and answers nothing else.
                await self._probe(next(iter(self.followers.awaited_rooms())))
                subscriber = await self._connect()
                self._subscriber = subscriber
                self._rooms = {self._channel(room): room for room in self.followers.awaited_rooms()}
                async with self._commands:
                    await subscriber.subscribe(*self._rooms)
                await self._receive(subscriber)
            except RoomsUnavailableError:
                pass  # It was told already.
            except Exception as exc:
                # After any error it goes on, or followers would wait for a task that has ended.
                if not self._lost(exc, self._tries):
                    logger.exception("a message from Redis could not be handled")
            finally:
                if subscriber is not None:
                    with contextlib.suppress(Exception):
                        await subscriber.aclose()
            if self._receiving is asyncio.current_task():
                self._lost_rooms |= self._recent.keys()
                self._drop_subscriber()
                self._is_away = True
                self._announce_change()
                await asyncio.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self._tries, 10)))

    def _drop_subscriber(self) -> None:
        self._subscriber = None
        self._rooms = {}
        self._recent = {}

    async def _receive(self, subscriber: Subscriber) -> None:
        silences = 0
        while silences < _SILENCES:
            if self._subscriber is not subscriber:
                return
            message = await subscriber.get_message(timeout=_SILENCE_SECONDS)
            if message is not None:
                silences = 0
                self._handle_message(message)
                continue
            silences += 1
            if self._rooms:
                await self._probe(next(iter(self._rooms.values())))
        raise TimeoutError(f"nothing came for {_SILENCES * _SILENCE_SECONDS:.1f} s")

    def _handle_message(self, message: dict[str, Any]) -> None:
        if (room := self._rooms.get(decoded(message["channel"]))) is None:
            return
        if message["type"] == "subscribe":
            self._is_away = False
            self._tries = 0
            self._confirmed()
            if room in self._recent:
                # redis-py has connected again by itself.
                self._lost_rooms.add(room)
            self._recent[room] = RecentEntries()
            self._announce_change()
            # Entries from before are read from the history, later ones come in.
            self.followers.wake_followers(room)
            if room in self._lost_rooms:
                self._lost_rooms.remove(room)
                self.followers.deliver_signal(room, "")
        elif message["type"] == "message" and (recent := self._recent.get(room)) is not None:
            if (text := decoded(message["data"])).startswith(SIGNAL):
                self.followers.deliver_signal(room, text.removeprefix(SIGNAL))
                return
            if text == PROBE:
                return
            try:
                recent.add(*unpack_published(text))
            except ValueError:
                # Published by something else; the entries are read from the history.
                self._recent[room] = RecentEntries()
            self.followers.wake_followers(room)

    def _announce_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
