"""Hosts as people have them: ids, names and metrics of routes."""

import contextlib
from collections.abc import Callable
from typing import Any

import fastapi.routing
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.testclient import WebSocketDenialResponse

from fastapi_echochat import EchoChat, testing
from tests.apps import make_app, mount


def first_tag(route: APIRoute) -> str:
    return f"{route.tags[0]}-{route.name}"


def of_application() -> FastAPI:
    app = FastAPI(generate_unique_id_function=first_tag)
    app.include_router(EchoChat().router, prefix="/chat")
    return app


def of_parent() -> FastAPI:
    app, parent = FastAPI(), APIRouter(generate_unique_id_function=first_tag)
    parent.include_router(EchoChat().router, prefix="/chat")
    app.include_router(parent)
    return app


def of_mount() -> FastAPI:
    app = FastAPI()
    router = EchoChat().router
    app.include_router(router, prefix="/chat", generate_unique_id_function=first_tag)
    return app


@pytest.mark.parametrize("build", [of_application, of_parent, of_mount])
def test_the_hosts_unique_ids_are_not_asked_for_our_routes(build: Callable[[], FastAPI]) -> None:
    """A host whose `generate_unique_id_function` needs tags works, wherever it is given."""
    app = build()

    @app.get("/items", tags=["items"])
    def items() -> list[str]:
        return []

    with TestClient(app) as client:
        assert client.get("/chat").status_code == 200
        assert client.get("/chat/").status_code == 200
        assert client.get("/chat/ws").status_code == 426
        assert client.get("/openapi.json").json()["paths"].keys() == {"/items"}
        with testing.connect(client, "/chat", protocol="plain") as chat:
            assert chat.ask("NBA") == "Message text was: NBA"


def paths_of(app: FastAPI) -> set[str]:
    """Return the paths of an application's routes, as metrics and traces name requests by them."""
    # From FastAPI 0.137 on, which keeps included routers as they are.
    contexts: Any = getattr(fastapi.routing, "iter_route_contexts", iter)
    paths = {path for route in contexts(app.routes) for path in (route.path, route.path_format)}
    return paths - {"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"}


def without_prefix() -> FastAPI:
    app, parent = FastAPI(), APIRouter()
    parent.include_router(EchoChat().router)
    app.include_router(parent)
    return app


def of_prefixed_parent() -> FastAPI:
    app, parent = FastAPI(), APIRouter()
    parent.include_router(EchoChat().router)
    app.include_router(parent, prefix="/support")
    return app


@pytest.mark.parametrize(
    ("app", "paths"),
    [
        (make_app(), {"/chat", "/chat/", "/chat/ws"}),
        (make_app(prefix="/t/{tenant}"), {"/t/{tenant}", "/t/{tenant}/", "/t/{tenant}/ws"}),
        (make_app(prefix=""), {"/", "/ws"}),
        (without_prefix(), {"/", "/ws"}),
        (of_prefixed_parent(), {"/support", "/support/", "/support/ws"}),
    ],
)
def test_paths_of_routes_are_what_the_host_wrote(app: FastAPI, paths: set[str]) -> None:
    """Metrics and traces name page and endpoint by the mount's prefix, without a convertor."""
    assert paths_of(app) == paths


def test_trusted_hosts_keep_rebound_names_out() -> None:
    """A page whose host name was made to point here is refused by Starlette's own middleware."""
    app = make_app()
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    rebound = {"host": "evil.example", "origin": "http://evil.example"}
    local = {"host": "localhost", "origin": "http://localhost"}

    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        testing.connect(TestClient(app), "/chat", headers=rebound),
    ):
        pass
    assert refused.value.status_code == 400
    with testing.connect(TestClient(app), "/chat", headers=local) as chat:
        assert chat.ask("NBA") == "Message text was: NBA"


def run_without_asyncio(app: FastAPI, scope: dict[str, Any], *events: str) -> list[str]:
    """Let an application take events where asyncio does not run, and return what it sends."""
    coming = iter(events)
    sent: list[str] = []

    async def receive() -> Any:
        return {"type": next(coming)}

    async def send(event: Any) -> None:
        sent.append(event["type"])

    with contextlib.suppress(StopIteration):
        app({"asgi": {"version": "3.0"}, **scope}, receive, send).send(None)
        pytest.fail("it waits")
    return sent


@pytest.mark.parametrize("options", [{}, {"reply": None}])
def test_server_without_asyncio(caplog: pytest.LogCaptureFixture, options: dict[str, Any]) -> None:
    """On trio a handshake is refused, with a line in the log; the server starts and ends."""
    app = make_app(**options)
    handshake = {
        "type": "websocket", "path": "/chat/ws", "headers": [], "query_string": b"",
        "scheme": "ws", "subprotocols": [],
    }  # fmt: skip

    life = run_without_asyncio(
        app, {"type": "lifespan", "state": {}}, "lifespan.startup", "lifespan.shutdown"
    )
    assert life == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert caplog.messages == []
    assert run_without_asyncio(app, handshake, "websocket.connect") == ["websocket.close"]
    (line,) = caplog.messages
    assert "this chat needs asyncio" in line


def test_chat_before_a_catch_all() -> None:
    """A chat is found that was included before a catch-all route, or an application at `/`."""
    app = make_app()

    @app.get("/{path:path}")
    def single_page(path: str) -> str:
        return "the host's page"

    app.mount("/", FastAPI())
    client = TestClient(app)

    assert "the host's page" in client.get("/elsewhere").text
    assert "WebSocket Chat" in client.get("/chat").text
    assert "WebSocket Chat" in client.get("/chat/").text
    with testing.connect(client, "/chat", protocol="plain") as chat:
        assert chat.ask("NBA") == "Message text was: NBA"


def test_links_by_name() -> None:
    """A host links to a chat by its name, and several chats have names of their own."""
    app = mount(EchoChat())
    app.include_router(EchoChat(name="support").router, prefix="/t/{tenant}/support")

    assert app.url_path_for("echochat_page") == "/chat"
    assert app.url_path_for("support_page", tenant="acme") == "/t/acme/support"
    endpoint = app.url_path_for("support_endpoint", tenant="acme")
    assert endpoint.make_absolute_url("https://chat.example") == (
        "wss://chat.example/t/acme/support/ws"
    )
