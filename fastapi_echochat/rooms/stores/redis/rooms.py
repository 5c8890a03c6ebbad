"""Rooms in Redis or Valkey: for many processes, on many machines."""

import asyncio
import contextlib
import logging
import secrets
import threading
import time
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ....limits import size_of
from ..contract import Entry, RoomsUnavailableError, take_up_to
from .client import Client, Outages
from .connections import Source
from .packing import SIGNAL, decoded, pack, unique_member, unpack, unpack_stream
from .scripts import APPEND, HOLD

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

logger = logging.getLogger("fastapi_echochat")

# So many entries are read at first where their bytes are bounded.
_BATCH = 20


class RedisRooms:
    """Rooms in Redis 6.2 or newer, or in Valkey; entries are as durable as its data.

    When Redis goes away, or refuses reads, writes or channels, the log says so once, and once when
    it is over; until then it is tried again at least once a second. Where it has become a replica
    it is connected to anew.

    Args:
        url: `redis://`, `rediss://` (TLS) or `unix://`.
        client: Instead of a URL a client of the host's, used in the event loop that it belongs to
            and never closed here: a `redis.asyncio.Redis`, what `master_for` of a `Sentinel`
            returns, or a `RedisCluster`. It decodes responses or not; of its connections at least
            two have to be free.
        history: How many entries a room keeps; the oldest are dropped, and their ids with them.
        prefix: Begins the names of all keys and channels, after a brace. Chats of different
            prefixes, or in different databases of one Redis, share nothing.

    Raises:
        ValueError: `url` is not a URL of a Redis, or `client` no client of one that can write, or
            both or none is given, or `history` is less than 1.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        client: "Redis | RedisCluster | None" = None,
        history: int = 10_000,
        prefix: str = "echochat",
    ) -> None:
        if history < 1:
            raise ValueError("RedisRooms keeps at least one entry of a room")
        self._source = Source(url, client)
        self._outages = Outages(self._source.name)
        self._has_warned = False
        self._history = history
        # Escaped, so that the first colon of a key ends the prefix: prefix "a" with room "b:c" is
        # not prefix "a:b" with room "c".
        self._prefix = quote(prefix, safe="")
        # Channels are of all databases of a Redis, keys are not.
        self._live = f"live:{self._source.database}"
        self._clients: dict[asyncio.AbstractEventLoop, Client] = {}
        self._lock = threading.Lock()

    async def append(self, room: str, entry: Entry) -> Entry:
        """Keep an entry, and return it with its position."""
        client = self._client()
        keys = [self._key(room, "history"), self._key(room, "ids")]
        arguments: list[str | int | bytes]
        arguments = [unique_member(entry), self._history, pack(entry), self._channel(room)]
        outages, begun = self._outages, time.monotonic()
        answer = await client.run(APPEND, keys, arguments, outages.writes)
        position, packed, is_new, unpublished = answer
        if unpublished:
            outages.channels.begin(decoded(unpublished), "publish")
        elif is_new:
            outages.channels.end("publish", begun=begun)
        if is_new:
            outages.writes.end("", "replica", begun=begun)
        return unpack(decoded(packed), int(position))

    async def read(
        self, room: str, *, after: int = 0, limit: int = 100, max_bytes: int | None = None
    ) -> list[Entry]:
        """Return the entries after a position, oldest first, the first `limit` of them."""
        key, first = self._key(room, "history"), f"{max(0, after + 1)}-0"
        return await self._collect(
            room, first, limit, max_bytes, lambda at: ("XRANGE", key, at, "+")
        )

    async def read_back(
        self,
        room: str,
        *,
        before: int | None = None,
        limit: int = 100,
        max_bytes: int | None = None,
    ) -> list[Entry]:
        """Return the entries before a position, oldest first, the last `limit` of them."""
        client, key = self._client(), self._key(room, "history")
        recent = client.subscription.recent(room)
        last = "+" if before is None else f"({max(1, before)}-0"
        entries = await self._collect(
            room, last, limit, max_bytes, lambda at: ("XREVRANGE", key, at, "-")
        )
        if before is None and recent is not None:
            recent.note_end(entries[0].position if entries else 0)
        return entries[::-1]

    def follow(self, room: str, *, after: int = 0) -> AsyncGenerator[Entry, None]:
        """Yield every entry after a position, in order and once, without end.

        A follower so far behind that entries were dropped meanwhile goes on with the oldest kept.
        """
        self._channel(room)
        return self._client().subscription.followers.follow(room, after, self._read_recent)

    async def signal(self, room: str, text: str) -> None:
        """Send a signal to those who listen to a room's signals now; without Redis it is lost."""
        client = self._client()
        with contextlib.suppress(RoomsUnavailableError):
            await client.publish(room, f"{SIGNAL}{text}")

    async def signals(self, room: str) -> AsyncGenerator[str, None]:
        """Return the room's signals, from now on, or from when Redis is back."""
        self._channel(room)
        subscription = self._client().subscription
        signals = await subscription.followers.listen(room)
        try:
            await subscription.wait_until_subscribed(room)
        except BaseException:
            await signals.aclose()
            raise
        return signals

    async def hold(self, room: str, position: int, holder: str, seconds: float) -> bool:
        """Take or renew the lease of an answer, and return whether the holder has it."""
        milliseconds = max(1, round(seconds * 1000)) if seconds > 0 else 0
        keys, arguments = [self._key(room, f"lease:{position}")], [holder, milliseconds]
        begun = time.monotonic()
        if not await self._client().run(HOLD, keys, arguments, self._outages.writes):
            return False
        self._outages.writes.end("", "replica", begun=begun)
        return True

    async def pseudonym_key(self) -> bytes:
        """Return 32 secret bytes, which Redis keeps for all chats of this prefix."""
        client, writes = self._client(), self._outages.writes
        # A room's keys have a colon within the braces.
        key = f"{{{self._prefix}}}:pseudonym-key"
        new = secrets.token_hex(32)
        # Read first, for a Redis that is full refuses to set even what is set already.
        while (kept := await self._read("GET", key)) is None:
            await client.ask("SET", key, new, "NX", refusal=writes)
            writes.end("", "replica")
        return bytes.fromhex(decoded(kept))

    async def close(self) -> None:
        """Close all connections; the next call opens them again."""
        here = asyncio.get_running_loop()
        for loop, client in list(self._clients.items()):
            if loop is here:
                await client.close()
            else:
                # A loop that was closed meanwhile has closed its connections already.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(client.close_soon)

    async def _read_recent(self, room: str, after: int, limit: int, max_bytes: int) -> list[Entry]:
        # Nothing is read before the subscription is there, which then wakes the followers: an
        # entry is either in the history by then or comes in live.
        if (recent := self._client().subscription.recent(room)) is None:
            return []
        if (entries := recent.after(after)) is not None:
            return entries
        return await self.read(room, after=after, limit=limit, max_bytes=max_bytes)

    async def _collect(
        self,
        room: str,
        start: str,
        limit: int,
        max_bytes: int | None,
        command: Callable[[str], tuple[str, ...]],
    ) -> list[Entry]:
        entries: list[Entry] = []
        # Redis counts entries only: where bytes matter so many are asked for as fit in, going by
        # those that came before.
        count = limit if max_bytes is None else min(limit, _BATCH)
        while count > 0:
            found = await self._read(*command(start), "COUNT", count)
            readable = unpack_stream(found)
            if len(readable) < len(found):
                self._warn_of_foreign_data(room)
            entries += readable
            taken = take_up_to(entries, max_bytes)
            if len(found) < count or len(taken) < len(entries):
                return taken
            start = f"({decoded(found[-1][0])}"
            count = limit - len(entries)
            if max_bytes is not None:
                size = sum(size_of(entry.text) for entry in entries) or 1
                count = min(count, max(_BATCH, (max_bytes - size) * len(entries) // size))
        return entries

    async def _read(self, *command: str | int) -> Any:
        begun = time.monotonic()
        answer = await self._client().ask(*command, refusal=self._outages.reads)
        self._outages.reads.end(begun=begun)
        return answer

    def _warn_of_foreign_data(self, room: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "%s: the history of room %r, and perhaps of others, has entries that this version"
                " of fastapi-echochat did not write; they are left out",
                self._source.name,
                room,
            )

    def _key(self, room: str, name: str) -> str:
        # Half of a surrogate pair is an error here; redis-py would replace it by a question mark,
        # and two rooms would be one.
        room.encode()
        # All keys of a room are in one slot of a cluster, by their common text in braces.
        return f"{{{self._prefix}:{room}}}:{name}"

    def _channel(self, room: str) -> str:
        return self._key(room, self._live)

    def _client(self) -> "Client":
        loop = asyncio.get_running_loop()
        if (client := self._clients.get(loop)) is None:
            client = Client(self._source, self._channel, self._outages)
            with self._lock:
                for other in [other for other in self._clients if other.is_closed()]:
                    del self._clients[other]
                self._clients[loop] = client
        client.subscription.start()
        return client
