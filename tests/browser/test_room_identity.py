"""Whose words are whose: what a page takes for its own, whatever names and ids are alike."""

import json
import re
from urllib.parse import urlsplit

from fastapi import FastAPI
from playwright.sync_api import Page, WebSocket, expect
from websockets.sync.client import connect

from fastapi_echochat import EchoChat, Limits, MemoryRooms
from fastapi_echochat.page.languages import ENGLISH
from tests.browser.conftest import Console, OpenPage, OpenRoom
from tests.browser.person import Talker
from tests.browser.test_room_names import cookie_name
from tests.clients import V1
from tests.conftest import Serve


def is_mine(talker: Talker, text: str) -> bool:
    (message,) = talker.messages.filter(has_text=re.compile(rf"{text}$")).all()
    return "mine" in (message.get_attribute("class") or "").split()


def say_as(url: str, name: str, message_id: str, text: str) -> None:
    """Say something in a room under an id of one's own choice, and wait until it is kept."""
    guest = "x" * 40
    with connect(url, subprotocols=V1) as client:
        frames = (json.loads(frame) for frame in client)
        client.send(json.dumps({"type": "enter", "name": name, "guest": guest}))
        client.send(json.dumps({"type": "message", "id": message_id, "text": text}))
        next(frame for frame in frames if frame["type"] == "entry" and frame["text"] == text)


def ids_of(page: Page) -> list[str]:
    """Return a list that the ids of the messages are added to that a page sends."""
    ids: list[str] = []

    def note(frame: str | bytes) -> None:
        sent = json.loads(frame)
        if sent["type"] == "message":
            ids.append(sent["id"])

    def listen(websocket: WebSocket) -> None:
        websocket.on("framesent", note)

    page.on("websocket", listen)
    return ids


def test_id_from_another_room(page: Page, open_room: OpenRoom) -> None:
    """Somebody who reuses the id of a message, here or in another room, says words of their own."""
    room = open_room()
    ids = ids_of(page)
    ada = room.enter("Ada")
    ada.says("mine")
    ada.reads("mine")

    say_as(room.server.url("/rooms/lobby/ws", "ws"), "Ada", ids[0], "not yours")
    ada.reads("mine", "not yours")
    assert [is_mine(ada, text) for text in ("mine", "not yours")] == [True, False]
    say_as(room.server.url("/rooms/other/ws", "ws"), "Ada", ids[0], "nor here")
    page.goto(room.server.url("/rooms/other"))
    ada.reads("nor here")
    assert not is_mine(ada, "nor here")
    page.goto(room.url)

    ada.reads("mine", "not yours")
    assert [is_mine(ada, text) for text in ("mine", "not yours")] == [True, False]


def test_id_of_a_message_that_waits(page: Page, open_room: OpenRoom, console: Console) -> None:
    """Somebody else's message with the id of one that waits acknowledges nothing."""
    console.allow_failed_connections()
    room = open_room()
    ada = room.enter("Ada", wire=True)
    ids = ids_of(page)
    ada.goes_offline()
    ada.says("waits")
    (outbox,) = page.evaluate(
        "Object.entries(sessionStorage).filter(([key]) => key.includes('outbox'))"
    )
    (waiting,) = json.loads(outbox[1])
    say_as(room.server.url("/rooms/lobby/ws", "ws"), "Bob", waiting["id"], "of another")
    ada.comes_online()

    ada.reads("of another", "waits")
    ada.has_sent_all()
    assert [is_mine(ada, text) for text in ("of another", "waits")] == [False, True]
    assert ids == [waiting["id"]]


def test_name_that_comes_back_cut(page: Page, open_page: OpenPage, serve: Serve) -> None:
    """Where a name is too long it is cut, there only, and nobody of the shorter name is one."""
    app = FastAPI()
    for prefix, limits in (("/long", Limits()), ("/short", Limits(name_length=10))):
        chat = EchoChat(reply=None, rooms=MemoryRooms(), limits=limits)
        app.include_router(chat.router, prefix=prefix)
    server = serve(app)
    other = Talker(open_page())
    page.goto(server.url("/long"))
    ada = Talker(page)
    ada.joins("Alexandrina")
    page.goto(server.url("/short"))
    expect(ada.rename).to_have_text("Alexandrin")
    other.page.goto(server.url("/short"))
    other.joins("Alexandrin")

    other.says("of another")
    ada.reads("of another")
    ada.says("mine")
    for talker in (ada, other):
        talker.reads("of another", "mine")

    assert [is_mine(ada, text) for text in ("of another", "mine")] == [False, True]
    assert [is_mine(other, text) for text in ("of another", "mine")] == [True, False]
    expect(ada.here).to_have_text("2 here: Alexandrin and Alexandrin")
    page.goto(server.url("/long"))
    expect(ada.rename).to_have_text("Alexandrina")


def test_one_writes_and_another_of_the_name_is_seen_to(open_room: OpenRoom) -> None:
    """Of two people of one name each sees the other write, and not oneself."""
    one, other = open_room().enter_in_turn("Ada", "Ada")

    one.field.press_sequentially("I")

    expect(other.writing).to_have_text(ENGLISH["writing_one"].format(names="Ada"))
    expect(one.writing).to_have_text("")


def test_member_of_a_guests_name(page: Page, open_room: OpenRoom) -> None:
    """A guest who signs in under the name they used cannot change it, and goes on writing."""
    room = open_room(author=cookie_name)
    ada = room.enter("Ada")
    expect(ada.rename).to_have_text("Ada (guest)")
    ada.says("as a guest")
    ada.reads("as a guest")
    address = urlsplit(room.url)
    page.context.add_cookies([{"name": "name", "value": "Ada", "url": f"http://{address.netloc}"}])

    page.reload()
    ada.reads("as a guest")
    expect(ada.rename).to_be_hidden()
    expect(ada.name).to_be_hidden()
    ada.says("as a member")

    ada.reads("as a guest", "as a member")
    assert [is_mine(ada, text) for text in ("as a guest", "as a member")] == [False, True]


def test_secret_is_kept_for_one_chat(page: Page, open_room: OpenRoom) -> None:
    """A guest's secret stays in the browser, one for each chat, and no query is kept with it."""
    room = open_room()
    room.enter("Ada")
    for path in ("/rooms/lobby?token=hidden", "/rooms/other?token=hidden"):
        page.goto(room.server.url(path))
        expect(Talker(page).rename).to_have_text("Ada")

    kept: dict[str, str] = page.evaluate("({ ...localStorage, ...sessionStorage })")
    secrets = [value for key, value in kept.items() if " guest " in key]
    assert len(secrets) == len(set(secrets)) == 2
    assert "hidden" not in json.dumps(kept)
