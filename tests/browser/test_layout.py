"""How the page looks: on a phone, zoomed in, in the dark."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from fastapi_echochat import Limits, Message
from tests.browser.conftest import Console, OpenChat, TakePicture
from tests.waiting import wait_until

LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitän" * 5
LONG_TITLE = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz"

SCREENS: dict[str, dict[str, Any]] = {
    "phone": {
        "viewport": {"width": 320, "height": 568},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    # What is left of 1280 by 800 at 200 %, and of 1280 by 1024 at 400 % (WCAG 2.2, 1.4.10).
    "zoomed": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
    "magnified": {"viewport": {"width": 320, "height": 256}, "device_scale_factor": 4},
}

screens = pytest.mark.parametrize("screen", SCREENS)


def fail_if_asked(message: Message) -> str:
    if message.text == "Fail, please.":
        raise RuntimeError
    return f"Message text was: {message.text}"


def is_wider_than_its_window(page: Page) -> bool:
    return bool(
        page.evaluate(
            """() => [document.documentElement, ...document.querySelectorAll("body, body *")].some(
                // A field of one line scrolls; an ellipsis says that there is more.
                (element) => element.scrollWidth > element.clientWidth
                    && element.clientWidth > 0 && !element.matches("input")
                    && getComputedStyle(element).textOverflow !== "ellipsis"
                    && getComputedStyle(element).display !== "inline"
            ) || document.documentElement.scrollWidth > innerWidth"""
        )
    )


@screens
def test_conversation_fits(
    open_chat: OpenChat, expected_errors: list[str], take_picture: TakePicture, screen: str
) -> None:
    """Whatever is said, nothing is wider than the window, down to 320 pixels."""
    expected_errors.append("the reply function failed")
    person = open_chat(
        fail_if_asked,
        prefix="/a/rather/long/prefix/of/a/host/support/chat",
        screen=SCREENS[screen],
        title=f"Help: {LONG_TITLE}",
        limits=Limits(message_bytes=600),
        debug=True,
    )
    page = person.page
    take_picture(page, f"{screen}-empty")
    texts = ["NBA", LONG_WORD, "Fail, please.", "a line\n\n  and another", "שלום 👩‍👩‍👧‍👦"]
    for number, text in enumerate(texts, start=1):
        person.says(text)
        expect(person.log.locator(".answer, .failed")).to_have_count(number)
        if text == "Fail, please.":
            wait_until(person.is_at_the_end, "the log shows its end")
            take_picture(page, f"{screen}-failed")
    person.says("x" * 601)
    expect(person.refusal).to_be_visible()
    wait_until(person.is_at_the_end, "the log shows its end")
    take_picture(page, f"{screen}-conversation")

    assert not is_wider_than_its_window(page)
    for part in (person.field, person.send, person.address, person.copy):
        part.scroll_into_view_if_needed()
        expect(part).to_be_in_viewport(ratio=0.95)


@screens
def test_connection_that_is_lost_fits(
    open_chat: OpenChat, console: Console, take_picture: TakePicture, screen: str
) -> None:
    """The words about a lost connection and a waiting message fit in the window as well."""
    console.allow_failed_connections()

    person = open_chat(wire=True, screen=SCREENS[screen])
    person.says("NBA")
    expect(person.messages).to_have_count(2)
    person.goes_offline()
    person.says("Is anybody there?")
    expect(person.notes).to_have_count(1)
    wait_until(person.is_at_the_end, "the log shows its end")
    take_picture(person.page, f"{screen}-disconnected")

    assert not is_wider_than_its_window(person.page)


def test_messages_in_a_narrow_window_stay_readable(open_chat: OpenChat) -> None:
    """A long word breaks where the line ends, and one line of a short message is one line."""

    def lines(number: int) -> float:
        style = "p => p.offsetHeight / parseFloat(getComputedStyle(p).lineHeight)"
        return float(person.texts.nth(number).evaluate(style))

    person = open_chat(screen=SCREENS["phone"])
    person.says("NBA")
    expect(person.messages).to_have_count(2)
    person.says(LONG_WORD)
    expect(person.messages).to_have_count(4)

    assert [lines(0), lines(1)] == pytest.approx([1, 1], abs=0.1)
    assert lines(2) > 5
