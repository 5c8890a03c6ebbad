"""A browser, what it says, and the pages of chats and rooms in it."""

import contextlib
import os
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fastapi_echochat import echo
from fastapi_echochat.replies import Reply
from tests.apps import make_app
from tests.browser.axe import SCHEMES
from tests.browser.chromium import chromium_of
from tests.browser.hosts import add_frame, make_lounge
from tests.browser.person import Person
from tests.browser.room import Room
from tests.browser.witness import Asked, Witness
from tests.conftest import Serve
from tests.servers import Process
from tests.waiting import PATIENCE, wait_until

OpenChat = Callable[..., Person]
OpenPage = Callable[..., Page]
OpenRoom = Callable[..., Room]
TakePicture = Callable[[Page, str], None]

# What Chromium itself writes for a handshake that fails and for a request without a good answer.
# No page can keep it from doing so.
_FAILED_CONNECTION = re.compile(
    r"WebSocket connection to 'ws://[^']+' failed: .*"
    r"|Failed to load resource: (net::ERR_\w+|the server responded with a status of \d{3} .*)"
)

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture
def chromium(pytestconfig: pytest.Config) -> Iterator[Browser]:
    """Lend this process's browser to the test."""
    chromium = chromium_of(pytestconfig)
    chromium.take_up()
    yield chromium.browser
    chromium.put_aside()


class Console:
    """What a page and its frames say on the console."""

    def __init__(self, context: BrowserContext) -> None:
        self._lines: list[tuple[BrowserContext, str]] = []
        self._contexts: list[BrowserContext] = []
        self._may_fail_to_connect = False
        self._tolerant: list[BrowserContext] = []
        self.listen(context)

    def listen(self, context: BrowserContext) -> None:
        self._contexts.append(context)
        context.on("console", lambda message: self._lines.append((context, message.text)))
        context.on("weberror", lambda error: self._lines.append((context, str(error.error))))

    def allow_failed_connections(self, *pages: Page) -> None:
        """Expect a server of the test, or of these pages only, to be down, or to refuse."""
        self._tolerant += [page.context for page in pages]
        self._may_fail_to_connect = not pages

    def take(self, pattern: str, *, times: int = 1) -> None:
        """Find the lines that a test has provoked, and take them off the list."""
        provoked: list[tuple[BrowserContext, str]] = []

        def are_there() -> bool:
            self.drain()
            provoked[:] = [line for line in self._lines if re.search(pattern, line[1])]
            return len(provoked) >= times

        wait_until(are_there, f"{pattern!r} on the console")
        assert len(provoked) == times
        self._lines = [line for line in self._lines if line not in provoked]

    def drain(self) -> None:
        for context in self._contexts:
            for page in context.pages:
                # What is under way between browser and test arrives before this is answered.
                page.evaluate("0")

    def unexpected(self) -> list[str]:
        self.drain()
        return [
            line
            for context, line in self._lines
            if not (
                (self._may_fail_to_connect or context in self._tolerant)
                and _FAILED_CONNECTION.fullmatch(line)
            )
        ]


@pytest.fixture
def profile() -> dict[str, Any]:
    """Return the options of a test's first browser profile."""
    return {"viewport": {"width": 900, "height": 700}}


@pytest.fixture
def context(chromium: Browser, profile: dict[str, Any]) -> Iterator[BrowserContext]:
    """Give the test a browser profile of its own."""
    with chromium.new_context(**profile) as context:
        context.set_default_timeout(PATIENCE * 1000)
        yield context


@pytest.fixture
def console(context: BrowserContext) -> Console:
    return Console(context)


# Before any fixture ends: what a page says about a server that a fixture stops is not of the test.
@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Hold every test to it that nothing unexpected is said on the console."""
    result = yield
    console = pyfuncitem.funcargs["console"]
    assert isinstance(console, Console)
    assert console.unexpected() == []
    return result


@pytest.fixture
def page(context: BrowserContext, console: Console) -> Page:
    """Open a page whose console is listened to."""
    return context.new_page()


@pytest.fixture
def open_page(chromium: Browser, console: Console) -> Iterator[OpenPage]:
    """Open a page in a browser profile with options of its own."""
    with contextlib.ExitStack() as contexts:

        def open_page(**options: Any) -> Page:
            context = contexts.enter_context(chromium.new_context(**options))
            context.set_default_timeout(PATIENCE * 1000)
            console.listen(context)
            return context.new_page()

        yield open_page


@pytest.fixture
def open_chat(request: pytest.FixtureRequest, serve: Serve, open_page: OpenPage) -> OpenChat:
    """Serve a chat of the test's own, and open a page of it that is connected."""

    def open_chat(
        reply: Reply | None = echo,
        *,
        app: FastAPI | None = None,
        server: Process | None = None,
        wire: bool = False,
        kept: bool = False,
        screen: Mapping[str, Any] | None = None,
        prefix: str = "/chat",
        guard: Callable[..., None] | None = None,
        frame: str | None = None,
        **options: Any,
    ) -> Person:
        """Return who reads it.

        Args:
            reply: Its reply function.
            app: Its host, if that is not made of the rest.
            server: What serves it at `/chat`, if that is a process of its own.
            wire: Whether there is something between page and server that can be broken.
            kept: Whether the server keeps the conversation.
            screen: A browser profile's options, if it is not that of the other pages of the test.
            prefix: Where it is.
            guard: What a host puts before it.
            frame: The sandbox, or nothing, of a frame around it in a page of the host's.
            options: The chat's.
        """
        asked: list[Asked] = []
        guards = [Depends(guard)] if guard else []
        app = app or make_app(reply, prefix=prefix, dependencies=guards, private=kept, **options)
        if frame is not None:
            add_frame(app, "/chat", sandbox=frame or None)
        app.add_middleware(Witness, asked=asked)
        origin = server or serve(app)
        relay = request.getfixturevalue("start_relay")(origin.port) if wire else None
        own_page = request.getfixturevalue("page") if screen is None else open_page(**screen)
        own_page.goto((relay or origin).url("/" if frame is not None else prefix))
        seen = own_page.frame_locator("iframe") if frame is not None else own_page
        person = Person(seen, wire=relay, asked=asked)
        person.is_connected()
        return person

    return open_chat


@pytest.fixture
def open_room(
    request: pytest.FixtureRequest, page: Page, serve: Serve, open_page: OpenPage
) -> OpenRoom:
    """Serve rooms of the test's own, between people and with a voice of the host's."""

    def open_room(server: Process | None = None, **options: Any) -> Room:
        start_relay = request.getfixturevalue("start_relay")
        return Room(server or serve(make_lounge(**options)), page, open_page, start_relay)

    return open_room


@pytest.fixture
def take_picture() -> TakePicture:
    """Keep pictures of a page for people to look at, where a folder is named for them."""
    folder = os.environ.get("ECHOCHAT_SCREENSHOTS")

    def take_picture(page: Page, name: str) -> None:
        if folder:
            is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=Path(folder, f"{name}-{scheme}.png"))
            page.emulate_media(color_scheme="dark" if is_dark else "light")

    return take_picture
