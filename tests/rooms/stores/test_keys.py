"""No two rooms, leases or prefixes that differ give one key."""

import asyncio
import itertools
import secrets

import pytest
from fastapi.testclient import TestClient

from fastapi_echochat import Author, MemoryRooms, RedisRooms, Rooms, testing
from fastapi_echochat.rooms.naming import private_room, room_name
from tests.apps import make_app
from tests.rooms.stores.conftest import entry
from tests.servers import Process

pytestmark = pytest.mark.anyio

ODD = ["team", "team a", "a", "", "%", "%2F", "%252F", "é", "a%", "main", "~private:", " "]
"""Values of path parameters, out of which several are joined."""


def test_names_of_rooms() -> None:
    """Two lists of parameters never give one name, whatever is in them."""
    values = [*ODD, "a/b", "/", "//", "team/a", "a%2Fb", "/a", "a/"]
    lists = [list(each) for count in (1, 2, 3) for each in itertools.product(values, repeat=count)]
    names: dict[str, list[str]] = {}
    for each in lists:
        name = room_name({f"p{index}": value for index, value in enumerate(each)})
        if name is not None:
            assert names.setdefault(name, each) == each
            assert not name.startswith("~private:")
    assert len(names) > 1000


def test_no_address_leads_into_a_kept_conversation() -> None:
    """The room of a kept conversation has a name that no mount's parameters give."""
    name = private_room("main", Author("1", "Ada"), "c" * 22)
    kind, _, digest = name.partition(":")
    for parameters in ({"room": name}, {"kind": kind + ":" + digest}, {"a": "~private:", "b": ""}):
        assert room_name(parameters) is None
    assert room_name({"a": "", "b": name}) != name


def test_names_of_kept_conversations() -> None:
    """Mount, author and token are told apart wherever one of them ends."""
    tokens = ("c" * 22, "c" * 23)
    authors = [None, *(Author(id_, "Ada") for id_ in ("1", "1c", '1","c', "null", "guest:1", "11"))]
    authors.append(Author("1", "Ada", is_guest=True))
    mounts = ("main", "main1", "", 'main","author:1')
    names = {
        private_room(mount, author, token)
        for mount, author, token in itertools.product(mounts, authors, tokens)
    }
    assert len(names) == len(tokens) * len(authors) * len(mounts)
    assert private_room("m", Author("1", "Ada"), "t") == private_room("m", Author("1", "Bo"), "t")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/in/b/c", "a/b/in/c"),
        ("a/in/in/c", "a/in/c"),
        ("x/in/in", "in/in/x"),
        ("a/in/B", "a/in/b"),
    ],
)
def test_addresses_of_two_rooms(one: str, other: str) -> None:
    """Two addresses whose parameters join to one text, for each has slashes, are two rooms."""
    app = make_app(None, rooms=MemoryRooms(), prefix="/{team:path}/in/{topic:path}")
    with TestClient(app) as client:
        with testing.enter(client, f"/{one}", name="Ada") as ada:
            ada.say("hello")
        with testing.enter(client, f"/{other}", name="Bob") as bob:
            assert bob.history == []


async def test_leases(rooms: Rooms) -> None:
    """Leases of two rooms, or of two messages, are two, however their names are joined.

    Leases of other rooms or positions are others, though the joined texts look alike.
    """
    names = ["team", "team a", "team 1", "team:1", "1", "team:lease", 'team"', "team'", "team\x00"]
    names += ["team}:lease:1", "", "{team}"]
    for name, position in itertools.product(names, (1, 11, 111)):
        assert await rooms.hold(name, position, f"{name} {position}", 30) is True
    for name, position in itertools.product(names, (1, 11, 111)):
        assert await rooms.hold(name, position, "another", 30) is False
        assert await rooms.hold(name, position, f"{name} {position}", 30) is True


async def test_entries(rooms: Rooms) -> None:
    """Entries of two authors, kinds or rooms are two, however ids and names are joined."""
    names = ["team", "team a", "team:a", "team\x00", "TEAM", "team "]
    ids = ["a", "a x", "x", "a:x", "a\x00", "A", "1"]
    authors = [None, *(Author(each, "Ada") for each in ids), Author("a", "Ada", is_guest=True)]
    for name in names:
        kept = [
            await rooms.append(name, entry(f"{id_}", id_=id_, author=author, kind=kind))
            for id_, author in itertools.product(ids, authors)
            for kind in ("message", "notice")
        ]
        assert len({each.position for each in kept}) == len(kept)
        assert await rooms.read(name, limit=1000) == kept


PREFIXES = [
    ("chat", "staff:lounge", "chat:staff", "lounge"),
    ("chat", "staff:lounge", "chat%3Astaff", "lounge"),
    ("chat:staff", "lounge", "chat%3Astaff", "lounge"),
    ("chat", "{staff}", "chat:{staff", "}"),
    ("chat", "a}:history", "chat:a}", "history"),
    ("chat", "", "chat:", ""),
    ("a%3Ab", "c", "a:b", "c"),
    ("a", "pseudonym-key", "a}:pseudonym-key{", "x"),
]


@pytest.mark.parametrize(("prefix", "room", "other_prefix", "other_room"), PREFIXES)
async def test_prefixes(
    shared_redis: Process, prefix: str, room: str, other_prefix: str, other_room: str
) -> None:
    """Chats of two prefixes share neither entries nor leases, signals and pseudonyms.

    Chats of different prefixes share no room, whatever their names hold.
    """
    url, mark = shared_redis.url(scheme="redis"), secrets.token_hex(4)
    one = RedisRooms(url, prefix=f"{mark}{prefix}")
    other = RedisRooms(url, prefix=f"{mark}{other_prefix}")
    try:
        kept = await one.append(room, entry("secret"))
        assert await other.read(other_room) == []
        assert await one.hold(room, kept.position, "one", 30)
        assert await other.hold(other_room, kept.position, "other", 30)
        assert await one.pseudonym_key() != await other.pseudonym_key()
        signals = await other.signals(other_room)
        await one.signal(room, "one's")
        await other.signal(other_room, "other's")
        assert await asyncio.wait_for(anext(signals), 5) == "other's"
        await signals.aclose()
        assert await one.read(room) == [kept]
    finally:
        await one.close()
        await other.close()
