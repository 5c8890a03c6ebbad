"""The pictures at the top of the README. This makes them anew: `python -m tests.screenshots`."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect, sync_playwright

from fastapi_echochat import EchoChat, MemoryRooms, Message
from tests.browser.chromium import QUIET, find_chromium
from tests.documents import ROOT
from tests.servers import Uvicorn

FOLDER = ROOT / ".github" / "screenshots"

TALK = {
    "Which of your teas can I drink in the evening?": """\
Two have **no caffeine** at all:

| Tea | Caffeine | Steep for |
| --- | --- | ---: |
| Rooibos | none | 6 min |
| Camomile | none | 5 min |
| Hōjicha | a little | 1 min |

Hōjicha is roasted, and mild.
""",
    "Rooibos, please. Do you have an API?": """\
Of course. Orders before *4 p.m.* leave today:

```sh
curl -d tea=rooibos https://tea.example/orders
```
""",
}
ROOM = [
    ("Grace", "The release is at three. Has anyone seen the last test run?"),
    ("Ada", "All green since lunch. I'm writing the notes."),
    ("Alan", "One machine was slow, so I gave it more time 🐢"),
    ("Grace", "Great, then I'll order the cake 🎂"),
    ("Ada", "Two, please. Everybody is here today."),
]


async def answer(message: Message) -> AsyncIterator[str]:
    """Answer as somebody who types fast."""
    for piece in TALK[message.text].splitlines(keepends=True):
        yield piece
        await asyncio.sleep(0.01)


def make_host() -> FastAPI:
    """Make an application with a bot and with rooms."""
    app = FastAPI()
    app.include_router(EchoChat(answer, title="Tea house").router, prefix="/bot")
    rooms = EchoChat(None, title="Lounge", rooms=MemoryRooms())
    app.include_router(rooms.router, prefix="/rooms/{room}")
    return app


def say(page: Page, text: str) -> None:
    """Send a message, and wait until it is shown."""
    page.locator("#echochat-field").fill(text)
    page.locator("#echochat-send").click()
    expect(page.locator("#echochat-log")).to_contain_text(text)


def open_page(browser: Browser, url: str) -> Page:
    """Open a page in a browser profile of its own."""
    screen = browser.new_context(viewport={"width": 560, "height": 720}, device_scale_factor=1.5)
    page = screen.new_page()
    page.goto(url)
    return page


def talk_with_bot(browser: Browser, server: Uvicorn) -> Page:
    """Ask the bot everything that it knows."""
    page = open_page(browser, server.url("/bot"))
    for question in TALK:
        say(page, question)
        expect(page.locator("#echochat-stop")).to_be_hidden()
    expect(page.locator("#echochat-log pre")).to_contain_text("curl")
    return page


def talk_in_room(browser: Browser, server: Uvicorn) -> Page:
    """Let three people talk, one of whom goes on typing, and return what one of them sees."""
    pages: dict[str, Page] = {}
    for name in ("Ada", "Grace", "Alan"):
        page = pages[name] = open_page(browser, server.url("/rooms/lobby"))
        page.locator("#echochat-name").fill(name)
        page.locator("#echochat-join").click()
    for name, text in ROOM:
        say(pages[name], text)
    pages["Alan"].locator("#echochat-field").press_sequentially("Lemon")
    expect(pages["Ada"].locator("#echochat-writing")).to_contain_text("Alan")
    return pages["Ada"]


def take_pictures(page: Page, name: str) -> list[Path]:
    """Take a page's pictures, in light and in dark mode."""
    paths = []
    for scheme, ending in (("light", ""), ("dark", "-dark")):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        paths.append(FOLDER / f"{name}{ending}.png")
        # No cursor blinks in it.
        page.screenshot(path=paths[-1], caret="hide")
    return paths


def main() -> None:
    """Make all pictures, and print how large they are."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    server = Uvicorn(make_host())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        paths = take_pictures(talk_with_bot(browser, server), "bot")
        paths += take_pictures(talk_in_room(browser, server), "room")
        browser.close()
    server.stop()
    for path in paths:
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
