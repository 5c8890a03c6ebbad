"""Dependencies with `yield`: how long a database session of the host's is held."""

import contextlib
import contextvars
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.requests import HTTPConnection
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from websockets.sync.client import connect

from fastapi_echochat import Author, EchoChat, MemoryRooms, Message, testing
from fastapi_echochat.protocol.frames import Verdict
from tests.apps import make_app
from tests.clients import Client, refusal
from tests.conftest import Serve
from tests.waiting import PATIENCE, get, wait_until

# What SQLAlchemy's default pool has: 5 connections, and 10 of overflow.
POOL_SIZE = 15


class Pool:
    """A database's pool, from which sessions are taken and to which they are given back."""

    def __init__(self) -> None:
        self.taken = 0

    @contextlib.contextmanager
    def session(self) -> Iterator[str]:
        if self.taken == POOL_SIZE:
            raise TimeoutError("QueuePool limit reached")
        self.taken += 1
        try:
            yield "session"
        finally:
            self.taken -= 1

    def sync(self) -> Iterator[str]:
        with self.session() as session:
            yield session

    async def asynchronous(self) -> AsyncIterator[str]:
        with self.session() as session:
            yield session


def guarding(form: str, pool: Pool) -> FastAPI:
    """Make an application whose chat is guarded with a session of a pool."""
    session = Depends(pool.sync if form == "sync" else pool.asynchronous)

    def current_user(connection: HTTPConnection, session: Annotated[str, session]) -> str:
        return connection.cookies.get("user", "ada")

    guard = Depends(current_user)
    if form == "application":
        app = FastAPI(dependencies=[guard])
        app.include_router(EchoChat().router, prefix="/chat")
        return app
    if form == "parent":
        app, parent = FastAPI(), APIRouter(dependencies=[guard])
        parent.include_router(EchoChat().router, prefix="/chat")
        app.include_router(parent)
        return app
    if form == "author":

        def author(user: Annotated[str, guard]) -> Author:
            return Author("7", user)

        return make_app(author=author)
    if form == "reply":

        async def reply(message: Message, theme: Annotated[dict[str, str], Depends(dict)]) -> str:
            return f"Message text was: {message.text}"

        return make_app(reply, dependencies=[guard])
    if form == "function":
        if "scope" not in inspect.signature(Depends).parameters:
            pytest.skip("this release of FastAPI knows no scope=")
        of_function: Any = Depends(pool.asynchronous, scope="function")
        return make_app(dependencies=[of_function])
    return make_app(dependencies=[guard if form == "nested" else session])


@pytest.mark.parametrize(
    "form",
    ["sync", "async", "nested", "application", "parent", "author", "reply", "function"],
)
def test_guards_sessions_are_given_back_before_the_socket_is_served(
    serve: Serve, form: str
) -> None:
    """More pages are open than the database has connections, and the host goes on."""
    pool = Pool()
    app = guarding(form, pool)

    @app.get("/orders", dependencies=[Depends(pool.sync)])
    def orders() -> str:
        return "of the database"

    server = serve(app)
    with contextlib.ExitStack() as pages:
        for _ in range(POOL_SIZE + 1):
            websocket = pages.enter_context(connect(server.ws()))
            websocket.send("NBA")
            assert websocket.recv(PATIENCE) == "Message text was: NBA"
        assert pool.taken == 0
        assert get(server.url("/orders")).status_code == 200
        assert get(server.url("/chat")).status_code == 200


def test_rooms_give_them_back_too(serve: Serve) -> None:
    """In a room of people who are signed in from a database nobody holds a session of it."""
    pool = Pool()

    def author(session: Annotated[str, Depends(pool.asynchronous)]) -> str:
        return "ada"

    server = serve(make_app(None, author=author, rooms=MemoryRooms()))

    with Client(server.ws()) as ada:
        assert ada.tell("hello")["text"] == "hello"
        assert pool.taken == 0


def taken_of_reply(pool: Pool, **options: Any) -> FastAPI:
    """Make an application whose reply function says how many sessions are taken."""

    async def reply(message: Message, it: Annotated[str, Depends(pool.asynchronous)]) -> str:
        return f"{it}, {pool.taken}"

    return make_app(reply, **options)


def taken_below_reply(pool: Pool, **options: Any) -> FastAPI:
    def repository(session: Annotated[str, Depends(pool.sync)]) -> str:
        return session

    async def reply(message: Message, it: Annotated[str, Depends(repository)]) -> str:
        return f"{it}, {pool.taken}"

    return make_app(reply, **options)


def taken_of_feedback(pool: Pool, **options: Any) -> FastAPI:
    async def reply(message: Message) -> str:
        return f"session, {pool.taken}"

    async def feedback(
        message: Message,
        answer: str,
        verdict: Verdict,
        it: Annotated[str, Depends(pool.asynchronous)],
    ) -> None: ...

    return make_app(reply, feedback=feedback, **options)


def taken_by_override(pool: Pool, **options: Any) -> FastAPI:
    def session() -> str:
        raise NotImplementedError

    async def reply(message: Message, it: Annotated[str, Depends(session)]) -> str:
        return f"{it}, {pool.taken}"

    app = make_app(reply, **options)
    app.dependency_overrides[session] = pool.sync
    return app


@pytest.mark.parametrize(
    "build", [taken_of_reply, taken_below_reply, taken_of_feedback, taken_by_override]
)
def test_what_a_function_takes_stays_open(serve: Serve, build: Callable[..., FastAPI]) -> None:
    """What reply function or `feedback=` take by a `yield` is open as long as the connection."""
    pool = Pool()
    # One that both have is asked once, and so is the function's.
    server = serve(build(pool, dependencies=[Depends(pool.asynchronous)]))

    with connect(server.ws()) as websocket:
        websocket.send("NBA")
        said = websocket.recv(PATIENCE)
        assert str(said).startswith("session, ")
        assert not str(said).endswith("0")
    wait_until(lambda: pool.taken == 0, "it is given back")


def test_guard_that_opens_and_closes_its_own(serve: Serve) -> None:
    """Where the function takes something by a `yield`, a guard still can give its session back."""
    pool = Pool()

    def guard() -> None:
        with pool.session():
            pass

    async def client() -> AsyncIterator[str]:
        yield "client"

    async def reply(message: Message, it: Annotated[str, Depends(client)]) -> str:
        return f"{it}, {pool.taken}"

    server = serve(make_app(reply, dependencies=[Depends(guard)]))
    with contextlib.ExitStack() as pages:
        for _ in range(POOL_SIZE + 1):
            websocket = pages.enter_context(connect(server.ws()))
            websocket.send("NBA")
            assert websocket.recv(PATIENCE) == "client, 0"


USER: contextvars.ContextVar[str] = contextvars.ContextVar("USER", default="nobody")


def test_context_of_a_guard_outlives_its_exit() -> None:
    """A guard that sets a context variable back at its end has set it for the session."""

    async def guard() -> AsyncIterator[None]:
        token = USER.set("ada")
        yield
        USER.reset(token)

    async def reply(message: Message) -> str:
        return USER.get()

    client = TestClient(make_app(reply, dependencies=[Depends(guard)]))
    with testing.connect(client, "/chat", protocol="plain") as chat:
        assert chat.ask("who?") == "ada"


def test_guard_that_refuses_at_its_end() -> None:
    """A guard that raises HTTPException after its `yield` refuses the handshake."""

    async def guard() -> AsyncIterator[None]:
        yield
        raise HTTPException(409, "could not be committed")

    client = TestClient(make_app(dependencies=[Depends(guard)]))
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        testing.connect(client, "/chat", protocol="plain"),
    ):
        pass
    assert refused.value.status_code == 409


def test_guard_that_fails_at_its_end(serve: Serve, expected_errors: list[str]) -> None:
    """A guard that fails after its `yield` is logged, and the handshake refused with 500."""
    expected_errors.append("Exception in ASGI application")

    async def guard() -> AsyncIterator[None]:
        yield
        raise RuntimeError("could not be committed")

    assert refusal(serve(make_app(dependencies=[Depends(guard)])).ws()).status_code == 500
