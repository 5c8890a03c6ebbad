"""Guards that take a `Request`, which a WebSocket is not."""

import asyncio
import functools
import logging
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import (
    APIRouter,
    Depends,
    FastAPI,
    HTTPException,
    Request,
    Response,
    Security,
    WebSocket,
)
from fastapi.requests import HTTPConnection
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from fastapi_echochat import EchoChat, MemoryRooms, Message, testing
from tests.apps import make_app, mount


def of_request(request: Request) -> None:
    if request.method == "GET" and "user" not in request.cookies:
        raise HTTPException(401)


def nested(it: Annotated[None, Depends(of_request)]) -> None: ...


class Guard:
    def __call__(self, request: Request) -> None: ...


guard = Guard()


def on_application() -> FastAPI:
    app = FastAPI(dependencies=[Depends(nested)])
    app.include_router(EchoChat().router, prefix="/chat")
    return app


def on_parent() -> FastAPI:
    app, parent = FastAPI(), APIRouter(prefix="/team", dependencies=[Depends(of_request)])
    parent.include_router(EchoChat().router, prefix="/chat")
    app.include_router(parent)
    return app


def with_function() -> FastAPI:
    """Make an application whose reply function has dependencies too."""

    async def reply(message: Message, it: Annotated[list[str], Depends(list)]) -> str:
        return "never"

    return make_app(reply, dependencies=[Depends(of_request)])


def of_tenant() -> FastAPI:
    return make_app(prefix="/t/{tenant}", dependencies=[Depends(of_request)])


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line.getMessage() for line in caplog.records if line.name == "fastapi_echochat"]


COOKIE = {"cookie": "user=ada"}


@pytest.mark.parametrize("starts", [True, False])
@pytest.mark.parametrize(
    ("build", "address", "named"),
    [
        (functools.partial(make_app, dependencies=[Depends(of_request)]), "/chat", "of_request"),
        (functools.partial(make_app, dependencies=[Depends(guard)]), "/chat", "Guard object"),
        (on_application, "/chat", "nested > of_request"),
        (on_parent, "/team/chat", "of_request"),
        (with_function, "/chat", "of_request"),
        (of_tenant, "/t/acme", "of_request"),
    ],
)
def test_guard_that_takes_a_request(
    caplog: pytest.LogCaptureFixture,
    build: Callable[[], FastAPI],
    address: str,
    named: str,
    starts: bool,
) -> None:
    """One line of the log names it when the host starts, or with the first page.

    The page then says that it is a guard's fault, and tries no connection that fails.
    """
    client = TestClient(build())
    if starts:
        with client:
            assert len(logged(caplog)) == 1

    for _ in range(2):
        page = client.get(address, headers=COOKIE)
        assert page.status_code == 500
        assert "a dependency that guards it takes a Request" in page.text
    assert client.get(address + "/", headers=COOKIE).status_code == 500

    (line,) = logged(caplog)
    assert named in line
    assert "its parameter 'request' takes a Request" in line
    assert "Write fastapi.requests.HTTPConnection" in line


def test_guard_in_a_sub_application(caplog: pytest.LogCaptureFixture) -> None:
    """It is found out in a mounted application too, which nobody tells that it starts."""
    app = FastAPI()
    app.mount("/api", make_app(dependencies=[Depends(of_request)]))

    with TestClient(app) as client:
        assert client.get("/api/chat", headers=COOKIE).status_code == 500
    assert len(logged(caplog)) == 1


def test_only_the_mount_that_is_guarded_so(caplog: pytest.LogCaptureFixture) -> None:
    """Another mount of the same chat, with another guard, answers."""
    chat = EchoChat()
    app = mount(chat)
    app.include_router(chat.router, prefix="/guarded", dependencies=[Depends(of_request)])

    with TestClient(app, headers=COOKIE) as client:
        assert client.get("/chat").status_code == 200
        assert client.get("/guarded").status_code == 500
    (line,) = logged(caplog)
    assert "of the chat at '/guarded'" in line


def test_guard_that_takes_a_websocket(caplog: pytest.LogCaptureFixture) -> None:
    """One that takes a WebSocket fails on the page instead, and is named when the host starts."""

    def of_websocket(websocket: WebSocket) -> None: ...

    with TestClient(make_app(dependencies=[Depends(of_websocket)])):
        (line,) = logged(caplog)
    assert "of_websocket of the chat at '/chat' fails on each request" in line


def both(request: Request = None, websocket: WebSocket = None) -> str:  # type: ignore[assignment]  # as people write it
    connection = request or websocket
    return connection.cookies.get("user", "nobody")


def of_connection(connection: HTTPConnection) -> str:
    return connection.cookies.get("user", "nobody")


@pytest.mark.parametrize("guard", [both, of_connection])
def test_guards_that_take_either(caplog: pytest.LogCaptureFixture, guard: Any) -> None:
    """A guard that takes either guards both, and so does one that need not be given the other."""

    async def reply(message: Message, user: Annotated[str, Depends(guard)]) -> str:
        return user

    with TestClient(make_app(reply, dependencies=[Depends(guard)]), headers=COOKIE) as client:
        assert client.get("/chat").status_code == 200
        with testing.connect(client, "/chat", protocol="plain") as chat:
            assert chat.ask("who?") == "ada"
    assert logged(caplog) == []


def test_guard_that_is_overridden(caplog: pytest.LogCaptureFixture) -> None:
    """In a test that has another guard in its place, nothing is wrong."""
    app = on_application()
    app.dependency_overrides[of_request] = lambda: None

    with TestClient(app) as client:
        assert client.get("/chat").status_code == 200
        with testing.connect(client, "/chat", protocol="plain") as chat:
            assert chat.ask("NBA") == "Message text was: NBA"
    assert logged(caplog) == []


def test_page_of_another_endpoint(caplog: pytest.LogCaptureFixture) -> None:
    """A page whose endpoint is elsewhere needs none beside it, and is shown."""
    caplog.set_level(logging.INFO)
    app = make_app(websocket_url="wss://chat.example/ws", dependencies=[Depends(of_request)])

    assert TestClient(app).get("/chat", headers=COOKIE).status_code == 200


def of_staff(connection: HTTPConnection) -> None:
    if "staff" not in connection.cookies:
        raise HTTPException(401)


def mounted_twice(first: list[Any], second: list[Any], **options: Any) -> FastAPI:
    """Mount one chat twice, behind these guards."""
    chat = EchoChat(**options)
    app = FastAPI()
    app.include_router(chat.router, prefix="/open", dependencies=first)
    app.include_router(chat.router, prefix="/staff", dependencies=second)
    return app


DIFFERENT = [
    ([], [Depends(of_staff)]),
    ([Depends(of_connection)], [Depends(of_staff)]),
    ([Depends(of_staff)], [Depends(of_staff), Depends(of_connection)]),
    ([Security(of_staff, scopes=["read"])], [Security(of_staff, scopes=["admin"])]),
]


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_rooms_behind_different_guards(
    caplog: pytest.LogCaptureFixture, first: list[Any], second: list[Any]
) -> None:
    """What is said behind one guard is read behind no other: such a host does not start.

    Where nobody tells it that it starts, it serves nobody, and the log says so once.
    """
    app = mounted_twice(first, second, rooms=MemoryRooms())

    async def start() -> None:
        async with app.router.lifespan_context(app):
            pass

    with pytest.raises(ValueError, match="'/open' and '/staff' share its rooms"):
        asyncio.run(start())

    caplog.clear()
    host = FastAPI()
    host.mount("/api", mounted_twice(first, second, rooms=MemoryRooms()))
    with TestClient(host, cookies={"staff": "ada"}) as client:
        for mount_path in ("/api/open", "/api/staff"):
            assert client.get(mount_path).status_code == 500
            with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"{mount_path}/ws"):
                pass
    (line,) = logged(caplog)
    assert "make an EchoChat for each" in line


@pytest.mark.parametrize(
    ("guards", "options"),
    [
        (([Depends(of_connection)], [Depends(of_connection)]), {"rooms": MemoryRooms()}),
        (([], [Depends(of_connection)]), {}),
        (([], [Depends(of_connection)]), {"rooms": MemoryRooms(), "private": True}),
    ],
)
def test_mounts_that_may_be_served(
    guards: tuple[list[Any], list[Any]], options: dict[str, Any]
) -> None:
    """Mounts of one chat that have the same guards are served, and those that share no room."""
    with TestClient(mounted_twice(*guards, **options)) as client:
        assert client.get("/open").status_code == client.get("/staff").status_code == 200


def renews(connection: HTTPConnection, response: Response) -> None:
    if "user" in connection.cookies:
        response.set_cookie("user", "ada", max_age=3600)
        response.set_cookie("seen", "now")


@pytest.mark.parametrize("app", [make_app, functools.partial(make_app, welcome=lambda _: "Hello")])
def test_cookie_that_a_guard_renews(app: Callable[..., FastAPI]) -> None:
    """What a guard sets on its response is sent with the page, each time, and to nobody else.

    Not with an asset: a cache that many people share may keep that.
    """
    client = TestClient(app(dependencies=[Depends(renews)]))

    for headers, cookies in ((COOKIE, 2), ({}, 0), (COOKIE, 2)):
        client.cookies.clear()
        answer = client.get("/chat", headers=headers)
        assert len(answer.headers.get_list("set-cookie")) == cookies
        known = {**headers, "if-none-match": answer.headers["etag"]}
        client.cookies.clear()
        unchanged = client.get("/chat", headers=known)
        assert unchanged.status_code == 304
        assert len(unchanged.headers.get_list("set-cookie")) == cookies
        asset = client.get("/chat?asset=chat.js", headers=headers)
        assert "set-cookie" not in asset.headers
    with testing.connect(client, "/chat", headers=COOKIE) as chat:
        assert chat.ask("NBA") == "Message text was: NBA"
