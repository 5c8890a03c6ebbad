"""What a page does on a phone, in a small window, and over a connection that fails and fails."""

from typing import Any

import pytest
from fastapi import HTTPException
from fastapi.requests import HTTPConnection
from playwright.sync_api import Page, expect

from fastapi_echochat.page.languages import ENGLISH
from tests.browser.conftest import Console, OpenChat, OpenRoom
from tests.browser.person import box_of, echoed, words
from tests.browser.test_layout import SCREENS


def test_keys_are_explained_where_there_are_keys(page: Page, open_chat: OpenChat) -> None:
    """The hint about keys is for those who have a keyboard; a phone's has none of these keys."""
    open_chat()
    phone = open_chat(screen=SCREENS["phone"]).page

    expect(page.get_by_text(ENGLISH["hint"])).to_be_visible()

    expect(phone.get_by_text(ENGLISH["hint"])).to_be_hidden()


def test_heading_is_in_view_at_the_beginning(open_chat: OpenChat) -> None:
    """In a window of a few lines the field has the focus, and the page begins at its beginning."""
    person = open_chat(title="Support", screen=SCREENS["magnified"])

    expect(person.field).to_be_focused()
    expect(person.page.get_by_role("heading", name="Support")).to_be_in_viewport(ratio=1)


def test_focus_of_the_field_touches_nothing(page: Page, open_chat: OpenChat) -> None:
    """The line around the field that has the focus stays clear of the words above it."""
    person = open_chat()
    expect(person.field).to_be_focused()
    box, hint = box_of(person.box), box_of(page.get_by_text(ENGLISH["hint"]))
    ring = person.box.evaluate(
        "box => parseFloat(getComputedStyle(box).outlineWidth)"
        " + parseFloat(getComputedStyle(box).outlineOffset)"
    )

    assert ring > 0
    assert hint["y"] + hint["height"] < box["y"] - ring


def test_try_again_is_where_buttons_are(
    open_chat: OpenChat, console: Console, expected_errors: list[str]
) -> None:
    """On a phone, where the words before it fill their line, Try again is at the line's end."""
    console.allow_failed_connections()
    # uvicorn 0.54 logs this at ERROR for each handshake that a dependency refuses.
    expected_errors.append("returned without completing handshake")
    is_open = True

    def guard(connection: HTTPConnection) -> None:
        if not is_open:
            raise HTTPException(401)

    person = open_chat(guard=guard, wire=True, screen=SCREENS["phone"])
    is_open = False
    person.wire.cut()
    person.reads_state("signed_out")

    button, box = box_of(person.try_again), box_of(person.box)
    assert button["x"] + button["width"] == pytest.approx(box["x"] + box["width"], abs=1)


def test_failed_message_can_be_told_from_others(
    open_chat: OpenChat, expected_errors: list[str]
) -> None:
    """The dashed line around a message that failed is not drawn on the accent's colour."""
    expected_errors.append("the reply function failed")

    def fail_if_asked(message: object) -> str:
        raise RuntimeError

    person = open_chat(fail_if_asked)
    person.says("fail")

    failed = person.log.locator(".failed")
    expect(failed).to_have_css("outline-style", "dashed")
    expect(failed).to_have_css("background-color", "rgba(0, 0, 0, 0)")


def test_reason_is_read_while_it_fails_again(
    page: Page, open_chat: OpenChat, console: Console
) -> None:
    """While connecting fails again and again the reason stays, and does not come and go."""
    console.allow_failed_connections()
    page.clock.install()

    person = open_chat(wire=True)
    person.goes_offline()
    person.note_states()
    for _ in range(5):
        page.clock.fast_forward(31_000)
        person.waits()
    assert person.has_read_states() == words("unreachable")
    person.comes_online()

    person.reads_state("connected")


def test_enter_of_safaris_input_method_does_not_send(open_chat: OpenChat) -> None:
    """Safari reports the Enter that ends a composition after its end, by the key code 229."""
    person = open_chat()
    person.field.fill("日本")
    press_enter = (
        "(field, keyCode) => field.dispatchEvent("
        "new KeyboardEvent('keydown', { key: 'Enter', keyCode, cancelable: true }))"
    )

    person.field.evaluate(press_enter, 229)
    expect(person.field).to_have_value("日本")
    expect(person.messages).to_have_count(0)
    person.field.evaluate(press_enter, 13)
    person.reads(*echoed(["日本"]))


PHONE_WITH_KEYBOARD = {"width": 390, "height": 332}
ENLARGED: dict[str, Any] = {"viewport": {"width": 320, "height": 200}}
"""What is left of a window of 1280 by 800 at 400 % (WCAG 2.2, success criterion 1.4.10)."""


@pytest.mark.parametrize("kept", [False, True])
def test_field_is_in_view_when_enlarged(open_chat: OpenChat, kept: bool) -> None:
    """In a window enlarged fourfold one sees the field that one writes in, and some of the talk."""
    person = open_chat(kept=kept, screen=ENLARGED)
    for text in ("one", "two", "three"):
        person.says(text)
        expect(person.texts.last).to_have_text(f"Message text was: {text}")
    person.field.focus()

    expect(person.field).to_be_in_viewport(ratio=1)
    expect(person.send).to_be_in_viewport(ratio=1)
    assert box_of(person.log)["height"] >= 60


def test_field_of_a_room_is_in_view_when_enlarged(open_room: OpenRoom) -> None:
    """In a room of people, with a name to give first, it is no different."""
    ada = open_room().visit(**ENLARGED)
    ada.name.focus()
    expect(ada.name).to_be_in_viewport(ratio=1)
    ada.joins("Ada")
    ada.says("hello")
    ada.field.focus()

    expect(ada.field).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("kept", [False, True])
def test_keyboard_of_a_phone_leaves_half_to_the_conversation(
    open_chat: OpenChat, kept: bool
) -> None:
    """Of what the keyboard of a phone leaves of the window at least half is the conversation."""
    # Half of 390 by 664, which resizes the content where `interactive-widget` says so.
    person = open_chat(kept=kept, screen={**SCREENS["phone"], "viewport": PHONE_WITH_KEYBOARD})
    content = person.page.locator("meta[name=viewport]").get_attribute("content")
    assert "interactive-widget=resizes-content" in str(content)
    person.talks("NBA")
    person.field.fill("one line\nand another\nand a third")

    assert box_of(person.log)["height"] >= PHONE_WITH_KEYBOARD["height"] / 2
    expect(person.field).to_be_in_viewport(ratio=1)
