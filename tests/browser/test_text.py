"""Text is text: nothing that is said becomes markup, and all of it is shown as typed."""

import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, expect

from fastapi_echochat import EchoChat
from tests.browser.conftest import OpenChat, OpenRoom
from tests.browser.person import Person, echoed
from tests.conftest import Serve

MARKUP = [
    '<img src=x onerror="window.hacked = true">',
    "<script>window.hacked = true</script>",
    "</p></li></ol></div><script>window.hacked = true</script>",
    "&lt;b&gt; &amp; &#60;",
    "{{ 7 * 7 }} {size} ${7 * 7}",
    "javascript:window.hacked=true",
]


def test_markup_stays_text(page: Page, open_chat: OpenChat) -> None:
    """Markup in a message is shown as it was typed, and makes no element and runs no script."""
    person = open_chat()
    for text in MARKUP:
        person.says(text)

    expect(person.answers).to_have_count(len(MARKUP))
    assert sorted(person.texts.all_inner_texts()) == sorted(echoed(MARKUP))
    assert person.texts.locator("*").count() == 0
    assert page.evaluate("window.hacked") is None


def test_title_stays_text(page: Page, serve: Serve) -> None:
    """Markup in `title=` is shown as it was written, in the heading and in the tab."""
    titles = [*MARKUP, 'Quo"te & <b>bold</b>']
    app = FastAPI()
    for number, title in enumerate(titles):
        app.include_router(EchoChat(title=title).router, prefix=f"/{number}")
    server = serve(app)
    person = Person(page)

    for number, title in enumerate(titles):
        page.goto(server.url(f"/{number}"))
        person.reads_state("connected")
        assert page.get_by_role("heading").inner_text() == title
        assert page.title() == title
        assert page.evaluate("window.hacked") is None


def test_text_arrives_as_typed(open_chat: OpenChat) -> None:
    """Lines, spaces, emoji, scripts and escapes come back exactly as they were typed."""
    texts = [
        "a\nb\n\n  c\td",
        "👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301",
        "日本語と한국어",
        "\u202eevil\u202c good",
        "quotes \" ' ` and \\ backslashes \\u0041",
        "separators \u2028 and \u2029",
    ]

    person = open_chat()
    for number, text in enumerate(texts, start=1):
        person.says(text)
        expect(person.messages).to_have_count(2 * number)

    assert person.texts.all_text_contents() == echoed(texts)
    assert [person.texts.nth(2 * number).inner_text() for number in range(len(texts))] == texts


def test_each_text_has_its_own_direction(open_chat: OpenChat) -> None:
    """Hebrew and Arabic are set from right to left, and English beside them is not."""
    person = open_chat(lambda message: "שלום")
    person.says("hello")
    expect(person.messages).to_have_count(2)
    person.says("مرحبا")
    expect(person.messages).to_have_count(4)

    directions = [
        text.evaluate("p => getComputedStyle(p).direction") for text in person.texts.all()
    ]
    assert directions == ["ltr", "rtl", "rtl", "rtl"]


HALF = "a\\ud83d b"
"""Half of an emoji, as JavaScript spells it."""


@pytest.mark.parametrize("kept", [False, True])
def test_half_of_a_surrogate_pair_is_sent(open_chat: OpenChat, kept: bool) -> None:
    """Half of a surrogate pair, which UTF-8 cannot carry, is sent as U+FFFD."""
    person = open_chat(kept=kept)
    person.field.evaluate(
        f"""field => {{
            field.value = "{HALF}";
            field.dispatchEvent(new KeyboardEvent("keydown", {{ key: "Enter" }}));
        }}"""
    )
    person.reads(*echoed(["a\ufffd b"]))


def test_half_of_a_surrogate_pair_in_a_name(open_room: OpenRoom) -> None:
    """Half of a surrogate pair in a name is sent as U+FFFD as well, and one is let in."""
    ada = open_room().visit()
    ada.name.evaluate(f'name => {{ name.value = "{HALF}"; }}')
    ada.name.press("Enter")
    ada.says("here")
    ada.reads("here")

    expect(ada.rename).to_have_text("a\ufffd b")
