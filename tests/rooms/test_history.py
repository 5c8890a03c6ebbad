"""What clients are given of a room's history: bounded by count and by bytes, and complete."""

import random

import pytest

from fastapi_echochat import MemoryRooms, Rooms
from fastapi_echochat.limits import size_of
from fastapi_echochat.rooms.history import read_beginning, read_on, read_page
from fastapi_echochat.rooms.stores.contract import Entry
from tests.rooms.stores.conftest import entry

pytestmark = pytest.mark.anyio
MOST = 262_144


async def fill(rooms: Rooms, texts: list[str]) -> list[Entry]:
    return [await rooms.append("lobby", entry(text)) for text in texts]


@pytest.mark.parametrize("seed", range(5))
async def test_pages_are_bounded_and_complete(seed: int) -> None:
    """Page by page one gets all of a history, whatever its entries' lengths, and no empty page.

    A page has at most 50 entries, and 256 KiB unless it has one alone.
    """
    chance = random.Random(seed)
    rooms = MemoryRooms()
    lengths = [1] * 120 + [60_000] * 20 + [300_000]
    chance.shuffle(lengths)
    kept = await fill(rooms, [chance.choice("xé") * length for length in lengths])
    read: list[Entry] = []
    before, has_earlier = None, True
    while has_earlier:
        page, has_earlier = await read_page(rooms, "lobby", before)
        assert 0 < len(page) <= 50
        assert len(page) == 1 or sum(size_of(one.text) for one in page) <= MOST
        before = page[0].position
        read = page + read
    assert read == kept


async def test_page_of_one_long_entry() -> None:
    """An entry longer than a page is one by itself, and it is told whether there are others."""
    rooms = MemoryRooms()
    first, second = await fill(rooms, ["x" * 2 * MOST] * 2)
    assert await read_page(rooms, "lobby") == ([second], True)
    assert await read_page(rooms, "lobby", second.position) == ([first], False)
    assert await read_page(rooms, "lobby", first.position) == ([], False)


async def test_resuming_is_bounded_and_complete() -> None:
    """Who comes back gets all that came since, in parts of 256 KiB and one entry at most."""
    rooms = MemoryRooms()
    kept = await fill(rooms, ["é" * 16_000] * 40)
    beginning = await read_beginning(rooms, "lobby", kept[0].position)
    assert beginning.resumed
    read, part = [], beginning.entries
    while part:
        assert sum(size_of(one.text) for one in part) <= MOST + 64_000
        read += part
        part = await read_on(rooms, "lobby", read[-1].position)
    assert read == kept[1:]
