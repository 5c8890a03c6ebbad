"""A real Chromium: Debian's, driven by Playwright, one for all tests of a process."""

import asyncio
import shutil

import pytest
from playwright.sync_api import Browser, sync_playwright

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


class Chromium:
    """A browser, and the event loop that Playwright keeps running in the thread of the tests.

    The loop is marked as running only while a test has the browser: other tests run loops of their
    own in this thread. Between its calls Playwright does nothing that needs the mark.
    """

    def __init__(self) -> None:
        path = find_chromium()
        self._playwright = sync_playwright().start()
        self._loop = asyncio.get_running_loop()
        self.browser: Browser = self._playwright.chromium.launch(executable_path=path, args=QUIET)
        self.put_aside()

    def take_up(self) -> None:
        asyncio._set_running_loop(self._loop)

    def put_aside(self) -> None:
        asyncio._set_running_loop(None)

    def quit(self) -> None:
        self.take_up()
        self.browser.close()
        self._playwright.stop()


_KEY = pytest.StashKey[Chromium]()


def chromium_of(config: pytest.Config) -> Chromium:
    """Return the browser of this process, which is started for the first test that wants it."""
    if _KEY not in config.stash:
        config.stash[_KEY] = Chromium()
        config.add_cleanup(config.stash[_KEY].quit)
    return config.stash[_KEY]


def find_chromium() -> str:
    """Return the path of a Chromium.

    The one without a window's frame, where it is installed, needs a third of the processor time for
    each new page: the whole browser opens a window for it, though nobody sees it.
    """
    return shutil.which("chromium-headless-shell") or find_program("chromium")
