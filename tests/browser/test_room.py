"""People who talk with each other in a room."""

import contextlib
import re
from collections.abc import AsyncIterator
from itertools import cycle

import pytest
from jinja2 import DictLoader
from playwright.sync_api import Page, expect

from fastapi_echochat import Message
from fastapi_echochat.page.languages import CHINESE, ENGLISH
from tests.browser.axe import violations
from tests.browser.conftest import OpenChat, OpenPage, OpenRoom, TakePicture
from tests.browser.gate import Gate
from tests.browser.person import Talker, become, box_of, words
from tests.browser.test_layout import SCREENS, is_wider_than_its_window
from tests.clients import Client
from tests.waiting import patient, wait_until

TIME = re.compile(r"\d{1,2}:\d\d")


def write_until_seen(writer: Talker, reader: Talker) -> None:
    """Type on: the page says only every few seconds that somebody is writing."""
    texts = cycle(["Fin", "Fine"])

    def is_seen() -> bool:
        writer.field.fill(next(texts))
        return reader.writing.inner_text() != ""

    wait_until(is_seen, "somebody is seen writing")


def test_two_people_talk(page: Page, open_room: OpenRoom, take_picture: TakePicture) -> None:
    """What either says both read, in one order, with names and times, one's own on one's side."""
    room = open_room()
    ada = room.enter("Ada")
    bob = room.enter("Bob", **SCREENS["phone"])

    ada.says("Hello?")
    bob.reads("Hello?")
    bob.says("Hi Ada!")
    ada.reads("Hello?", "Hi Ada!")
    ada.says("How are you?")
    for one in (ada, bob):
        one.reads("Hello?", "Hi Ada!", "How are you?")
        expect(one.messages.locator("time")).to_have_text([TIME] * 3)
        expect(one.messages.locator("time").first).to_have_attribute(
            "datetime", re.compile(r"^\d{4}-\d\d-\d\dT.*Z$")
        )
        expect(one.notes).to_have_count(0)
    you = ENGLISH["you"]

    expect(ada.names).to_have_text([you, "Bob", you])
    expect(bob.names).to_have_text(["Ada", you, "Ada"])
    expect(ada.log.locator(".mine p")).to_have_text(["Hello?", "How are you?"])
    expect(bob.log.locator(".theirs p")).to_have_text(["Hello?", "How are you?"])
    assert ada.messages.last.get_attribute("class") == "mine"
    write_until_seen(bob, ada)
    take_picture(page, "talk-desktop")
    take_picture(bob.page, "talk-phone")


def test_both_talk_at_once(open_room: OpenRoom) -> None:
    """Messages that cross on their way stand in the same order before everybody, once each."""
    ada, bob = open_room().enter_in_turn("Ada", "Bob")

    for number in range(10):
        ada.says(f"ada {number}")
        bob.says(f"bob {number}")
    for one in (ada, bob):
        expect(one.messages).to_have_count(20)
        one.has_sent_all()

    order = ada.texts.all_text_contents()
    assert bob.texts.all_text_contents() == order
    assert [text for text in order if text.startswith("ada")] == [f"ada {n}" for n in range(10)]
    assert [text for text in order if text.startswith("bob")] == [f"bob {n}" for n in range(10)]


def test_rooms_are_apart(page: Page, open_room: OpenRoom) -> None:
    """What is said in one room is read there, and the page says which room it is."""
    room = open_room()
    ada = room.enter("Ada")
    bob = room.enter("Bob", path="/rooms/bar")

    ada.says("in the lobby")
    bob.says("in the bar")

    ada.reads("in the lobby")
    bob.reads("in the bar")
    expect(page.locator("#echochat-room")).to_have_text("lobby")
    expect(ada.here).to_have_text("1 here: Ada")


def test_only_room_needs_no_name(page: Page, open_chat: OpenChat) -> None:
    """A room at an address without parameters is called nothing."""
    open_chat(None)
    ada = Talker(page)
    ada.joins("Ada")

    ada.says("alone")

    ada.reads("alone")
    expect(page.locator("#echochat-room")).to_be_hidden()


def test_consecutive_messages_name_their_author_once(open_room: OpenRoom) -> None:
    """Who says several things running is named before the first; a screen reader names all.

    One's own messages are known by their place and colour, and named for a screen reader alone.
    """
    ada, bob = open_room().enter_in_turn("Ada", "Bob")

    for text in ("one", "two"):
        bob.says(text)
    ada.reads("one", "two")
    ada.says("three")
    bob.reads("one", "two", "three")
    bob.says("four")
    ada.reads("one", "two", "three", "four")

    heights = [box["height"] for box in (b.bounding_box() for b in ada.names.all()) if box]
    assert [height > 2 for height in heights] == [True, False, False, True]
    expect(ada.messages.nth(2)).to_contain_text(ENGLISH["you"])
    expect(ada.messages.nth(1)).to_contain_text("Bob")
    expect(ada.messages.nth(1)).not_to_have_attribute("aria-hidden", "true")


def test_presence(open_room: OpenRoom) -> None:
    """The page says who is here, in alphabetical order, as they come and go."""
    room = open_room()
    bob = room.enter("Bob")
    expect(bob.here).to_have_text("1 here: Bob")
    ada = room.enter("Ada")
    expect(ada.here).to_have_text("2 here: Ada and Bob")
    cy = room.enter("Cy")

    for one in (ada, bob, cy):
        expect(one.here).to_have_text("3 here: Ada, Bob, and Cy")
    expect(bob.here).not_to_have_attribute("aria-live", "polite")
    ada.page.close()
    expect(bob.here).to_have_text("2 here: Bob and Cy")


def test_many_people_are_counted(open_room: OpenRoom) -> None:
    """Of many people some are named and the rest counted."""
    names = [f"Person {number:02}" for number in range(12)]
    room = open_room()
    first = room.enter(names[0])
    with contextlib.ExitStack() as others:
        for name in names[1:]:
            others.enter_context(Client(room.server.ws("/rooms/lobby"), name))

        named = ", ".join(names[:8])
        expect(first.here).to_have_text(f"12 here: {named}, and 4 more")


@pytest.mark.slow
def test_writing_is_shown_for_a_while(open_room: OpenRoom) -> None:
    """Who is writing is said to the others, for some seconds or until it is sent."""
    ada, bob = open_room().enter_in_turn("Ada", "Bob")

    bob.field.press_sequentially("I")
    expect(ada.writing).to_have_text(ENGLISH["writing_one"].format(names="Bob"))
    expect(bob.writing).to_have_text("")
    # It goes by itself; four seconds, and the time of a slow machine.
    expect(ada.writing).to_have_text("")
    bob.field.press_sequentially(" am")
    expect(ada.writing).to_have_text(ENGLISH["writing_one"].format(names="Bob"))
    bob.field.press("Enter")
    ada.reads("I am")
    expect(ada.writing).to_have_text("", timeout=1000 * patient(2))


def test_who_goes_on_is_writing_again_at_once(open_room: OpenRoom) -> None:
    """After a message was sent the first key that follows tells again that one is writing."""
    ada, bob = open_room().enter_in_turn("Ada", "Bob")
    writing = ENGLISH["writing_one"].format(names="Bob")
    for number in range(3):
        bob.field.press_sequentially(f"{number}")
        expect(ada.writing).to_have_text(writing)
        bob.field.press("Enter")
        ada.reads(*map(str, range(number + 1)))
        expect(ada.writing).to_have_text("")
        # A room tells of no two within a fifth of a second.
        bob.page.wait_for_timeout(250)


def test_several_are_writing(open_room: OpenRoom) -> None:
    """Two who write are named together."""
    ada, bob, cy = open_room().enter_in_turn("Ada", "Bob", "Cy")

    both = [ENGLISH["writing_some"].format(names=n) for n in ("Ada and Bob", "Bob and Ada")]

    def are_seen() -> bool:
        ada.field.press("a")
        bob.field.press("b")
        return cy.writing.inner_text() in both

    wait_until(are_seen, "both are seen writing")


def test_notice_of_the_host(open_room: OpenRoom) -> None:
    """What the host says stands in the middle, under the name it gave, and is no bubble."""
    room = open_room()
    ada = room.enter("Ada")

    ada.says("When does it close?")
    room.announce("The bar closes in ten minutes.")

    ada.reads("When does it close?", "The bar closes in ten minutes.")
    notice = ada.log.locator(".notice")
    expect(notice).to_have_css("background-color", "rgba(0, 0, 0, 0)")
    expect(notice.locator("b")).to_have_text("The house")
    box, log = box_of(notice), box_of(ada.log)
    assert box["x"] + box["width"] / 2 == pytest.approx(log["x"] + log["width"] / 2, abs=2)


def test_unread_messages_are_marked_and_counted(page: Page, open_room: OpenRoom) -> None:
    """What comes while nobody looks is counted in the tab's title, and begins under a line."""
    ada, bob = open_room().enter_in_turn("Ada", "Bob")

    bob.says("seen")
    ada.reads("seen")
    become(page, "hidden")
    bob.says("unseen")
    bob.says("unseen too")
    ada.reads("seen", "unseen", "unseen too")
    expect(page).to_have_title("(2) Lounge")
    expect(ada.fresh).to_have_text(ENGLISH["new"])
    assert ada.fresh.evaluate("mark => mark.nextElementSibling.innerText").endswith("unseen")
    become(page, "visible")
    expect(page).to_have_title("Lounge")
    expect(ada.fresh).to_have_count(1)
    ada.says("I am back")

    bob.reads("seen", "unseen", "unseen too", "I am back")
    expect(ada.fresh).to_have_count(0)
    expect(page.context.pages[0]).to_have_title("Lounge")


def test_reader_further_up_has_unread_messages(page: Page, open_room: OpenRoom) -> None:
    """What comes while one reads further up is unread too, until one has come down to it."""
    ada, bob = open_room().enter_in_turn("Ada", "Bob")

    ada.says_at_once([f"number {number}" for number in range(30)])
    expect(bob.messages).to_have_count(30)
    wait_until(ada.is_at_the_end, "the log shows its end")
    ada.log.focus()
    page.keyboard.press("Home")
    expect(ada.messages.first).to_be_in_viewport(ratio=1)
    bob.says("down here")
    expect(page).to_have_title("(1) Lounge")
    expect(ada.newest).to_be_visible()
    expect(ada.messages.first).to_be_in_viewport(ratio=1)
    ada.newest.click()

    expect(ada.messages.last).to_be_in_viewport(ratio=1)
    expect(page).to_have_title("Lounge")
    expect(ada.fresh).to_have_text(ENGLISH["new"])


def test_own_messages_are_never_unread(page: Page, open_room: OpenRoom) -> None:
    """What one says in another tab is on one's own side in both, and no news."""
    room = open_room()
    ada = room.enter("Ada")
    twin = room.visit(page=page.context.new_page())
    become(page, "hidden")

    twin.says("from the other tab")

    ada.reads("from the other tab")
    expect(ada.names).to_have_text([ENGLISH["you"]])
    expect(page).to_have_title("Lounge")


def test_bot_in_the_room(page: Page, open_room: OpenRoom) -> None:
    """Everybody sees an answer being written and written, once; who asked may stop it."""
    gate = Gate()

    async def bot(message: Message) -> AsyncIterator[str]:
        if message.text.endswith("?"):
            for piece in ("Let", " me", " think"):
                yield piece
                await gate.passed()

    ada, bob = open_room(reply=bot).enter_in_turn("Ada", "Bob")
    said = ["Bob, listen", "What is it?"]

    for text in said:
        ada.says(text)
    for one in (ada, bob):
        one.reads(*said, "Let")
        expect(one.notes).to_have_text(words("writing"))
    expect(bob.stop).to_be_hidden()
    gate.open()
    bob.reads(*said, "Let me")
    bob.says("patience")
    for one in (ada, bob):
        one.reads(*said, "patience", "Let me")
    ada.stop.click()

    for one in (ada, bob):
        expect(one.log.locator(".answer small")).to_have_text(ENGLISH["incomplete"])
        expect(one.log.locator(".answer")).to_have_count(1)
        expect(one.log.locator("[aria-busy]")).to_have_count(0)
    expect(ada.send_again).to_be_visible()
    expect(bob.send_again).to_have_count(0)


def test_page_speaks_chinese(open_room: OpenRoom, open_page: OpenPage) -> None:
    """A room in a Chinese browser has its words, its days and its lists of names in Chinese."""
    room = open_room()
    pages = [open_page(locale="zh-CN") for _ in range(2)]

    for page, name in zip(pages, ["艾达", "小波"], strict=True):
        page.goto(room.url)
        field = page.get_by_role("textbox", name=CHINESE["your_name"], exact=True)
        field.fill(name)
        page.get_by_role("button", name=CHINESE["join"], exact=True).click()
    first, second = pages
    first.get_by_role("textbox", name=CHINESE["message"], exact=True).fill("你好")
    expect(second.locator("#echochat-writing")).to_have_text(
        CHINESE["writing_one"].format(names="艾达")
    )
    first.get_by_role("button", name=CHINESE["send"], exact=True).click()

    log = second.get_by_role("log", name=CHINESE["messages"])
    expect(log.locator("p")).to_have_text(["你好"])
    expect(log.locator("b")).to_have_text(["艾达"])
    expect(log.locator(".day")).to_have_text("今天")
    expect(first.locator("#echochat-here")).to_have_text(
        CHINESE["here"].format(count=2, names="小波和艾达")
    )


def test_words_of_the_host(page: Page, open_room: OpenRoom) -> None:
    """`labels=` puts the host's words in the place of a room's as well."""
    labels = {"join": "Sit down", "here": "{names} ({count})"}
    ada = open_room(labels=labels).visit()
    ada.name.fill("Ada")
    page.get_by_role("button", name="Sit down", exact=True).click()

    expect(ada.here).to_have_text("Ada (1)")


@pytest.mark.parametrize("block", ["header", "people", "writing", "tools"])
def test_block_left_out(page: Page, open_room: OpenRoom, block: str) -> None:
    """A template may leave out who is here and who is writing, and the room works without."""
    template = '{% extends "fastapi_echochat/base.html" %}{% block ' + block + " %}{% endblock %}"
    templates = DictLoader({"fastapi_echochat/chat.html": template})
    ada = open_room(templates=templates).enter("Ada")

    ada.says("bare")

    ada.reads("bare")
    gone = {"header": "state", "people": "here", "writing": "writing", "tools": "save"}[block]
    expect(page.locator(f"#echochat-{gone}")).to_have_count(0)


def test_room_is_accessible(open_room: OpenRoom) -> None:
    """axe-core finds nothing in a room: nameless, talking, unread, somebody writing."""
    room = open_room()
    ada = room.visit()
    expect(ada.name).to_be_visible()
    assert violations(ada.page) == []
    ada.join.click()
    expect(ada.name_refusal).to_have_text(ENGLISH["bad_name"])
    assert violations(ada.page) == []
    ada.joins("Ada")
    bob = room.enter("Bob")
    ada.says("Hello")
    bob.says("Hi")
    become(ada.page, "hidden")
    bob.says("Are you there?")
    room.announce("The bar closes.")
    expect(ada.messages).to_have_count(4)
    write_until_seen(bob, ada)
    assert violations(ada.page) == []


def test_room_fits(open_room: OpenRoom, take_picture: TakePicture) -> None:
    """Whatever people are called and say, a room is not wider than its window, on any screen."""
    room = open_room()
    path = "/rooms/" + "a-rather-long-name-of-a-room" * 3

    people: dict[str, Talker] = {}
    for screen, options in SCREENS.items():
        talker = room.visit(path=path, **options)
        expect(talker.name).to_be_visible()
        take_picture(talker.page, f"{screen}-room-name")
        assert not is_wider_than_its_window(talker.page), screen
        talker.joins(f"Ada, {screen}")
        people[screen] = talker
    bob = room.enter("Bartholomew" * 4, path=path)
    for text in ("Is anybody here?", "Or am I alone in this room?"):
        for talker in people.values():
            talker.says(text)
    bob.says("Donaudampfschifffahrtsgesellschaftskapitän" * 3)
    bob.says("שלום 👩‍👩‍👧‍👦")
    for talker in people.values():
        expect(talker.messages).to_have_count(2 * len(people) + 2)
    for screen, talker in people.items():
        write_until_seen(bob, talker)
        wait_until(talker.is_at_the_end, f"the log shows its end: {screen}")
        take_picture(talker.page, f"{screen}-room")
        assert not is_wider_than_its_window(talker.page), screen
