"""How a host makes the page its own: words, languages, colours, templates."""

from pathlib import Path

import pytest
from fastapi.responses import Response
from jinja2 import DictLoader
from playwright.sync_api import Page, expect

from fastapi_echochat.page.languages import CHINESE
from tests.apps import make_app
from tests.browser.conftest import OpenChat, OpenPage
from tests.browser.person import echoed
from tests.conftest import Serve

TEMPLATE = """
{% extends "fastapi_echochat/base.html" %}
{% block heading %}Help from <em>Ada</em>{% endblock %}
{% block footer %}<p id="imprint">{{ title }}, Zürich</p>{{ super() }}{% endblock %}
"""
schemes = pytest.mark.parametrize("scheme", ["light", "dark"])


def test_page_speaks_chinese(open_page: OpenPage, serve: Serve) -> None:
    """A browser set to Chinese gets a page in Chinese, its script's words included."""
    app = make_app()
    page = open_page(locale="zh-CN")

    page.goto(serve(app).url("/chat"))
    expect(page.get_by_role("status")).to_have_text(CHINESE["connected"])
    field = page.get_by_role("textbox", name=CHINESE["message"], exact=True)
    field.fill("你好")
    page.get_by_role("button", name=CHINESE["send"], exact=True).click()
    log = page.get_by_role("log", name=CHINESE["messages"])

    expect(log.locator("p")).to_have_text(echoed(["你好"]))
    expect(log.locator("b")).to_have_text([CHINESE["you"], "WebSocket Chat"])
    expect(page.locator("html")).to_have_attribute("lang", "zh")


def test_words_of_the_host(page: Page, open_chat: OpenChat) -> None:
    """`labels=` puts the host's words in the place of ours, also in what is said later."""
    labels = {"send": "Ask", "answer": "Ada <i>", "connected": "At your service"}

    person = open_chat(labels=labels)
    person.field.fill("who?")
    page.get_by_role("button", name="Ask", exact=True).click()

    person.reads(*echoed(["who?"]))
    expect(page.get_by_role("status")).to_have_text("At your service")
    expect(person.log.locator("b")).to_have_text(["You", "Ada <i>"])


@schemes
@pytest.mark.parametrize("is_first", [False, True])
def test_stylesheet_of_the_host(open_chat: OpenChat, scheme: str, is_first: bool) -> None:
    """A host's stylesheet sets our properties, linked before or after ours, in the dark too."""
    link = '<link rel="stylesheet" href="/shop.css">'
    head = f"{link}{{{{ super() }}}}" if is_first else f"{{{{ super() }}}}{link}"
    template = (
        '{% extends "fastapi_echochat/base.html" %}{% block head %}' + head + "{% endblock %}"
    )
    app = make_app(templates=DictLoader({"fastapi_echochat/chat.html": template}))

    @app.get("/shop.css")
    def shop() -> Response:
        return Response(
            ":root { --echochat-accent: rgb(1, 2, 3); --echochat-background: rgb(250, 240, 230);"
            " --echochat-font: monospace; --echochat-radius: 0px; --echochat-density: 2; }",
            media_type="text/css",
        )

    person = open_chat(app=app, screen={"color_scheme": scheme})
    person.talks("styled")

    mine = person.log.locator(".mine")
    expect(mine).to_have_css("background-color", "rgb(1, 2, 3)")
    expect(mine).to_have_css("border-radius", "0px")
    expect(mine).to_have_css("padding-top", "16px")
    expect(person.page.locator("body")).to_have_css("background-color", "rgb(250, 240, 230)")
    expect(person.page.locator("body")).to_have_css("font-family", "monospace")


def test_template_extends_the_packaged_one(page: Page, open_chat: OpenChat, tmp_path: Path) -> None:
    """A template in `templates=` replaces blocks of the packaged one, and the chat works in it."""
    folder = tmp_path / "fastapi_echochat"
    folder.mkdir()
    (folder / "chat.html").write_text(TEMPLATE, encoding="utf-8")

    person = open_chat(title="Q & A", templates=tmp_path, debug=True)
    person.talks("mine")
    expect(page.get_by_role("heading")).to_have_text("Help from Ada")
    expect(page.locator("h1 em")).to_have_count(1)
    expect(page.locator("#imprint")).to_have_text("Q & A, Zürich")
    expect(person.address).to_be_visible()
    expect(page).to_have_title("Q & A")


@pytest.mark.parametrize("block", ["header", "footer", "tools", "greeting"])
def test_block_left_out(page: Page, open_chat: OpenChat, tmp_path: Path, block: str) -> None:
    """A template may leave a block out, and the chat works without what stood in it."""
    folder = tmp_path / "fastapi_echochat"
    folder.mkdir()
    (folder / "chat.html").write_text(
        '{% extends "fastapi_echochat/base.html" %}{% block ' + block + " %}{% endblock %}"
    )

    person = open_chat(templates=tmp_path)
    person.talks("bare")
    page.reload()

    person.reads(*echoed(["bare"]))
    expect(page.locator("#echochat-save")).to_have_count(int(block in ("footer", "greeting")))
    expect(page.locator(block)).to_have_count(0)
