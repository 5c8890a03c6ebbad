"""Another server takes over, behind one address, by Sentinel or in a cluster: rooms go on."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.sentinel import Sentinel
from redis.crc import key_slot

from fastapi_echochat.rooms.stores.contract import Rooms, RoomsUnavailableError
from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from tests.conftest import Keep, StartRelay
from tests.rooms.stores.conftest import entry, take
from tests.rooms.stores.redis.conftest import append, said
from tests.servers import Command, Process, find_program, free_port, redis_process
from tests.waiting import PATIENCE, patient

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def command(server: Process) -> AsyncIterator[Any]:
    """Give what sends commands to a server."""
    client: Any = Redis(port=server.port, decode_responses=True)
    try:
        yield client.execute_command
    finally:
        await client.connection_pool.disconnect()


async def is_linked(replica: Process) -> bool:
    async with command(replica) as tell:
        return bool((await tell("INFO", "replication"))["master_link_status"] == "up")


async def make_replica(replica: Process, master: Process) -> None:
    """Let a server follow another, and wait until it does."""
    async with command(replica) as tell:
        await tell("REPLICAOF", "127.0.0.1", str(master.port))
    deadline = time.monotonic() + PATIENCE
    while not await is_linked(replica):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def hears(rooms: Rooms, room: str) -> None:
    """See that what is told and appended in a room by one is heard by another."""
    signals = await rooms.signals(room)

    async def say_hello() -> None:
        # One that is told over a connection that has ended is lost.
        while True:
            await rooms.signal(room, "hello")
            await asyncio.sleep(0.1)

    saying = asyncio.create_task(say_hello())
    while await asyncio.wait_for(anext(signals), PATIENCE) != "hello":
        pass
    saying.cancel()
    await signals.aclose()
    kept = await append(rooms, room, entry())
    assert await take(rooms, room, 1, after=kept.position - 1) == [kept]


@pytest.fixture
def pair(tmp_path: Path, keep: Keep) -> list[Process]:
    """Give two servers that know nothing of each other."""
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    options = ("--repl-diskless-sync-delay", "0", "--appendfsync", "no")
    return [keep(redis_process(folder, *options)) for folder in folders]


async def test_a_replica_that_is_promoted_behind_one_address(
    pair: list[Process], start_relay: StartRelay, caplog: pytest.LogCaptureFixture
) -> None:
    """Who is connected to a master that becomes a replica goes on with the new one within 5 s.

    No connection is cut for it. Rooms that were open and new ones, of a process that writes and of
    one that only listens, have all that is said.
    """
    caplog.set_level(logging.INFO)
    old, new = pair
    relay = start_relay(old.port)
    here, there = RedisRooms(relay.url(scheme="redis")), RedisRooms(relay.url(scheme="redis"))
    kept = [await here.append("lobby", entry())]
    following = asyncio.create_task(take(there, "lobby", 2))
    signals = await there.signals("lobby")
    await make_replica(new, old)

    relay.lead_to(new.port)
    async with command(new) as tell:
        await tell("REPLICAOF", "NO", "ONE")
    await make_replica(old, new)
    begun = time.monotonic()
    kept.append(await append(here, "lobby", entry()))
    assert await following == kept
    await hears(here, "new")
    # The other one has written nothing since; it notices all the same.
    assert await asyncio.wait_for(anext(signals), PATIENCE) == ""
    await here.signal("lobby", "heard")
    while await asyncio.wait_for(anext(signals), PATIENCE) != "heard":
        pass
    assert time.monotonic() - begun < patient(5)

    async with command(old) as tell:
        assert await tell("PUBSUB", "CHANNELS") == []
    await signals.aclose()
    await here.close()
    await there.close()
    assert [line for level, line in said(caplog) if level == "WARNING"] == []


async def test_a_replica_that_nobody_promotes(
    pair: list[Process], caplog: pytest.LogCaptureFixture
) -> None:
    """While the only server is a replica writes are unavailable, and the log says so once."""
    caplog.set_level(logging.INFO)
    rooms = RedisRooms(pair[0].url(scheme="redis"))
    signals = await rooms.signals("lobby")
    kept = await rooms.append("lobby", entry())
    await make_replica(*pair)
    begun = time.monotonic()
    while time.monotonic() - begun < 1:
        with pytest.raises(RoomsUnavailableError, match="refuses"):
            await rooms.append("lobby", entry())
        await asyncio.sleep(0.1)
    async with command(pair[0]) as tell:
        await tell("REPLICAOF", "NO", "ONE")
    second = await append(rooms, "lobby", entry())
    assert second.position > kept.position
    await hears(rooms, "lobby")
    await signals.aclose()
    await rooms.close()
    lines = [line for _, line in said(caplog)]
    assert sum("refuses writes" in line for line in lines) == 1
    assert sum("accepts writes again" in line for line in lines) == 1


async def test_a_subscription_that_leads_elsewhere(
    pair: list[Process], start_relay: StartRelay
) -> None:
    """Who is subscribed to a server that commands do not go to any more notices within 5 s."""
    old, new = pair
    relay = start_relay(old.port)
    rooms = RedisRooms(relay.url(scheme="redis"))
    signals = await rooms.signals("lobby")
    relay.lead_to(new.port)
    async with command(old) as tell:
        await tell("CLIENT", "KILL", "TYPE", "normal")
    begun = time.monotonic()
    assert await asyncio.wait_for(anext(signals), PATIENCE) == ""
    assert time.monotonic() - begun < patient(6)
    await hears(rooms, "lobby")
    await signals.aclose()
    await rooms.close()


async def test_a_sentinel_that_promotes_a_replica(
    pair: list[Process], tmp_path: Path, keep: Keep
) -> None:
    """With a client of Sentinel's rooms go on with the master that it names."""
    master, replica = pair
    await make_replica(replica, master)
    port = free_port()
    configuration = tmp_path / "sentinel.conf"
    configuration.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\n"
        f"sentinel monitor chat 127.0.0.1 {master.port} 1\n"
        "sentinel down-after-milliseconds chat 500\nsentinel failover-timeout chat 3000\n"
    )
    program = [find_program("redis-server"), str(configuration), "--sentinel"]
    keep(Command(program, port=port, folder=tmp_path))
    sentinel: Any = Sentinel([("127.0.0.1", port)])  # type: ignore[no-untyped-call]  # redis-py
    client = sentinel.master_for("chat", socket_timeout=2)
    rooms = RedisRooms(client=client)
    signals = await rooms.signals("lobby")
    kept = [await rooms.append("lobby", entry())]
    following = asyncio.create_task(take(rooms, "lobby", 2))

    deadline = time.monotonic() + PATIENCE
    while not await sentinel.discover_slaves("chat"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    await asyncio.to_thread(master.kill)
    kept.append(await append(rooms, "lobby", entry()))
    assert await following == kept
    assert await asyncio.wait_for(anext(signals), PATIENCE) == ""
    await hears(rooms, "lobby")
    await signals.aclose()
    await rooms.close()
    await client.aclose()
    for one in sentinel.sentinels:
        await one.aclose()
    with pytest.raises(ValueError, match="master_for"):
        RedisRooms(client=sentinel.slave_for("chat"))


@pytest.fixture
async def nodes(tmp_path: Path, keep: Keep) -> list[Process]:
    """Give a cluster of three nodes."""
    started: list[Process] = []
    buses = [str(free_port()) for _ in range(3)]
    for number, bus in enumerate(buses):
        folder = tmp_path / f"node-{number}"
        folder.mkdir()
        options = ("--cluster-enabled", "yes", "--cluster-port", bus, "--appendfsync", "no")
        started.append(keep(redis_process(folder, *options)))
    bounds = [0, 5461, 10923, 16384]
    for node, first, end in zip(started, bounds, bounds[1:], strict=False):
        async with command(node) as tell:
            await tell("CLUSTER", "ADDSLOTSRANGE", str(first), str(end - 1))
            config = str(started.index(node) + 1)
            await tell("CLUSTER", "SET-CONFIG-EPOCH", config)
            for other, bus in zip(started[: started.index(node)], buses, strict=False):
                await tell("CLUSTER", "MEET", "127.0.0.1", str(other.port), bus)
    deadline = time.monotonic() + PATIENCE
    for node in started:
        async with command(node) as tell:
            while True:
                info = await tell("CLUSTER", "INFO", NEVER_DECODE=True)
                if "cluster_state:ok" in str(info) and "cluster_known_nodes:3" in str(info):
                    break
                assert time.monotonic() < deadline, info
                await asyncio.sleep(0.05)
    return started


@pytest.mark.parametrize("decodes", [True, False])
async def test_a_cluster_that_moves_a_room(nodes: list[Process], decodes: bool) -> None:
    """Rooms live on all nodes of a cluster, and go on when the slot of one is moved."""
    client: Any = RedisCluster(host="127.0.0.1", port=nodes[0].port, decode_responses=decodes)
    rooms, other = RedisRooms(client=client), RedisRooms(client=client)
    for number in range(6):
        await hears(rooms, f"room {number}")
    assert await rooms.pseudonym_key() == await other.pseudonym_key()
    kept = [await rooms.append("lobby", entry())]
    following = asyncio.create_task(take(other, "lobby", 3))
    signals = await other.signals("lobby")

    slot = key_slot(b"{echochat:lobby}")
    bounds = [5461, 10923, 16384]
    source = next(node for node, end in zip(nodes, bounds, strict=True) if slot < end)
    target = next(node for node in nodes if node is not source)
    ids = []
    for node in (source, target):
        async with command(node) as tell:
            ids.append(await tell("CLUSTER", "MYID"))
    async with command(target) as to_target, command(source) as to_source:
        await to_target("CLUSTER", "SETSLOT", str(slot), "IMPORTING", ids[0])
        await to_source("CLUSTER", "SETSLOT", str(slot), "MIGRATING", ids[1])
        keys = await to_source("CLUSTER", "GETKEYSINSLOT", str(slot), "100")
        assert len(keys) == 2
        await to_source("MIGRATE", "127.0.0.1", str(target.port), "", "0", "5000", "KEYS", *keys)
        for tell in (to_target, to_source):
            await tell("CLUSTER", "SETSLOT", str(slot), "NODE", ids[1])

    kept.append(await append(rooms, "lobby", entry()))
    assert await rooms.hold("lobby", kept[0].position, "me", 10)
    assert await rooms.read("lobby") == kept
    kept.append(await append(other, "lobby", entry()))
    assert await following == kept
    await rooms.signal("lobby", "heard")
    assert await asyncio.wait_for(anext(signals), PATIENCE) == "heard"
    await signals.aclose()
    await rooms.close()
    await other.close()
    await client.aclose()


async def test_a_cluster_by_url_is_refused(
    nodes: list[Process], caplog: pytest.LogCaptureFixture
) -> None:
    """A URL of one node says what to give instead, once in the log."""
    caplog.set_level(logging.INFO)
    rooms = RedisRooms(nodes[0].url(scheme="redis"))
    refused = 0
    for number in range(12):
        with contextlib.suppress(RoomsUnavailableError):
            await rooms.append(f"room {number}", entry())
            continue
        refused += 1
    await rooms.close()
    assert refused > 0
    warnings = [line for level, line in said(caplog) if level == "WARNING"]
    assert len(warnings) == 1
    assert "RedisRooms(client=RedisCluster(…))" in warnings[0]


async def test_a_password_that_is_rotated(pair: list[Process]) -> None:
    """A client that is told the new password goes on with it, also over connections that end."""
    from redis.credentials import CredentialProvider  # noqa: PLC0415 - of one test

    class Vault(CredentialProvider):
        password = "first"

        def get_credentials(self) -> tuple[str]:
            return (self.password,)

    server, vault = pair[0], Vault()
    async with command(server) as tell:
        await tell("CONFIG", "SET", "requirepass", "first")
        client: Any = Redis(port=server.port, credential_provider=vault)
        rooms = RedisRooms(client=client)
        await hears(rooms, "lobby")
        signals = await rooms.signals("lobby")
        await tell("CONFIG", "SET", "requirepass", "second")
        for kind in ("normal", "pubsub"):
            await tell("CLIENT", "KILL", "TYPE", kind)
        with pytest.raises(RoomsUnavailableError):
            await rooms.append("lobby", entry())
        vault.password = "second"
        await append(rooms, "lobby", entry())
        assert await asyncio.wait_for(anext(signals), PATIENCE) == ""
        await hears(rooms, "lobby")
    await signals.aclose()
    await rooms.close()
    await client.aclose()
