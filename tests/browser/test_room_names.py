"""What people are called in a room: asked once, kept, changed, given, and never markup."""

from fastapi.requests import HTTPConnection
from playwright.sync_api import Page, expect

from fastapi_echochat.page.languages import ENGLISH
from tests.browser.conftest import OpenChat, OpenPage, OpenRoom
from tests.browser.person import Talker


def cookie_name(connection: HTTPConnection) -> str | None:
    """Give the name in a cookie, as a host gives that of who has signed in."""
    return connection.cookies.get("name")


def sign_in(page: Page, name: str) -> None:
    page.context.add_cookies([{"name": "name", "value": name, "url": "http://127.0.0.1"}])


def test_name_is_asked_for_once(page: Page, open_room: OpenRoom) -> None:
    """Who comes first is asked for a name, with the field at hand, and then never again."""
    room = open_room()
    ada = room.visit()
    expect(ada.name).to_be_focused()
    expect(ada.field).to_be_hidden()
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(ada.field).to_be_focused()
    expect(ada.name).to_be_hidden()
    page.keyboard.type("hello")
    page.keyboard.press("Enter")
    ada.reads("hello")

    for name in ("lobby", "bar"):
        page.goto(room.server.url(f"/rooms/{name}"))
        expect(ada.here).to_have_text("1 here: Ada")
        expect(ada.name).to_be_hidden()
        expect(ada.field).to_be_focused()


def test_nameless_reads_along(open_room: OpenRoom) -> None:
    """Who has no name yet reads what is said, and is counted beside those who have one."""
    room = open_room()
    bob = room.enter("Bob")
    bob.says("before")
    bob.reads("before")
    ada = room.visit()
    ada.reads("before")
    bob.says("after")

    ada.reads("before", "after")
    expect(ada.here).to_have_text("2 here: Bob and 1 more")
    expect(ada.name).to_be_visible()
    bob.page.close()
    # There is nobody to name.
    expect(ada.here).to_be_empty()


def test_name_is_changed(page: Page, open_room: OpenRoom) -> None:
    """A guest may be called something else; what was said stays under the name it was said."""
    ada, bob = open_room().enter_in_turn("Ada", "Bob")

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


def test_change_of_name_is_cancelled(page: Page, open_room: OpenRoom) -> None:
    """Escape and Cancel leave the name as it is, and the cursor where one writes."""
    ada = open_room().enter("Ada")

    ada.rename.click()
    page.keyboard.type("Bob")
    page.keyboard.press("Escape")
    expect(ada.field).to_be_focused()
    ada.rename.click()
    page.get_by_role("button", name=ENGLISH["cancel"]).click()

    expect(ada.field).to_be_focused()
    expect(ada.rename).to_have_text("Ada")
    expect(ada.here).to_have_text("1 here: Ada")


def test_name_that_cannot_be(open_room: OpenRoom) -> None:
    """A name of which nothing can be seen is refused in words, and another one taken."""
    ada = open_room().visit()
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


def test_name_is_text(page: Page, open_room: OpenRoom) -> None:
    """A name is shown as it is, whatever it holds, and turns nothing around it."""
    names = ["<img src=x onerror=alert(1)>", "{names} {count}", "שלמה"]
    room = open_room()
    reader = room.enter("Reader")

    for number, name in enumerate(names, start=1):
        talker = room.enter(name)
        talker.says(f"message {number}")
        expect(reader.messages).to_have_count(number)

    expect(reader.names).to_have_text(names)
    everybody: list[str] = sorted([*names, "Reader"], key=str.casefold)
    expect(reader.here.locator("bdi")).to_have_text([*everybody])
    assert page.locator("img").count() == 0


def test_given_name(page: Page, open_room: OpenRoom, open_page: OpenPage) -> None:
    """Whom a dependency names is not asked, may not change it, and has it on each device."""
    room = open_room(author=cookie_name)
    other = open_page()
    for device in (page, other):
        sign_in(device, "Ada")
    ada, twin = room.visit(), room.visit(page=other)
    ada.says("from one device")
    twin.reads("from one device")
    twin.says("from the other")

    for one in (ada, twin):
        one.reads("from one device", "from the other")
        expect(one.names).to_have_text([ENGLISH["you"]] * 2)
        expect(one.rename).to_be_hidden()
        expect(one.name).to_be_hidden()
        expect(one.here).to_have_text("1 here: Ada")


def test_guest_among_given_names(page: Page, open_room: OpenRoom) -> None:
    """Where names are given a guest's says that it is one, and the page still knows whose it is."""
    room = open_room(author=cookie_name)
    sign_in(page, "Ada")
    ada, guest = room.visit(), room.enter("Ada")

    ada.says("I am Ada")
    guest.reads("I am Ada")
    guest.says("So am I")
    ada.reads("I am Ada", "So am I")
    expect(ada.names).to_have_text([ENGLISH["you"], "Ada (guest)"])
    expect(guest.names).to_have_text(["Ada", ENGLISH["you"]])
    guest.page.reload()

    guest.reads("I am Ada", "So am I")
    expect(guest.names).to_have_text(["Ada", ENGLISH["you"]])
    expect(guest.rename).to_have_text("Ada (guest)")
    guest.rename.click()
    expect(guest.name).to_have_value("Ada")


def test_two_guests_of_one_name(page: Page, open_room: OpenRoom) -> None:
    """Of two guests who are called the same each has their own messages on their own side."""
    one, other = open_room().enter_in_turn("Ada", "Ada")

    one.says("the first Ada")
    other.reads("the first Ada")
    other.says("the second Ada")

    for talker, own in ((one, "the first Ada"), (other, "the second Ada")):
        expect(talker.messages).to_have_count(2)
        expect(talker.log.locator(".mine p")).to_have_text([own])
    page.reload()
    expect(one.log.locator(".mine p")).to_have_text(["the first Ada"])


def test_room_without_storage_works(page: Page, open_chat: OpenChat) -> None:
    """In a sandboxed frame, which is refused all storage, one is asked again after a reload."""
    open_chat(None, frame="allow-scripts", allowed_origins=["null"])
    ada = Talker(page.frame_locator("iframe"))
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
