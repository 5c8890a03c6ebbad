"""A real Chromium: Debian's, driven by Playwright."""

import os
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.relay import Relay
from tests.servers import PATIENCE, Process, find_program, uvicorn_process

OpenPage = Callable[..., Page]
StartProcess = Callable[..., Process]
StartRelay = Callable[[int], Relay]
TakePicture = Callable[[Page, str], None]

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What Chromium itself writes for a handshake that fails and for a request without a good answer.
# No page can keep it from doing so.
_FAILED_CONNECTION = re.compile(
    r"WebSocket connection to 'ws://[^']+' failed: .*"
    r"|Failed to load resource: (net::ERR_\w+|the server responded with a status of \d{3} .*)"
)

expect.set_options(timeout=PATIENCE * 1000)


# Not for the whole session: Playwright keeps an event loop running in this thread, and tests of
# other folders start theirs here.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Start one browser for all tests of a folder."""
    path = find_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


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

    def take(self, pattern: str) -> None:
        """Find the one line that a test has provoked, and take it off the list."""
        self.drain()
        (line,) = [line for line in self._lines if re.search(pattern, line[1])]
        self._lines.remove(line)

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
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """Give the test a browser profile of its own."""
    context = chromium.new_context(viewport={"width": 900, "height": 700})
    context.set_default_timeout(PATIENCE * 1000)
    yield context
    context.close()


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
    contexts: list[BrowserContext] = []

    def open_page(**options: Any) -> Page:
        context = chromium.new_context(**options)
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        console.listen(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[StartProcess]:
    """Start `uvicorn host:app` in a process, the module's source given, until the test ends."""
    processes: list[Process] = []

    def start(source: str, folder: Path = tmp_path) -> Process:
        process = uvicorn_process(source, folder)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.stop()


@pytest.fixture
def start_relay() -> Iterator[StartRelay]:
    """Put a wire that can be broken before a port, until the test ends."""
    relays: list[Relay] = []

    def start(port: int) -> Relay:
        relay = Relay(port)
        relays.append(relay)
        return relay

    yield start
    for relay in relays:
        relay.stop()


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
