"""A real Chromium: Debian's, driven by Playwright."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.servers import find_program

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start one browser for all tests."""
    path = find_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


class Console:
    """What a page and its frames say on the console."""

    def __init__(self, context: BrowserContext) -> None:
        self.lines: list[str] = []
        context.on("console", lambda message: self.lines.append(message.text))
        context.on("weberror", lambda error: self.lines.append(str(error.error)))


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """Give the test a browser profile of its own."""
    context = chromium.new_context(viewport={"width": 900, "height": 700})
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def console(context: BrowserContext) -> Console:
    return Console(context)


@pytest.fixture
def page(context: BrowserContext, console: Console) -> Page:
    """Open a page whose console is listened to."""
    return context.new_page()
