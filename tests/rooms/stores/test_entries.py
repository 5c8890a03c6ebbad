"""Entries of every store: kept once, in order, as they were, and read in both directions."""

import asyncio
import contextlib
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from fastapi_echochat.rooms.stores.contract import Entry, Outcome, Rooms
from tests.rooms.stores.conftest import Open, entry, take
from tests.waiting import PATIENCE

pytestmark = pytest.mark.anyio

LONGEST = 255


async def test_an_entry_gets_a_position_and_keeps_the_rest(rooms: Rooms) -> None:
    """An entry comes back as it was appended, with the position that it was given."""
    said = entry("Grüße 👩‍🚀 \u2028 'quoted' \"too\" \\ {}")
    kept = await rooms.append("lobby", said)
    assert kept == replace(said, position=kept.position)
    assert await rooms.read("lobby") == [kept]


async def test_positions_are_the_time_and_grow(rooms: Rooms) -> None:
    """Positions are the microseconds of the arrival, and grow also within one microsecond."""
    before = time.time_ns() // 1000
    kept = await asyncio.gather(*(rooms.append("lobby", entry()) for _ in range(50)))
    positions = [one.position for one in await rooms.read("lobby")]
    assert positions == sorted({one.position for one in kept})
    assert before <= positions[0]
    assert positions[-1] <= time.time_ns() // 1000 + 50


async def test_entries_stand_in_the_order_of_their_appends(rooms: Rooms) -> None:
    """What is appended after another append returned stands behind it."""
    texts = [str(number) for number in range(30)]
    for text in texts:
        await rooms.append("lobby", entry(text))
    assert [one.text for one in await rooms.read("lobby")] == texts


async def test_an_id_is_kept_once(rooms: Rooms) -> None:
    """An entry appended again, and changed, is the first one, and nothing new is followed."""
    first = await rooms.append("lobby", entry("first", id_="a"))
    assert await rooms.append("lobby", entry("second", id_="a")) == first
    last = await rooms.append("lobby", entry("last", id_="b"))
    assert await rooms.read("lobby") == [first, last]
    assert await take(rooms, "lobby", 2) == [first, last]


async def test_an_id_appended_many_times_at_once_is_kept_once(open_rooms: Open) -> None:
    """Clients that append one entry at the same time all get the same one back."""
    clients = [open_rooms() for _ in range(4)]
    said = entry(id_="a")
    kept = await asyncio.gather(*(client.append("lobby", said) for client in clients * 5))
    assert len(set(kept)) == 1
    assert await clients[0].read("lobby") == [kept[0]]


async def test_an_id_is_of_its_kind_and_room(rooms: Rooms) -> None:
    """One id is another entry in another kind, and in another room."""
    message = await rooms.append("lobby", entry(id_="a"))
    answer = await rooms.append("lobby", entry(id_="a", kind="answer"))
    notice = await rooms.append("lobby", entry(id_="a", kind="notice"))
    assert await rooms.read("lobby") == [message, answer, notice]
    elsewhere = await rooms.append("kitchen", entry(id_="a"))
    assert await rooms.read("kitchen") == [elsewhere]


@pytest.mark.parametrize("outcome", ["done", "stopped", "failed"])
async def test_every_field_is_kept(open_rooms: Open, outcome: Outcome) -> None:
    """Nobody as author, no text, every outcome and the last microsecond are kept."""
    zone = timezone(timedelta(hours=0))
    sent_at = [
        datetime(2024, 2, 29, 23, 59, 59, 999_999, zone),
        datetime(2024, 1, 1, tzinfo=timezone.utc),
    ]
    kept = [
        await open_rooms().append(
            "lobby",
            Entry(kind="answer", id=str(at), author=None, text="", sent_at=at, outcome=outcome),
        )
        for at in sent_at
    ]
    assert [one.sent_at for one in kept] == sent_at
    assert await open_rooms().read("lobby") == kept


async def test_a_big_text_is_kept(rooms: Rooms) -> None:
    """A text of megabytes is kept, and followed."""
    kept = await rooms.append("lobby", entry("ä😀" * 400_000))
    assert await rooms.read_back("lobby") == [kept]
    assert await take(rooms, "lobby", 1) == [kept]


@pytest.mark.parametrize(
    "room",
    [
        "",
        " ",
        "a b",
        "räume/Ünïcode/部屋/🛋",
        "{",
        "}",
        "{}",
        "}{",
        "a}:history",
        "100%",
        "%s%7B",
        "*",
        "[a-z]?",
        "'; DROP TABLE entries; --",
        "line\nbreak\r\n",
        "\u202e",
        "x" * LONGEST,
        "😀" * LONGEST,
    ],
)
async def test_a_room_may_have_any_name(rooms: Rooms, room: str) -> None:
    """A room of any name is one of its own: read, followed, and with signals."""
    await rooms.append("other", entry())
    kept = await rooms.append(room, entry(room))
    assert await rooms.read(room) == [kept]
    signals = await rooms.signals(room)
    await rooms.signal("other", "no")
    await rooms.signal(room, room)
    assert await asyncio.wait_for(anext(signals), PATIENCE) == room
    await signals.aclose()
    async with contextlib.aclosing(rooms.follow(room)) as following:
        assert await asyncio.wait_for(anext(following), PATIENCE) == kept
        await rooms.append("other", entry())
        live = await rooms.append(room, entry())
        assert await asyncio.wait_for(anext(following), PATIENCE) == live


async def test_a_room_that_nobody_named_is_empty(rooms: Rooms) -> None:
    """Of a room without entries there is nothing to read."""
    assert await rooms.read("nowhere") == []
    assert await rooms.read_back("nowhere") == []
    assert await rooms.read_back("nowhere", before=5) == []


async def test_reading_forward_has_bounds(rooms: Rooms) -> None:
    """Read gives the first entries after a position, itself not among them."""
    kept = [await rooms.append("lobby", entry()) for _ in range(120)]
    assert await rooms.read("lobby") == kept[:100]
    assert await rooms.read("lobby", limit=3) == kept[:3]
    assert await rooms.read("lobby", limit=0) == []
    assert await rooms.read("lobby", after=kept[4].position, limit=2) == kept[5:7]
    assert await rooms.read("lobby", after=kept[4].position - 1, limit=1) == kept[4:5]
    assert await rooms.read("lobby", after=kept[-1].position) == []
    assert await rooms.read("lobby", after=kept[-1].position + 10**9) == []
    assert await rooms.read("lobby", limit=1000) == kept


async def test_reading_back_has_bounds(rooms: Rooms) -> None:
    """Read_back gives the last entries before a position, oldest first."""
    kept = [await rooms.append("lobby", entry()) for _ in range(120)]
    assert await rooms.read_back("lobby") == kept[-100:]
    assert await rooms.read_back("lobby", limit=3) == kept[-3:]
    assert await rooms.read_back("lobby", limit=0) == []
    assert await rooms.read_back("lobby", before=kept[5].position, limit=2) == kept[3:5]
    assert await rooms.read_back("lobby", before=kept[5].position + 1, limit=1) == kept[5:6]
    assert await rooms.read_back("lobby", before=kept[0].position) == []
    assert await rooms.read_back("lobby", before=0) == []
    assert await rooms.read_back("lobby", limit=1000) == kept


async def test_reading_is_bounded_in_bytes(rooms: Rooms) -> None:
    """Reading ends with the entry with which there are more bytes than one wants: at least one.

    A character that is not ASCII counts for four.
    """
    texts = ["x" * 1000, "é" * 500, "x", "x" * 5000, *"y" * 60]
    kept = [await rooms.append("lobby", entry(text)) for text in texts]
    for most, forward, back in ((0, 1, 1), (999, 1, 61), (1000, 2, 61), (3001, 4, 61)):
        assert await rooms.read("lobby", max_bytes=most) == kept[:forward]
        assert await rooms.read_back("lobby", max_bytes=most) == kept[-back:]
    assert await rooms.read("lobby", max_bytes=10**6) == kept
    assert await rooms.read_back("lobby", max_bytes=10**6) == kept
    assert await rooms.read("lobby", after=kept[0].position, limit=2, max_bytes=5000) == kept[1:3]
    before = kept[2].position
    assert await rooms.read_back("lobby", before=before, max_bytes=100) == kept[1:2]
    assert await rooms.read_back("lobby", before=before, limit=2, max_bytes=2000) == kept[:2]


async def test_following_a_history_of_long_texts(rooms: Rooms) -> None:
    """A follower gets all of it, though it is read in parts that are bounded in bytes."""
    kept = [await rooms.append("lobby", entry("x" * 60_000)) for _ in range(20)]
    assert await take(rooms, "lobby", 20) == kept


async def test_closed_rooms_open_again(rooms: Rooms) -> None:
    """After close everything works as before, and the entries are there."""
    await rooms.close()
    kept = [await rooms.append("lobby", entry())]
    for _ in range(3):
        await rooms.close()
        assert await rooms.read("lobby") == kept
        kept.append(await rooms.append("lobby", entry()))
        assert await take(rooms, "lobby", len(kept)) == kept
    await rooms.close()
    await rooms.close()


async def test_a_room_keeps_its_last_entries(open_rooms: Open) -> None:
    """With a bound the oldest entries are dropped, their ids are free, and followers go on."""
    rooms = open_rooms(history=10)
    async with contextlib.aclosing(rooms.follow("lobby")) as following:
        kept = [await rooms.append("lobby", entry(id_=str(number))) for number in range(25)]
        assert await rooms.read("lobby") == kept[-10:]
        assert await asyncio.wait_for(anext(following), PATIENCE) == kept[-10]
    assert await rooms.append("lobby", entry(id_="24")) == kept[-1]
    again = await rooms.append("lobby", entry(id_="0"))
    assert await rooms.read_back("lobby") == [*kept[-9:], again]
    assert await take(rooms, "lobby", 10, after=kept[2].position) == [*kept[-9:], again]
