"""A chat in a frame of somebody's page."""

import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, expect

from fastapi_echochat import EchoChat
from tests.apps import make_app
from tests.browser.conftest import Console, OpenChat
from tests.browser.hosts import add_frame
from tests.browser.person import Person, echoed
from tests.browser.witness import Asked, Witness, handshakes
from tests.conftest import Serve


def test_frame_of_the_same_host(page: Page, open_chat: OpenChat) -> None:
    """A host's page frames the host's chat, which works and leaves the focus where it was."""
    person = open_chat(frame="", debug=True)
    expect(page.locator("#own")).to_be_focused()
    person.talks("framed")
    person.copy.click()
    expect(person.copy).to_have_text("Copied")


@pytest.mark.parametrize("sandbox", [None, "allow-scripts allow-same-origin"])
def test_frame_of_a_named_host_is_allowed(page: Page, serve: Serve, sandbox: str | None) -> None:
    """A page of a host that `frame_ancestors=` names shows the chat in a frame, and it works.

    In a sandbox that allows no forms, too, a message is sent by Enter and by click.
    """
    app = FastAPI()
    server = serve(app)
    chat = EchoChat(debug=True, frame_ancestors=[f"http://friend.localhost:{server.port}"])
    app.include_router(chat.router, prefix="/chat")
    add_frame(app, server.url("/chat"), sandbox=sandbox)
    person = Person(page.frame_locator("iframe"))

    page.goto(f"http://friend.localhost:{server.port}/")
    person.reads_state("connected")
    expect(page.locator("#own")).to_be_focused()
    person.talks("by Enter")
    person.field.fill("by click")
    person.send.click()

    person.reads(*echoed(["by Enter", "by click"]))
    person.copy.click()
    expect(person.copy).to_have_text("Copied")


def test_frame_of_another_host_is_refused(page: Page, console: Console, serve: Serve) -> None:
    """A page of another host shows no chat in a frame, which keeps clicks from being stolen."""
    asked: list[Asked] = []
    app = FastAPI()
    server = serve(app)
    app.include_router(EchoChat().router, prefix="/chat")
    add_frame(app, server.url("/chat"))
    app.add_middleware(Witness, asked=asked)

    page.goto(f"http://evil.localhost:{server.port}/")

    expect(page.locator("#own")).to_be_visible()
    assert page.frames[1].url.startswith("chrome-error:")
    console.take("^Framing '.*' violates .*frame-ancestors 'self'")
    assert handshakes(asked) == []


def test_sandboxed_frame_without_an_origin(open_chat: OpenChat) -> None:
    """In a sandbox that takes its origin away the chat works where `allowed_origins` has null."""
    person = open_chat(frame="allow-scripts", allowed_origins=["null"])
    person.talks("from nowhere")
    expect(person.send).to_have_css("cursor", "pointer")


def test_frame_without_an_origin_is_told_what_to_name(
    page: Page, console: Console, serve: Serve
) -> None:
    """A frame without an origin is refused where nobody named it, and says what to name."""
    console.allow_failed_connections()
    asked: list[Asked] = []
    app = make_app()
    add_frame(app, "/chat", sandbox="allow-scripts")
    app.add_middleware(Witness, asked=asked)
    person = Person(page.frame_locator("iframe"))

    page.goto(serve(app).url("/"))

    expect(person.state).to_contain_text('allowed_origins=["null"]')
    assert set(handshakes(asked)) == {403}
