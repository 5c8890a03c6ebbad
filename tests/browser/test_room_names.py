"""What people are called in a room: asked once, kept, changed, given, and never markup."""

from typing import Any

from fastapi import FastAPI
from fastapi.requests import HTTPConnection
from playwright.sync_api import Page, expect

from fastapi_echochat import EchoChat, MemoryRooms
from fastapi_echochat.page.languages import ENGLISH
from tests.browser.conftest import OpenPage
from tests.browser.hosts import add_frame
from tests.browser.person import Talker, come
from tests.conftest import Serve


def host(**options: Any) -> FastAPI:
    app = FastAPI()
    chat = EchoChat(reply=None, rooms=MemoryRooms(), **options)
    app.include_router(chat.router, prefix="/rooms/{room}")
    return app


def cookie_name(connection: HTTPConnection) -> str | None:
    """Give the name in a cookie, as a host gives that of who has signed in."""
    return connection.cookies.get("name")


def sign_in(page: Page, name: str) -> None:
    page.context.add_cookies([{"name": "name", "value": name, "url": "http://127.0.0.1"}])


def test_name_is_asked_for_once(page: Page, serve: Serve) -> None:
    """Who comes first is asked for a name, with the field at hand, and then never again."""
    server = serve(host())
    ada = Talker(page)

    page.goto(server.url("/rooms/lobby"))
    expect(ada.name).to_be_focused()
    expect(ada.field).to_be_hidden()
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(ada.field).to_be_focused()
    expect(ada.name).to_be_hidden()
    page.keyboard.type("hello")
    page.keyboard.press("Enter")
    ada.reads("hello")

    for url in (server.url("/rooms/lobby"), server.url("/rooms/bar")):
        page.goto(url)
        expect(ada.here).to_have_text("1 here: Ada")
        expect(ada.name).to_be_hidden()
        expect(ada.field).to_be_focused()


def test_nameless_reads_along(page: Page, open_page: OpenPage, serve: Serve) -> None:
    """Who has no name yet reads what is said, and is not counted."""
    url = serve(host()).url("/rooms/lobby")
    bob = come(open_page(), url, "Bob")
    ada = Talker(page)

    bob.says("before")
    bob.reads("before")
    page.goto(url)
    ada.reads("before")
    bob.says("after")

    ada.reads("before", "after")
    expect(ada.here).to_have_text("1 here: Bob")
    expect(ada.name).to_be_visible()


def test_name_is_changed(page: Page, open_page: OpenPage, serve: Serve) -> None:
    """A guest may be called something else; what was said stays under the name it was said."""
    url = serve(host()).url("/rooms/lobby")
    ada = come(page, url, "Ada")
    bob = come(open_page(), url, "Bob")

    ada.says("first")
    bob.reads("first")
    expect(ada.rename).to_have_text("Ada")
    ada.rename.click()
    expect(ada.name).to_have_value("Ada")
    expect(ada.name).to_be_focused()
    page.keyboard.type("Countess")
    page.keyboard.press("Enter")
    expect(bob.here).to_have_text("2 here: Bob and Countess")
    expect(page.locator("#echochat-spoken")).to_have_text(ENGLISH["named"].format(name="Countess"))
    ada.says("second")
    bob.reads("first", "second")
    expect(bob.names).to_have_text(["Ada", "Countess"])
    page.reload()

    ada.reads("first", "second")
    expect(ada.rename).to_have_text("Countess")
    expect(ada.names).to_have_text([ENGLISH["you"]] * 2)


def test_change_of_name_is_cancelled(page: Page, serve: Serve) -> None:
    """Escape and Cancel leave the name as it is, and the cursor where one writes."""
    ada = come(page, serve(host()).url("/rooms/lobby"), "Ada")

    ada.rename.click()
    page.keyboard.type("Bob")
    page.keyboard.press("Escape")
    expect(ada.field).to_be_focused()
    ada.rename.click()
    page.get_by_role("button", name=ENGLISH["cancel"]).click()

    expect(ada.field).to_be_focused()
    expect(ada.rename).to_have_text("Ada")
    expect(ada.here).to_have_text("1 here: Ada")


def test_name_that_cannot_be(page: Page, serve: Serve) -> None:
    """A name of which nothing can be seen is refused in words, and another one taken."""
    ada = Talker(page)

    page.goto(serve(host()).url("/rooms/lobby"))
    for name in ("   ", "\u200b\u2060"):
        ada.name.fill(name)
        ada.name.press("Enter")
        expect(ada.name_refusal).to_have_text(ENGLISH["bad_name"])
        expect(ada.name).to_have_attribute("aria-invalid", "true")
        expect(ada.name).to_have_accessible_description(ENGLISH["bad_name"])
        ada.name.fill("A")
        expect(ada.name_refusal).to_be_hidden()
    ada.joins("Ada")

    expect(ada.here).to_have_text("1 here: Ada")


def test_name_is_text(page: Page, open_page: OpenPage, serve: Serve) -> None:
    """A name is shown as it is, whatever it holds, and turns nothing around it."""
    names = ["<img src=x onerror=alert(1)>", "{names} {count}", "שלמה"]
    url = serve(host()).url("/rooms/lobby")
    reader = come(page, url, "Reader")

    for number, name in enumerate(names, start=1):
        talker = come(open_page(), url, name)
        talker.says(f"message {number}")
        expect(reader.messages).to_have_count(number)

    expect(reader.names).to_have_text(names)
    everybody: list[str] = sorted([*names, "Reader"], key=str.casefold)
    expect(reader.here.locator("bdi")).to_have_text([*everybody])
    assert page.locator("img").count() == 0


def test_given_name(page: Page, open_page: OpenPage, serve: Serve) -> None:
    """Whom a dependency names is not asked, may not change it, and has it on each device."""
    url = serve(host(author=cookie_name)).url("/rooms/lobby")
    other = open_page()
    ada, twin = Talker(page), Talker(other)

    for device in (page, other):
        sign_in(device, "Ada")
        device.goto(url)
    ada.says("from one device")
    twin.reads("from one device")
    twin.says("from the other")

    for one in (ada, twin):
        one.reads("from one device", "from the other")
        expect(one.names).to_have_text([ENGLISH["you"]] * 2)
        expect(one.rename).to_be_hidden()
        expect(one.name).to_be_hidden()
        expect(one.here).to_have_text("1 here: Ada")


def test_guest_among_given_names(page: Page, open_page: OpenPage, serve: Serve) -> None:
    """Where names are given a guest's says that it is one, and the page still knows whose it is."""
    url = serve(host(author=cookie_name)).url("/rooms/lobby")
    sign_in(page, "Ada")
    ada, other = Talker(page), open_page()
    page.goto(url)
    guest = come(other, url, "Ada")

    ada.says("I am Ada")
    guest.reads("I am Ada")
    guest.says("So am I")
    ada.reads("I am Ada", "So am I")
    expect(ada.names).to_have_text([ENGLISH["you"], "Ada (guest)"])
    expect(guest.names).to_have_text(["Ada", ENGLISH["you"]])
    other.reload()

    guest.reads("I am Ada", "So am I")
    expect(guest.names).to_have_text(["Ada", ENGLISH["you"]])
    expect(guest.rename).to_have_text("Ada (guest)")
    guest.rename.click()
    expect(guest.name).to_have_value("Ada")


def test_two_guests_of_one_name(page: Page, open_page: OpenPage, serve: Serve) -> None:
    """Of two guests who are called the same each has their own messages on their own side."""
    url = serve(host()).url("/rooms/lobby")
    one = come(page, url, "Ada")
    other = come(open_page(), url, "Ada")

    one.says("the first Ada")
    other.reads("the first Ada")
    other.says("the second Ada")

    for talker, own in ((one, "the first Ada"), (other, "the second Ada")):
        expect(talker.messages).to_have_count(2)
        expect(talker.log.locator(".mine p")).to_have_text([own])
    page.reload()
    expect(one.log.locator(".mine p")).to_have_text(["the first Ada"])


def test_room_without_storage_works(page: Page, serve: Serve) -> None:
    """In a sandboxed frame, which is refused all storage, one is asked again after a reload."""
    app = FastAPI()
    chat = EchoChat(reply=None, rooms=MemoryRooms(), allowed_origins=["null"])
    app.include_router(chat.router, prefix="/chat")
    add_frame(app, "/chat", sandbox="allow-scripts")
    ada = Talker(page.frame_locator("iframe"))

    page.goto(serve(app).url("/"))
    expect(page.locator("#own")).to_be_focused()
    ada.joins("Ada")
    ada.says("hello")
    ada.reads("hello")
    expect(ada.names).to_have_text([ENGLISH["you"]])
    page.reload()

    ada.joins("Ada")
    ada.reads("hello")
    # Nothing tells that this was the same one.
    expect(ada.names).to_have_text(["Ada"])
