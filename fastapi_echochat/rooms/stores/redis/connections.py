"""Connections to a Redis: the store's own, or those of a client that the host gives."""

import random
from typing import Any, Protocol

from redis import exceptions
from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from .subscription import Subscriber

# Connections with commands under way; one more is for the subscription.
_COMMANDS = 20
# So many commands go together at most: the answers of all are waited for before any is given.
_TOGETHER = 50

# Seconds to connect, and for an answer; a URL may say otherwise.
_OPTIONS: dict[str, Any] = {
    "max_connections": _COMMANDS + 1,
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


class Connections(Protocol):
    """What one event loop has of a Redis.

    Attributes:
        most: How many times `send` may be under way.
        longest: How many commands it may be given.
    """

    most: int
    longest: int

    async def send(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """Return the answer to each command, or the error that Redis answers.

        Raises:
            redis.RedisError: There are no answers.
            OSError: There are none.
        """

    async def subscriber(self) -> Subscriber:
        """Return a new subscriber, which is not connected yet."""

    async def renew(self) -> None:
        """Connect again for the commands to come: what is connected to is a replica."""

    async def close(self) -> None:
        """Close what is not the host's."""


async def _answer_to(redis: Any, command: tuple[Any, ...]) -> Any:
    try:
        return await redis.execute_command(*command)
    except exceptions.ResponseError as exc:
        return exc


class _ToServer:
    def __init__(self, redis: Any, *, is_ours: bool) -> None:
        self.most = min(_COMMANDS, redis.connection_pool.max_connections - 1)
        self.longest = _TOGETHER
        self._redis = redis
        self._is_ours = is_ours

    async def send(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        if len(commands) == 1:
            return [await _answer_to(self._redis, commands[0])]
        pipeline = self._redis.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers

    async def subscriber(self) -> Subscriber:
        subscriber: Subscriber = self._redis.pubsub()
        return subscriber

    async def renew(self) -> None:
        await self._redis.connection_pool.disconnect(inuse_connections=False)

    async def close(self) -> None:
        if self._is_ours:
            await self._redis.connection_pool.disconnect()


class _ToCluster:
    def __init__(self, redis: Any) -> None:
        self.most = _COMMANDS
        # They are of different nodes, none of which is to wait for another.
        self.longest = 1
        self._redis = redis

    async def send(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        return [await _answer_to(self._redis, command) for command in commands]

    async def subscriber(self) -> Subscriber:
        # Every node passes on what is published at any of them. Before 8.0 redis-py has no
        # subscriptions to a cluster, but it has the options of connections to a node.
        node = random.choice(self._redis.get_primaries())
        pool = ConnectionPool(connection_class=node.connection_class, **node.connection_kwargs)
        subscriber: Subscriber = Redis(connection_pool=pool).pubsub()
        return subscriber

    async def renew(self) -> None:
        """Do nothing: a replica in a cluster says who the master is, and is left by the client."""

    async def close(self) -> None:
        """Close nothing: it is the host's."""


class Source:
    """Where connections come from.

    Args:
        url: Of a server, unless there is a client.
        client: The host's.

    Attributes:
        name: Names it in the log, without a password.
        database: Its number.

    Raises:
        ValueError: It is neither, or both, or cannot be used.
    """

    def __init__(self, url: str | None, client: "Redis | RedisCluster | None") -> None:
        if (url is None) == (client is None):
            raise ValueError("RedisRooms needs a URL or client=, one of them")
        self._url = url
        self._client = client
        if isinstance(client, RedisCluster):
            self.name, self.database = "Redis Cluster", 0
            return
        pool = _checked_pool(url) if url is not None else _pool_of(client)
        if pool.max_connections < 2:
            raise ValueError("RedisRooms needs two connections: for commands and to subscribe")
        options = pool.connection_kwargs
        self.database = int(options.get("db") or 0)
        if (service := getattr(pool, "service_name", None)) is not None:
            if not getattr(pool, "is_master", True):
                raise ValueError("RedisRooms writes: give it master_for(…), not slave_for(…)")
            self.name = f"Redis {service!r} of Sentinel"
        else:
            address = options.get("path") or f"{options.get('host')}:{options.get('port', 6379)}"
            self.name = f"Redis at {address}"

    def open(self) -> Connections:
        """Return connections for the running event loop; none is made yet."""
        if isinstance(self._client, RedisCluster):
            return _ToCluster(self._client)
        if self._client is not None:
            return _ToServer(self._client, is_ours=False)
        assert self._url is not None
        return _ToServer(Redis(connection_pool=_pool(self._url)), is_ours=True)


def _pool(url: str) -> BlockingConnectionPool:
    return BlockingConnectionPool.from_url(url, **_OPTIONS)


def _pool_of(client: object) -> Any:
    if not isinstance(client, Redis):
        raise ValueError(
            "RedisRooms needs a client of redis.asyncio: Redis, RedisCluster or what a Sentinel's "
            f"master_for returns, not {type(client).__name__}"
        )
    return client.connection_pool


def _checked_pool(url: str) -> BlockingConnectionPool:
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
    return pool
