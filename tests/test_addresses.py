"""Addresses: pure rules, and every mount by connecting to the address that its page gives."""

import warnings
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from fastapi_echochat import EchoChat, Message
from fastapi_echochat.origins import Origin, OriginRule
from fastapi_echochat.urls import authority, carried_query, endpoint_url, route_path
from tests.apps import make_app
from tests.clients import echo_at
from tests.hypercorn_server import Hypercorn
from tests.pages import ChatPage, described_endpoint
from tests.servers import Uvicorn
from tests.waiting import get


def plain(prefix: str) -> Callable[[], FastAPI]:
    return partial(make_app, prefix=prefix)


def in_routers() -> FastAPI:
    inner, outer, app = APIRouter(prefix="/inner"), APIRouter(), FastAPI()
    inner.include_router(EchoChat().router, prefix="/chat")
    outer.include_router(inner, prefix="/outer")
    app.include_router(outer)
    return app


def in_sub_application(prefix: str, **mounting: Any) -> Callable[[], FastAPI]:
    def build() -> FastAPI:
        app = FastAPI()
        app.mount("/api", make_app(prefix=prefix), **mounting)
        return app

    return build


def in_sub_sub_application() -> FastAPI:
    app, sub = FastAPI(), FastAPI()
    sub.mount("/deeper/{level}", make_app())
    app.mount("/deep", sub)
    return app


def in_wrapped_sub_application() -> FastAPI:
    app, sub = FastAPI(), make_app()

    def wrapped(scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        return sub(scope, receive, send)

    app.mount("/wrapped", wrapped)
    return app


def several() -> FastAPI:
    """Mount one chat twice, another beside it, among routes of the host that have our names."""
    app = FastAPI()

    @app.get("/mine", name="echochat_page")
    @app.get("/mine/ws", name="echochat_endpoint")
    def mine() -> str:
        return "mine"

    chat = EchoChat()
    app.include_router(chat.router, prefix="/first")
    app.include_router(chat.router, prefix="/second")

    def shout(message: Message) -> str:
        return f"Message text was: {message.text}"

    app.include_router(EchoChat(shout, title="Other").router, prefix="/first/other")
    return app


def with_root_path_of_its_own() -> FastAPI:
    with warnings.catch_warnings():
        # Deprecated in FastAPI 0.165, and in use everywhere.
        warnings.simplefilter("ignore")
        app = FastAPI(root_path="/proxy")
    app.include_router(EchoChat().router, prefix="/chat")
    return app


def without_redirects() -> FastAPI:
    app = FastAPI(redirect_slashes=False)
    app.include_router(EchoChat().router, prefix="/chat")
    return app


TENANTS = [
    "acme", "a%20b", "%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82", "a%3Fb", "a%23b", "a%25b", "a%22b",
    "a'b", "%3Cscript%3E", "a+b", "a&b=c", "a;b", "a:b@c", "a%5Cb", "%E2%80%AE", "%252F",
    "%F0%9F%98%80", "ws", "%7B%7D", "..%20", "%FF",
]  # fmt: skip
ROOMS = ["lobby", "a/b", "a//b", "a%2Fb", "a/ws"]
DEPLOYMENTS = [
    # name, application, root_path of the server, addresses that a browser may ask for
    ("no prefix", plain(""), "", ["/"]),
    ("prefix", plain("/chat"), "", ["/chat", "/chat/"]),
    ("prefix with a space", plain("/a/b c/d.e"), "", ["/a/b%20c/d.e", "/a/b%20c/d.e/"]),
    ("prefix in Cyrillic", plain("/чат"), "", ["/%D1%87%D0%B0%D1%82", "/%D1%87%D0%B0%D1%82/"]),
    ("query", plain("/chat"), "", ["/chat?token=a%26b%22&v=1&x", "/chat/?next=/a/b?c"]),
    ("routers", in_routers, "", ["/outer/inner/chat", "/outer/inner/chat/"]),
    ("sub-application", in_sub_application("/chat"), "", ["/api/chat", "/api/chat/"]),
    ("sub-application, no prefix", in_sub_application(""), "", ["/api/"]),
    ("named sub-application", in_sub_application("/chat", name="api"), "", ["/api/chat"]),
    ("sub-sub-application", in_sub_sub_application, "", ["/deep/deeper/3%204/chat/"]),
    ("wrapped sub-application", in_wrapped_sub_application, "", ["/wrapped/chat"]),
    ("several", several, "", ["/first", "/second", "/second/", "/first/other"]),
    ("no redirects", without_redirects, "", ["/chat", "/chat/"]),
    ("tenants", plain("/t/{tenant}/chat"), "", [f"/t/{tenant}/chat" for tenant in TENANTS]),
    ("tenants, slash", plain("/t/{tenant}/chat"), "", [f"/t/{tenant}/chat/" for tenant in TENANTS]),
    ("rooms", plain("/rooms/{room:path}"), "", [f"/rooms/{room}" for room in ROOMS]),
    ("tenant alone", plain("/{tenant}"), "", ["/acme", "/a%23b/"]),
    ("root path", plain("/chat"), "/proxy", ["/chat", "/chat/"]),
    ("root path, no prefix", plain(""), "/proxy", ["/"]),
    ("root path like the prefix", plain("/chat"), "/cha", ["/chat", "/chat/"]),
    ("root path, tenants", plain("/t/{tenant}/chat"), "/a b", ["/t/x%3Fy/chat"]),
    ("root path of the application", with_root_path_of_its_own, "", ["/chat", "/chat/"]),
]  # fmt: skip


@pytest.fixture(params=[Uvicorn, Hypercorn])
def start(request: pytest.FixtureRequest) -> Iterator[Callable[..., Uvicorn | Hypercorn]]:
    servers: list[Uvicorn | Hypercorn] = []

    def start_one(app: FastAPI, **config: Any) -> Uvicorn | Hypercorn:
        servers.append(request.param(app, **config))
        return servers[-1]

    yield start_one
    for server in servers:
        server.stop()


@pytest.mark.parametrize(
    ("build", "root_path", "addresses"),
    [row[1:] for row in DEPLOYMENTS],
    ids=[row[0] for row in DEPLOYMENTS],
)
def test_page_gives_the_address_that_answers(
    start: Callable[..., Uvicorn | Hypercorn],
    build: Callable[[], FastAPI],
    root_path: str,
    addresses: list[str],
) -> None:
    """The endpoint answers at the URL in the page, wherever page and server are mounted.

    The AsyncAPI document gives the same URL.
    """
    app = build()
    server = start(app, root_path=root_path)
    hidden = endpoint_url(
        scheme="http", authority="", path="", root_path=root_path or app.root_path
    ).removeprefix("ws://")[: -len("/ws")]

    # One client for all: each of its own would read the system's certificates first.
    with httpx.Client() as client:
        for address in addresses:
            response = client.get(server.url(address))
            page = ChatPage(response.text)

            assert response.status_code == 200, address
            public, path = page.endpoint, page.endpoint.removeprefix(server.url(scheme="ws"))
            assert path.startswith(hidden + "/"), address
            # What a proxy does that strips the prefix which the application was told of.
            internal = server.url(path.removeprefix(hidden), "ws")
            assert echo_at(internal, server.port) == "Message text was: NBA", (address, public)
            for asset in page.assets:
                asked = httpx.URL(server.url(address)).join(asset)
                assert client.get(asked).headers["cache-control"].endswith("immutable"), asked
            asked = httpx.URL(server.url(address)).copy_merge_params({"asset": "asyncapi.json"})
            described = urlsplit(described_endpoint(client.get(asked).json()))
            endpoint = urlsplit(page.endpoint)
            assert described[:3] == endpoint[:3], address
            queries = [parse_qs(url.query, keep_blank_values=True) for url in (described, endpoint)]
            assert queries[0] == queries[1], address


@pytest.mark.parametrize(
    ("server_class", "stripped"),
    # Starlette 1.10 finds no mounted application where path is without root_path, so the server
    # that leaves it out needs a proxy that does not strip it.
    [(Uvicorn, "/proxy"), (Hypercorn, "")],
)
def test_sub_application_below_a_root_path(
    server_class: type[Uvicorn | Hypercorn], stripped: str
) -> None:
    """A chat in a mounted application is found below a root path, stripped by the proxy or not."""
    server = server_class(in_sub_application("/chat")(), root_path="/proxy")

    for address in ("/proxy/api/chat", "/proxy/api/chat/"):
        page = ChatPage(get(server.url(address.removeprefix(stripped))).text)

        assert page.endpoint == server.ws("/proxy/api/chat")
        asked = page.endpoint.replace(stripped, "", 1)
        assert echo_at(asked, server.port) == "Message text was: NBA"
    server.stop()


@pytest.mark.parametrize("address", ["/support/chat", "/support/chat/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_page_answers_itself(
    start: Callable[..., Uvicorn | Hypercorn], address: str, method: str
) -> None:
    """The page answers GET and HEAD with and without the slash, and never by a redirect."""
    server = start(plain("/support/chat")())

    response = httpx.request(method, server.url(address))

    assert response.status_code == 200
    assert int(response.headers["content-length"]) > 1000
    assert bool(response.content) == (method == "GET")


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({"host": "chat.example"}, "ws://chat.example/chat/ws"),
        ({"host": "Chat.Example:8443"}, "ws://Chat.Example:8443/chat/ws"),
        ({"host": "[::1]:80"}, "ws://[::1]:80/chat/ws"),
        ({"host": "under_score"}, "ws://under_score/chat/ws"),
        ({"host": "chat.example", "x-forwarded-proto": "https"}, "wss://chat.example/chat/ws"),
        ({"host": '"><script>'}, "ws://127.0.0.1:{port}/chat/ws"),
        ({"host": "a/b"}, "ws://127.0.0.1:{port}/chat/ws"),
        ({"host": "user@host"}, "ws://127.0.0.1:{port}/chat/ws"),
        ({"host": "[::1"}, "ws://127.0.0.1:{port}/chat/ws"),
        ({"host": "a:b"}, "ws://127.0.0.1:{port}/chat/ws"),
        ({"host": ""}, "ws://127.0.0.1:{port}/chat/ws"),
    ],
)
def test_page_takes_the_host_that_it_was_asked_for(headers: dict[str, str], url: str) -> None:
    """The page's URL has scheme and host of the request; a Host that is none is passed over."""
    server = Uvicorn(plain("/chat")())

    page = ChatPage(get(server.url("/chat"), headers=headers).text)

    assert page.endpoint == url.format(port=server.port)
    if url.startswith("ws:"):
        assert echo_at(page.endpoint, server.port) == "Message text was: NBA"
    server.stop()


@pytest.mark.parametrize(
    ("path", "root_path", "below"),
    [
        ("/chat", "", "/chat"),
        ("/proxy/chat", "/proxy", "/chat"),
        ("/chat", "/proxy", "/chat"),
        ("/proxy", "/proxy", ""),
        ("/proxychat", "/proxy", "/proxychat"),
        ("", "", ""),
    ],
)
def test_route_path(path: str, root_path: str, below: str) -> None:
    """What is below the root path is found whether or not the path starts with it."""
    assert route_path(path, root_path) == below


def test_carried_query_is_escaped_and_without_our_own_parameters() -> None:
    """A page's query goes on to its endpoint, less our own parameters, and safe in an attribute."""
    query = b'token=a%26b&asset=chat.js&v=1&&flag&q="\xe9'

    assert carried_query(query, without=[b"asset", b"v"]) == "token=a%26b&flag&q=%22%E9"


@pytest.mark.parametrize(
    ("host", "server", "expected"),
    [
        ("example.org", ("10.0.0.1", 80), "example.org"),
        (None, ("127.0.0.1", 8000), "127.0.0.1:8000"),
        (None, ("::1", 8000), "[::1]:8000"),
        (None, ("/run/uvicorn.sock", None), "localhost"),
        (None, None, "localhost"),
        ("exämple", None, "localhost"),
    ],
)
def test_authority(host: str | None, server: tuple[str, int | None] | None, expected: str) -> None:
    """Host name and port come from Host, else from the server's own address."""
    assert authority(host, server) == expected


@pytest.mark.parametrize(
    ("origin", "hosts", "allowed", "may"),
    [
        (None, ["chat.example"], [], True),
        ("https://chat.example", ["chat.example"], [], True),
        ("http://chat.example", ["CHAT.example:8000"], [], True),
        ("https://chat.example:8443", ["chat.example"], [], True),
        ("https://chat.example", ["internal:8000", "chat.example"], [], True),
        ("https://chat.example", ["internal", "proxy.example, chat.example"], [], True),
        ("http://[::1]:8000", ["[::1]"], [], True),
        ("https://evil.example", ["chat.example"], [], False),
        ("https://chat.example.evil.example", ["chat.example"], [], False),
        ("https://chat.example@evil.example", ["chat.example"], [], False),
        ("chrome-extension://chat.example", ["chat.example"], [], False),
        ("chrome-extension://abc", ["chat.example"], ["chrome-extension://abc"], True),
        ("https://app.example", ["chat.example"], ["https://app.example"], True),
        ("https://app.example:443", ["chat.example"], ["https://APP.example"], True),
        ("http://app.example", ["chat.example"], ["https://app.example"], False),
        ("https://app.example:8443", ["chat.example"], ["https://app.example"], False),
        ("null", ["chat.example"], [], False),
        ("null", ["null"], [], False),
        ("null", ["chat.example"], ["null"], True),
        ("https://evil.example", ["chat.example"], ["*"], True),
        ("null", ["chat.example"], ["*"], True),
        ("", [""], [], False),
        ("nonsense", ["nonsense"], [], False),
        ("https://[::1", ["[::1"], [], False),
        ("https://chat.example/", ["chat.example"], [], False),
    ],
)
def test_origin_rule(origin: str | None, hosts: list[str], allowed: list[str], may: bool) -> None:
    """Pages of the same host may connect, and those that are named, and no others."""
    assert OriginRule(allowed).allows(origin, hosts) is may


@pytest.mark.parametrize(
    ("origin", "allowed", "may"),
    [
        ("https://chat.example", [], True),
        ("https://chat.example:8443", [], True),
        ("http://chat.example", [], False),
        ("http://chat.example:443", [], False),
        ("http://chat.example", ["http://chat.example"], True),
        ("http://chat.example", ["*"], True),
    ],
)
def test_origin_rule_of_an_endpoint_with_tls(origin: str, allowed: list[str], may: bool) -> None:
    """Pages of the same host that came without TLS may not connect to an endpoint that has it."""
    rule = OriginRule(allowed)

    assert rule.allows(origin, ["chat.example"], is_secure=True) is may


@pytest.mark.parametrize(
    "allowed", ["https://a.example", ["a.example"], ["https://a.example/"], ["https://"], [7]]
)
def test_allowed_origins_that_are_none(allowed: Any) -> None:
    """What is no list of origins is refused when the chat is made, with what to write."""
    with pytest.raises(ValueError, match=r"allowed_origins= .* origin"):
        EchoChat(allowed_origins=allowed)


def test_origin_leaves_out_default_ports() -> None:
    """Origins that differ in their default port alone are the same."""
    assert Origin.parse("https://A.example:443") == Origin.parse("https://a.example")
    assert Origin.parse("https://a.example:80") != Origin.parse("https://a.example")


def test_page_path_is_not_taken_for_a_host() -> None:
    """An address that begins with two slashes does not turn into another host."""
    url = endpoint_url(scheme="http", authority="chat.example", path="//evil.example/chat")

    assert urlsplit(url).netloc == "chat.example"
