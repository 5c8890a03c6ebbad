"""The widget on pages of a host with a strict policy: opened, closed, remembered, by keyboard."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response
from playwright.sync_api import FrameLocator, Page, expect

from fastapi_echochat import EchoChat, MemoryRooms, Message
from fastapi_echochat.page.languages import ENGLISH
from tests.apps import make_app
from tests.browser.axe import violations
from tests.browser.conftest import Console, OpenPage, TakePicture
from tests.browser.person import Person, box_of, echoed
from tests.clients import Client
from tests.conftest import Serve

STRICT = "default-src 'self'"
CSS = """
    :root { color-scheme: light dark; color: #17211f; background: #fff; --link: #0b6e5f }
    @media (prefers-color-scheme: dark) {
        :root { color: #e7edeb; background: #17211f; --link: #5cc9b5 }
    }
    body { font-family: system-ui, sans-serif; margin: 2rem }
    a { color: var(--link) }
"""


def make_host(
    *scripts: str, css: str = "", in_head: str = "", path: str = "/", policy: str = STRICT
) -> FastAPI:
    """Make a shop with a chat, and a page with widgets: the attributes of their scripts."""
    elements = "".join(f"<script {attributes} defer></script>" for attributes in scripts)
    html = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <link rel="stylesheet" href="shop.css"><link rel="icon" href="support/chat?asset=icon.svg">
        {in_head}{elements}</head><body><main><h1>Shop</h1><p>Everything for the house.</p>
        <p><a href="shop.css">How it looks</a></p></main></body></html>"""

    def page() -> Response:
        return Response(html, media_type="text/html", headers={"content-security-policy": policy})

    def stylesheet() -> Response:
        return Response(CSS + css, media_type="text/css")

    app = make_app(prefix="/support/chat")
    app.add_api_route(path, page, include_in_schema=False)
    app.add_api_route("/shop.css", stylesheet, include_in_schema=False)
    return app


SCRIPT = 'src="/support/chat?asset=widget.js"'


class Widget:
    """The widget as a person finds it on a page."""

    def __init__(self, page: Page, label: str = "Chat", close_label: str = "Close") -> None:
        self.page = page
        self.opener = page.get_by_role("button", name=label, exact=True)
        self.panel = page.get_by_role("dialog", name=label)
        self.closer = self.panel.get_by_role("button", name=close_label)
        self.iframe = page.locator(f'iframe[title="{label}"]')
        self.frame: FrameLocator = page.frame_locator(f'iframe[title="{label}"]')
        self.chat = Person(self.frame)

    def is_open(self) -> None:
        expect(self.opener).to_have_attribute("aria-expanded", "true")
        expect(self.panel).to_be_visible()

    def is_closed(self) -> None:
        expect(self.opener).to_have_attribute("aria-expanded", "false")
        expect(self.panel).to_be_hidden()


OpenWidget = Callable[..., Widget]


@pytest.fixture
def open_widget(page: Page, open_page: OpenPage, serve: Serve) -> OpenWidget:
    """Open a page of a host that has a widget."""

    def open_widget(
        *,
        app: FastAPI | None = None,
        path: str = "/",
        words: tuple[str, ...] = (),
        **screen: Any,
    ) -> Widget:
        shown = open_page(**screen) if screen else page
        shown.goto(serve(app or make_host(SCRIPT)).url(path))
        return Widget(shown, *words)

    return open_widget


def focused(page: Page) -> str:
    """Return the tag and the text of what has the focus, within the widget too."""
    found: str = page.evaluate(
        """() => {
            let element = document.activeElement;
            while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
            return `${element.localName} ${element.textContent}`.trim();
        }"""
    )
    return found


def test_echo_in_the_widget(page: Page, open_widget: OpenWidget, take_picture: TakePicture) -> None:
    """Opened on a page with a strict policy, the widget shows the chat, which echoes.

    A chat that is closed goes on where it was when it is opened again. A page with the widget has
    no barrier that axe finds, closed and open, light and dark.
    """
    widget = open_widget()
    widget.is_closed()
    expect(widget.iframe).to_have_count(0)
    assert violations(page) == []
    take_picture(page, "widget-closed")

    widget.opener.click()

    widget.is_open()
    widget.chat.talks("NBA")
    assert violations(page) == []
    take_picture(page, "widget-open")

    widget.closer.click()
    widget.is_closed()
    assert focused(page) == "button Chat"
    widget.opener.click()

    widget.chat.reads(*echoed(["NBA"]))
    widget.opener.click()
    widget.is_closed()


def test_open_or_closed_is_remembered(page: Page, open_widget: OpenWidget) -> None:
    """Open or closed, the widget is so on the next page too, and takes no focus there."""
    widget = open_widget()
    widget.opener.click()
    widget.is_open()

    page.reload()
    widget.is_open()
    widget.chat.reads_state("connected")
    assert focused(page).startswith("body")

    widget.closer.click()
    widget.is_closed()
    page.reload()
    expect(widget.opener).to_be_visible()
    widget.is_closed()
    expect(widget.iframe).to_have_count(0)


def test_storage_that_is_refused(page: Page, open_widget: OpenWidget) -> None:
    """In a browser that refuses to store anything the widget works, and forgets."""
    page.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('no'); } })"
    )
    widget = open_widget()

    widget.opener.click()
    widget.is_open()
    page.reload()

    expect(widget.opener).to_be_visible()
    widget.is_closed()


def test_keyboard_alone(page: Page, open_widget: OpenWidget) -> None:
    """The widget is found, opened, spoken to, and closed from inside and outside, by keys alone."""
    widget = open_widget()

    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert focused(page) == "button Chat"
    page.keyboard.press("Enter")
    widget.is_open()
    expect(widget.chat.field).to_be_focused()
    page.keyboard.type("NBA")
    page.keyboard.press("Enter")
    widget.chat.reads(*echoed(["NBA"]))
    page.keyboard.press("Escape")
    widget.is_closed()
    assert focused(page) == "button Chat"

    page.keyboard.press("Space")
    expect(widget.chat.field).to_be_focused()
    widget.closer.focus()
    page.keyboard.press("Escape")
    widget.is_closed()
    assert focused(page) == "button Chat"
    page.keyboard.press("Enter")
    expect(widget.chat.field).to_be_focused()
    widget.opener.focus()
    page.keyboard.press("Escape")
    widget.is_closed()


def test_escape_stops_before_it_closes(open_widget: OpenWidget) -> None:
    """Escape stops an answer that is being written; with none to stop it closes the widget."""

    async def go_on(message: Message) -> AsyncIterator[str]:
        yield message.text
        await asyncio.Event().wait()

    app = make_host('src="/bot?asset=widget.js"')
    app.include_router(EchoChat(go_on).router, prefix="/bot")
    widget = open_widget(app=app)
    widget.opener.click()
    widget.chat.says("and")
    widget.chat.reads("and", "and")

    widget.chat.field.press("Escape")
    expect(widget.chat.log).to_contain_text(ENGLISH["stopped"])
    widget.is_open()
    widget.chat.field.press("Escape")
    widget.is_closed()


def test_phone(open_widget: OpenWidget, take_picture: TakePicture) -> None:
    """On a phone the open widget fills the window, keeps the keys to itself, and can be closed."""
    widget = open_widget(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    expect(widget.opener).to_be_visible()
    take_picture(widget.page, "widget-phone-closed")

    widget.opener.tap()
    widget.chat.talks("NBA")
    take_picture(widget.page, "widget-phone")

    assert widget.panel.bounding_box() == {"x": 0, "y": 0, "width": 360, "height": 640}
    assert violations(widget.page) == []
    widget.closer.tap()
    widget.is_closed()
    assert focused(widget.page) == "button Chat"
    widget.opener.tap()
    expect(widget.chat.field).to_be_focused()
    widget.page.keyboard.press("Escape")
    widget.is_closed()
    widget.opener.tap()
    widget.page.reload()
    widget.is_open()
    expect(widget.closer).to_be_focused()


def test_forced_colours(open_widget: OpenWidget, take_picture: TakePicture) -> None:
    """Where the person's colours are forced, button and panel have borders to be seen by."""
    widget = open_widget(forced_colors="active", viewport={"width": 900, "height": 700})
    widget.opener.click()
    widget.chat.reads_state("connected")

    for part in (widget.opener, widget.panel):
        border = "element => getComputedStyle(element).borderBlockStart"
        assert part.evaluate(border).startswith("1px solid rgb")
    take_picture(widget.page, "widget-forced-colours")


def test_words_and_colour_of_the_host(
    page: Page, open_widget: OpenWidget, take_picture: TakePicture
) -> None:
    """The script element gives the words, a custom property of the page the colour."""
    attributes = 'data-label="Ask us" data-close-label="Done"'
    app = make_host(
        f"{SCRIPT} {attributes}",
        css=":root{--echochat-accent:#7a1f5c}aside,button,dialog,iframe{display:none}",
    )
    widget = open_widget(app=app, words=("Ask us", "Done"))

    background = "element => getComputedStyle(element).backgroundColor"
    assert widget.opener.evaluate(background) == "rgb(122, 31, 92)"
    widget.opener.click()
    widget.is_open()
    widget.chat.reads_state("connected")
    take_picture(page, "widget-of-the-host")
    widget.closer.click()
    widget.is_closed()


def test_two_chats_on_a_page(page: Page, serve: Serve, take_picture: TakePicture) -> None:
    """Two chats are two buttons side by side, one open at a time; the same chat twice is one."""
    app = make_host(
        f'{SCRIPT} data-label="Support"',
        'src="/tenants/acme/chat?asset=widget.js&amp;v=1" data-label="Sales"',
        f'{SCRIPT} data-label="Again"',
    )

    async def shout(message: Message) -> str:
        return message.text.upper()

    app.include_router(EchoChat(shout).router, prefix="/tenants/{tenant}/chat")
    page.goto(serve(app).url("/"))
    support, sales = Widget(page, "Support"), Widget(page, "Sales")
    expect(page.get_by_role("button")).to_have_count(2)
    left, right = box_of(support.opener), box_of(sales.opener)
    assert left["x"] + left["width"] <= right["x"]
    assert violations(page) == []

    support.opener.click()
    support.chat.talks("nba")
    sales.opener.click()

    support.is_closed()
    sales.is_open()
    sales.chat.says("nba")
    sales.chat.reads("nba", "NBA")
    take_picture(page, "widget-twice")
    page.reload()
    sales.is_open()
    support.is_closed()


def sub_application() -> tuple[FastAPI, str]:
    app = make_host('src="/api/help?asset=widget.js"')
    api = make_app(prefix="/help")
    app.mount("/api", api)
    return app, "/"


def root_path() -> tuple[FastAPI, str]:
    app = FastAPI()
    app.mount("/behind/prefix", make_host('src="support/chat/?asset=widget.js"', path="/shop"))
    return app, "/behind/prefix/shop"


def with_a_query() -> tuple[FastAPI, str]:
    return make_host('src="/support/chat?tenant=a%20b&amp;asset=widget.js"'), "/"


def not_deferred() -> tuple[FastAPI, str]:
    return make_host(in_head=f"<script {SCRIPT}></script>"), "/"


@pytest.mark.parametrize("make", [sub_application, root_path, with_a_query, not_deferred])
def test_widget_finds_its_chat(
    open_widget: OpenWidget, make: Callable[[], tuple[FastAPI, str]]
) -> None:
    """Wherever the chat is mounted and the script stands, the widget opens that chat."""
    app, path = make()
    widget = open_widget(app=app, path=path)

    widget.opener.click()
    widget.chat.talks("NBA")


def test_look_of_the_host_in_the_frame(page: Page, open_widget: OpenWidget) -> None:
    """The page in the frame has the colours and the font of its host, also when they change."""
    css = (
        ":root{--echochat-accent:#7a1f5c;--echochat-font:serif}"
        ":root.night{--echochat-accent:#f0b37e;--echochat-background:#1f1712}"
    )
    widget = open_widget(app=make_host(SCRIPT, css=css))
    widget.opener.click()
    widget.chat.reads_state("connected")
    root = widget.frame.locator(":root")
    accent = "root => getComputedStyle(root).getPropertyValue('--echochat-accent')"
    background = "body => getComputedStyle(body).backgroundColor"

    assert root.evaluate(accent) == "#7a1f5c"
    body = widget.frame.locator("body")
    assert body.evaluate("body => getComputedStyle(body).fontFamily") == "serif"
    assert body.evaluate(background) == "rgb(255, 255, 255)"
    page.evaluate("document.documentElement.classList.add('night')")
    expect(body).to_have_css("background-color", "rgb(31, 23, 18)")
    assert root.evaluate(accent) == "#f0b37e"
    page.evaluate("document.documentElement.classList.remove('night')")
    expect(body).to_have_css("background-color", "rgb(255, 255, 255)")


@pytest.mark.parametrize(("screen", "least"), [({}, 36), ({"has_touch": True}, 44)])
def test_one_header(open_widget: OpenWidget, screen: dict[str, Any], least: int) -> None:
    """The panel's only header is the page's own, and its button, wide enough, covers nothing."""
    widget = open_widget(**screen)
    widget.opener.click()
    widget.chat.reads_state("connected")
    expect(widget.panel.locator("header")).to_have_count(0)
    button = box_of(widget.closer)
    assert min(button["width"], button["height"]) >= least
    for part in widget.frame.locator("header > :visible").all():
        box = box_of(part)
        assert box["x"] + box["width"] <= button["x"] or box["y"] >= button["y"] + button["height"]


class Gate:
    """A reply function that answers when it is let."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()

    async def answer(self, message: Message) -> str:
        await self.is_open.wait()
        self.is_open.clear()
        return message.text


@pytest.mark.parametrize("kept", [False, True])
def test_unread_answers(page: Page, serve: Serve, kept: bool) -> None:
    """What comes while the widget is closed is counted on its button and in the title.

    When it is opened it is read, and a line says where it begins.
    """
    gate = Gate()
    app = make_host('src="/bot?asset=widget.js"')
    options: dict[str, Any] = {"rooms": MemoryRooms(), "private": True} if kept else {}
    app.include_router(EchoChat(gate.answer, **options).router, prefix="/bot")

    @app.post("/open")
    async def open_gate() -> None:
        gate.is_open.set()

    server = serve(app)
    page.goto(server.url("/"))
    widget = Widget(page)
    widget.opener.click()
    widget.chat.says("one")
    widget.chat.says("two")
    widget.chat.reads("one", "two")
    widget.closer.click()
    for number in (1, 2):
        httpx.post(server.url("/open"))
        counted = page.get_by_role("button", name=f"Chat ({number})", exact=True)
        expect(counted).to_be_visible()
        expect(page).to_have_title(f"({number}) Shop")
    counted.click()

    widget.is_open()
    expect(page).to_have_title("Shop")
    expect(widget.chat.log.locator(".fresh")).to_have_text([ENGLISH["new"]])
    following = "mark => mark.nextElementSibling.querySelector('p').textContent"
    assert widget.chat.log.locator(".fresh").evaluate(following) == "one"
    widget.chat.says("three")
    expect(widget.chat.log.locator(".fresh")).to_have_count(0)
    httpx.post(server.url("/open"))
    expect(widget.chat.answers).to_have_count(3)
    expect(page).to_have_title("Shop")


def test_unread_messages_of_a_room(page: Page, serve: Serve) -> None:
    """What others say while the widget is closed is counted, whatever the page is called then."""
    app = make_host('src="/rooms/lobby?asset=widget.js"')
    chat = EchoChat(None, rooms=MemoryRooms())
    app.include_router(chat.router, prefix="/rooms/{room}")
    server = serve(app)
    page.goto(server.url("/"))
    widget = Widget(page)
    widget.opener.click()
    widget.frame.get_by_role("textbox", name=ENGLISH["your_name"]).fill("Ada")
    widget.frame.get_by_role("button", name=ENGLISH["join"]).click()
    widget.chat.says("hello")
    widget.closer.click()
    with Client(server.ws("/rooms/lobby"), "Bob") as bob:
        bob.tell("one")
        expect(page).to_have_title("(1) Shop")
        page.evaluate("document.title = 'Basket'")
        bob.tell("two")
        expect(page).to_have_title("(2) Basket")
        expect(widget.opener).to_have_count(0)
        page.get_by_role("button", name="Chat (2)").click()
        expect(page).to_have_title("Basket")


def test_body_that_is_replaced(page: Page, open_widget: OpenWidget) -> None:
    """Where a library replaces the page's body, the widget stays, and so does its conversation."""
    widget = open_widget()
    widget.opener.click()
    widget.chat.talks("NBA")
    widget.iframe.evaluate("frame => frame.contentWindow.isTheSame = true")
    page.evaluate(
        """() => {
            const body = document.createElement("body");
            body.innerHTML = "<main><h1>Another page</h1></main>";
            document.body.replaceWith(body);
            document.body.innerHTML = "<main><h1>A third one</h1></main>";
        }"""
    )
    expect(page.get_by_role("heading", name="A third one")).to_be_visible()
    widget.is_open()
    widget.chat.says("still")
    widget.chat.reads(*echoed(["NBA", "still"]))
    assert widget.iframe.evaluate("frame => frame.contentWindow.isTheSame")


LINK = """
    const link = document.createElement("a");
    link.href = "/support/chat";
    link.dataset.echochatOpen = "";
    link.textContent = "Ask us";
    document.querySelector("main").append(link);
"""
EVENT = "document.dispatchEvent(new Event('echochat:open'))"


@pytest.mark.parametrize("how", ["link", "event"])
def test_host_opens_the_widget(page: Page, open_widget: OpenWidget, how: str) -> None:
    """A link of the host's to the chat, or an event, opens the widget; open it stays."""
    widget = open_widget()
    page.evaluate(LINK)
    for _ in range(2):
        if how == "link":
            page.get_by_role("link", name="Ask us").click()
        else:
            page.evaluate(EVENT)
        widget.is_open()
        expect(widget.chat.field).to_be_focused()
    assert page.url.endswith("/")
    page.evaluate("document.querySelector('[data-echochat-open]').href = '/shop.css'")
    widget.closer.click()
    page.get_by_role("link", name="Ask us").click()
    expect(page).to_have_url(re.compile("/shop.css$"))


def test_host_that_forbids_frames(page: Page, open_widget: OpenWidget, console: Console) -> None:
    """Where the host's policy forbids the frame, the panel has a link to the chat instead."""
    app = make_host(SCRIPT, policy="default-src 'self'; frame-src 'none'")
    widget = open_widget(app=app)
    widget.opener.click()
    link = widget.panel.get_by_role("link", name="Open the chat in a tab of its own")
    expect(link).to_have_attribute("href", re.compile("/support/chat$"))
    expect(widget.iframe).to_be_hidden()
    page.keyboard.press("Escape")
    widget.closer.click()
    widget.is_closed()
    widget.opener.click()
    expect(link).to_be_visible()
    console.take("^Framing .*frame-src")
