"""Rooms in Redis or Valkey: for many processes, on many machines."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any
from urllib.parse import quote

from ..contract import Entry, RoomsUnavailableError
from ..outage import Outage
from .packing import SIGNAL, pack, unpack, unpack_stream
from .scripts import APPEND, HOLD
from .subscription import Subscriber, Subscription

try:
    from redis import exceptions
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
except ImportError as exc:
    raise ImportError(
        "RedisRooms needs the redis package: pip install 'fastapi-echochat[redis]'"
    ) from exc

# Seconds for a free connection, to connect, and for an answer; a URL may say otherwise.
_OPTIONS: dict[str, Any] = {
    "max_connections": 20,
    "timeout": 5,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    # A connection that Redis closed since it was last used is opened again, at once and once.
    "retry": Retry(NoBackoff(), 1, (exceptions.ConnectionError,)),
    "retry_on_error": [exceptions.ConnectionError],
    # What every release of redis-py from 5 on understands alike.
    "protocol": 2,
    "decode_responses": True,
    "encoding_errors": "replace",
}

_OUT_OF_REACH = (exceptions.ConnectionError, exceptions.TimeoutError, OSError, asyncio.TimeoutError)


class RedisRooms:
    """Rooms in Redis 6.2 or newer, or in Valkey; what is said survives as far as Redis does.

    Where Redis goes away the log says so once, and once when it is back; until then it is tried
    again, at least once a second.

    Args:
        url: `redis://`, `rediss://` (TLS) or `unix://`.
        history: How many entries a room keeps; the oldest are dropped, and their ids with them.
        prefix: What the names of all keys and channels begin with, after a brace.

    Raises:
        ValueError: The URL is none.
    """

    def __init__(self, url: str, *, history: int = 10_000, prefix: str = "echochat") -> None:
        if history < 1:
            raise ValueError("RedisRooms keeps at least one entry of a room")
        place = f"Redis at {_address(url)}"
        self._away = Outage(f"{place} does not answer", f"{place} answers again")
        self._refusal = Outage(f"{place} refuses", f"{place} keeps again what is said")
        self._url = url
        self._history = history
        # Escaped, so that the first colon of a key ends the prefix: prefix "a" with room "b:c" is
        # not prefix "a:b" with room "c".
        self._prefix = quote(prefix, safe="")
        self._links: dict[asyncio.AbstractEventLoop, _Link] = {}
        self._lock = threading.Lock()

    async def append(self, room: str, entry: Entry) -> Entry:
        """Keep an entry, and return it with its position."""
        link = self._link()
        name = self._name(room)
        keys = [f"{name}:log", f"{name}:ids"]
        key = f"{entry.kind}:{entry.id}"
        appended = link.append(keys, [key, self._history, pack(entry), f"{name}:live"])
        position, packed = await link.ask(appended)
        self._refusal.end()
        return unpack(packed, int(position))

    async def read(self, room: str, *, after: int = 0, limit: int = 100) -> list[Entry]:
        """Return the entries after a position, oldest first, the first `limit` of them."""
        if limit < 1:
            return []
        link = self._link()
        first = f"{max(0, after + 1)}-0"
        found = link.redis.xrange(f"{self._name(room)}:log", first, "+", limit)
        return unpack_stream(await link.ask(found))

    async def read_back(
        self, room: str, *, before: int | None = None, limit: int = 100
    ) -> list[Entry]:
        """Return the entries before a position, oldest first, the last `limit` of them."""
        if limit < 1 or (before is not None and before < 1):
            return []
        link = self._link()
        last = "+" if before is None else f"{before - 1}-0"
        found = link.redis.xrevrange(f"{self._name(room)}:log", last, "-", limit)
        return unpack_stream(await link.ask(found))[::-1]

    async def follow(self, room: str, *, after: int = 0) -> AsyncGenerator[Entry, None]:
        """Yield every entry after a position, in order and once, without end.

        Whoever is so far behind that entries were dropped meanwhile goes on with the oldest kept.
        """
        following = self._link().subscription.audience.follow(room, after, self._read_on)
        async with contextlib.aclosing(following):
            async for entry in following:
                yield entry

    async def signal(self, room: str, text: str) -> None:
        """Tell those who listen to a room's signals now; it is lost where Redis is away."""
        link = self._link()
        with contextlib.suppress(RoomsUnavailableError):
            await link.ask(link.redis.publish(f"{self._name(room)}:live", f"{SIGNAL}{text}"))

    async def signals(self, room: str) -> AsyncGenerator[str, None]:
        """Return the room's signals, from now on, or from when Redis is back."""
        subscription = self._link().subscription
        signals = await subscription.audience.signals(room)
        try:
            await subscription.granted(room)
        except BaseException:
            await signals.aclose()
            raise
        return signals

    async def hold(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease, and tell whether the holder has it."""
        link = self._link()
        milliseconds = max(1, round(seconds * 1000)) if seconds > 0 else 0
        taken = link.hold([f"{self._name(name)}:holder"], [holder, milliseconds])
        return bool(await link.ask(taken))

    async def close(self) -> None:
        """Close all connections; the next call opens them again."""
        here = asyncio.get_running_loop()
        for loop, link in list(self._links.items()):
            if loop is here:
                await link.close()
            else:
                # A loop that was closed meanwhile has closed its connections itself.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(link.close_soon)

    async def _read_on(self, room: str, after: int, limit: int) -> list[Entry]:
        # Without a subscription nobody reads: there is no seam between what was there before it
        # and what comes in with it, and whoever follows is woken when it is there.
        if (tail := self._link().subscription.tail(room)) is None:
            return []
        if (entries := tail.after(after)) is not None:
            return entries
        return await self.read(room, after=after, limit=limit)

    def _name(self, room: str) -> str:
        # All keys of a room are in one slot of a cluster, by their common text in braces.
        return f"{{{self._prefix}:{room}}}"

    def _link(self) -> "_Link":
        loop = asyncio.get_running_loop()
        if (link := self._links.get(loop)) is None:
            link = _Link(
                self._url, lambda room: f"{self._name(room)}:live", self._away, self._refusal
            )
            with self._lock:
                for other in [other for other in self._links if other.is_closed()]:
                    del self._links[other]
                self._links[loop] = link
        link.subscription.start()
        return link


class _Link:
    """One event loop's connections: some for commands, and one for what comes in live.

    Attributes:
        redis: For commands.
        append: The script that appends.
        hold: The script that takes a lease.
        subscription: What comes in live.
    """

    def __init__(
        self, url: str, channel: Callable[[str], str], away: Outage, refusal: Outage
    ) -> None:
        self._pool = _pool(url)
        self.redis: Redis = Redis(connection_pool=self._pool)
        self.append = self.redis.register_script(APPEND)
        self.hold = self.redis.register_script(HOLD)
        self.subscription = Subscription(self._subscriber, channel, self._lost)
        self._away = away
        self._refusal = refusal
        self._end: AsyncGenerator[None, None] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def ask(self, command: Awaitable[Any]) -> Any:
        """Return the answer to a command.

        Raises:
            RoomsUnavailableError: There is none, or Redis refuses.
        """
        if self._end is None:
            self._end = self._wait_for_end()
            await anext(self._end)
        # A task of its own, for redis-py (8.1) now and then loses a cancellation, and the caller
        # would not end. It also spares the connection, which a command cut off would cost.
        answering = asyncio.ensure_future(command)
        try:
            answer = await asyncio.shield(answering)
        except _OUT_OF_REACH as exc:
            self._lost(exc)
            raise RoomsUnavailableError(f"Redis does not answer ({_reason(exc)})") from exc
        except exceptions.RedisError as exc:
            self._refusal.begin(exc)
            raise RoomsUnavailableError(f"Redis refuses ({exc})") from exc
        self._away.end()
        return answer

    async def close(self) -> None:
        """Close the connections."""
        await self.subscription.stop()
        await self._pool.disconnect()

    def close_soon(self) -> None:
        """Close the connections, in a task."""
        self._closing = asyncio.get_running_loop().create_task(self.close())

    async def _wait_for_end(self) -> AsyncGenerator[None, None]:
        # An event loop closes its async generators when it ends, and so these connections even if
        # nobody called close().
        try:
            yield
        finally:
            await self._pool.disconnect()

    async def _subscriber(self) -> Subscriber:
        # While Redis loads its data it takes subscriptions and answers nothing else.
        await self.ask(self.redis.ping())
        return self.redis.pubsub()

    def _lost(self, exc: Exception) -> bool:
        is_out_of_reach = isinstance(exc, (*_OUT_OF_REACH, exceptions.RedisError))
        if is_out_of_reach:
            self._away.begin(_reason(exc))
        return is_out_of_reach


def _pool(url: str) -> BlockingConnectionPool:
    return BlockingConnectionPool.from_url(url, **_OPTIONS)


def _address(url: str) -> str:
    try:
        pool = _pool(url)
        # Made, not connected: so an option that there is none of is found now.
        pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError, AttributeError, exceptions.RedisError):
        # Without what it was: it may hold a part of a password.
        raise ValueError(
            "RedisRooms takes a URL such as redis://localhost:6379/0, rediss://user:password@host "
            "or unix:///path/to/socket, with %-escapes in user and password"
        ) from None
    options = pool.connection_kwargs
    if any(options[name] != _OPTIONS[name] for name in ("protocol", "decode_responses")):
        raise ValueError("RedisRooms sets protocol and decode_responses itself; the URL must not")
    return str(options.get("path") or f"{options.get('host')}:{options.get('port', 6379)}")


def _reason(exc: Exception) -> str:
    return str(exc) or type(exc).__name__
