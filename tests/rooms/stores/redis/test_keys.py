"""Keys in Redis: no two chats or rooms share one, and what is bounded stays so."""

import asyncio
from typing import Any

import pytest
from redis.crc import key_slot

from fastapi_echochat.identity import Author
from fastapi_echochat.rooms.stores.contract import RoomsUnavailableError
from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from tests.rooms.stores.conftest import entry, take
from tests.rooms.stores.redis.conftest import PASSWORD, url
from tests.servers import Process
from tests.waiting import PATIENCE

pytestmark = pytest.mark.anyio


async def test_two_databases_of_one_redis_share_nothing(server: Process) -> None:
    """Chats in different databases have entries, signals, leases and keys of their own."""
    chats = [RedisRooms(f"redis://:{PASSWORD}@{server.authority}/{db}") for db in range(3)]
    chats.append(RedisRooms(f"redis://:{PASSWORD}@{server.authority}?db=3"))
    following = [asyncio.create_task(take(chat, "lobby", 2)) for chat in chats]
    signals = [await chat.signals("lobby") for chat in chats]
    kept = []
    for number, chat in enumerate(chats):
        await chat.signal("lobby", str(number))
        kept.append([await chat.append("lobby", entry()), await chat.append("lobby", entry())])
        assert await chat.hold("lobby", 1, str(number), 60)
    for number, heard in enumerate(signals):
        assert await asyncio.wait_for(anext(heard), PATIENCE) == str(number)
        await heard.aclose()
    assert [await task for task in following] == kept
    assert len({await chat.pseudonym_key() for chat in chats}) == len(chats)
    for chat in chats:
        await chat.close()


async def test_each_prefix_has_a_pseudonym_key(server: Process, admin: Any) -> None:
    """The key of a prefix is no other's, and no room of any name can overwrite it."""
    rooms = ["", "pseudonym-key", "}:pseudonym-key", "chat}:pseudonym-key", ":pseudonym-key"]
    chats = [
        RedisRooms(url(server), prefix=prefix)
        for prefix in ("chat", "chat:", "chat}", "chat:lobby", "", "chat}:pseudonym-key", "CHAT")
    ]
    keys = [await chat.pseudonym_key() for chat in chats]
    assert len(set(keys)) == len(chats)
    for chat in chats:
        for room in rooms:
            await chat.append(room, entry())
            await chat.hold(room, 1, "a", 60)
            assert len(await chat.read(room)) == 1
    assert [await chat.pseudonym_key() for chat in chats] == keys
    assert len(await admin.keys("*:pseudonym-key")) == len(chats)
    for chat in chats:
        await chat.close()


async def test_a_pseudonym_key_is_read_from_a_redis_that_is_full(
    rooms: RedisRooms, admin: Any
) -> None:
    """What is there is returned, and what cannot be made is unavailable."""
    await admin.config_set("maxmemory", 1)
    with pytest.raises(RoomsUnavailableError, match="refuses"):
        await rooms.pseudonym_key()
    await admin.config_set("maxmemory", 0)
    key = await rooms.pseudonym_key()
    await admin.config_set("maxmemory", 1)
    assert await rooms.pseudonym_key() == key


async def test_half_a_surrogate_pair_is_refused(rooms: RedisRooms) -> None:
    """What is not Unicode text is an error, and not a question mark that others have as well."""
    with pytest.raises(UnicodeEncodeError):
        rooms.follow("\ud800")
    for call in (
        rooms.append("\ud800", entry()),
        rooms.append("lobby", entry("\ud800")),
        rooms.append("lobby", entry(id_="\ud800")),
        rooms.append("lobby", entry(author=Author("17", "\ud800"))),
        rooms.read("\ud800"),
        rooms.signals("\ud800"),
        rooms.hold("\ud800", 1, "a", 60),
    ):
        with pytest.raises(UnicodeEncodeError):
            await call
    kept = await rooms.append("lobby", entry())
    assert await take(rooms, "lobby", 1) == [kept]


async def test_a_room_takes_bounded_space(server: Process, admin: Any) -> None:
    """With a bound neither the history nor its ids grow beyond it."""
    rooms = RedisRooms(url(server), history=10)
    for _ in range(35):
        await rooms.append("lobby", entry("x" * 5000))
    assert await admin.xlen("{echochat:lobby}:history") == 10
    assert await admin.zcard("{echochat:lobby}:ids") == 10
    await rooms.close()


@pytest.mark.parametrize("room", ["lobby", "", "{}", "}", "a}b{c}", "{user}1"])
async def test_what_belongs_together_is_in_one_slot_of_a_cluster(
    rooms: RedisRooms, admin: Any, room: str
) -> None:
    """The keys of a room have one slot, and begin with the prefix."""
    await rooms.append(room, entry())
    keys = await admin.keys("*")
    assert len(keys) == 2
    assert len({key_slot(key.encode()) for key in keys}) == 1
    assert all(key.startswith("{echochat:") for key in keys)
