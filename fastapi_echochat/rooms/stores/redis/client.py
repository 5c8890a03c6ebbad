"""The connections to Redis of one event loop, and how their trouble is told."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from ..contract import RoomsUnavailableError
from ..outage import Outage
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
    # Every release of redis-py from 5 on understands this version alike.
    "protocol": 2,
    "decode_responses": True,
    "encoding_errors": "replace",
}

_OUT_OF_REACH = (exceptions.ConnectionError, exceptions.TimeoutError, OSError, asyncio.TimeoutError)


class Client:
    """One event loop's connections: some for commands, and one for the subscription.

    Attributes:
        redis: For commands.
        append: The script that appends an entry.
        hold: The script that takes a lease.
        subscription: Receives what is published.
    """

    def __init__(
        self, url: str, channel: Callable[[str], str], away: Outage, refusal: Outage
    ) -> None:
        self._pool = _pool(url)
        self.redis: Redis = Redis(connection_pool=self._pool)
        self.append = self.redis.register_script(APPEND)
        self.hold = self.redis.register_script(HOLD)
        self.subscription = Subscription(self._connect_subscriber, channel, self._begin_outage)
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
        # In a task, for redis-py (8.1) now and then loses a cancellation, and the caller would not
        # end. It also saves the connection, which redis-py closes when a command is cut off.
        answering = asyncio.ensure_future(command)
        try:
            answer = await asyncio.shield(answering)
        except _OUT_OF_REACH as exc:
            self._begin_outage(exc)
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

    async def _connect_subscriber(self) -> Subscriber:
        # While Redis loads its data it accepts subscriptions and answers nothing else.
        await self.ask(self.redis.ping())
        return self.redis.pubsub()

    def _begin_outage(self, exc: Exception) -> bool:
        is_out_of_reach = isinstance(exc, (*_OUT_OF_REACH, exceptions.RedisError))
        if is_out_of_reach:
            self._away.begin(_reason(exc))
        return is_out_of_reach


def _pool(url: str) -> BlockingConnectionPool:
    return BlockingConnectionPool.from_url(url, **_OPTIONS)


def checked_options(url: str) -> dict[str, Any]:
    """Return the options that a URL gives a connection.

    Raises:
        ValueError: It is not a URL of a Redis.
    """
    try:
        pool = _pool(url)
        # Made, not connected: this finds an option that does not exist.
        pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError, AttributeError, exceptions.RedisError):
        # The reason is left out: it may contain a part of a password.
        raise ValueError(
            "RedisRooms needs a URL such as redis://localhost:6379/0, rediss://user:password@host "
            "or unix:///path/to/socket, with %-escapes in user and password"
        ) from None
    options: dict[str, Any] = pool.connection_kwargs
    if any(options[name] != _OPTIONS[name] for name in ("protocol", "decode_responses")):
        raise ValueError("RedisRooms sets protocol and decode_responses itself; the URL must not")
    return options


def _reason(exc: Exception) -> str:
    return str(exc) or type(exc).__name__
