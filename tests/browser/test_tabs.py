"""One chat in several pages of a browser: tabs, a duplicate, a widget, and what outlives them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Page, expect

from fastapi_echochat import Message
from fastapi_echochat.page.languages import ENGLISH
from tests.apps import make_app
from tests.browser.conftest import Console, OpenChat
from tests.browser.gate import Gate
from tests.browser.person import Person, echoed
from tests.conftest import Serve
from tests.waiting import wait_until

DAY_MS = 86_400_000


class Asker:
    """A bot that answers when it may, and knows what it was asked."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.gate = Gate()

    async def answer(self, message: Message) -> AsyncIterator[str]:
        self.heard.append(message.text)
        await self.gate.passed()
        yield message.text.upper()


def make_double(**options: Any) -> FastAPI:
    """Return a host with a page that shows its chat twice, as a page and its widget do."""
    app = make_app(**options)
    frame = "<iframe title='{}' width='400' height='500' src='/chat'></iframe>"

    @app.get("/")
    def double() -> HTMLResponse:
        return HTMLResponse(
            "<!doctype html><title>A host</title><link rel='icon' href='data:,'>"
            + frame.format("one")
            + frame.format("other")
        )

    return app


def read_both(page: Page) -> tuple[Person, Person]:
    one, other = (Person(page.frame_locator(f"[title={name}]")) for name in ("one", "other"))
    one.is_connected()
    other.is_connected()
    return one, other


def wake(*pages: Person) -> None:
    """Tell pages that one has come back to them."""
    for person in pages:
        person.log.evaluate(
            "() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
        )


def duplicate(person: Person) -> Person:
    """Duplicate a tab: the new one begins with a copy of what the first one keeps."""
    with person.page.expect_popup() as popup:
        person.page.evaluate("void window.open(location.href)")
    return Person(popup.value)


@pytest.mark.parametrize("hears", [True, False])
def test_pages_of_a_tab_have_one_conversation(page: Page, serve: Serve, hears: bool) -> None:
    """What was said last is in each page of a tab, and none overwrites what it has not seen.

    One that slept meanwhile, as a page does to which one goes back, reads it when it wakes.
    """
    if not hears:
        page.add_init_script(
            "addEventListener('storage', (event) => event.stopImmediatePropagation(), true);"
        )
    page.goto(serve(make_double()).url("/"))
    one, other = read_both(page)
    one.talks("first")
    if hears:
        other.reads(*echoed(["first"]))
    else:
        is_kept = "text => Object.values(sessionStorage).some((kept) => kept.includes(text))"
        page.wait_for_function(is_kept, arg="Message text was: first")
        wake(one, other)
    other.says("second")
    expect(other.texts.last).to_have_text("Message text was: second")
    if hears:
        one.reads(*echoed(["first", "second"]))
    else:
        wake(one, other)
        one.reads(*echoed(["first", "second"]))
    one.says("third")
    expect(one.texts.last).to_have_text("Message text was: third")
    page.reload()

    for person in read_both(page):
        person.reads(*echoed(["first", "second", "third"]))


def test_pages_of_a_tab_ask_once(page: Page, serve: Serve) -> None:
    """What is under way in one page of a tab is not sent by another, which has the answer too."""
    asker = Asker()
    page.goto(serve(make_double(reply=asker.answer)).url("/"))
    one, other = read_both(page)
    one.says("ask")
    expect(other.notes).to_have_text([ENGLISH["elsewhere"]])
    asker.gate.open()

    for person in (one, other):
        person.reads("ask", "ASK")
        expect(person.notes).to_have_count(0)
        expect(person.send_again).to_have_count(0)
    assert asker.heard == ["ask"]


def test_cleared_in_one_page_of_a_tab(page: Page, serve: Serve) -> None:
    """What is cleared in one page goes in the other, does not come back, and takes no answer."""
    asker = Asker()
    page.goto(serve(make_double(reply=asker.answer)).url("/"))
    one, other = read_both(page)
    asker.gate.open()
    one.says("old")
    other.reads("old", "OLD")
    other.says("open")
    expect(one.texts).to_have_text(["old", "OLD", "open"])
    one.clears()
    one.reads()
    other.reads("open")
    asker.gate.open()
    other.reads("open", "OPEN")
    page.reload()

    for person in read_both(page):
        person.reads("open", "OPEN")


@pytest.mark.parametrize("kept", [False, True])
def test_duplicated_tab_asks_nobody_twice(open_chat: OpenChat, kept: bool) -> None:
    """Duplicate Tab shows all that the first one had, and the bot is asked once."""
    asker = Asker()
    first = open_chat(asker.answer, kept=kept)
    first.says("ask")
    wait_until(lambda: asker.heard == ["ask"], "the bot was asked")
    second = duplicate(first)
    expect(second.texts).to_have_text(["ask"])
    if not kept:
        expect(second.notes).to_have_text([ENGLISH["elsewhere"]])
    asker.gate.open()

    for person in (first, second):
        person.reads("ask", "ASK")
        expect(person.notes).to_have_count(0)
    second.says("mine")
    asker.gate.open()
    expect(second.texts.last).to_have_text("MINE")
    assert asker.heard == ["ask", "mine"]


def test_duplicate_of_a_tab_that_is_gone(open_chat: OpenChat) -> None:
    """What the first tab was waiting for when it was closed, its duplicate can ask again."""
    asker = Asker()
    first = open_chat(asker.answer)
    first.says("ask")
    wait_until(lambda: asker.heard == ["ask"], "the bot was asked")
    second = duplicate(first)
    expect(second.notes).to_have_text([ENGLISH["elsewhere"]])
    first.page.close()
    # Once for each: that the first is gone the server may hear later.
    asker.gate.open(times=2)
    second.page.reload()

    second.reads("ask", "ASK")
    assert asker.heard == ["ask", "ask"]


@pytest.mark.parametrize("kept", [False, True])
def test_tab_whose_process_dies(page: Page, open_chat: OpenChat, kept: bool) -> None:
    """A tab whose process dies has all that was said; what has no answer is answered.

    What is kept when no event has told the page of its end is what a copy of the tab begins with.
    """
    page.add_init_script(
        "for (const name of ['pagehide', 'beforeunload', 'visibilitychange', 'freeze']) {"
        "addEventListener(name, (event) => event.stopImmediatePropagation(), true); }"
    )
    asker = Asker()
    person = open_chat(asker.answer, kept=kept)
    asker.gate.open(times=2)
    for text in ("one", "two"):
        person.says(text)
        expect(person.texts.last).to_have_text(text.upper())
    person.says("three")
    wait_until(lambda: asker.heard[2:] == ["three"], "the bot was asked")
    # What comes close together is written together, within a quarter of a second.
    page.wait_for_timeout(500)
    copy = duplicate(person)
    copy.reads("one", "ONE", "two", "TWO", "three")
    page.close()
    copy.page.reload()
    asker.gate.open(times=2)

    copy.reads("one", "ONE", "two", "TWO", "three", "THREE")


def test_cleared_in_another_tab(open_chat: OpenChat, console: Console) -> None:
    """Clear in one tab does not take what waits unsent in another."""
    person = open_chat(kept=True, wire=True)
    other = Person(person.page.context.new_page())
    other.page.goto(f"http://127.0.0.1:{person.page.url.split(':')[2]}")
    person.talks("old")
    other.reads(*echoed(["old"]))
    console.allow_failed_connections()
    person.goes_offline()
    other.says("unsent")
    other.reads(*echoed(["old"]), "unsent")
    person.clears()
    other.reads("unsent")
    person.comes_online()

    for talker in (other, person):
        talker.reads(*echoed(["unsent"]))


def test_address_with_a_query(page: Page, serve: Serve) -> None:
    """Whatever the query is there is one conversation, and the browser keeps nothing of a query."""
    server = serve(make_app())
    person = Person(page)
    for number, query in enumerate(["?utm_source=mail", "?token=s3cret1", "?token=s3cret2", ""]):
        page.goto(server.url(f"/chat{query}"))
        person.is_connected()
        expect(person.texts).to_have_count(2 * number)
        person.says(str(number))
        expect(person.texts).to_have_count(2 * number + 2)
        kept = page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")
        assert "s3cret" not in kept
        assert "utm_source" not in kept


@pytest.mark.parametrize("kept", [False, True])
def test_closing_with_something_unsent(open_chat: OpenChat, console: Console, kept: bool) -> None:
    """The browser asks before a tab is closed in which something waits unsent, and only then."""
    console.allow_failed_connections()
    person = open_chat(wire=True, kept=kept)
    person.talks("sent")
    person.goes_offline()
    person.says("unsent")
    with person.page.expect_event("dialog") as asked:
        person.page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    person.comes_online()
    person.reads(*echoed(["sent", "unsent"]))
    with person.page.expect_event("close"):
        person.page.close(run_before_unload=True)


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("choice", ["send", "discard"])
def test_written_days_ago(open_chat: OpenChat, console: Console, kept: bool, choice: str) -> None:
    """What has waited for days is asked about before it is sent; what is new goes ahead of it."""
    console.allow_failed_connections()
    person = open_chat(wire=True, kept=kept)
    person.goes_offline()
    person.says("old")
    expect(person.notes).to_have_text([ENGLISH["waiting"]])
    person.page.evaluate(f"const now = Date.now; Date.now = () => now() + 3 * {DAY_MS};")
    person.comes_online()
    stale = ENGLISH["stale"].split("{time}")[0]
    expect(person.notes).to_contain_text([stale])
    person.says("new")
    expect(person.answers.locator("p")).to_have_text(["Message text was: new"])
    held = person.messages.filter(has_text="old")
    held.get_by_role("button", name=ENGLISH[choice], exact=True).click()

    if choice == "send":
        expect(person.answers.locator("p")).to_have_text(
            ["Message text was: new", "Message text was: old"]
        )
        expect(person.notes).to_have_count(0)
    else:
        expect(person.notes).to_have_text([ENGLISH["stopped"]])
        expect(person.send_again).to_be_visible()
    person.page.reload()
    person.is_connected()
    person.says("last")
    expect(person.answers.last.locator("p")).to_have_text("Message text was: last")
    assert person.texts.all_text_contents().count("Message text was: old") == (choice == "send")


@pytest.mark.parametrize("is_full", [False, True])
def test_browser_that_keeps_nothing(open_chat: OpenChat, page: Page, is_full: bool) -> None:
    """Where the browser refuses to keep anything, or is full, the menu says so."""
    if is_full:
        page.add_init_script(
            "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError') }"
        )
        person = open_chat()
    else:
        person = open_chat(frame="allow-scripts", allowed_origins=["null"])
    person.talks("NBA")
    person.menu.click()

    expect(person.unkept).to_be_visible()


def test_browser_that_keeps_all(open_chat: OpenChat) -> None:
    """A browser that keeps what it is given has no need to say anything."""
    person = open_chat()
    person.talks("NBA")
    person.menu.click()

    expect(person.clear).to_be_visible()
    expect(person.unkept).to_be_hidden()
