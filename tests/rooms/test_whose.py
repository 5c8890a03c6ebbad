"""Whose dependencies, and whose context, a message is answered with: its sender's."""

import asyncio
import contextlib
import contextvars
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from fastapi_echochat import EchoChat, MemoryRooms, Message, testing
from tests.apps import make_app
from tests.clients import MUCH, V1
from tests.conftest import Keep, Serve
from tests.servers import Process, redis_process, uvicorn_process
from tests.waiting import PATIENCE, in_loop, patient, until

HOST = """
import asyncio
import contextvars
from urllib.parse import unquote
from fastapi import Depends, FastAPI, WebSocket
from fastapi_echochat import Author, EchoChat, RedisRooms

def cookies(websocket: WebSocket) -> str:
    return unquote(websocket.cookies["session"])

def who(session: str = Depends(cookies)) -> Author | None:
    kind, id_, name, _ = session.split("|")
    return Author(id_, name) if kind == "member" else None

async def by_dependency(message, session: str = Depends(cookies)) -> str:
    await asyncio.sleep(0.001)
    return session

of_connection = contextvars.ContextVar("of_connection", default="nobody's")

async def by_context(message) -> str:
    await asyncio.sleep(0.001)
    return of_connection.get()

class Sessions:
    def __init__(self, app) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "websocket":
            of_connection.set(cookies(WebSocket(scope, receive, send)))
        await self.app(scope, receive, send)

app = FastAPI()
app.add_middleware(Sessions)
chat = EchoChat({reply}, rooms=RedisRooms("{url}"), author=who)
app.include_router(chat.router, prefix="/rooms/{{room}}")
"""
PEOPLE = [
    ("guest", "", "Ada"),
    ("guest", "", "Ada"),
    ("guest", "", "ada"),
    ("guest", "", "\uff21\uff44\uff41"),
    ("guest", "", "A\u200bda"),
    ("member", "1", "Ada"),
    ("member", "2", "Ada"),
    ("member", "Ada", "Ada"),
    ("member", "ada", "Ada"),
    ("member", "Ada\u200b", "\uff21da"),
]
"""Kind, id and name of people whom one could take for each other."""
EACH = 20
"""So many messages everybody sends: 200 together."""


class Someone:
    """A person who asks questions over connections that break, in one process or the other.

    Everybody's messages have the ids 1, 2, 3, as if they were counted.

    Attributes:
        sessions: The cookies they have had; only with those they may be answered.
        answers: What their messages were answered with, by id.
    """

    def __init__(self, number: int, kind: str, id_: str, name: str) -> None:
        self.number = number
        self.url = ""
        self.sessions: list[str] = []
        self.answers: dict[str, str] = {}
        self.is_away = False
        self._who = f"{kind}|{id_}|{name}"
        self._name = name
        self._guest = secrets.token_urlsafe(24)
        self._positions: dict[int, str] = {}
        self._seen: int | None = None

    @property
    def is_done(self) -> bool:
        return len(self.answers) == EACH

    async def run(self) -> None:
        while not self.is_done:
            if self.is_away:
                await asyncio.sleep(0.05)
                continue
            # Another cookie each time, as after another sign-in.
            session = f"{self._who}|{self.number}.{len(self.sessions)}"
            self.sessions.append(session)
            cookie = {"Cookie": f"session={quote(session, safe='')}"}
            with contextlib.suppress(ConnectionClosed, OSError, WebSocketException, EOFError):
                async with connect(
                    self.url, subprotocols=V1, additional_headers=cookie, max_queue=MUCH
                ) as websocket:
                    await self._ask(websocket)
            await asyncio.sleep(0.05)

    async def _ask(self, websocket: Any) -> None:
        who = {"name": self._name, "guest": self._guest, "after": self._seen}
        await self._send(websocket, type="enter", **who)
        you = json.loads(await websocket.recv())["you"]["id"]
        for number in range(EACH):
            await self._send(websocket, type="message", id=f"{number}", text=f"{self.number}")
            if number == EACH // 2:
                await self._send(websocket, type="name", name=f"Ada {number}")
        async for text in websocket:
            frame = json.loads(text)
            if frame["type"] != "entry":
                continue
            self._seen = frame["position"]
            if frame["kind"] == "message" and frame["author"]["id"] == you:
                assert frame["text"] == f"{self.number}", "somebody else's words are mine"
                self._positions[frame["position"]] = frame["id"]
            elif frame["in_reply_to"] in self._positions:
                self.answers[self._positions[frame["in_reply_to"]]] = frame["text"]
                if self.is_done:
                    return

    async def _send(self, websocket: Any, **frame: Any) -> None:
        await websocket.send(json.dumps(frame))


class Place:
    """Two processes on one Redis, and everybody in one room of theirs."""

    def __init__(self, keep: Keep, folder: Path, reply: str) -> None:
        self.redis = keep(redis_process(folder))
        source = HOST.format(url=self.redis.url(scheme="redis"), reply=reply)
        self.servers: list[Process] = [
            keep(uvicorn_process(source, folder, name=f"host_{number}")) for number in range(2)
        ]
        self.people = [Someone(number, *person) for number, person in enumerate(PEOPLE)]
        for person in self.people:
            self.move(person, person.number % 2)

    def move(self, person: Someone, server: int) -> None:
        person.url = self.servers[server].ws("/rooms/lobby")

    def answered(self) -> int:
        return sum(len(person.answers) for person in self.people)

    async def talk_during(self, trouble: Callable[[], Awaitable[None]] | None = None) -> None:
        tasks = [asyncio.ensure_future(person.run()) for person in self.people]
        try:
            if trouble is not None:
                await until(lambda: self.answered() >= 40, "some are answered")
                await trouble()
            done, _ = await asyncio.wait(tasks, timeout=4 * PATIENCE)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def check(self) -> None:
        """Assert that everybody was answered, and with nothing of anybody else."""
        wrong = [
            (person.sessions, answer)
            for person in self.people
            for answer in person.answers.values()
            if answer not in person.sessions
        ]
        assert wrong == []
        assert [len(person.answers) for person in self.people] == [EACH] * len(PEOPLE)


@pytest.fixture(params=["by_dependency"])
def place(request: pytest.FixtureRequest, keep: Keep, tmp_path: Path) -> Place:
    return Place(keep, tmp_path, request.param)


by_either = pytest.mark.parametrize("place", ["by_dependency", "by_context"], indirect=True)


@pytest.mark.slow
@by_either
def test_two_processes(place: Place) -> None:
    """0 of 200 messages are answered with another's cookie, though names and ids are alike.

    Nor with nobody's, where a context variable has it. Everybody changes their name in the middle
    of it, or tries to.
    """
    asyncio.run(place.talk_during())
    place.check()


@pytest.mark.slow
def test_process_that_is_killed(place: Place) -> None:
    """After a kill -9 too, while those who were in it are away, and when they are back elsewhere.

    Those of the other process answer nothing of theirs meanwhile.
    """
    away = [person for person in place.people if person.number % 2]

    async def kill() -> None:
        for person in away:
            person.is_away = True
        await asyncio.to_thread(place.servers[1].kill)
        # Longer than a lease lasts.
        await asyncio.sleep(patient(7))
        for person in away:
            place.move(person, 0)
            person.is_away = False

    asyncio.run(place.talk_during(kill))
    place.check()


@pytest.mark.slow
@by_either
def test_redis_that_is_killed(place: Place) -> None:
    """After an outage of Redis in the middle of it too."""

    async def kill() -> None:
        await asyncio.to_thread(place.redis.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(place.redis.start)

    asyncio.run(place.talk_during(kill))
    place.check()


@pytest.mark.slow
def test_people_who_change_places(place: Place) -> None:
    """When everybody comes back through the other process, again and again, too."""

    async def move() -> None:
        for turn in range(4):
            for person in place.people:
                place.move(person, (person.number + turn) % 2)
                person.is_away = bool((person.number + turn) % 3)
            server = place.servers[turn % 2]
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        for person in place.people:
            person.is_away = False

    asyncio.run(place.talk_during(move))
    place.check()


# --- Whose context -------------------------------------------------------------------------------

tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="nobody")


class Tenants:
    """A pure ASGI middleware that sets a context variable for each connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            tenant.set(scope["query_string"].decode())
        await self._app(scope, receive, send)


async def coroutine(message: Message) -> str:
    before = tenant.get()
    await asyncio.sleep(0)
    return f"{before} {tenant.get()}"


def plain(message: Message) -> str:
    return f"{tenant.get()} {tenant.get()}"


async def generator(message: Message) -> AsyncIterator[str]:
    yield f"{tenant.get()} "
    await asyncio.sleep(0)
    yield tenant.get()


def steps(message: Message) -> Iterator[str]:
    yield f"{tenant.get()} "
    yield tenant.get()


async def setting(message: Message) -> str:
    before = tenant.get()
    token = tenant.set("somebody else")
    await asyncio.sleep(0)
    tenant.reset(token)
    return f"{before} {tenant.get()}"


@pytest.mark.parametrize("reply", [coroutine, plain, generator, steps, setting])
@pytest.mark.parametrize("kind", ["conversation", "room", "kept"])
def test_context_of_the_sender(kind: str, reply: Any) -> None:
    """A context variable of the sender's connection is what their message is answered in.

    Also when another opened the room, before they left and after, and after a rename.
    """
    options = {} if kind == "conversation" else {"rooms": MemoryRooms(), "private": kind == "kept"}
    app = make_app(reply, **options)  # type: ignore[arg-type]  # options of a chat
    app.add_middleware(Tenants)
    enter: Any = testing.connect if kind == "conversation" else testing.enter
    options = {} if kind == "conversation" else {"name": "Ada"}
    with TestClient(app) as client:
        with (
            enter(client, "/chat?one", timeout=PATIENCE, **options) as one,
            enter(client, "/chat?two", timeout=PATIENCE, **options) as two,
        ):
            assert one.ask("?") == "one one"
            assert two.ask("?") == "two two"
            if kind == "room":
                two.send_frame({"type": "name", "name": "Bob"})
            assert two.ask("?") == "two two"
            with enter(client, "/chat?three", timeout=PATIENCE, **options) as three:
                assert three.ask("?") == "three three"
            assert one.ask("?") == "one one"
        with enter(client, "/chat?four", timeout=PATIENCE, **options) as four:
            assert four.ask("?") == "four four"


async def slow(message: Message) -> str:
    await asyncio.sleep(0.2)
    return tenant.get()


@in_loop
async def test_context_of_slow_answers(serve: Serve) -> None:
    """Of connections whose answers take long at the same time each has its own context, always."""
    app = make_app(slow)
    app.add_middleware(Tenants)
    url = serve(app).ws()

    async def talk(name: str) -> list[str | bytes]:
        async with connect(f"{url}?{name}") as websocket:
            await websocket.send("?")
            answers = [await websocket.recv()]
            # Of several at once the later ones wait in the inbox.
            for _ in range(3):
                await websocket.send("?")
            return answers + [await websocket.recv() for _ in range(3)]

    names = ["one", "two", "three"]
    assert await asyncio.gather(*map(talk, names)) == [[name] * 4 for name in names]


def test_context_of_two_connections_of_one_person() -> None:
    """Of two connections of one person each message is answered in its own one's context."""
    app = make_app(coroutine, rooms=MemoryRooms())
    app.add_middleware(Tenants)
    guest = secrets.token_urlsafe(24)
    with (
        TestClient(app) as client,
        testing.enter(client, "/chat?one", name="Ada", guest=guest, timeout=PATIENCE) as one,
        testing.enter(client, "/chat?two", name="Ada", guest=guest, timeout=PATIENCE) as two,
    ):
        for _ in range(3):
            assert two.ask("?") == "two two"
            assert one.ask("?") == "one one"


def add_go_on(app: FastAPI, may: asyncio.Event) -> None:
    """Let a test's reply function go on: its event is of the application's loop."""

    @app.get("/go-on")
    async def go_on() -> None:
        may.set()


def test_context_of_somebody_who_left() -> None:
    """What somebody asked who left is answered in their context, though others are there."""
    may = asyncio.Event()

    async def reply(message: Message) -> str:
        await may.wait()
        return tenant.get()

    app: FastAPI = make_app(reply, rooms=MemoryRooms())
    app.add_middleware(Tenants)
    add_go_on(app, may)

    with (
        TestClient(app) as client,
        testing.enter(client, "/chat?one", name="Ada", timeout=PATIENCE) as one,
    ):
        with testing.enter(client, "/chat?two", name="Bob", timeout=PATIENCE) as two:
            two.say("?")
            two.say("?")
        client.get("/go-on")
        heard = [one.hear() for _ in range(4)]
    assert [entry.text for entry in heard if entry.kind == "answer"] == ["two", "two"]


def test_context_of_somebody_in_another_process() -> None:
    """While the process of somebody who asked answers others, no other answers in its place.

    Nor is it in a hurry: whose author is in another process is answered there, whenever it can,
    and what somebody asks who left is, too.
    """
    may = asyncio.Event()

    async def reply(message: Message) -> str:
        if message.text == "long":
            await may.wait()
        return f"{message.text} {tenant.get()}"

    # Two chats with one store know no more of each other than two processes do.
    store = MemoryRooms()
    app = FastAPI()
    for name in ("one", "two"):
        app.include_router(EchoChat(reply, rooms=store).router, prefix=f"/{name}")
    app.add_middleware(Tenants)
    add_go_on(app, may)

    with (
        TestClient(app) as client,
        testing.enter(client, "/one?ada", name="Ada", timeout=PATIENCE) as ada,
        testing.enter(client, "/two?bob", name="Bob", timeout=PATIENCE) as bob,
    ):
        ada.say("long")
        with testing.enter(client, "/one?eve", name="Eve", timeout=PATIENCE) as eve:
            eve.say("first")
            eve.say("second")
        assert bob.ask("third") == "third bob"
        # Longer than one of another process waits to hear of an author.
        time.sleep(5)
        client.get("/go-on")
        heard = [bob.hear() for _ in range(6)]
    answers = [entry.text for entry in heard if entry.kind == "answer"]
    assert answers == ["long ada", "first eve", "second eve"]
