"""What every store promises: one suite for all."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from fastapi_echochat.identity import Author
from fastapi_echochat.rooms.stores.contract import Entry, Kind, Outcome, Rooms
from tests.rooms.conftest import Open, entry, take
from tests.waiting import PATIENCE, until

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


async def test_an_id_is_of_its_author(rooms: Rooms) -> None:
    """Two people who send one id have an entry each, and each of them only one."""
    ada = await rooms.append("lobby", entry("hers", id_="1", author=Author("17", "Ada")))
    bob = await rooms.append("lobby", entry("his", id_="1", author=Author("18", "Ada")))
    assert await rooms.append("lobby", entry(id_="1", author=Author("17", "Countess"))) == ada
    assert await rooms.append("lobby", entry(id_="1", author=Author("18", "Bob"))) == bob
    assert await rooms.read("lobby") == [ada, bob]
    assert [one.text for one in await rooms.read("lobby")] == ["hers", "his"]


async def test_the_first_name_stays(rooms: Rooms) -> None:
    """An entry keeps the name that its author had, also where it is appended again."""
    await rooms.append("lobby", entry(id_="1", author=Author("17", "Ada")))
    again = await rooms.append("lobby", entry(id_="1", author=Author("17", "Countess")))
    later = await rooms.append("lobby", entry(id_="2", author=Author("17", "Countess")))
    names = [one.author and one.author.name for one in [again, later, *await rooms.read("lobby")]]
    assert names == ["Ada", "Countess", "Ada", "Countess"]


async def test_a_guest_is_nobody_who_has_an_account(rooms: Rooms) -> None:
    """A guest, an account with the same id, and no author are three, and stay what they were."""
    authors = [Author("17", "Ada", is_guest=True), Author("17", "Ada"), None]
    kept = [await rooms.append("lobby", entry(id_="1", author=author)) for author in authors]
    for author, one in zip(authors, kept, strict=True):
        assert await rooms.append("lobby", entry(id_="1", author=author)) == one
    assert [one.author for one in await rooms.read("lobby")] == authors


@pytest.mark.parametrize("kind", ["message", "answer", "notice"])
async def test_without_an_author_an_id_is_kept_once(open_rooms: Open, kind: Kind) -> None:
    """Of entries without an author, appended twice by two processes, the first is kept."""
    one, other = open_rooms(), open_rooms()
    first = await one.append("lobby", entry("first", id_="1", kind=kind, author=None))
    assert await other.append("lobby", entry("again", id_="1", kind=kind, author=None)) == first
    assert await one.append("lobby", entry("again", id_="1", kind=kind, author=None)) == first
    assert await other.read("lobby") == [first]


LOOK_ALIKES = [
    *("1", "1 ", " 1", "01", "1\n", "1\0", "1\0a", "\0", "1:", ":1", "1}", "{1}", "%7B1%7D"),
    *("guest:1", "author:1", '1","1', '"1"', "'1'", "1\\", "ada", "Ada", "ADA", "\uff21da"),
    *("é", "e\u0301", "👩\u200d🚀", "👩🚀", "\u202e1", f"{'x' * 299}1", f"{'x' * 299}2", "x" * 299),
]


async def test_ids_that_look_alike_are_different(rooms: Rooms) -> None:
    """An author's id is compared to the last byte, and comes back as it was."""
    authors = [Author(id_, "Ada") for id_ in LOOK_ALIKES]
    authors += [Author(id_, "Ada", is_guest=True) for id_ in LOOK_ALIKES]
    for _ in range(2):
        for author in authors:
            await rooms.append("lobby", entry(id_="1", author=author))
    assert [one.author for one in await rooms.read("lobby")] == authors


async def test_what_joins_to_the_same_text_is_different(rooms: Rooms) -> None:
    """Author's and entry's ids are two: where one ends and the other begins is part of them."""
    pairs = [(author, id_) for author in LOOK_ALIKES[:12] for id_ in LOOK_ALIKES[:12]]
    for _ in range(2):
        for author, id_ in pairs:
            await rooms.append("lobby", entry(id_=id_, author=Author(author, "Ada")))
    kept = await rooms.read("lobby", limit=1000)
    assert [(one.author and one.author.id, one.id) for one in kept] == pairs


async def test_a_long_author_id_is_kept(rooms: Rooms) -> None:
    """Ids of a megabyte are neither cut nor confused."""
    authors = [Author("x" * 1_000_000 + end, "Ada") for end in ("1", "2", "😀")]
    for author in [*authors, *authors]:
        await rooms.append("lobby", entry(id_="1", author=author))
    assert [one.author for one in await rooms.read("lobby")] == authors
    assert [one.author for one in await take(rooms, "lobby", 3)] == authors


@pytest.mark.parametrize("name", ["", " ", "Ada: hi\n\0", "{}", "null", "Ἀδα 👩‍🚀 \u202e"])
async def test_an_author_may_have_any_name(rooms: Rooms, name: str) -> None:
    """Names come back as they were."""
    await rooms.append("lobby", entry(author=Author("17", name)))
    (kept,) = await rooms.read("lobby")
    assert kept.author is not None
    assert kept.author.name == name


async def test_a_store_has_one_pseudonym_key(open_rooms: Open) -> None:
    """All who open a store get the same 32 bytes, also the first ones, at the same time."""
    clients = [open_rooms() for _ in range(8)]
    keys = await asyncio.gather(*(client.pseudonym_key() for client in clients))
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
    await clients[0].close()
    assert await clients[0].pseudonym_key() == keys[0]
    assert await open_rooms().pseudonym_key() == keys[0]


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


async def test_history_and_live_entries_have_no_seam(open_rooms: Open) -> None:
    """Followers who begin at any time while many write see each entry once and in order."""
    writers = [open_rooms() for _ in range(3)]
    count = 3 * 60

    async def write(rooms: Rooms) -> None:
        for number in range(60):
            await rooms.append("lobby", entry(str(number)))

    async def follow(delay: float) -> list[Entry]:
        await asyncio.sleep(delay)
        return await take(open_rooms(), "lobby", count)

    followers = [asyncio.create_task(follow(number * 0.01)) for number in range(8)]
    await asyncio.gather(*(write(rooms) for rooms in writers))
    history = await writers[0].read("lobby", limit=1000)
    assert len(history) == count
    for follower in followers:
        assert await follower == history


async def test_a_follower_begins_after_a_position(rooms: Rooms) -> None:
    """Following from a position gives what is behind it, and then what comes."""
    kept = [await rooms.append("lobby", entry()) for _ in range(250)]
    following = rooms.follow("lobby", after=kept[99].position)
    got = [await asyncio.wait_for(anext(following), PATIENCE) for _ in range(150)]
    assert got == kept[100:]
    waiting = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0)
    live = await rooms.append("lobby", entry())
    assert await asyncio.wait_for(waiting, PATIENCE) == live
    await following.aclose()


async def test_two_followers_have_nothing_to_do_with_each_other(rooms: Rooms) -> None:
    """A follower who takes nothing holds up neither another one nor those who write."""
    async with contextlib.aclosing(rooms.follow("lobby")) as idle:
        first = await rooms.append("lobby", entry())
        assert await asyncio.wait_for(anext(idle), PATIENCE) == first
        kept = [await rooms.append("lobby", entry()) for _ in range(300)]
        assert await take(rooms, "lobby", 301) == [first, *kept]
        late = [await asyncio.wait_for(anext(idle), PATIENCE) for _ in range(300)]
        assert late == kept


async def test_a_cancelled_follower_leaves_nothing_behind(rooms: Rooms) -> None:
    """When followers and listeners are cancelled or closed, their tasks are gone."""
    before = asyncio.all_tasks()

    async def follow() -> None:
        async for _ in rooms.follow("lobby"):
            pass

    async def listen(signals: AsyncGenerator[str, None]) -> None:
        async for _ in signals:
            pass

    tasks = [asyncio.create_task(follow()) for _ in range(5)]
    tasks += [asyncio.create_task(listen(await rooms.signals("lobby"))) for _ in range(5)]
    unused = await rooms.signals("lobby")
    await rooms.append("lobby", entry())
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await unused.aclose()
    assert all(task.cancelled() for task in tasks)
    await until(lambda: asyncio.all_tasks() <= before, "no task is left")


async def test_a_follower_comes_back_after_another_was_cancelled(rooms: Rooms) -> None:
    """Followers that come and go in quick succession miss nothing."""
    kept: list[Entry] = []
    for _ in range(20):
        task = asyncio.create_task(take(rooms, "lobby", 1000))
        await asyncio.sleep(0.001)
        kept.append(await rooms.append("lobby", entry()))
        task.cancel()
        assert await take(rooms, "lobby", 1, after=kept[-1].position - 1) == kept[-1:]
    assert await take(rooms, "lobby", 20) == kept


async def test_signals_are_heard_from_now_on(open_rooms: Open) -> None:
    """Who listens hears every signal of the room after that, their own among them, in order."""
    rooms = open_rooms()
    await rooms.signal("lobby", "too early")
    one, other = await rooms.signals("lobby"), await rooms.signals("lobby")
    for text in ["a", "", "~ü😀", "+1 2 {}"]:
        await rooms.signal("lobby", text)
    for signals in (one, other):
        heard = [await asyncio.wait_for(anext(signals), PATIENCE) for _ in range(4)]
        assert heard == ["a", "", "~ü😀", "+1 2 {}"]
        await signals.aclose()
    assert await rooms.read("lobby") == []


async def test_a_listener_who_is_behind_loses_the_oldest(rooms: Rooms) -> None:
    """Signals nobody takes are kept up to a bound, the latest ones."""
    signals = await rooms.signals("lobby")
    for number in range(1000):
        await rooms.signal("lobby", str(number))
    heard: list[str] = []
    while not heard or heard[-1] != "999":
        heard.append(await asyncio.wait_for(anext(signals), PATIENCE))
    assert heard == [str(number) for number in range(1000)][-len(heard) :]
    assert len(heard) < 1000
    await signals.aclose()


async def test_one_holder_has_a_lease(rooms: Rooms) -> None:
    """A lease is had by one at a time, who may renew it and give it up."""
    assert await rooms.hold("lobby", 1, "a", 60)
    assert not await rooms.hold("lobby", 1, "b", 60)
    assert await rooms.hold("lobby", 1, "a", 60)
    assert not await rooms.hold("lobby", 1, "b", 0)
    assert not await rooms.hold("lobby", 1, "b", 60)
    assert not await rooms.hold("lobby", 1, "a", 0)
    assert await rooms.hold("lobby", 1, "b", 60)


async def test_a_lease_is_of_one_room_and_position(rooms: Rooms) -> None:
    """Leases of other rooms or positions are others, though the joined texts look alike."""
    leases = [
        ("team", 1),
        ("team", 11),
        ("team 1", 1),
        ("team:lease", 1),
        ("team}:lease:1", 1),
        ("", 1),
        ("1", 1),
        ("{team}", 1),
    ]
    for number, (room, position) in enumerate(leases):
        assert await rooms.hold(room, position, str(number), 60)
    for number, (room, position) in enumerate(leases):
        assert not await rooms.hold(room, position, "somebody else", 60)
        assert await rooms.hold(room, position, str(number), 60)


async def test_a_lease_expires(rooms: Rooms) -> None:
    """A lease that is not renewed is free when its time is over, and not before."""
    begun = time.monotonic()
    assert await rooms.hold("lobby", 1, "a", 0.3)
    while not await rooms.hold("lobby", 1, "b", 60):
        assert time.monotonic() - begun < PATIENCE
        await asyncio.sleep(0.01)
    assert time.monotonic() - begun >= 0.29
    assert not await rooms.hold("lobby", 1, "a", 60)


async def test_closed_rooms_open_again(rooms: Rooms) -> None:
    """After close everything works as before, and what was said is there."""
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


async def test_several_event_loops_share_rooms(rooms: Rooms) -> None:
    """What is said in one event loop is followed, and signalled, in others, each in a thread."""
    count = 40

    def follow() -> list[Entry]:
        return asyncio.run(take(rooms, "lobby", 2 * count))

    def write() -> None:
        async def append() -> None:
            for _ in range(count):
                await rooms.append("lobby", entry())
                await rooms.signal("lobby", "said")

        asyncio.run(append())

    signals = await rooms.signals("lobby")
    with ThreadPoolExecutor(5) as threads:
        loop = asyncio.get_running_loop()
        followers = [loop.run_in_executor(threads, follow) for _ in range(3)]
        writers = [loop.run_in_executor(threads, write) for _ in range(2)]
        here = await take(rooms, "lobby", 2 * count)
        await asyncio.gather(*writers)
        for follower in followers:
            assert await follower == here
    assert await rooms.read("lobby", limit=1000) == here
    assert await asyncio.wait_for(anext(signals), PATIENCE) == "said"
    await signals.aclose()
