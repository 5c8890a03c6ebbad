"""The README's ways to authenticate, in a browser: each from the sign-in to being signed out."""

import logging
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from playwright.sync_api import Page, expect

from fastapi_echochat.page.languages import ENGLISH
from tests.browser.conftest import Console
from tests.browser.person import Person, echoed
from tests.browser.witness import Asked, Witness, handshakes
from tests.conftest import Serve, StartRelay
from tests.relay import Relay
from tests.test_authentication import BEARER, pass_time, recipe
from tests.waiting import wait_until

Visit = Callable[[str], "Visitor"]

# uvicorn 0.54 logs this at ERROR for each handshake that a dependency refuses.
_REFUSED = "ASGI callable returned without completing handshake."


class Visitor(Person):
    """Somebody who comes to the chat of one of the README's programs.

    Args:
        page: Their browser.
        mount: Of the chat.
        program: What the program has made.
        wire: What is between them and the server.
        asked: What the server was asked for.
    """

    def __init__(
        self, page: Page, mount: str, program: dict[str, Any], wire: Relay, asked: list[Asked]
    ) -> None:
        super().__init__(page, wire=wire, asked=asked)
        self.url = wire.url
        self.home = wire.url(mount)
        self.program = program

    def goes(self, address: str) -> int:
        """Open an address, and return the status that it is answered with."""
        answer = self.page.goto(address)
        assert answer is not None
        return answer.status

    def asks_for_a_ticket(self) -> str:
        """Return the address that the host gives to an app of its own."""
        path: str = httpx.post(self.url("/ticket"), headers=BEARER).json()
        return self.url(path)

    def fills_in_the_form(self) -> None:
        expect(self.page.locator("input")).to_have_count(2)
        self.page.locator("[name=user]").fill("ada")
        self.page.locator("[name=password]").fill("lovelace")
        self.page.get_by_role("button", name="Sign in").click()

    def loses_the_connection(self) -> None:
        """Lose it, and be back by another handshake."""
        before = len(handshakes(self.asked))
        self.wire.cut()
        wait_until(lambda: len(handshakes(self.asked)) > before, "the page comes back")
        self.is_connected()

    def is_at_home(self) -> None:
        """See that echo, reload and a lost connection are as if there were no guard."""
        self.is_connected()
        self.says("before")
        self.reads(*echoed(["before"]))
        self.loses_the_connection()
        self.page.reload()
        self.is_connected()
        self.says("after")
        self.reads(*echoed(["before", "after"]))
        assert set(handshakes(self.asked)) == {101}

    def is_signed_out(self) -> None:
        """Lose the connection, and read that one is signed out."""
        self.wire.cut()
        self.reads_state("signed_out")
        self.has_stopped()


@pytest.fixture
def visit(
    page: Page,
    serve: Serve,
    start_relay: StartRelay,
    console: Console,
    caplog: pytest.LogCaptureFixture,
    expected_errors: list[str],
) -> Iterator[Visit]:
    """Serve one of the README's programs, for somebody who is not signed in yet.

    When the test ends, the log has one line for each handshake that was refused, and no more.
    """
    console.allow_failed_connections()
    expected_errors.append(_REFUSED)
    asked: list[Asked] = []

    def visit(mount: str) -> Visitor:
        program = recipe(mount)
        app: FastAPI = program["app"]
        app.add_middleware(Witness, asked=asked)
        return Visitor(page, mount, program, start_relay(serve(app).port), asked)

    yield visit
    page.close()
    warnings = [
        record.getMessage()
        for record in caplog.get_records("call")
        if record.levelno >= logging.WARNING
    ]
    refused = [status for status in handshakes(asked) if status != 101]
    assert warnings == [_REFUSED] * len(refused)
    assert refused


def test_session_cookie(visit: Visit) -> None:
    """The guard leads to the sign-in, and signed out the page does, and both lead back."""
    ada = visit("/office")
    ada.goes(ada.home)
    ada.fills_in_the_form()
    ada.is_at_home()
    ada.page.context.clear_cookies()
    ada.is_signed_out()
    ada.page.get_by_role("link", name=ENGLISH["sign_in"]).click()
    ada.fills_in_the_form()

    ada.is_connected()
    expect(ada.page).to_have_url(ada.home)


def test_cookie_of_a_token(visit: Visit) -> None:
    """Who has got a token in a page of the host comes in, until the token has expired."""
    ada = visit("/help-desk")
    assert ada.goes(ada.home) == 401
    token = ada.page.evaluate(
        """async (form) => {
            const headers = { "content-type": "application/x-www-form-urlencoded" };
            const answer = await fetch("/token", { method: "POST", headers, body: form });
            return (await answer.json()).token_type + document.cookie;
        }""",
        urlencode({"username": "ada", "password": "lovelace"}),
    )
    assert token == "bearer"
    ada.goes(ada.home)
    ada.is_at_home()
    ada.page.context.clear_cookies()

    ada.is_signed_out()


def test_ticket(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session that a ticket opens outlives it: over a reload, and a lost connection."""
    ada = visit("/lounge")
    assert ada.goes(ada.home) == 401
    ticket = ada.asks_for_a_ticket()
    ada.goes(ticket)
    pass_time(monkeypatch, 60)
    ada.is_at_home()
    ada.page.context.clear_cookies()

    ada.is_signed_out()
    assert ada.goes(ticket) == 401


def test_ticket_where_cookies_are_blocked(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a cookie a page comes back while its ticket is good, and is signed out after that."""
    ada = visit("/lounge")
    ada.goes(ada.asks_for_a_ticket())
    ada.is_connected()
    ada.page.context.clear_cookies()
    ada.loses_the_connection()
    assert handshakes(ada.asked) == [101, 101]
    assert ada.page.context.cookies() == []
    pass_time(monkeypatch, 60)

    ada.is_signed_out()


def test_http_basic(visit: Visit) -> None:
    """The browser's own form lets in, and who may not come in any more is signed out."""
    ada = visit("/den")
    assert ada.goes(ada.home) == 401
    ada.goes(ada.home.replace("//", "//ada:lovelace@"))
    ada.is_at_home()

    def refuse() -> None:
        raise HTTPException(401, headers={"WWW-Authenticate": "Basic"})

    ada.program["app"].dependency_overrides[ada.program["signed_in"]] = refuse
    ada.is_signed_out()
