"""Writing a message, and the keys that help with it."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from fastapi_echochat import Limits
from fastapi_echochat.page.languages import ENGLISH
from tests.apps import make_app
from tests.browser.conftest import OpenChat, OpenRoom
from tests.browser.hosts import add_widget
from tests.browser.person import Person, box_of, echoed
from tests.browser.test_layout import SCREENS

LIMIT = 20


def test_shift_enter_makes_a_new_line(open_chat: OpenChat) -> None:
    """Shift+Enter breaks the line in the field, and the message keeps its lines on its way.

    The field gets higher with each of the first lines, and is small again once sent.
    """
    person = open_chat()
    heights = [box_of(person.field)["height"]]
    for line in ("one", "  two", "three"):
        person.field.press_sequentially(line)
        person.field.press("Shift+Enter")
        heights.append(box_of(person.field)["height"])
    person.field.press_sequentially("end")
    expect(person.field).to_have_value("one\n  two\nthree\nend")
    expect(person.messages).to_have_count(0)
    person.field.press("Enter")

    expect(person.messages).to_have_count(2)
    # What is seen, not what is in the document: line breaks and spaces could collapse.
    assert person.texts.all_inner_texts() == echoed(["one\n  two\nthree\nend"])
    assert heights == sorted(set(heights))
    assert box_of(person.field)["height"] == heights[0]


def test_arrow_up_brings_back_the_last_message(open_chat: OpenChat) -> None:
    """Arrow up in an empty field brings back what was sent last, ready to be changed.

    In a field that has text it moves the cursor and nothing else.
    """
    person = open_chat()
    person.says("first")
    person.says("last")
    person.field.press("ArrowUp")
    expect(person.field).to_have_value("last")
    person.field.press("End")
    person.field.press_sequentially(" but one")
    person.field.press("Enter")

    expect(person.mine).to_have_text(["first", "last", "last but one"])
    person.field.fill("being typed")
    person.field.press("ArrowUp")
    expect(person.field).to_have_value("being typed")


def test_send_button_sends(open_chat: OpenChat) -> None:
    """A click on Send sends, and the cursor is in the field for the next message.

    A message of nothing but white space is neither sent nor shown.
    """
    person = open_chat()
    for nothing in ("", "   ", "\n\n\t "):
        person.says(nothing)
        person.send.click()
    person.field.fill("by mouse")
    person.send.click()

    # Answers come in order: whatever was sent before would have been answered before.
    person.reads(*echoed(["by mouse"]))
    expect(person.field).to_be_focused()


def test_enter_of_an_input_method_does_not_send(
    page: Page, open_chat: OpenChat, context: BrowserContext
) -> None:
    """The Enter that ends a composition, as of Japanese, belongs to the input method."""
    person = open_chat()
    expect(person.field).to_be_focused()
    devtools = context.new_cdp_session(page)
    composition = {"text": "にほん", "selectionStart": 3, "selectionEnd": 3}
    devtools.send("Input.imeSetComposition", composition)
    # The page hears of this key, and the input method keeps the line break to itself.
    enter = {"type": "rawKeyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
    devtools.send("Input.dispatchKeyEvent", enter)
    expect(person.field).to_have_value("にほん")
    devtools.send("Input.insertText", {"text": "日本"})
    page.keyboard.press("Enter")

    person.reads(*echoed(["日本"]))


def test_message_over_the_limit_is_refused_before_it_is_sent(open_chat: OpenChat) -> None:
    """A message over the limit stays in the field, with its size and the limit beside it."""
    # Eleven characters of two bytes each: it is bytes that count.
    text = "ü" * 11

    person = open_chat(limits=Limits(message_bytes=LIMIT))
    person.says(text)

    expect(person.refusal).to_have_text(ENGLISH["too_long"].format(size=22, limit=LIMIT))
    expect(person.field).to_have_value(text)
    expect(person.field).to_have_attribute("aria-invalid", "true")
    expect(person.messages).to_have_count(0)

    person.field.press("Backspace")
    expect(person.refusal).to_be_hidden()
    expect(person.field).to_have_attribute("aria-invalid", "false")
    person.field.press("Enter")
    person.reads(*echoed(["ü" * 10]))


def test_message_of_exactly_the_limit_is_sent(open_chat: OpenChat) -> None:
    """A message of as many bytes as allowed is sent, however many characters that makes."""
    texts = ["a" * LIMIT, "ü" * (LIMIT // 2), "😀" * (LIMIT // 4)]

    person = open_chat(limits=Limits(message_bytes=LIMIT))
    for number, text in enumerate(texts, start=1):
        person.says(text)
        expect(person.messages).to_have_count(2 * number)

    person.reads(*echoed(texts))
    expect(person.refusal).to_be_hidden()


def test_without_a_limit_a_long_message_is_sent(open_chat: OpenChat) -> None:
    """Under `Limits(message_bytes=None)` the page refuses nothing."""
    text = "long " * 30_000 + "end"

    person = open_chat(limits=Limits(message_bytes=None))
    person.talks(text)


def test_enter_breaks_the_line_where_there_is_no_shift(open_chat: OpenChat) -> None:
    """On a phone Enter is a line break, and Send sends."""
    person = open_chat(screen=SCREENS["phone"])
    expect(person.field).not_to_have_attribute("enterkeyhint", "send")
    person.field.press_sequentially("one")
    person.field.press("Enter")
    person.field.press_sequentially("two")
    expect(person.field).to_have_value("one\ntwo")
    person.send.click()

    person.reads(*echoed(["one\ntwo"]))


@pytest.mark.parametrize("kept", [False, True])
def test_what_is_typed_is_kept(page: Page, open_chat: OpenChat, kept: bool) -> None:
    """What is typed and not sent outlives a reload and the way back, until it is sent.

    Nor does the page keep the browser from helping with it.
    """
    person = open_chat(kept=kept)
    expect(person.field).not_to_have_attribute("autocomplete", "off")
    person.talks("NBA")
    person.field.fill("half a\nmessage")
    page.reload()
    expect(person.field).to_have_value("half a\nmessage")
    page.goto("about:blank")
    page.go_back()
    expect(person.field).to_have_value("half a\nmessage")
    person.is_connected()
    person.field.press("Enter")
    expect(person.field).to_have_value("")
    person.reads(*echoed(["NBA", "half a\nmessage"]))
    page.reload()

    person.reads(*echoed(["NBA", "half a\nmessage"]))
    expect(person.field).to_have_value("")


def test_what_is_typed_in_the_widget_is_on_its_next_page(page: Page, open_chat: OpenChat) -> None:
    """What is typed in the widget is in it on the host's next page, and on the chat's own."""
    app = make_app()
    add_widget(app, "/chat")
    chat = open_chat(app=app)
    host = page.url.removesuffix("/chat")
    page.goto(host)
    page.get_by_role("button", name="Chat", exact=True).click()
    person = Person(page.frame_locator("iframe"))
    person.is_connected()
    person.field.fill("half a message")
    page.goto(f"{host}/?next")

    expect(person.field).to_have_value("half a message")
    page.goto(f"{host}/chat")
    expect(chat.field).to_have_value("half a message")


def test_what_is_typed_is_of_one_chat(page: Page, open_room: OpenRoom) -> None:
    """What is typed in one room is not in the field of another."""
    room = open_room()
    ada = room.enter("Ada")
    ada.field.fill("for the lobby")
    page.goto(room.server.url("/rooms/garden"))
    ada.is_connected()
    expect(ada.field).to_have_value("")
    page.goto(room.url)

    expect(ada.field).to_have_value("for the lobby")


def test_refused_message_is_kept(page: Page, open_chat: OpenChat) -> None:
    """A message over the limit is in the field after a reload too, to be shortened."""
    person = open_chat(limits=Limits(message_bytes=LIMIT))
    person.says("a" * (LIMIT + 1))
    expect(person.refusal).to_be_visible()
    page.reload()

    expect(person.field).to_have_value("a" * (LIMIT + 1))


def test_field_grows_where_css_does_not_do_it(page: Page, open_chat: OpenChat) -> None:
    """A browser without `field-sizing` grows the field with lines that wrap, and shrinks it."""
    page.add_init_script(
        "CSS.supports = () => false;"
        "addEventListener('DOMContentLoaded', () => {"
        " document.getElementById('echochat-field').style.fieldSizing = 'fixed'; });"
    )
    person = open_chat()
    height = box_of(person.field)["height"]
    person.field.fill("a text of several lines " * 20)
    grown = box_of(person.field)["height"]
    person.field.press("Enter")
    expect(person.answers).to_have_count(1)

    assert grown > 3 * 24
    assert box_of(person.field)["height"] == height
