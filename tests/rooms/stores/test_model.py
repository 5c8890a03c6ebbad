"""Every store against a model: a plain list for each room."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from fastapi_echochat.identity import Author
from fastapi_echochat.rooms.stores.contract import Entry, Kind, Rooms
from fastapi_echochat.rooms.stores.memory import MemoryRooms
from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from fastapi_echochat.rooms.stores.sqlite.rooms import SQLiteRooms
from tests.rooms.stores.conftest import STORES, entry
from tests.waiting import PATIENCE

T = TypeVar("T")

NAMES = st.sampled_from(["lobby", "kitchen"])
KINDS: st.SearchStrategy[Kind] = st.sampled_from(["message", "answer", "notice"])
AUTHORS = st.sampled_from(
    [None, Author("1", "Ada"), Author("1", "ada"), Author("1", "Ada", is_guest=True)]
)
LIMITS = st.sampled_from([0, 1, 2, 5, 100])


@dataclass
class Follower:
    room: str
    after: int
    entries: AsyncGenerator[Entry, None]


class Model(RuleBasedStateMachine):
    """A store must do what lists would do."""

    def __init__(self, open_rooms: Callable[[], list[Rooms]]) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        # Two clients of one store, where a store can have several.
        self.clients = open_rooms()
        self.histories: dict[str, list[Entry]] = {"lobby": [], "kitchen": []}
        self.followers: list[Follower] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(work, PATIENCE))

    def client(self, number: int) -> Rooms:
        return self.clients[number % len(self.clients)]

    def position(self, room: str, index: int) -> int:
        """Give the position of some entry, or one before all or behind all."""
        positions = [0, *(one.position for one in self.histories[room]), 1 << 60]
        return positions[index % len(positions)]

    @rule(
        room=NAMES,
        number=st.integers(0, 6),
        kind=KINDS,
        author=AUTHORS,
        client=st.integers(0, 1),
    )
    def append(
        self, room: str, number: int, kind: Kind, author: Author | None, client: int
    ) -> None:
        new = entry(id_=str(number), kind=kind, author=author)
        kept = self.run(self.client(client).append(room, new))
        history = self.histories[room]
        there = [
            one for one in history if (one.kind, one.id, one.author) == (kind, str(number), author)
        ]
        if there:
            assert [kept] == there
        else:
            assert not history or kept.position > history[-1].position
            history.append(kept)

    @rule(room=NAMES, count=st.integers(1, 40), client=st.integers(0, 1))
    def append_many_at_once(self, room: str, count: int, client: int) -> None:
        rooms = self.client(client)

        async def append() -> list[Entry]:
            return await asyncio.gather(*(rooms.append(room, entry()) for _ in range(count)))

        self.histories[room] += sorted(self.run(append()), key=lambda one: one.position)

    @rule(room=NAMES, index=st.integers(0, 500), limit=LIMITS, client=st.integers(0, 1))
    def read(self, room: str, index: int, limit: int, client: int) -> None:
        after = self.position(room, index)
        found = self.run(self.client(client).read(room, after=after, limit=limit))
        assert found == [one for one in self.histories[room] if one.position > after][:limit]

    @rule(
        room=NAMES,
        index=st.none() | st.integers(0, 500),
        limit=LIMITS,
        client=st.integers(0, 1),
    )
    def read_back(self, room: str, index: int | None, limit: int, client: int) -> None:
        before = None if index is None else self.position(room, index)
        found = self.run(self.client(client).read_back(room, before=before, limit=limit))
        earlier = [one for one in self.histories[room] if before is None or one.position < before]
        assert found == earlier[max(0, len(earlier) - limit) :]

    @rule(room=NAMES, index=st.integers(0, 500), client=st.integers(0, 1))
    def follow(self, room: str, index: int, client: int) -> None:
        after = self.position(room, index)
        if after <= self.last(room):
            entries = self.run(self.begin_to_follow(client, room, after))
            self.followers.append(Follower(room, after, entries))

    async def begin_to_follow(
        self, client: int, room: str, after: int
    ) -> AsyncGenerator[Entry, None]:
        return self.client(client).follow(room, after=after)

    @precondition(lambda self: self.followers)
    @rule(index=st.integers(0, 20), count=st.integers(1, 60))
    def take(self, index: int, count: int) -> None:
        follower = self.followers[index % len(self.followers)]
        coming = [one for one in self.histories[follower.room] if one.position > follower.after]
        for expected in coming[:count]:
            assert self.run(anext(follower.entries)) == expected
            follower.after = expected.position

    @precondition(lambda self: self.followers)
    @rule(index=st.integers(0, 20))
    def cut(self, index: int) -> None:
        follower = self.followers.pop(index % len(self.followers))
        self.run(follower.entries.aclose())

    @precondition(lambda self: self.followers)
    @rule(index=st.integers(0, 20), client=st.integers(0, 1))
    def cut_and_resume(self, index: int, client: int) -> None:
        follower = self.followers[index % len(self.followers)]
        self.run(follower.entries.aclose())
        follower.entries = self.run(self.begin_to_follow(client, follower.room, follower.after))

    @rule(client=st.integers(0, 1))
    def close(self, client: int) -> None:
        # No store promises followers that they notice at once when it is closed.
        if not self.followers:
            self.run(self.client(client).close())

    def last(self, room: str) -> int:
        return self.histories[room][-1].position if self.histories[room] else 0

    def teardown(self) -> None:
        for index, _ in enumerate(self.followers):
            self.take(index=index, count=100_000)
        for follower in self.followers:
            self.run(follower.entries.aclose())
        for rooms in self.clients:
            self.run(rooms.close())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


@pytest.mark.slow
@pytest.mark.parametrize("store", STORES)
def test_a_store_does_what_lists_would_do(
    store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Any sequence of append, read, follow, cut and resume gives what plain lists give."""
    numbers = itertools.count()

    def open_rooms() -> list[Rooms]:
        number = next(numbers)
        if store == "memory":
            return [MemoryRooms()]
        if store == "sqlite":
            return [SQLiteRooms(tmp_path / f"{number}.db")] * 2
        url = request.getfixturevalue("shared_redis").url(scheme="redis")
        return [RedisRooms(url, prefix=f"model-{number}") for _ in range(2)]

    run_state_machine_as_test(
        lambda: Model(open_rooms),  # type: ignore[arg-type]  # any callable that makes one will do
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
