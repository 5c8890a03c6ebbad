"""Who a person is: rights, words and conversations hang on an identity, never on a name."""

import asyncio
import enum
import itertools
import json
import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, unquote

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocket

from fastapi_echochat import Author, EchoChat, Limits, MemoryRooms, Message, Rooms, testing
from fastapi_echochat.identity import guest_author, pseudonym
from tests.apps import make_app, mount, open_session


def by_cookie(websocket: WebSocket) -> Author | None:
    """Give the account that a cookie names, as `id|name`; nobody without one."""
    account = unquote(websocket.cookies.get("account", ""))
    id_, _, name = account.partition("|")
    return Author(id_, name) if account else None


def account(id_: str, name: str) -> dict[str, str]:
    return {"Cookie": f"account={quote(f'{id_}|{name}', safe='')}"}


@pytest.fixture
def client(rooms: Rooms) -> Iterator[TestClient]:
    """Give a client of a room where people are who their cookie says, or guests."""
    app = make_app(None, rooms=rooms, author=by_cookie, prefix="/rooms/{room}")
    with TestClient(app) as client:
        yield client


# --- What a dependency returns -------------------------------------------------------------------


class Role(str, enum.Enum):
    ADMIN = "admin"


SHAPES: list[dict[str, Any]] = [{}, {"private": False}, {"private": True}]
"""Options of a chat without rooms, of one with them, and of one that keeps conversations."""


make: Any = Author
"""Whatever its arguments' types."""


def id_of(author: Author | None) -> str | None:
    return None if author is None else author.id


def name_of(author: Author | None) -> str | None:
    return None if author is None else author.name


@pytest.mark.parametrize(
    "given",
    [7, 1.5, True, b"17", {"id": "17", "name": "Ada"}, ("17", "Ada"), ["17"], object()],
    ids=lambda given: type(given).__name__,
)
@pytest.mark.parametrize("has_rooms", [False, True])
def test_what_is_no_author(given: object, has_rooms: bool) -> None:
    """What `author=` returns and is no author is refused in one sentence that says what is."""
    options: dict[str, Any] = {"rooms": MemoryRooms()} if has_rooms else {}
    client = TestClient(make_app(author=lambda: given, **options))
    with pytest.raises(TypeError) as raised, testing.connect(client, "/chat"):
        pytest.fail("it was connected")
    assert str(raised.value) == (
        "author= returns Author(id=…, name=…), a str, or None for a guest, not "
        f"{type(given).__name__}"
    )


@pytest.mark.parametrize(
    ("author", "what_to_do"),
    [
        (lambda: make(7, "Ada"), "two str, such as Author(id=str(user.id), name=user.name)"),
        (lambda: make("7", None), "two str, such as Author(id=str(user.id), name=user.name)"),
        (lambda: make(b"7", "Ada"), "two str, such as"),
        (lambda: Author("", "Ada"), "an author's id is not empty; for a guest return None"),
        (lambda: "", "an author's id is not empty; for a guest return None"),
        (lambda: Author("\ud800", "Ada"), "an author's id is Unicode text"),
        (lambda: "\udfff", "an author's id is Unicode text"),
    ],
)
def test_author_that_cannot_be(author: Callable[[], object], what_to_do: str) -> None:
    """An author of something else than text, or without an id, is refused in a sentence."""
    client = TestClient(make_app(author=author, rooms=MemoryRooms()))
    with pytest.raises((TypeError, ValueError)) as raised, testing.connect(client, "/chat"):
        pytest.fail("it was connected")
    assert what_to_do in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "id_", "name"),
    [
        ("ada", "ada", "ada"),
        (Author("17", "Ada"), "17", "Ada"),
        (Author("17", "\u200b \n"), "17", "Somebody"),
        (Author("17", ""), "17", "Somebody"),
        (Author(" \x0017\n", "  Ada  "), " \x0017\n", "Ada"),
        (Role.ADMIN, "admin", "admin"),
    ],
)
def test_author_of_a_message(given: object, id_: str, name: str, rooms: Rooms) -> None:
    """The reply function gets id and name; an id is kept as it is, and a name is never empty."""

    async def who(message: Message) -> str:
        assert message.author is not None
        return json.dumps([message.author.id, message.author.name, message.author.is_guest])

    async def who_depends(message: Message, answer: str = "") -> str:
        return await who(message)

    for reply in (who, who_depends):
        for options in SHAPES:
            kept: dict[str, Any] = {"rooms": rooms} if options else {}
            app = make_app(reply, author=lambda: given, **options, **kept)
            enter: Any = testing.enter if options else testing.connect
            with TestClient(app) as client, enter(client, "/chat") as person:
                assert json.loads(person.ask("?")) == [id_, name, False]
                assert person.welcome["you"]["name"] == name


def test_guest_of_a_reply_function(rooms: Rooms) -> None:
    """A guest's author is the same one after a rename and a reconnect, and tells no secret."""

    async def who(message: Message) -> str:
        assert message.author is not None
        assert message.author.is_guest
        return f"{message.author.id} {message.author.name}"

    secret = secrets.token_urlsafe(24)
    with TestClient(make_app(who, rooms=rooms)) as client:
        with testing.enter(client, "/chat", name="Ada", guest=secret) as ada:
            first, _, name = ada.ask("?").partition(" ")
            assert name == "Ada"
            ada.send_frame({"type": "name", "name": "Bob"})
            assert ada.ask("?") == f"{first} Bob"
        with testing.enter(client, "/chat", name="Cleo", guest=secret) as cleo:
            assert cleo.ask("?") == f"{first} Cleo"
        with testing.enter(client, "/chat", name="Ada") as other:
            assert not other.ask("?").startswith(first)
    assert secret not in first


# --- Who is whom ---------------------------------------------------------------------------------

LONG = "x" * 300
APART = [
    ("17", "18"),
    ("ada", "Ada"),
    ("ada", "\uff41\uff44\uff41"),
    ("ada", "ada "),
    ("ada", "\u200bada"),
    ("ada", "ada\x00"),
    ("ada\x00b", "ada\x00c"),
    ("\u00e5", "a\u030a"),
    ("1", "01"),
    (LONG + "a", LONG + "b"),
    ("room:17", "17"),
    ("author:17", "17"),
    ("guest:17", "17"),
    ('17"', "17'"),
]
"""Ids of two people."""


@pytest.mark.parametrize(("one", "other"), APART)
def test_ids_are_compared_byte_for_byte(one: str, other: str, client: TestClient) -> None:
    """Two ids that differ in anything are two people, whatever they are called."""
    url = "/rooms/lobby"
    with (
        testing.enter(client, url, headers=account(one, "Ada")) as ada,
        testing.enter(client, url, headers=account(other, "Ada")) as imposter,
        testing.enter(client, url, headers=account(one, "Ada elsewhere")) as again,
    ):
        assert ada.id != imposter.id
        assert ada.id == again.id
        said = [ada.say("I am Ada"), imposter.say("so am I")]
        heard = [again.hear(), again.hear()]
        for entry, person, at in zip(said, (ada, imposter), heard, strict=True):
            assert id_of(entry.author) == id_of(at.author) == person.id


def test_account_that_looks_like_a_guest(client: TestClient) -> None:
    """A member whose id is a guest's digest, or begins like a guest's key, is nobody but a member.

    Nor is a guest somebody else by a secret that is a member's id.
    """
    secret = secrets.token_urlsafe(24)
    digest = guest_author(secret, "").id
    ids = set()
    with testing.enter(client, "/rooms/lobby", name="Ada", guest=secret) as guest:
        ids.add(guest.id)
        for id_ in (digest, f"guest:{digest}", secret, f"guest:{secret}"):
            with testing.enter(client, "/rooms/lobby", headers=account(id_, "Ada")) as member:
                ids.add(member.id)
        with testing.enter(client, "/rooms/lobby", name="Ada", guest=digest) as other:
            ids.add(other.id)
    assert len(ids) == 6


def test_secret_of_a_member_is_ignored(client: TestClient) -> None:
    """Somebody signed in is the account, whatever guest their browser was."""
    secret = secrets.token_urlsafe(24)
    with testing.enter(client, "/rooms/lobby", name="Ada", guest=secret) as guest:
        with (
            testing.enter(client, "/rooms/lobby", guest=secret, headers=account("1", "Ada")) as ada,
            testing.enter(client, "/rooms/lobby", headers=account("1", "Ada")) as elsewhere,
        ):
            assert ada.id == elsewhere.id != guest.id
            assert (ada.welcome["you"]["is_guest"], ada.name) == (False, "Ada")
            ada.send_frame({"type": "name", "name": "Bob"})
            with pytest.raises(testing.ChatError, match="your name is given to you"):
                ada.say("hello")
        assert guest.welcome["you"]["is_guest"] is True


@pytest.mark.parametrize("secret", ["", "short", "x" * 31, "x" * 65, "ä" * 32, "x" * 32 + "\n", 7])
def test_what_is_no_secret(secret: object, client: TestClient) -> None:
    """A secret that can be guessed, or is none, is refused; the client may say another."""
    with open_session(client, "/rooms/lobby/ws", "echochat.v1") as websocket:
        websocket.send_json({"type": "enter", "name": "Ada", "guest": secret})
        refused = websocket.receive_json()
        assert (refused["type"], refused["code"]) == ("error", "bad_frame")
        assert "guest" in refused["detail"]
        websocket.send_json({"type": "enter", "name": "Ada", "guest": "x" * 32})
        assert websocket.receive_json()["type"] == "welcome"


def test_nothing_of_an_identity_is_sent(rooms: Rooms) -> None:
    """No frame has a member's id, a guest's secret, or its digest."""
    app = make_app(None, rooms=rooms, author=by_cookie, prefix="/rooms/{room}")
    secret = secrets.token_urlsafe(24)
    hidden = ("account-4711", secret, guest_author(secret, "").id)
    frames: list[str] = []
    with (
        TestClient(app) as client,
        testing.enter(client, "/rooms/lobby", headers=account("account-4711", "Ada")) as ada,
        testing.enter(client, "/rooms/lobby", name="Bob", guest=secret) as bob,
    ):
        ada.send_frame({"type": "typing"})
        ada.send("hello")
        bob.send("hi")
        bob.send_frame({"type": "name", "name": "Bobby"})
        bob.send_frame({"type": "earlier", "before": 2**53 - 1})
        wanted = {"entry", "typing", "presence", "named", "history"}
        while wanted:
            frame = bob.receive()
            frames.append(json.dumps(frame))
            wanted.discard(frame["type"])
        frames += [json.dumps(person.welcome) for person in (ada, bob)]
    assert [frame for frame in frames if any(text in frame for text in hidden)] == []


def test_pseudonyms(rooms: Rooms) -> None:
    """A person is somebody else in each room and each store, and cannot be found by trying ids.

    The name in a room is a digest with a key that the store keeps: who tries all short ids without
    it finds none.
    """
    seen: dict[str, str | None] = {}
    app = make_app(None, rooms=rooms, author=by_cookie, prefix="/rooms/{room}")
    with TestClient(app) as client:
        for room in ("lobby", "lounge"):
            with testing.enter(client, f"/rooms/{room}", headers=account("7", "Ada")) as ada:
                seen[room] = ada.id
            with testing.enter(client, f"/rooms/{room}", headers=account("7", "Ada")) as ada:
                assert ada.id == seen[room]
    other = make_app(None, rooms=MemoryRooms(), author=by_cookie, prefix="/rooms/{room}")
    with (
        TestClient(other) as client,
        testing.enter(client, "/rooms/lobby", headers=account("7", "Ada")) as ada,
    ):
        seen["other store"] = ada.id
    assert None not in seen.values()
    assert len(set(seen.values())) == 3
    keys = (b"", b"\x00" * 32, b"lobby", b"echochat")
    tried = {
        pseudonym(key, "lobby", Author(str(number), "Ada"))
        for key, number in itertools.product(keys, range(1000))
    }
    assert not tried.intersection(seen.values())


def test_same_secret_in_two_rooms(client: TestClient) -> None:
    """A guest's secret gives another pseudonym in each room."""
    secret = secrets.token_urlsafe(24)
    ids = set()
    for room in ("lobby", "lounge", "lobby2"):
        with testing.enter(client, f"/rooms/{room}", name="Ada", guest=secret) as ada:
            ids.add(ada.id)
    assert len(ids) == 3


# --- Whose words ---------------------------------------------------------------------------------


def test_guests_of_one_name(client: TestClient) -> None:
    """A person with somebody's name, in any spelling, sees the other's words as the other's."""
    names = ["Ada", "Ada", "ada", "\uff21\uff44\uff41", "A\u200bda"]
    url = "/rooms/lobby"
    with (
        testing.enter(client, url, headers=account("1", "Ada")) as ada,
        testing.enter(client, url, name="Nobody") as reader,
    ):
        ids = {ada.id, reader.id}
        ada.say("mine")
        assert reader.hear().author == Author(ada.id or "", "Ada")
        for count, name in enumerate(names, start=3):
            with testing.enter(client, url, name=name) as imposter:
                ids.add(imposter.id)
                assert len(ids) == count
                assert imposter.history[0].author == Author(ada.id or "", "Ada")
                imposter.say("not hers")
                said = reader.hear()
                assert said.author == Author(imposter.id or "", name)
                assert said.author != Author(ada.id or "", "Ada")


def test_name_that_comes_back_cut() -> None:
    """A guest of a longer name than one chat of a host shows is who they were in both chats."""
    rooms = MemoryRooms()
    app = make_app(None, rooms=rooms, prefix="/wide")
    narrow = EchoChat(None, rooms=rooms, limits=Limits(name_length=10))
    app.include_router(narrow.router, prefix="/narrow")
    secret = secrets.token_urlsafe(24)
    name = "Augusta Ada King"
    with TestClient(app) as client:
        with testing.enter(client, "/wide", name=name, guest=secret) as ada:
            ada.say("whole")
        with (
            testing.enter(client, "/narrow", name=name, guest=secret) as cut,
            testing.enter(client, "/narrow", name="Augusta Ad") as other,
        ):
            assert cut.name == other.name == "Augusta Ad"
            assert [entry.author for entry in cut.history] == [Author(cut.id or "", name)]
            assert cut.id != other.id
            assert [entry.author for entry in other.history] == [Author(cut.id or "", name)]


def test_id_seen_in_another_room(client: TestClient) -> None:
    """Who reuses another's message id, or pseudonym, says nothing in the other's name."""
    with testing.enter(client, "/rooms/one", name="Ada") as ada:
        seen = ada.say("mine")
        frame = {"type": "message", "id": seen.id, "text": "not hers"}
        for room in ("one", "two"):
            with testing.enter(client, f"/rooms/{room}", name="Ada") as imposter:
                imposter.send_frame(frame)
                while (entry := imposter.receive())["type"] != "entry":
                    pass
                assert (entry["text"], entry["id"]) == ("not hers", seen.id)
                assert entry["author"]["id"] == imposter.id != ada.id
        heard = ada.hear()
        assert heard.text == "not hers"
        assert id_of(heard.author) not in (None, ada.id)


def test_counted_ids(client: TestClient) -> None:
    """Where one sends the ids 1, 2, 3 first another's message 2 is kept, as theirs, once."""
    with (
        testing.enter(client, "/rooms/lobby", name="Mallory") as mallory,
        testing.enter(client, "/rooms/lobby", name="Mallory") as ada,
    ):
        for number in ("1", "2", "3"):
            mallory.send_frame({"type": "message", "id": number, "text": "first"})
        assert [ada.hear().text for _ in range(3)] == ["first"] * 3
        kept = []
        for _ in range(2):
            ada.send_frame({"type": "message", "id": "2", "text": "mine"})
            while (frame := ada.receive())["type"] != "entry":
                pass
            kept.append(frame)
        assert kept[0] == kept[1]
        assert (kept[0]["id"], kept[0]["text"]) == ("2", "mine")
        assert kept[0]["author"]["id"] == ada.id
        ada.say("after")
        texts = [mallory.hear().text for _ in range(5)]
        assert texts == ["first"] * 3 + ["mine", "after"]


# --- Whose conversation --------------------------------------------------------------------------


def test_kept_conversations_of_two_accounts(rooms: Rooms) -> None:
    """Two accounts have two conversations by one token, however their ids begin; so has a guest.

    Also two that are alike but for case, and one that a dependency calls like nobody.
    """
    token = secrets.token_urlsafe(24)
    long = "0" * 40
    people: list[dict[str, str]] = [
        account(f"{long}1", "Ada"),
        account(f"{long}2", "Ada"),
        account(long, "Ada"),
        account("ada", "Ada"),
        account("Ada", "Ada"),
        account("null", "Ada"),
        account("guest:", "Ada"),
        {},
    ]
    app = make_app(rooms=rooms, private=True, author=by_cookie)
    with TestClient(app) as client:
        for number, headers in enumerate(people):
            with testing.enter(client, "/chat", conversation=token, headers=headers) as person:
                assert person.history == []
                person.ask(f"I am {number}")
        for number, headers in enumerate(people):
            with testing.enter(client, "/chat", conversation=token, headers=headers) as person:
                said = f"I am {number}"
                assert [e.text for e in person.history] == [said, f"Message text was: {said}"]


def test_who_one_is_in_a_kept_conversation(rooms: Rooms) -> None:
    """A member's own messages have the member's pseudonym; a guest has none, and needs none."""
    app = make_app(rooms=rooms, private=True, author=by_cookie)
    with TestClient(app) as client:
        with testing.enter(client, "/chat", headers=account("1", "Ada")) as ada:
            assert (id_of(ada.say("hello").author), ada.name) == (ada.id, "Ada")
            assert ada.id is not None
        with testing.enter(client, "/chat", name="Ada") as guest:
            assert guest.say("hello").author is None
            assert (guest.id, guest.name) == (None, None)
            assert guest.welcome["you"]["is_guest"] is True


# --- The host's own words ------------------------------------------------------------------------


def test_post_by_an_author(rooms: Rooms) -> None:
    """A notice has the author that it is posted by, who is the member of that id and nobody else.

    By a text it is one whose id is that text, and without an author it is nobody's.
    """
    chat = EchoChat(None, rooms=rooms, author=by_cookie)
    posted: list[Any] = [Author("1", "Ada the admin"), "Ada", None]
    with (
        TestClient(mount(chat)) as client,
        testing.enter(client, "/chat", headers=account("1", "Ada")) as ada,
        testing.enter(client, "/chat", name="Ada") as guest,
    ):
        messages = [asyncio.run(chat.post("main", "news", author=author)) for author in posted]
        assert [id_of(message.author) for message in messages] == ["1", "Ada", None]
        kept = asyncio.run(chat.history("main"))
        assert [id_of(entry.author) for entry in kept] == ["1", "Ada", None]
        heard = [guest.hear() for _ in range(3)]
        assert [entry.kind for entry in heard] == ["notice"] * 3
        assert [name_of(entry.author) for entry in heard] == ["Ada the admin", "Ada", None]
        assert heard[0].author == Author(ada.id or "", "")
        assert heard[1].author not in (Author(ada.id or "", ""), Author(guest.id or "", ""))


@pytest.mark.parametrize("author", [7, ("1", "Ada"), {"id": "1"}, b"Ada", ""])
def test_post_by_what_is_no_author(author: Any) -> None:
    """A notice by something that is no author is refused in the sentence that says what is."""
    chat = EchoChat(None, rooms=MemoryRooms())
    expected = "an author's id is not empty" if author == "" else "Author(id=…, name=…), a str, or"
    with pytest.raises((TypeError, ValueError), match=re.escape(expected)):
        asyncio.run(chat.post("main", "news", author=author))


@pytest.mark.parametrize("name", ["", "\u200b", "Ada\nBob: hi", "  Ada  "])
def test_name_of_the_hosts_notice(name: str) -> None:
    """The name of a notice's author is shown as a member's is: clean, and never empty."""
    chat = EchoChat(None, rooms=MemoryRooms())
    expected = " ".join(name.replace("\u200b", "").split()) or "Somebody"
    with (
        TestClient(mount(chat)) as client,
        testing.enter(client, "/chat", name="Bob") as bob,
    ):
        message = asyncio.run(chat.post("main", "news", author=Author("1", name)))
        assert name_of(message.author) == name_of(bob.hear().author) == expected
