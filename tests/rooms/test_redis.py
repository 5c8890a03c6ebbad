"""Rooms in Redis: it comes and goes, is slow, full, killed and shared, and nothing is lost."""

import asyncio
import contextlib
import logging
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from fastapi_echochat.identity import Author
from fastapi_echochat.rooms.stores.contract import Entry, Rooms, RoomsUnavailableError
from fastapi_echochat.rooms.stores.redis.packing import pack, unpack
from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from tests.conftest import Keep
from tests.rooms.conftest import entry, take
from tests.servers import Process, redis_process
from tests.waiting import PATIENCE, patient, until

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent.parent

PASSWORD = "p-4-s-5-w-6-d"


@pytest.fixture
def server(tmp_path: Path, keep: Keep) -> Process:
    """Give a Redis of the test's own, with a password."""
    return keep(redis_process(tmp_path, "--requirepass", PASSWORD))


def url(server: Process) -> str:
    return f"redis://:{PASSWORD}@{server.authority}/0"


@pytest.fixture
async def rooms(server: Process) -> AsyncIterator[RedisRooms]:
    rooms = RedisRooms(url(server))
    yield rooms
    await rooms.close()


@pytest.fixture
async def admin(server: Process) -> AsyncIterator[Any]:
    """Give a client that tells Redis what to do, in commands."""
    client: Any = Redis.from_url(url(server), decode_responses=True)
    yield client
    await client.connection_pool.disconnect()


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if record.name == "fastapi_echochat"
    ]


async def append(rooms: Rooms, room: str, new: Entry) -> Entry:
    """Append an entry, as often as it takes."""
    deadline = time.monotonic() + 3 * PATIENCE
    while True:
        try:
            return await rooms.append(room, new)
        except RoomsUnavailableError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


def start_writer(server: Process, name: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.rooms.writer", "redis", url(server), "lobby", name]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def test_a_redis_that_is_killed_under_load_loses_nothing(
    server: Process, rooms: RedisRooms, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed and started again, twice: all entries are there once, and followed once."""
    caplog.set_level(logging.INFO)
    other = RedisRooms(url(server))
    acknowledged: list[Entry] = []
    ends = asyncio.Event()

    async def write(client: Rooms, name: str) -> None:
        number = 0
        while not ends.is_set():
            number += 1
            acknowledged.append(await append(client, "lobby", entry(id_=f"{name}-{number}")))
            await asyncio.sleep(0.001)

    seen: dict[str, list[Entry]] = {"here": [], "there": []}

    async def follow(client: Rooms, name: str) -> None:
        async for one in client.follow("lobby"):
            seen[name].append(one)

    tasks = [asyncio.create_task(write(rooms, f"{number}")) for number in range(3)]
    tasks += [asyncio.create_task(write(other, f"other-{number}")) for number in range(3)]
    followers = [
        asyncio.create_task(follow(rooms, "here")),
        asyncio.create_task(follow(other, "there")),
    ]
    for count in (100, 200):
        await until(lambda count=count: len(acknowledged) > count, "much was said")  # type: ignore[misc]  # bound now
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(server.start)
    length = len(acknowledged)
    await until(lambda: len(acknowledged) > length + 100, "it goes on")
    ends.set()
    await asyncio.gather(*tasks)
    history = await rooms.read("lobby", limit=1_000_000)
    assert {one.id for one in acknowledged} == {one.id for one in history}
    assert len({one.id for one in history}) == len(history)
    for got in seen.values():
        await until(lambda got=got: len(got) == len(history), "all was followed")  # type: ignore[misc]  # bound now
        assert got == history
    for follower in followers:
        follower.cancel()
    await asyncio.wait(followers)
    await other.close()
    lines = said(caplog)
    # Each of the two clients says it once at each of the two outages.
    assert [level for level, _ in lines].count("WARNING") == 4
    assert [level for level, _ in lines].count("INFO") == 4
    name = re.escape(f"Redis at {server.authority}")
    for level, line in lines:
        if level == "WARNING":
            assert re.fullmatch(f"{name} does not answer \\(.+\\): trying again; .+", line)
        else:
            seconds = re.fullmatch(f"{name} answers again after ([0-9.]+) s", line)
            assert seconds is not None
            assert float(seconds[1]) >= 0.4
    assert PASSWORD not in caplog.text


async def test_a_redis_that_comes_late_is_found(
    server: Process, rooms: RedisRooms, caplog: pytest.LogCaptureFixture
) -> None:
    """Before Redis is there calls say so at once, and followers and listeners wait for it."""
    server.kill()
    begun = time.monotonic()
    signals = await rooms.signals("lobby")
    following = asyncio.create_task(take(rooms, "lobby", 1))
    await rooms.signal("lobby", "lost")
    with pytest.raises(RoomsUnavailableError, match="does not answer"):
        await rooms.append("lobby", entry())
    with pytest.raises(RoomsUnavailableError):
        await rooms.read("lobby")
    with pytest.raises(RoomsUnavailableError):
        await rooms.read_back("lobby")
    with pytest.raises(RoomsUnavailableError):
        await rooms.hold("lobby", 1, "a", 10)
    assert time.monotonic() - begun < patient(2)
    await asyncio.to_thread(server.start)
    kept = await append(rooms, "lobby", entry())
    assert await following == [kept]
    # One listens by now: the follower's subscription is the listener's.
    await rooms.signal("lobby", "heard")
    assert await asyncio.wait_for(anext(signals), PATIENCE) == "heard"
    await signals.aclose()
    assert [level for level, _ in said(caplog)].count("WARNING") == 1


async def test_a_subscription_that_is_cut_is_made_again(rooms: RedisRooms, admin: Any) -> None:
    """When Redis closes the subscriber's connection, again and again, nothing is missed."""
    following = asyncio.create_task(take(rooms, "lobby", 300))
    kept = []
    for number in range(300):
        kept.append(await rooms.append("lobby", entry()))
        if number % 30 == 0:
            await admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    assert await following == kept


async def test_a_redis_that_hangs_is_noticed(
    server: Process, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A Redis that accepts and says nothing is given up in time, and found when it is back."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("fastapi_echochat.rooms.stores.redis.subscription._SILENCE_SECONDS", 0.2)
    rooms = RedisRooms(f"{url(server)}?socket_timeout=1")
    following = rooms.follow("lobby")
    first = await rooms.append("lobby", entry())
    assert await asyncio.wait_for(anext(following), PATIENCE) == first
    waiting = asyncio.ensure_future(anext(following))
    server.send_signal(signal.SIGSTOP)
    await until(lambda: "WARNING" in dict(said(caplog)), "its silence is noticed")
    begun = time.monotonic()
    with pytest.raises(RoomsUnavailableError):
        await rooms.append("lobby", entry())
    assert time.monotonic() - begun < patient(4)
    server.send_signal(signal.SIGCONT)
    second = await append(rooms, "lobby", entry("second"))
    while (got := await asyncio.wait_for(waiting, PATIENCE)) != second:
        # What was sent while it hung may have been kept.
        waiting = asyncio.ensure_future(anext(following))
        assert got.text == "hello"
    await following.aclose()
    await rooms.close()


async def test_a_quiet_subscription_stays(
    rooms: RedisRooms, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is said for long pings are answered, and the connection is the same."""
    monkeypatch.setattr("fastapi_echochat.rooms.stores.redis.subscription._SILENCE_SECONDS", 0.05)
    signals = await rooms.signals("lobby")
    before = [one["id"] for one in await admin.client_list(_type="pubsub")]
    await asyncio.sleep(0.5)
    assert [one["id"] for one in await admin.client_list(_type="pubsub")] == before
    await rooms.signal("lobby", "hello")
    assert await asyncio.wait_for(anext(signals), PATIENCE) == "hello"
    await signals.aclose()


async def test_a_redis_that_is_full_is_said_once(
    rooms: RedisRooms, admin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """What Redis refuses is unavailable, the log says so once, and once when it is over."""
    caplog.set_level(logging.INFO)
    await admin.config_set("maxmemory", 1)
    for _ in range(3):
        with pytest.raises(RoomsUnavailableError, match="refuses"):
            await rooms.append("lobby", entry())
        assert await rooms.read("lobby") == []
    await admin.config_set("maxmemory", 0)
    await rooms.append("lobby", entry())
    assert [level for level, _ in said(caplog)] == ["WARNING", "INFO"]
    assert "maxmemory" in said(caplog)[0][1]


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
    """After FLUSHALL followers go on with what is said then."""
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
    following = rooms.follow("\ud800")
    for call in (
        rooms.append("\ud800", entry()),
        rooms.append("lobby", entry("\ud800")),
        rooms.append("lobby", entry(id_="\ud800")),
        rooms.append("lobby", entry(author=Author("17", "\ud800"))),
        rooms.read("\ud800"),
        rooms.signals("\ud800"),
        rooms.hold("\ud800", 1, "a", 60),
        anext(following),
    ):
        with pytest.raises(UnicodeEncodeError):
            await call
    kept = await rooms.append("lobby", entry())
    assert await take(rooms, "lobby", 1) == [kept]


async def test_two_prefixes_share_no_key(server: Process, admin: Any) -> None:
    """Chats of different prefixes share no room, whatever their names hold."""
    chats = [("chat", "staff:lounge"), ("chat:staff", "lounge"), ("chat%3Astaff", "lounge")]
    for prefix, room in chats:
        chat = RedisRooms(url(server), prefix=prefix)
        await chat.append(room, entry(f"{prefix} {room}"))
        assert [kept.text for kept in await chat.read(room)] == [f"{prefix} {room}"]
        assert await chat.hold(room, 1, prefix, 5)
        await chat.close()
    keys = await admin.keys("*")
    assert len({key.rpartition("}")[0] for key in keys}) == len(chats)


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


async def test_only_what_somebody_attends_to_is_subscribed(rooms: RedisRooms, admin: Any) -> None:
    """Rooms are subscribed to with their first follower, and the connection ends with the last."""

    async def wait_for(*names: str) -> None:
        expected = [f"{{echochat:{name}}}:live:0" for name in names]
        for _ in range(round(PATIENCE / 0.01)):
            subscribers = await admin.client_list(_type="pubsub")
            if sorted(await admin.pubsub_channels()) == expected and len(subscribers) == bool(
                names
            ):
                return
            await asyncio.sleep(0.01)
        pytest.fail(f"waited in vain until there is one subscriber, to {names}")

    first = asyncio.create_task(take(rooms, "a", 1))
    await wait_for("a")
    others = [asyncio.create_task(take(rooms, name, 1)) for name in ("b", "c", "b")]
    await wait_for("a", "b", "c")
    others[2].cancel()
    others[1].cancel()
    await wait_for("a", "b")
    kept = await rooms.append("b", entry())
    assert await others[0] == [kept]
    await wait_for("a")
    first.cancel()
    await wait_for()
    again = asyncio.create_task(take(rooms, "b", 2))
    await wait_for("b")
    later = await rooms.append("b", entry())
    assert await again == [kept, later]


async def test_writers_that_are_killed_lose_nothing(server: Process, rooms: RedisRooms) -> None:
    """Entries that killed processes acknowledged are in the history once, and followed."""
    seen: list[Entry] = []

    async def follow() -> None:
        async for one in rooms.follow("lobby"):
            seen.append(one)  # noqa: PERF401 - it never ends

    follower = asyncio.create_task(follow())
    acknowledged: list[str] = []
    for number in range(3):
        writers = [start_writer(server, f"{number}-{other}") for other in range(2)]
        for writer in writers:
            assert writer.stdout is not None
            for _ in range(50):
                line = await asyncio.to_thread(writer.stdout.readline)
                acknowledged.append(line.strip())
        for writer in writers:
            writer.kill()
            with writer:
                assert writer.stdout is not None
                rest = await asyncio.to_thread(writer.stdout.readlines)
            acknowledged += [line.strip() for line in rest if line.endswith("\n")]
    last = await rooms.append("lobby", entry())
    await until(lambda: bool(seen) and seen[-1] == last, "all was followed")
    follower.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await follower
    ids = [one.id for one in await rooms.read("lobby", limit=1_000_000)]
    assert len(acknowledged) >= 300
    assert set(acknowledged) <= set(ids)
    assert len(set(ids)) == len(ids)
    assert [one.id for one in seen] == ids


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "localhost:6379",
        "http://localhost",
        f"redis://:{PASSWORD}/x@localhost:6379",
        f"redis://:{PASSWORD}#@localhost:6379",
        "redis://localhost:port/0",
        "redis://localhost:6379/0?colour=blue",
        "redis://localhost:6379/0?protocol=3",
        "redis://localhost:6379/0?decode_responses=no",
    ],
)
def test_a_wrong_url_is_refused_at_once(bad: str) -> None:
    """What is no URL of a Redis is refused when the rooms are made, without its password."""
    with pytest.raises(ValueError, match="URL") as refused:
        RedisRooms(bad)
    assert PASSWORD[:8] not in str(refused.value)
    assert refused.value.__cause__ is None
    with pytest.raises(ValueError, match="at least one"):
        RedisRooms("redis://localhost", history=0)


def test_without_the_package_it_is_said_how_to_get_it() -> None:
    """An import without redis says what to install."""
    program = (
        "import sys; sys.modules['redis'] = None; import fastapi_echochat.rooms.stores.redis.rooms"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "ImportError: RedisRooms needs the redis package" in ended.stderr
    assert "pip install 'fastapi-echochat[redis]'" in ended.stderr


def test_rooms_that_nobody_closes_leave_nothing_open(server: Process) -> None:
    """An event loop that ends with a follower takes its connections with it, without a word."""
    program = f"""
import asyncio
from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from tests.rooms.conftest import entry

rooms = RedisRooms({url(server)!r})

async def main():
    # Python's development mode reports what took long, as everything does on a busy machine.
    asyncio.get_running_loop().slow_callback_duration = 60
    await rooms.append("lobby", entry())
    global following
    following = rooms.follow("lobby")
    print((await anext(following)).text)

for _ in range(2):
    asyncio.run(main())
"""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=4 * PATIENCE, check=False
    )
    assert (ended.returncode, ended.stderr, ended.stdout) == (0, "", "hello\nhello\n")
