"""How a host makes the page its own: words, languages, colours, templates."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.responses import Response
from jinja2 import DictLoader
from playwright.sync_api import Page, expect

from fastapi_echochat import EchoChat
from fastapi_echochat.page.languages import CHINESE
from tests.browser.conftest import OpenPage
from tests.browser.person import Person, echoed
from tests.conftest import Serve

schemes = pytest.mark.parametrize("scheme", ["light", "dark"])


def test_page_speaks_chinese(open_page: OpenPage, serve: Serve) -> None:
    """A browser set to Chinese gets a page in Chinese, its script's words included."""
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/chat")
    page = open_page(locale="zh-CN")

    page.goto(serve(app).url("/chat"))
    expect(page.get_by_role("status")).to_have_text(CHINESE["connected"])
    field = page.get_by_role("textbox", name=CHINESE["message"], exact=True)
    field.fill("你好")
    page.get_by_role("button", name=CHINESE["send"], exact=True).click()
    log = page.get_by_role("log", name=CHINESE["messages"])

    expect(log.locator("p")).to_have_text(echoed(["你好"]))
    expect(log.locator("b")).to_have_text([CHINESE["you"], CHINESE["answer"]])
    expect(page.locator("html")).to_have_attribute("lang", "zh")


def test_words_of_the_host(page: Page, serve: Serve) -> None:
    """`labels=` puts the host's words in the place of ours, also in what is said later."""
    app = FastAPI()
    labels = {"send": "Ask", "answer": "Ada <i>", "connected": "At your service"}
    app.include_router(EchoChat(labels=labels).router, prefix="/chat")
    person = Person(page)

    page.goto(serve(app).url("/chat"))
    person.field.fill("who?")
    page.get_by_role("button", name="Ask", exact=True).click()

    person.reads(*echoed(["who?"]))
    expect(page.get_by_role("status")).to_have_text("At your service")
    expect(person.log.locator("b")).to_have_text(["You", "Ada <i>"])


@schemes
@pytest.mark.parametrize("is_first", [False, True])
def test_stylesheet_of_the_host(
    open_page: OpenPage, serve: Serve, scheme: str, is_first: bool
) -> None:
    """A host's stylesheet sets our properties, linked before or after ours, in the dark too."""
    app = FastAPI()

    @app.get("/shop.css")
    def shop() -> Response:
        return Response(
            ":root { --echochat-accent: rgb(1, 2, 3); --echochat-background: rgb(250, 240, 230);"
            " --echochat-font: monospace; --echochat-radius: 0px; --echochat-density: 2; }",
            media_type="text/css",
        )

    link = '<link rel="stylesheet" href="/shop.css">'
    head = f"{link}{{{{ super() }}}}" if is_first else f"{{{{ super() }}}}{link}"
    template = (
        '{% extends "fastapi_echochat/base.html" %}{% block head %}' + head + "{% endblock %}"
    )
    chat = EchoChat(templates=DictLoader({"fastapi_echochat/chat.html": template}))
    app.include_router(chat.router, prefix="/chat")
    page = open_page(color_scheme=scheme)
    person = Person(page)

    page.goto(serve(app).url("/chat"))
    person.says("styled")
    person.reads(*echoed(["styled"]))

    mine = person.log.locator(".mine")
    expect(mine).to_have_css("background-color", "rgb(1, 2, 3)")
    expect(mine).to_have_css("border-radius", "0px")
    expect(mine).to_have_css("padding-top", "12px")
    expect(page.locator("body")).to_have_css("background-color", "rgb(250, 240, 230)")
    expect(page.locator("body")).to_have_css("font-family", "monospace")


@pytest.mark.parametrize("block", ["header", "footer", "tools"])
def test_block_left_out(page: Page, serve: Serve, tmp_path: Path, block: str) -> None:
    """A template may leave a block out, and the chat works without what stood in it."""
    folder = tmp_path / "fastapi_echochat"
    folder.mkdir()
    (folder / "chat.html").write_text(
        '{% extends "fastapi_echochat/base.html" %}{% block ' + block + " %}{% endblock %}"
    )
    app = FastAPI()
    app.include_router(EchoChat(templates=tmp_path).router, prefix="/chat")
    person = Person(page)

    page.goto(serve(app).url("/chat"))
    person.says("bare")
    person.reads(*echoed(["bare"]))
    page.reload()

    person.reads(*echoed(["bare"]))
    expect(page.locator("#echochat-save")).to_have_count(int(block == "header"))
