"""Templates of a host's, which stand in for the packaged one."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from jinja2 import DictLoader
from playwright.sync_api import Page, expect

from fastapi_echochat import EchoChat
from tests.browser.person import Person, echoed
from tests.conftest import Serve

TEMPLATE = """
{% extends "fastapi_echochat/base.html" %}
{% block heading %}Help from <em>Ada</em>{% endblock %}
{% block footer %}<p id="imprint">{{ title }}, Zürich</p>{{ super() }}{% endblock %}
"""


def test_template_extends_the_packaged_one(page: Page, serve: Serve, tmp_path: Path) -> None:
    """A template in `templates=` replaces blocks of the packaged one, and the chat works in it."""
    folder = tmp_path / "fastapi_echochat"
    folder.mkdir()
    (folder / "chat.html").write_text(TEMPLATE, encoding="utf-8")
    app = FastAPI()
    chat = EchoChat(title="Q & A", templates=tmp_path)
    app.include_router(chat.router, prefix="/chat")
    person = Person(page)

    page.goto(serve(app).url("/chat"))
    person.says("mine")

    person.reads(*echoed(["mine"]))
    expect(page.get_by_role("heading")).to_have_text("Help from Ada")
    expect(page.locator("h1 em")).to_have_count(1)
    expect(page.locator("#imprint")).to_have_text("Q & A, Zürich")
    expect(person.address).to_be_visible()
    expect(page).to_have_title("Q & A")


@pytest.mark.parametrize("block", ["header", "footer"])
def test_template_leaves_a_block_out(page: Page, serve: Serve, block: str) -> None:
    """A template may leave header or footer out: the chat works without what stood in it."""
    template = '{% extends "fastapi_echochat/base.html" %}{% block ' + block + " %}{% endblock %}"
    app = FastAPI()
    chat = EchoChat(templates=DictLoader({"fastapi_echochat/chat.html": template}))
    app.include_router(chat.router, prefix="/chat")
    person = Person(page)

    page.goto(serve(app).url("/chat"))
    person.says("bare")

    person.reads(*echoed(["bare"]))
    expect(page.locator(block)).to_have_count(0)
