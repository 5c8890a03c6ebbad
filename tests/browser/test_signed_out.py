"""Chats behind a sign-in of the host's, and pages whose person is signed in no longer."""

import re
from collections.abc import Callable
from typing import Any, Protocol

import pytest
from fastapi import Depends, HTTPException
from fastapi.requests import HTTPConnection, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from playwright.sync_api import BrowserContext, Dialog, Page, expect

from fastapi_echochat import MemoryRooms
from fastapi_echochat.page.languages import ENGLISH
from tests.apps import make_app
from tests.browser.axe import violations
from tests.browser.conftest import Console, OpenChat, TakePicture
from tests.browser.hosts import add_widget
from tests.browser.person import Person, box_of, echoed
from tests.browser.witness import handshakes
from tests.waiting import wait_until

Guard = Callable[[HTTPConnection], None]


class Enter(Protocol):
    def __call__(self, guard: Guard, **options: Any) -> Person: ...


FIVE_MINUTES_MS = 300_000


def make_guard(status: int, **headers: str) -> Guard:
    def guard(connection: HTTPConnection) -> None:
        if connection.cookies.get("session") != "good":
            raise HTTPException(status, headers=headers)

    return guard


refuses = make_guard(401)
redirects = make_guard(303, Location="/sign-in")
guards = pytest.mark.parametrize(
    "guard", [refuses, make_guard(403), redirects], ids=["refuses", "forbids", "redirects"]
)


@pytest.fixture
def enter(
    open_chat: OpenChat, context: BrowserContext, console: Console, expected_errors: list[str]
) -> Enter:
    """Sign in, and open a chat behind a guard over a wire."""
    console.allow_failed_connections()
    # uvicorn 0.54 logs this at ERROR for each handshake that a dependency refuses.
    expected_errors.append("returned without completing handshake")

    def enter(guard: Guard, **options: Any) -> Person:
        app = make_app(dependencies=[Depends(guard)], **options)

        @app.get("/sign-in")
        def sign_in_page(request: Request) -> Response:
            if "next" in request.query_params:
                back = RedirectResponse(request.query_params["next"])
                back.set_cookie("session", "good")
                return back
            page = "<!doctype html><title>Sign in</title><link rel=icon href='data:,'>"
            return HTMLResponse(page)

        add_widget(app, "/chat")
        sign_in(context)
        return open_chat(app=app, wire=True)

    return enter


def sign_in(context: BrowserContext) -> None:
    context.add_cookies([{"name": "session", "value": "good", "url": "http://127.0.0.1"}])


def sign_out(person: Person) -> None:
    """Let the host forget a person, and let them see it."""
    person.page.context.clear_cookies()
    person.wire.cut()
    person.reads_state("signed_out")


@guards
def test_signed_out_page_asks_seldom(
    page: Page, enter: Enter, context: BrowserContext, guard: Guard
) -> None:
    """Signed out meanwhile, the page says so, keeps what was said and asks again seldom.

    The refusal may have been of something in front that was there for a moment only.
    """
    page.clock.install()
    person = enter(guard)
    sign_out(person)
    expect(person.try_again).to_be_visible()
    person.says("unheard")
    expect(person.notes).to_have_text([ENGLISH["waiting"]])
    assert len(handshakes(person.asked)) == 2

    page.clock.fast_forward(30_000)
    wait_until(lambda: len(handshakes(person.asked)) == 3, "it has asked again")
    person.has_stopped()
    person.reads_state("signed_out")
    expect(person.try_again).to_be_visible()
    page.clock.fast_forward(10_000)
    # Whatever the page had sent in that time would have come before this.
    page.evaluate("fetch('/sign-in?now')")
    wait_until(lambda: person.asked[-1].query == "now", "the server has heard the question")
    assert len(handshakes(person.asked)) == 3
    sign_in(context)
    page.clock.fast_forward(FIVE_MINUTES_MS)
    person.reads(*echoed(["unheard"]))


@guards
def test_signed_in_again_the_page_goes_on(
    enter: Enter, context: BrowserContext, guard: Guard
) -> None:
    """Who is signed in comes through a guard of the host's, page and connection alike.

    Try again connects once one is signed in again, and delivers what has waited.
    """
    person = enter(guard)
    person.talks("before")
    sign_out(person)
    person.says("waiting")
    person.try_again.click()
    wait_until(lambda: len(handshakes(person.asked)) == 3, "the page has tried again")
    person.has_stopped()
    person.reads_state("signed_out")
    sign_in(context)
    person.try_again.click()

    person.reads(*echoed(["before", "waiting"]))
    person.reads_state("connected")
    expect(person.try_again).to_be_hidden()
    statuses = handshakes(person.asked)
    assert statuses[0] == statuses[3] == 101
    assert statuses[1] == statuses[2] != 101


def test_ways_back_in(
    page: Page, enter: Enter, context: BrowserContext, take_picture: TakePicture
) -> None:
    """Who signs in in another tab and comes back finds the chat connected, without a click.

    Who pressed Try again, which then goes, is left in the field and not nowhere. axe-core finds
    nothing in a page whose person is signed out, nor in its way back.
    """
    person = enter(refuses)
    sign_out(person)
    sign_in(context)
    # A browser without windows has no tabs that are hidden: it says so for it.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    person.reads_state("connected")

    sign_out(person)
    expect(person.try_again).to_be_visible()
    take_picture(page, "signed-out")
    assert violations(page) == []
    sign_in(context)
    person.try_again.focus()
    page.keyboard.press("Enter")
    person.reads_state("connected")
    page.keyboard.type("on we go")
    page.keyboard.press("Enter")

    person.reads(*echoed(["on we go"]))


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("width", [320, 1280])
def test_ways_back_in_are_beside_each_other(
    page: Page, enter: Enter, take_picture: TakePicture, width: int, shared: bool
) -> None:
    """The link to the sign-in and Try again are side by side below the words, in a room too."""
    page.set_viewport_size({"width": width, "height": 568})
    person = enter(refuses, sign_in_url="/sign-in", rooms=MemoryRooms() if shared else None)
    sign_out(person)
    expect(person.try_again).to_be_visible()
    take_picture(page, f"ways-back-{width}-{shared}")

    link, again = box_of(page.get_by_role("link")), box_of(person.try_again)
    assert link["y"] + link["height"] / 2 == again["y"] + again["height"] / 2
    assert link["x"] + link["width"] < again["x"]
    assert again["x"] + again["width"] <= width
    assert box_of(person.state)["y"] + box_of(person.state)["height"] < link["y"]


@pytest.mark.parametrize("kept", [False, True])
def test_sign_in_is_a_link_that_comes_back(
    page: Page, enter: Enter, take_picture: TakePicture, kept: bool
) -> None:
    """Signed out, a page with `sign_in_url=` leads to the sign-in, which leads back to it.

    What waits unsent goes along, so nobody is asked whether to leave.
    """
    dialogs: list[Dialog] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog)
        dialog.accept()

    page.on("dialog", note)
    person = enter(refuses, sign_in_url="/sign-in?way=1", private=kept)
    link = page.get_by_role("link", name=ENGLISH["sign_in"])
    expect(link).to_be_hidden()
    sign_out(person)
    expect(link).to_be_visible()
    take_picture(page, "signed-out-link")
    assert violations(page) == []
    person.says("unheard")
    link.click()

    person.reads(*echoed(["unheard"]))
    person.reads_state("connected")
    expect(page).to_have_url(re.compile(r"/chat$"))
    assert "way=1&next=%2Fchat" in [asked.query for asked in person.asked]
    assert dialogs == []


def test_widget_leads_to_the_sign_in(page: Page, enter: Enter) -> None:
    """Signed out in a widget, one signs in in the host's window, and comes back to its page."""
    wire = enter(refuses, sign_in_url="/sign-in").wire
    page.goto(wire.url("/?id=3"))
    opener = page.get_by_role("button", name="Chat", exact=True)
    opener.click()
    person = Person(page.frame_locator("iframe"), wire=wire)
    person.reads_state("connected")
    page.context.clear_cookies()
    wire.cut()
    person.reads_state("signed_out")
    with page.expect_request(re.compile("/sign-in")) as asked:
        page.frame_locator("iframe").get_by_role("link", name=ENGLISH["sign_in"]).click()

    assert asked.value.url.endswith("/sign-in?next=%2F%3Fid%3D3")
    expect(page).to_have_url(re.compile(r"/\?id=3$"))
