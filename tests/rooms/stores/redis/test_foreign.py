"""What others put into Redis, or take out of it, harms nobody."""

import asyncio
from typing import Any

import pytest

from fastapi_echochat.rooms.stores.redis.packing import pack, unpack
from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from tests.rooms.stores.conftest import entry, take
from tests.rooms.stores.redis.conftest import said
from tests.waiting import PATIENCE

pytestmark = pytest.mark.anyio


async def test_what_others_publish_does_no_harm(
    rooms: RedisRooms, admin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Nonsense on a room's channel neither reaches followers nor stops them."""
    following = rooms.follow("lobby")
    first = await rooms.append("lobby", entry())
    assert await asyncio.wait_for(anext(following), PATIENCE) == first
    for nonsense in [
        "",
        "+",
        "+1",
        "+1 2",
        "+1 2 {}",
        "+a b []",
        "hello",
        b"\xff\xfe",
        "+0 1 null",
    ]:
        await admin.publish("{echochat:lobby}:live:0", nonsense)
    second = await rooms.append("lobby", entry())
    assert await asyncio.wait_for(anext(following), PATIENCE) == second
    await following.aclose()
    assert said(caplog) == []


async def test_scripts_that_redis_forgot_are_sent_again(rooms: RedisRooms, admin: Any) -> None:
    """After SCRIPT FLUSH an append and a lease work as before."""
    kept = [await rooms.append("lobby", entry())]
    assert await rooms.hold("lobby", 1, "a", 10)
    await admin.script_flush()
    kept.append(await rooms.append("lobby", entry()))
    assert await rooms.read("lobby") == kept
    await admin.script_flush()
    assert not await rooms.hold("lobby", 1, "b", 10)


async def test_a_history_that_was_lost_begins_above_its_old_positions(
    rooms: RedisRooms, admin: Any
) -> None:
    """After FLUSHALL followers go on with the entries that come then."""
    following = rooms.follow("lobby")
    first = await rooms.append("lobby", entry())
    assert await asyncio.wait_for(anext(following), PATIENCE) == first
    await admin.flushall()
    second = await rooms.append("lobby", entry())
    assert second.position > first.position
    assert await asyncio.wait_for(anext(following), PATIENCE) == second
    await following.aclose()


async def test_foreign_entries_do_not_stop_readers(
    rooms: RedisRooms, admin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """What RedisRooms did not write is left out of every reading, and the log says so once."""
    good = pack(entry(id_="1", author=None)).decode()
    foreign = [
        {"entry": ""},
        {"entry": "null"},
        {"entry": "[]"},
        {"entry": "[" * 100_000},
        {"text": "hello"},
        {"entry": b"\xff\xfe"},
        {"entry": good.replace("message", "shout")},
        {"entry": good.replace("done", "lost")},
        {"entry": good.replace("T", "yesterday")},
        {"entry": good.replace('"1"', "1")},
        {"entry": good.replace("null", '"Ada"')},
        {"entry": good.replace("null", '{"id":"","name":"Ada","is_guest":false}')},
        {"entry": good.replace("null", '{"id":1,"name":"Ada","is_guest":false}')},
        {"entry": good.replace("null", '{"id":"1"}')},
    ]
    history = "{echochat:lobby}:history"
    kept = []
    for number in range(60):
        kept.append(await rooms.append("lobby", entry()))
        for other in range(3):
            await admin.xadd(history, foreign[(3 * number + other) % len(foreign)])
    assert await rooms.read("lobby") == kept
    assert await rooms.read("lobby", limit=7) == kept[:7]
    assert await rooms.read("lobby", after=kept[30].position, limit=20) == kept[31:51]
    assert await rooms.read_back("lobby", limit=7) == kept[-7:]
    assert await rooms.read_back("lobby", before=kept[30].position, limit=20) == kept[10:30]
    assert await take(rooms, "lobby", 60) == kept
    assert [level for level, _ in said(caplog)] == ["WARNING"]
    assert "'lobby'" in said(caplog)[0][1]
    assert unpack(good, 5).author is None
