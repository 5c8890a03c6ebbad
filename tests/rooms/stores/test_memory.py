"""Rooms in memory: they are bounded."""

import contextlib

import pytest

from fastapi_echochat.identity import Author
from fastapi_echochat.rooms.stores.memory import MemoryRooms
from tests.rooms.stores.conftest import entry, take


@pytest.mark.anyio
async def test_the_rooms_longest_not_used_are_dropped() -> None:
    """With more rooms than are kept the one goes that was neither written nor read for longest."""
    rooms = MemoryRooms(rooms=3)
    for name in ("a", "b", "c"):
        await rooms.append(name, entry())
    await rooms.read("a")
    await rooms.append("d", entry())
    assert [bool(await rooms.read(name)) for name in ("a", "b", "c", "d")] == [1, 0, 1, 1]


@pytest.mark.anyio
async def test_a_room_that_somebody_follows_stays() -> None:
    """Followed rooms are not dropped, even if that makes more than are kept."""
    rooms = MemoryRooms(rooms=2)
    async with contextlib.AsyncExitStack() as stack:
        for name in ("a", "b", "c"):
            following = await stack.enter_async_context(contextlib.aclosing(rooms.follow(name)))
            await rooms.append(name, entry())
            await anext(following)
        await rooms.append("d", entry())
        assert [len(await rooms.read(name)) for name in ("a", "b", "c", "d")] == [1, 1, 1, 1]
    for number in range(10):
        await rooms.append(f"new {number}", entry())
    kept = [name for name in ("a", "b", "c", "d") if await rooms.read(name)]
    assert kept == []


@pytest.mark.anyio
async def test_a_room_that_was_dropped_goes_on_above_its_positions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A follower comes back to a room that began anew, though the clock was set back."""
    rooms = MemoryRooms(rooms=1)
    old = await rooms.append("a", entry())
    await rooms.append("b", entry())
    assert await rooms.read("a") == []
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000)
    new = await rooms.append("a", entry())
    assert await take(rooms, "a", 1, after=old.position) == [new]


@pytest.mark.anyio
async def test_bytes_are_bounded() -> None:
    """With more bytes than are kept rooms that nobody follows go, those unused for longest first.

    Then the oldest entries of the longest rooms do; never the newest of one.
    """
    rooms = MemoryRooms(max_bytes=100_000)

    async def texts(room: str) -> list[int]:
        return [len(one.text) for one in await rooms.read(room)]

    async with contextlib.AsyncExitStack() as stack:
        for name in ("short", "long"):
            following = await stack.enter_async_context(contextlib.aclosing(rooms.follow(name)))
            await rooms.append(name, entry("x"))
            await anext(following)
        for name in ("a", "b", "c"):
            await rooms.append(name, entry("x" * 25_000))
        assert [await texts(name) for name in ("a", "b", "c")] == [[25_000]] * 3
        await rooms.read("a")
        await rooms.append("d", entry("x" * 25_000))
        assert [await texts(name) for name in ("b", "c", "a", "d")] == [[]] + [[25_000]] * 3
        for _ in range(20):
            await rooms.append("long", entry("é" * 2500))
        assert [await texts(name) for name in ("short", "a", "b", "c", "d")] == [
            [1],
            [],
            [],
            [],
            [],
        ]
        assert await texts("long") == [2500] * 8
        await rooms.append("short", entry("x" * 300_000))
        assert [await texts(name) for name in ("short", "long")] == [[300_000], [2500]]
        await rooms.append("short", entry("last"))
        assert [await texts(name) for name in ("short", "long")] == [[4], [2500]]


@pytest.mark.anyio
async def test_short_entries_are_counted_as_what_they_take() -> None:
    """Entries of hardly any text are bounded by what they take themselves, ids and names too."""
    rooms = MemoryRooms(max_bytes=100_000)
    for number in range(1000):
        await rooms.append("a", entry("x", author=Author(f"{number}" * 100, "Ada")))
    assert 20 < len(await rooms.read("a", limit=1000)) < 100


@pytest.mark.parametrize("bounds", [{"history": 0}, {"rooms": 0}, {"max_bytes": 0}])
def test_a_bound_is_at_least_one(bounds: dict[str, int]) -> None:
    """Nothing can be kept in no room, or in rooms that keep nothing."""
    with pytest.raises(ValueError, match="at least one"):
        MemoryRooms(**bounds)


@pytest.mark.anyio
async def test_each_has_a_pseudonym_key() -> None:
    """Two stores in one process have two keys, and each keeps its own."""
    one, other = MemoryRooms(), MemoryRooms()
    assert await one.pseudonym_key() == await one.pseudonym_key()
    assert await one.pseudonym_key() != await other.pseudonym_key()
    assert len(await one.pseudonym_key()) == 32


@pytest.mark.anyio
async def test_an_id_that_was_dropped_is_free_for_its_author_alone() -> None:
    """With the oldest entry goes its id, and not the same id of somebody else."""
    rooms = MemoryRooms(history=2)
    ada, bob = Author("17", "Ada"), Author("18", "Bob")
    await rooms.append("lobby", entry(id_="1", author=ada))
    his = await rooms.append("lobby", entry(id_="1", author=bob))
    last = await rooms.append("lobby", entry(id_="2", author=bob))
    assert await rooms.append("lobby", entry(id_="1", author=bob)) == his
    again = await rooms.append("lobby", entry(id_="1", author=ada))
    assert await rooms.read("lobby") == [last, again]
