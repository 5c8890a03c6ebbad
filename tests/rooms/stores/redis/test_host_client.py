"""A client of the host's: used as it is, with its options, and left open."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis

from fastapi_echochat.rooms.stores.redis import connections
from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from tests.rooms.stores.conftest import entry, take
from tests.rooms.stores.redis.conftest import url
from tests.servers import Process
from tests.waiting import PATIENCE

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("pool", [BlockingConnectionPool, ConnectionPool])
@pytest.mark.parametrize("decodes", [True, False])
async def test_a_client_of_the_hosts(server: Process, pool: Any, decodes: bool) -> None:
    """Whatever it decodes, and however few connections it has, rooms work and it stays open.

    What has been said through one such client can be read through the store's own.
    """
    client: Any = Redis(
        connection_pool=pool.from_url(url(server), decode_responses=decodes, max_connections=3)
    )
    rooms, own = RedisRooms(client=client), RedisRooms(url(server))
    key = await rooms.pseudonym_key()
    assert key == await own.pseudonym_key()
    following = asyncio.create_task(take(rooms, "lobby", 80))
    signals = await rooms.signals("lobby")
    kept = list(await asyncio.gather(*(rooms.append("lobby", entry(f"ü {n}")) for n in range(80))))
    kept.sort(key=lambda one: one.position)
    assert await following == kept
    assert await rooms.read("lobby") == await own.read("lobby") == kept
    # Where bytes are counted it goes on from the last id of what it has read.
    assert await rooms.read("lobby", max_bytes=100_000) == kept
    assert await rooms.read_back("lobby", max_bytes=100_000) == kept
    assert await rooms.read_back("lobby", limit=3) == kept[-3:]
    # In several reads.
    assert await rooms.read_back("lobby", max_bytes=100_000) == kept
    assert await rooms.append("lobby", kept[0]) == kept[0]
    await rooms.signal("lobby", "ü\ud800")
    assert await asyncio.wait_for(anext(signals), PATIENCE) == "ü?"
    assert await rooms.hold("lobby", 1, "a", 10)
    assert not await own.hold("lobby", 1, "b", 10)
    await signals.aclose()

    ids = {one["id"] for one in await client.client_list()}
    await rooms.close()
    # The same connections: those of the store's own are closed, the host's are not.
    await own.close()
    assert ids & {one["id"] for one in await client.client_list()}
    await client.connection_pool.disconnect()


@pytest.mark.parametrize("pool", [BlockingConnectionPool, ConnectionPool])
def test_too_few_connections_are_refused(pool: Any) -> None:
    """One connection is not enough for commands and a subscription; both kinds of pool say so."""
    with pytest.raises(ValueError, match="two connections"):
        RedisRooms(client=Redis(connection_pool=pool(max_connections=1)))
    with pytest.raises(ValueError, match="two connections"):
        RedisRooms("redis://localhost?max_connections=1")


def test_what_is_no_client_is_refused() -> None:
    """Another library's client, a blocking one, both a URL and a client, and neither."""
    from redis import Redis as Blocking  # noqa: PLC0415 - not to be taken for the other

    wrongs: list[Any] = [Blocking(), "redis://localhost", object()]
    for wrong in wrongs:
        with pytest.raises(ValueError, match=r"redis\.asyncio"):
            RedisRooms(client=wrong)
    with pytest.raises(ValueError, match="one of them"):
        RedisRooms()
    with pytest.raises(ValueError, match="one of them"):
        RedisRooms("redis://localhost", client=Redis())


async def test_many_commands_wait_for_a_connection(
    server: Process, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of commands at once wait for a connection, however long a pool would let them."""
    monkeypatch.setitem(connections._OPTIONS, "timeout", 0.05)
    rooms = RedisRooms(url(server))
    before = (await admin.info("clients"))["connected_clients"]
    commands = [rooms.read_back("lobby", limit=1) for _ in range(1000)]
    commands += [rooms.append(f"room {n}", entry()) for n in range(500)]  # type: ignore[misc]  # one after the other
    tasks = [asyncio.ensure_future(one) for one in commands]
    # Some go away while they wait; their turn is another's.
    for task in tasks[100:1000:7]:
        await asyncio.sleep(0)
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(one) for one in results} == {list, asyncio.CancelledError, type(entry())}
    assert (await admin.info("clients"))["connected_clients"] <= before + 21
    assert await asyncio.wait_for(rooms.read("lobby"), PATIENCE) == []
    await rooms.close()
