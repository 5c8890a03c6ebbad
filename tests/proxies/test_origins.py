"""A proxy that replaces Host: who may connect then, and what the page says where nobody may."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.apps import make_app
from tests.browser.conftest import Console
from tests.browser.person import Person
from tests.conftest import Serve
from tests.proxies.conftest import StartNginx, is_answered
from tests.proxies.nginx import PUBLIC_NAME, UPSTREAM
from tests.servers import free_port

# What nginx does unless it is told otherwise: Host becomes the upstream's name.
HOST_REPLACED = "location / { proxy_pass http://backend; }"


def test_a_named_origin_may_connect(serve: Serve, nginx: StartNginx, page: Page) -> None:
    """Behind a proxy that replaces Host, a page of an origin that the chat names is answered."""
    port = free_port()
    origin = f"https://{PUBLIC_NAME}:{port}"
    app = make_app(allowed_origins=[origin], debug=True, prefix="/support/chat")
    nginx(HOST_REPLACED, serve(app).port, port=port)

    page.goto(f"{origin}/support/chat")

    address = f"wss://{PUBLIC_NAME}:{port}/support/chat/ws"
    is_answered(Person(page), address, f"ws://{UPSTREAM}/support/chat/ws")


def test_a_forwarded_host_may_connect(serve: Serve, nginx: StartNginx, page: Page) -> None:
    """Behind a proxy that replaces Host and sends X-Forwarded-Host, no origin need be named."""
    app = make_app(debug=True, prefix="/support/chat")
    server = nginx(f"proxy_set_header X-Forwarded-Host $host; {HOST_REPLACED}", serve(app).port)
    public = f"{PUBLIC_NAME}:{server.port}"

    page.goto(f"https://{public}/support/chat")

    is_answered(Person(page), f"wss://{public}/support/chat/ws")


def test_a_page_that_may_not_connect_says_what_to_do(
    serve: Serve,
    nginx: StartNginx,
    page: Page,
    console: Console,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Behind a proxy that replaces Host the page says so, and who does as it says is answered."""
    port = free_port()
    public = f"{PUBLIC_NAME}:{port}"
    origin = f"https://{public}"
    refusing = make_app(debug=True, prefix="/support/chat")
    host = serve(refusing)
    nginx(HOST_REPLACED, host.port, port=port)
    person = Person(page)

    page.goto(f"{origin}/support/chat")

    expect(person.state).to_contain_text(f"this page is at {public}")
    expect(person.state).to_contain_text(f"the server was asked for {UPSTREAM}")
    expect(person.state).to_contain_text("proxy_set_header Host $host")
    expect(person.state).to_contain_text(f'EchoChat(allowed_origins=["{origin}"])')
    # The browser itself says this of a refused handshake, and no page can keep it from it. The
    # page asks twice, as once may be a server that just started, and then stops.
    refused = (
        f"WebSocket connection to 'wss://{public}/support/chat/ws' failed: "
        "Error during WebSocket handshake: Unexpected response code: 403"
    )
    console.take(re.escape(refused), times=2)
    refusals = [
        line
        for line in caplog.messages
        if line.startswith(
            f"refused with 403: a page of '{origin}' may not connect to '{UPSTREAM}'"
        )
    ]
    assert len(refusals) == 2
    assert "nginx: proxy_set_header Host $host; " in refusals[0]
    assert refusals[0].endswith(f"EchoChat(allowed_origins=['{origin}'])")

    host.stop()
    allowing = make_app(allowed_origins=[origin], debug=True, prefix="/support/chat")
    serve(allowing, port=host.port)
    person.try_again.click()

    is_answered(person, f"wss://{public}/support/chat/ws")
