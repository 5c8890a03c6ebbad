"""Whatever a proxy does to a page's address, the page finds its assets and its endpoint."""

from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from tests.apps import make_app
from tests.browser.chromium import QUIET, find_chromium
from tests.browser.conftest import Console
from tests.browser.person import Person
from tests.conftest import Serve
from tests.proxies.conftest import StartNginx, is_answered
from tests.proxies.nginx import PUBLIC_NAME
from tests.servers import free_port

HOST = "proxy_set_header Host $http_host;"
# The line that most guides have; nginx's $host is without the port.
HOST_WITHOUT_PORT = "proxy_set_header Host $host;"
SCHEME = "proxy_set_header X-Forwarded-Proto $scheme;"
EVERYTHING = "location / { proxy_pass http://backend; }"
STRIPPED = "location /prefix/ { proxy_pass http://backend/; }"
RENAMED = "location /help { proxy_pass http://backend/support/chat; }"


class Proxy(NamedTuple):
    name: str
    server_block: str | None
    """`None` for the file in `example_host/deploy`, as it is."""

    page: str
    """The path of the page's public address."""

    rendered: str
    """The endpoint's address as far as the server can see; `{}` is public host name and port."""

    mount: str = "/support/chat"
    root_path: str = ""


PROXIES = [
    Proxy(
        "everything passed on",
        None,
        "/support/chat",
        "wss://{}/support/chat/ws",
    ),
    Proxy(
        "everything passed on, trailing slash",
        None,
        "/support/chat/",
        "wss://{}/support/chat/ws",
    ),
    Proxy("scheme lost", HOST + EVERYTHING, "/support/chat", "ws://{}/support/chat/ws"),
    Proxy(
        "port lost",
        HOST_WITHOUT_PORT + SCHEME + EVERYTHING,
        "/support/chat",
        f"wss://{PUBLIC_NAME}/support/chat/ws",
    ),
    Proxy(
        "prefix stripped, told by uvicorn --root-path",
        HOST + SCHEME + STRIPPED,
        "/prefix/support/chat",
        "wss://{}/prefix/support/chat/ws",
        root_path="/prefix",
    ),
    Proxy(
        "prefix stripped, not told",
        HOST + SCHEME + STRIPPED,
        "/prefix/support/chat",
        "wss://{}/support/chat/ws",
    ),
    Proxy(
        "prefix stripped, told by X-Forwarded-Prefix, which uvicorn does not read",
        HOST + SCHEME + "proxy_set_header X-Forwarded-Prefix /prefix;" + STRIPPED,
        "/prefix/support/chat",
        "wss://{}/support/chat/ws",
    ),
    Proxy(
        "prefix stripped, escaped characters in the mount's parameter",
        HOST + SCHEME + STRIPPED,
        "/prefix/rooms/a%20b%3F%23%25",
        "wss://{}/rooms/a%20b%3F%23%25/ws",
        mount="/rooms/{room}",
    ),
    Proxy("mount renamed", HOST + SCHEME + RENAMED, "/help", "wss://{}/support/chat/ws"),
    Proxy(
        "mount renamed, trailing slash",
        HOST + SCHEME + RENAMED,
        "/help/",
        "wss://{}/support/chat/ws",
    ),
    Proxy(
        "scripts and styles served from a folder that lacks the chat's",
        HOST + SCHEME + EVERYTHING + r"location ~ \.(js|css)$ { root static; }",
        "/support/chat",
        "wss://{}/support/chat/ws",
    ),
]


@pytest.mark.parametrize("proxy", PROXIES, ids=lambda proxy: proxy.name)
def test_a_page_behind_a_proxy_is_answered(
    proxy: Proxy, serve: Serve, nginx: StartNginx, page: Page
) -> None:
    """A page opened at its public address shows its public endpoint, and is answered."""
    app = make_app(debug=True, prefix=proxy.mount)
    host = serve(app, root_path=proxy.root_path)
    server = nginx(proxy.server_block, host.port)
    public = f"{PUBLIC_NAME}:{server.port}"

    page.goto(f"https://{public}{proxy.page}")

    address = f"wss://{public}{proxy.page.removesuffix('/')}/ws"
    is_answered(Person(page), address, proxy.rendered.format(public))


def test_a_page_on_the_default_port_is_answered(
    serve: Serve, nginx: StartNginx, chromium: Browser, console: Console
) -> None:
    """Behind nginx as most guides set it up, on the default port, the server sees all of it."""
    app = make_app(debug=True, prefix="/support/chat")
    host = serve(app)
    port = free_port()
    nginx(HOST_WITHOUT_PORT + SCHEME + EVERYTHING, host.port, port=port)
    # The default port is not a test's to listen on: the browser is told that it is another.
    mapping = f"--host-resolver-rules=MAP chat.example:443 127.0.0.1:{port}"
    browser = chromium.browser_type.launch(
        executable_path=find_chromium(), args=[*QUIET, "--no-proxy-server", mapping]
    )
    try:
        context = browser.new_context(ignore_https_errors=True)
        console.listen(context)
        page = context.new_page()

        page.goto("https://chat.example/support/chat")

        address = "wss://chat.example/support/chat/ws"
        is_answered(Person(page), address, address)
        console.drain()
    finally:
        browser.close()
