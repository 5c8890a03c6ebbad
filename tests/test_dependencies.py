"""Dependencies of reply functions, solved by FastAPI itself, once per connection."""

import contextlib
import functools
import inspect
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from fastapi import (
    BackgroundTasks,
    Cookie,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Path,
    Query,
    Request,
    Response,
    Security,
    WebSocket,
)
from fastapi.requests import HTTPConnection
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer, SecurityScopes
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.testclient import WebSocketDenialResponse
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from fastapi_echochat import EchoChat, Limits, Message, testing
from fastapi_echochat.client import Client
from fastapi_echochat.protocol.plain import Plain
from tests.apps import make_app
from tests.clients import echo_at
from tests.conftest import Serve
from tests.waiting import PATIENCE, get, wait_until


def say(app: FastAPI, *texts: str, at: str = "/chat", **options: Any) -> list[str]:
    with testing.connect(TestClient(app), at, protocol="plain", **options) as chat:
        return [chat.ask(text) for text in texts or ("NBA",)]


class User(BaseModel):
    name: str


def current_user(authorization: Annotated[str, Header()] = "nobody") -> User:
    return User(name=authorization)


def test_everything_that_an_endpoint_takes() -> None:
    """Headers, cookies, query, path, the connection itself and Depends are given by FastAPI."""

    async def reply(
        message: Message,
        user: Annotated[User, Depends(current_user)],
        x_team: Annotated[str, Header()],
        theme: Annotated[str, Cookie()],
        tenant: Annotated[str, Path()],
        room: int,
        connection: HTTPConnection,
        websocket: WebSocket,
        page: Annotated[int, Query(ge=1)] = 1,
    ) -> str:
        assert connection is websocket
        return f"{message.text} {user.name} {x_team} {theme} {tenant} {room} {page}"

    app = make_app(reply, prefix="/{tenant}/{room}")
    headers = {"authorization": "ada", "x-team": "red", "cookie": "theme=dark"}

    assert say(app, at="/acme/7", headers=headers) == ["NBA ada red dark acme 7 1"]
    assert say(app, at="/acme/7?page=3", headers=headers) == ["NBA ada red dark acme 7 3"]


def test_solved_once_per_connection() -> None:
    """A dependency is asked once for a connection, so a list is the memory of a conversation."""

    async def reply(message: Message, memory: Annotated[list[str], Depends(list)]) -> str:
        memory.append(message.text)
        return " ".join(memory)

    app = make_app(reply)

    assert say(app, "a", "b", "c") == ["a", "a b", "a b c"]
    assert say(app, "d") == ["d"]


@pytest.mark.parametrize("form", ["def", "generator", "async generator", "method", "object"])
def test_every_form_takes_dependencies(form: str) -> None:
    """Whatever form a reply function has, it takes dependencies."""

    def function(message: Message, user: Annotated[User, Depends(current_user)]) -> str:
        return user.name

    def generator(message: Message, user: Annotated[User, Depends(current_user)]) -> Iterator[str]:
        yield user.name

    async def async_generator(
        message: Message, user: Annotated[User, Depends(current_user)]
    ) -> AsyncIterator[str]:
        yield user.name

    class Bot:
        def method(self, message: Message, user: Annotated[User, Depends(current_user)]) -> str:
            return user.name

        __call__ = method

    forms: dict[str, Any] = {
        "def": function,
        "generator": generator,
        "async generator": async_generator,
        "method": Bot().method,
        "object": Bot(),
    }
    assert say(make_app(forms[form]), headers={"authorization": "ada"}) == ["ada"]


def test_partial_keeps_what_it_binds() -> None:
    """What a partial binds is not asked of the visitor; the rest is solved."""

    def reply(
        message: Message, style: str, user: Annotated[User, Depends(current_user)], times: int = 1
    ) -> str:
        return f"{style}{user.name}" * times

    bound = functools.partial(reply, style="Dear ", times=2)
    app = make_app(bound)

    assert say(app, headers={"authorization": "ada"}) == ["Dear adaDear ada"]
    assert say(app, at="/chat?style=x&times=9") == ["Dear nobodyDear nobody"]


def module(source: str) -> dict[str, Any]:
    """Run a module in which every annotation is a string (PEP 563)."""
    header = """
from __future__ import annotations
import functools
from typing import Annotated, TYPE_CHECKING, Optional
from fastapi import Depends
from fastapi_echochat import Message
if TYPE_CHECKING:
    from models import Elsewhere
class User:
    name = "found"
def current_user() -> User:
    return User()
"""
    names: dict[str, Any] = {"__name__": "a_module_of_the_host"}
    exec(header + textwrap.dedent(source), names)
    return names


@pytest.mark.parametrize("form", ["function", "method", "object", "partial", "wrapped", "late"])
def test_annotations_that_are_strings(form: str) -> None:
    """String annotations are found in the module of the function, whatever form that has."""
    names = module(
        """
        async def function(message: Message, user: Annotated[User, Depends(current_user)]) -> str:
            return user.name
        class Bot:
            async def method(
                self, message: Message, user: Annotated[User, Depends(current_user)]
            ) -> str:
                return user.name
            __call__ = method
        method, object = Bot().method, Bot()
        partial = functools.partial(function)
        async def late(message: Message, user: Annotated[Later, Depends(current_user)]) -> str:
            return user.name
        class Later(User): ...
        """
    )

    @functools.wraps(names["function"])
    async def wrapped(*args: Any, **values: Any) -> str:
        return str(await names["function"](*args, **values))

    assert isinstance(inspect.signature(names["function"]).parameters["user"].annotation, str)
    assert say(make_app(wrapped if form == "wrapped" else names[form])) == ["found"]


@pytest.mark.parametrize(
    ("local", "annotation"),
    [
        ("class Local: ...", "Local"),
        ("class Local: ...", "Annotated[Local, Depends(current_user)]"),
        ("def find(): ...", "Annotated[User, Depends(find)]"),
        ("", "Elsewhere"),
        ("", "Annotated[Elsewhere, Depends(current_user)]"),
    ],
)
@pytest.mark.parametrize("closes_over", [True, False])
def test_annotations_that_are_found_in_no_module(
    local: str, annotation: str, closes_over: bool
) -> None:
    """A string that names what is local, or there for type checkers only, is refused by name.

    That the caller, or the function itself, has a local of this name changes nothing.
    """
    Local = find = Elsewhere = User  # noqa: F841, N806 - what must not be found
    names = module(
        f"""
        def make():
            {local or "pass"}
            def reply(message: Message, user: {annotation}) -> str:
                return {(local.split()[1].strip(":()") if local and closes_over else "''")}
            return reply
        """
    )

    with pytest.raises(TypeError) as refused:
        EchoChat(names["make"]())

    assert str(refused.value).startswith(
        "the function make.<locals>.reply cannot be called: the parameter 'user' is annotated with "
        f"{annotation!r}, which is found in no module: move what it names to the top of one. "
    )


def of_request(request: Request) -> str:
    return request.method


def by_scheme(method: Annotated[str, Depends(of_request)]) -> None: ...


@pytest.mark.parametrize(
    ("author", "told"),
    [
        (of_request, "the function of_request cannot be called: the parameter 'request' of author"),
        (by_scheme, "the function by_scheme cannot be called: the parameter 'request' of its dep"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"reply": None}])
def test_author_that_takes_a_request(
    author: Callable[..., Any], told: str, options: dict[str, Any]
) -> None:
    """It is `author=` that is named, not the reply function, whose dependency it is for FastAPI."""
    with pytest.raises(TypeError, match=told):
        make_app(author=author, **options)


def test_yield_dependency_ends_with_the_connection(serve: Serve) -> None:
    """A yield dependency is open as long as its connection, and closed once at its end."""
    events: list[str] = []

    async def resource() -> AsyncIterator[str]:
        events.append("open")
        yield "resource"
        events.append("closed")

    async def reply(message: Message, it: Annotated[str, Depends(resource)]) -> str:
        events.append(message.text)
        return it

    server = serve(make_app(reply))
    with connect(server.ws()) as websocket:
        for text in "ab":
            websocket.send(text)
            assert websocket.recv(PATIENCE) == "resource"
    get(server.url("/chat"))
    wait_until(lambda: len(events) == 4, "it is closed")
    assert events == ["open", "a", "b", "closed"]


@pytest.mark.parametrize("text", ["bye", "x" * 100_000])
def test_yield_dependency_sees_that_it_is_over(serve: Serve, text: str) -> None:
    """At its end nothing can be sent any more, as a WebSocket tells, whichever side closed it."""
    states: list[str] = []

    async def resource(websocket: WebSocket) -> AsyncIterator[str]:
        yield "resource"
        states.extend((websocket.client_state.name, websocket.application_state.name))

    async def reply(message: Message, it: Annotated[str, Depends(resource)]) -> str:
        return it

    with connect(serve(make_app(reply)).ws()) as websocket:
        websocket.send(text)
        with contextlib.suppress(ConnectionClosed):  # What is too long closes it.
            websocket.recv(PATIENCE)
    wait_until(lambda: len(states) == 2, "it is closed")
    assert states == ["DISCONNECTED", "DISCONNECTED"]


def test_events_take_no_way_round() -> None:
    """What comes and goes does not pass through a coroutine of Starlette's for each event."""

    async def receive() -> Any:
        raise AssertionError

    async def send(event: Any) -> None:
        raise AssertionError

    websocket = WebSocket({"type": "websocket"}, receive, send)
    client = Client(websocket, Plain(Limits()), None, {}, None, 1)
    assert (client.receive, client.send) == (receive, send)


def test_dependency_that_fails_at_teardown(serve: Serve, expected_errors: list[str]) -> None:
    """A dependency of the host's that fails at its end is logged, after all was answered."""
    expected_errors.append("Exception in ASGI application")

    async def resource() -> AsyncIterator[str]:
        yield "resource"
        raise RuntimeError("could not be closed")

    async def reply(message: Message, it: Annotated[str, Depends(resource)]) -> str:
        return it

    server = serve(make_app(reply))
    for _ in range(3):
        assert echo_at(server.ws(), server.port) == "resource"


def test_overrides() -> None:
    """`dependency_overrides` stands in for a dependency of a reply function, as everywhere."""

    async def reply(message: Message, user: Annotated[User, Depends(current_user)]) -> str:
        return user.name

    app = make_app(reply)
    app.dependency_overrides[current_user] = lambda: User(name="overridden")

    assert say(app) == ["overridden"]


def test_dependency_refuses_the_handshake() -> None:
    """A dependency that raises HTTPException refuses the handshake with its status and body."""

    def guard() -> None:
        raise HTTPException(402, "Pay first")

    async def reply(message: Message, paid: Annotated[None, Depends(guard)]) -> str:
        return "never"

    with pytest.raises(WebSocketDenialResponse) as refused:
        say(make_app(reply))
    assert refused.value.status_code == 402
    assert refused.value.json() == {"detail": "Pay first"}


key = APIKeyHeader(name="x-key")
oauth2 = OAuth2PasswordBearer(tokenUrl="token", scopes={"chat": "Chat"})


def scoped(scopes: SecurityScopes, token: Annotated[str, Depends(oauth2)]) -> str:
    return f"{token} for {scopes.scope_str}"


def test_security_classes() -> None:
    """FastAPI's security classes guard a reply function, or are refused where they cannot."""

    async def reply(
        message: Message,
        api_key: Annotated[str, Security(key)],
        token: Annotated[str, Security(scoped, scopes=["chat"])],
    ) -> str:
        return f"{api_key}, {token}"

    if "HTTPConnection" not in str(inspect.signature(APIKeyHeader.__call__)):
        # Of the FastAPI releases that know requests only.
        with pytest.raises(TypeError, match="takes a Request"):
            make_app(reply)
        return
    headers = {"x-key": "k", "authorization": "Bearer t"}
    assert say(make_app(reply), headers=headers) == ["k, t for chat"]
    with pytest.raises(WebSocketDenialResponse) as refused:
        say(make_app(reply))
    assert refused.value.status_code in (401, 403)


def test_parameters_that_cannot_be_solved() -> None:
    """A parameter that nothing can be found for is an error when the chat is made."""

    # What is ignored below is what is tested: signatures that are wrong, of functions never called.
    def takes_request(request: Request) -> None: ...

    def bare(message: Message, user) -> str: ...  # type: ignore[no-untyped-def,empty-body]  # refused before it is called

    def unknown(message: Message, user: "Annotated[Missing, Depends(current_user)]") -> str: ...  # type: ignore[name-defined,empty-body]  # noqa: F821 - there is no such name

    def wrong_syntax(message: Message, user: "Annotated[") -> str: ...  # type: ignore[valid-type,empty-body]  # noqa: F722 - it is none

    def request(message: Message, request: Request) -> str: ...  # type: ignore[empty-body]  # refused before it is called

    def deep(message: Message, it: Annotated[None, Depends(takes_request)]) -> str: ...  # type: ignore[empty-body]  # refused before it is called

    def body(message: Message, user: User) -> str: ...  # type: ignore[empty-body]  # refused before it is called

    def positional(message: Message, user: Annotated[User, Depends(current_user)], /) -> str: ...  # type: ignore[empty-body]  # refused before it is called

    def adds_tasks(tasks: BackgroundTasks) -> None: ...

    def tasks(message: Message, tasks: BackgroundTasks) -> str: ...  # type: ignore[empty-body]  # refused before it is called

    def deep_tasks(message: Message, it: Annotated[None, Depends(adds_tasks)]) -> str: ...  # type: ignore[empty-body]  # refused before it is called

    def response(message: Message, response: Response) -> str: ...  # type: ignore[empty-body]  # refused before it is called

    wrong: dict[Any, str] = {
        tasks: "'tasks' takes BackgroundTasks",
        deep_tasks: "'tasks' of its dependency .*adds_tasks takes BackgroundTasks",
        response: "'response' takes a Response",
        bare: "'user' has neither an annotation nor a default",
        unknown: "'user' is annotated with .*Missing.* found in no module",
        wrong_syntax: r"'user' is annotated with 'Annotated\[': ",
        request: "takes a Request",
        deep: "takes a Request",
        body: "'user' .* body",
        positional: "'user' cannot be given by its name",
    }
    for reply, why in wrong.items():
        with pytest.raises(TypeError, match=why):
            EchoChat(reply)


@pytest.mark.parametrize("option", ["reply", "author"])
def test_local_dependency_of_a_dependency(option: str) -> None:
    """A dependency whose own annotations FastAPI cannot read is an error when the chat is made."""
    names = module(
        """
        def make():
            def inner() -> str:
                return "inner"
            def outer(it: Annotated[str, Depends(inner)]) -> str:
                return it
            return outer
        """
    )
    outer = names["make"]()

    def reply(message: Message, it: Annotated[str, Depends(outer)]) -> str:
        return it

    with pytest.raises(TypeError, match=r"found in no module.*: move what it names to the top"):
        EchoChat(**{option: {"reply": reply, "author": outer}[option]})
