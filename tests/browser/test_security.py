"""Policies of hosts, and pages of other sites."""

import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, expect

from fastapi_echochat import EchoChat
from tests.apps import make_app
from tests.browser.conftest import Console, OpenChat
from tests.browser.hosts import StrictPolicy, add_blank
from tests.browser.person import Person
from tests.browser.witness import Asked, Witness, handshakes
from tests.conftest import Serve

# What a page of any site may try: to speak to a chat in its visitor's name.
HIJACK = """url => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send("NBA");
    socket.onmessage = ({ data }) => resolve(data);
    socket.onclose = ({ code }) => resolve(code);
})"""


def test_strict_policy_of_the_host_breaks_nothing(page: Page, serve: Serve) -> None:
    """Under a host's `default-src 'self'` the page looks and works as without."""
    strict_app = make_app(debug=True)
    strict_app.add_middleware(StrictPolicy)
    person = Person(page)
    looks = []

    for app in (make_app(debug=True), strict_app):
        response = page.goto(serve(app).url("/chat"))
        person.talks("strict")
        person.copy.click()
        looks.append(person.send.evaluate("send => getComputedStyle(send).backgroundColor"))

    assert response is not None
    policies = [
        header["value"]
        for header in response.headers_array()
        if header["name"].lower() == "content-security-policy"
    ]
    assert policies[-1] == "default-src 'self'"
    assert looks[0] == looks[1]


def test_own_policy_keeps_foreign_scripts_out(
    page: Page, open_chat: OpenChat, console: Console
) -> None:
    """The page's own policy runs no inline script and no handler, even where one got in."""
    person = open_chat()
    person.log.evaluate(
        """log => {
            const script = document.createElement("script");
            script.textContent = "window.hacked = true";
            log.append(script);
        }"""
    )

    assert page.evaluate("window.hacked") is None
    console.take("Executing inline script violates .* Content Security Policy")


def test_page_of_another_host_may_not_connect(page: Page, console: Console, serve: Serve) -> None:
    """A WebSocket that a page of another host opens is refused with 403, whatever it has to say."""
    asked: list[Asked] = []
    app = make_app()
    add_blank(app)
    app.add_middleware(Witness, asked=asked)
    server = serve(app)

    page.goto(f"http://evil.localhost:{server.port}/")
    code = page.evaluate(HIJACK, server.url("/chat/ws", "ws"))

    assert code == 1006
    assert handshakes(asked) == [403]
    console.take("WebSocket connection to 'ws://.*' failed: .*Unexpected response code: 403")


@pytest.mark.parametrize(("host", "is_named"), [("friend.localhost", True), ("127.0.0.1", False)])
def test_page_of_an_allowed_origin_may_connect(
    page: Page, serve: Serve, host: str, is_named: bool
) -> None:
    """A page of another host that `allowed_origins=` names talks with the chat.

    A page of the same host name may connect, also from another port, as cookies go to both.
    """
    other = FastAPI()
    add_blank(other)
    origin = f"http://{host}:{serve(other).port}"
    app = make_app(allowed_origins=[origin] if is_named else [])

    page.goto(f"{origin}/")

    answer = page.evaluate(HIJACK, serve(app).url("/chat/ws", "ws"))
    assert answer == "Message text was: NBA"


def test_endpoint_on_another_server(page: Page, serve: Serve) -> None:
    """With `websocket_url=` the page talks with the chat there, and its policy lets it."""
    asked: list[Asked] = []
    page_app = FastAPI()
    endpoint_app = FastAPI()
    page_server = serve(page_app)
    origin = page_server.url()
    endpoint = EchoChat(lambda message: "from afar", allowed_origins=[origin])
    endpoint_app.include_router(endpoint.router, prefix="/far/away")
    address = f"ws://talk.localhost:{serve(endpoint_app).port}/far/away/ws"
    page_app.include_router(EchoChat(websocket_url=address, debug=True).router, prefix="/chat")
    page_app.add_middleware(Witness, asked=asked)
    person = Person(page)

    page.goto(page_server.url("/chat"))
    person.says("hello")

    person.reads("hello", "from afar")
    expect(person.address).to_have_value(address)
    assert handshakes(asked) == []


def test_policy_allows_no_third_place(
    page: Page, open_chat: OpenChat, console: Console, serve: Serve
) -> None:
    """The page may talk with its own host, and with no other: its policy keeps it from that."""
    asked: list[Asked] = []
    other = make_app(allowed_origins=["*"])
    other.add_middleware(Witness, asked=asked)
    address = f"ws://other.localhost:{serve(other).port}/chat/ws"
    open_chat()
    page.evaluate("url => { try { new WebSocket(url); } catch {} }", address)

    console.take(f"'{address}' violates the following Content Security Policy directive")
    assert asked == []
