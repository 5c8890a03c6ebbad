"""Who an entry is by: an id is its author's, and identities are never confused."""

import asyncio

import pytest

from fastapi_echochat.identity import Author
from fastapi_echochat.rooms.stores.contract import Kind, Rooms
from tests.rooms.stores.conftest import Open, entry, take

pytestmark = pytest.mark.anyio


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
