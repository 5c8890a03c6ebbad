"""Chats behind a sign-in of the host's, and pages whose person is signed in no longer."""

from collections.abc import Callable

import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.requests import HTTPConnection
from fastapi.responses import HTMLResponse
from playwright.sync_api import BrowserContext, Page, expect

from fastapi_echochat.page.languages import ENGLISH
from tests.apps import make_app
from tests.browser.conftest import Console, OpenChat
from tests.browser.person import echoed
from tests.browser.witness import handshakes
from tests.waiting import wait_until

Guard = Callable[[HTTPConnection], None]

FIVE_MINUTES_MS = 300_000


def refuses(connection: HTTPConnection) -> None:
    if connection.cookies.get("session") != "good":
        raise HTTPException(401)


def forbids(connection: HTTPConnection) -> None:
    if connection.cookies.get("session") != "good":
        raise HTTPException(403)


def redirects(connection: HTTPConnection) -> None:
    if connection.cookies.get("session") != "good":
        raise HTTPException(303, headers={"Location": "/sign-in"})


guards = pytest.mark.parametrize("guard", [refuses, forbids, redirects])


@pytest.fixture(autouse=True)
def expected_refusals(expected_errors: list[str]) -> None:
    # uvicorn 0.54 logs this at ERROR for each handshake that a dependency refuses.
    expected_errors.append("returned without completing handshake")


def make_host(guard: Guard) -> FastAPI:
    """Return a host with a chat behind a guard, and a page to sign in."""
    app = make_app(dependencies=[Depends(guard)])

    @app.get("/sign-in")
    def sign_in() -> HTMLResponse:
        return HTMLResponse("<!doctype html><title>Sign in</title><link rel=icon href='data:,'>")

    return app


def sign_in(context: BrowserContext) -> None:
    context.add_cookies([{"name": "session", "value": "good", "url": "http://127.0.0.1"}])


@guards
def test_guard_lets_in(open_chat: OpenChat, context: BrowserContext, guard: Guard) -> None:
    """Who is signed in comes through a guard of the host's, page and connection alike."""
    sign_in(context)
    person = open_chat(guard=guard)
    person.says("let in")

    person.reads(*echoed(["let in"]))


@guards
def test_signed_out_page_stops_trying(
    page: Page, open_chat: OpenChat, context: BrowserContext, console: Console, guard: Guard
) -> None:
    """Signed out meanwhile, the page says so, keeps what was said and sends no handshake more."""
    console.allow_failed_connections()
    sign_in(context)
    page.clock.install()
    person = open_chat(app=make_host(guard), wire=True)
    context.clear_cookies()
    person.wire.cut()
    person.reads_state("signed_out")
    expect(person.try_again).to_be_visible()
    person.says("unheard")
    expect(person.notes).to_have_text([ENGLISH["waiting"]])
    assert len(handshakes(person.asked)) == 2

    for _ in range(3):
        page.clock.fast_forward(FIVE_MINUTES_MS)
    # Whatever the page had sent in that time would have come before this.
    page.evaluate("fetch('/sign-in?now')")
    wait_until(lambda: person.asked[-1].query == "now", "the server has heard the question")
    assert len(handshakes(person.asked)) == 2
    person.reads_state("signed_out")


@guards
def test_signed_in_again_the_page_goes_on(
    page: Page, open_chat: OpenChat, context: BrowserContext, console: Console, guard: Guard
) -> None:
    """Try again connects once one is signed in again, and delivers what has waited."""
    console.allow_failed_connections()
    sign_in(context)
    person = open_chat(app=make_host(guard), wire=True)
    person.says("before")
    person.reads(*echoed(["before"]))
    context.clear_cookies()
    person.wire.cut()
    person.reads_state("signed_out")
    person.says("waiting")
    person.try_again.click()
    wait_until(lambda: len(handshakes(person.asked)) == 3, "the page has tried again")
    person.reads_state("signed_out")
    sign_in(context)
    person.try_again.click()

    person.reads(*echoed(["before", "waiting"]))
    person.reads_state("connected")
    expect(person.try_again).to_be_hidden()
    statuses = handshakes(person.asked)
    assert statuses[0] == statuses[3] == 101
    assert statuses[1] == statuses[2] != 101


def test_try_again_hands_the_focus_on(
    page: Page, open_chat: OpenChat, context: BrowserContext, console: Console
) -> None:
    """Who pressed Try again, which then goes, is left in the field and not nowhere."""
    console.allow_failed_connections()
    sign_in(context)
    person = open_chat(app=make_host(refuses), wire=True)
    context.clear_cookies()
    person.wire.cut()
    person.reads_state("signed_out")
    sign_in(context)
    person.try_again.focus()
    page.keyboard.press("Enter")
    person.reads_state("connected")
    page.keyboard.type("on we go")
    page.keyboard.press("Enter")

    person.reads(*echoed(["on we go"]))


def test_coming_back_from_the_sign_in_page_connects(
    page: Page, open_chat: OpenChat, context: BrowserContext, console: Console
) -> None:
    """Who signs in in another tab and comes back finds the chat connected, without a click."""
    console.allow_failed_connections()
    sign_in(context)
    person = open_chat(app=make_host(refuses), wire=True)
    context.clear_cookies()
    person.wire.cut()
    person.reads_state("signed_out")
    sign_in(context)
    # A browser without windows has no tabs that are hidden: it says so for it.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    person.reads_state("connected")
