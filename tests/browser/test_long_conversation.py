"""A log of many messages, and a reader somewhere in it."""

import asyncio

import pytest
from playwright.sync_api import Locator, Page, expect

from fastapi_echochat import Message
from tests.browser.conftest import OpenChat
from tests.browser.gate import Gate
from tests.browser.person import Person, echoed
from tests.waiting import patient, wait_until

MANY = 3000
"""Three times as many as may wait to be answered."""


def in_view(log: Locator) -> list[str]:
    """Return the texts of the messages that a reader sees."""
    texts: list[str] = log.evaluate(
        """log => {
            const { top, bottom } = log.getBoundingClientRect();
            return [...log.querySelectorAll("li")].filter((item) => {
                const box = item.getBoundingClientRect();
                return box.top >= top && box.bottom <= bottom;
            }).map((item) => item.querySelector("p").textContent);
        }"""
    )
    return texts


def scroll_up(page: Page, person: Person, pixels: int = 1000) -> None:
    """Turn the mouse wheel over the log, and wait until it has moved."""
    person.log.hover()
    before = person.log.evaluate("log => log.scrollTop")
    page.mouse.wheel(0, -pixels)
    page.wait_for_function(
        "before => document.querySelector('[role=log]').scrollTop <= before", arg=before - pixels
    )


@pytest.mark.slow
def test_thousands_of_messages(page: Page, open_chat: OpenChat) -> None:
    """Thousands of messages are answered in order, an arrow leads to the last, and it goes on."""
    texts = [f"number {number}" for number in range(MANY)]
    # By their ids: to find an element by its role, all the thousands are asked for theirs.
    log = page.locator("#echochat-log")
    field = page.locator("#echochat-field")

    person = open_chat()
    person.says_at_once(texts)
    # As long as it takes: this is about what is left when a day's talk has come in at once.
    expect(log.locator(".answer")).to_have_count(MANY, timeout=1000 * patient(100))

    assert log.locator(".mine p").all_text_contents() == texts
    answers = [f"Message text was: {text}" for text in texts]
    assert log.locator(".answer p").all_text_contents() == answers
    page.locator("#echochat-newest").click()
    expect(log.locator("li").last).to_be_in_viewport(ratio=1)

    field.press_sequentially("still here?")
    field.press("Enter")
    expect(log.locator("li p").last).to_have_text("Message text was: still here?")
    expect(log.locator("li").last).to_be_in_viewport(ratio=1)
    expect(page.locator("#echochat-newest")).to_be_hidden()


@pytest.mark.parametrize("pixels", [120, 1000])
def test_reader_who_scrolled_up_is_not_moved(page: Page, open_chat: OpenChat, pixels: int) -> None:
    """Who reads further up keeps the place when messages come, and is offered the newest one.

    Who scrolls down to the end by hand follows it again, and the button goes.
    """
    texts = [f"number {number}" for number in range(100)]
    gate = Gate()

    async def answer(message: Message) -> str:
        if message.text.startswith("meanwhile"):
            await gate.passed()
        return f"Message text was: {message.text}"

    person = open_chat(answer)
    person.says_at_once(texts)
    expect(person.answers).to_have_count(len(texts))
    person.says("meanwhile")
    expect(person.mine.last).to_be_in_viewport(ratio=1)
    # The list does not grow any more from here on.
    expect(person.thinking).to_be_visible()
    wait_until(person.is_at_the_end, "the log shows its end")
    scroll_up(page, person, pixels)
    expect(person.newest).to_be_hidden()
    being_read = in_view(person.log)
    gate.open()
    expect(person.texts.last).to_have_text("Message text was: meanwhile")

    expect(person.newest).to_be_visible()
    assert in_view(person.log)[0] == being_read[0]

    person.newest.click()
    expect(person.messages.last).to_be_in_viewport(ratio=1)
    expect(person.newest).to_be_hidden()
    expect(person.log).to_be_focused()
    person.says("and on")
    expect(person.texts.last).to_have_text("Message text was: and on")
    expect(person.messages.last).to_be_in_viewport(ratio=1)

    person.says("meanwhile again")
    expect(person.thinking).to_be_visible()
    wait_until(person.is_at_the_end, "the log shows its end")
    scroll_up(page, person, pixels)
    gate.open()
    expect(person.texts.last).to_have_text("Message text was: meanwhile again")
    expect(person.newest).to_be_visible()
    page.mouse.wheel(0, 100_000)
    expect(person.newest).to_be_hidden()
    person.says("and on again")
    expect(person.texts.last).to_have_text("Message text was: and on again")
    expect(person.messages.last).to_be_in_viewport(ratio=1)


def test_own_message_is_in_view(page: Page, open_chat: OpenChat) -> None:
    """Wherever one was reading, what one sends is in view at once, and its answer too."""
    person = open_chat()
    person.says_at_once([f"number {number}" for number in range(100)])
    expect(person.answers).to_have_count(100)
    for place in (0, 1000):
        person.log.evaluate("(log, place) => log.scrollTo(0, place)", place)
        person.says(f"from {place}")
        expect(person.texts.last).to_have_text(f"Message text was: from {place}")
        expect(person.mine.last).to_be_in_viewport(ratio=1)
        expect(person.messages.last).to_be_in_viewport(ratio=1)
        expect(person.newest).to_be_hidden()


def test_reader_can_leave_the_end_while_messages_pour_in(page: Page, open_chat: OpenChat) -> None:
    """Who scrolls up while answers come without a pause gets there, and stays there."""

    async def pour(message: Message) -> str:
        await asyncio.sleep(0.005)
        return message.text

    person = open_chat(pour)
    person.says_at_once([f"number {number}" for number in range(1000)])
    # The question has come to the top: from here on one follows the end.
    person.newest.click()
    person.log.hover()

    def is_at_the_top_by_one_more_turn() -> bool:
        page.mouse.wheel(0, -10_000)
        return bool(person.log.evaluate("log => log.scrollTop === 0"))

    wait_until(is_at_the_top_by_one_more_turn, "the wheel has turned the log to its top")
    expect(person.newest).to_be_visible()
    more = person.answers.count() + 50
    assert more < 1000
    page.wait_for_function("more => document.querySelectorAll('.answer').length > more", arg=more)

    assert in_view(person.log)[0] == "number 0"


def test_log_follows_when_the_window_shrinks(page: Page, open_chat: OpenChat) -> None:
    """Who follows still sees the end of the log when a phone's keyboard takes half the room."""
    texts = [f"number {number}" for number in range(20)]

    person = open_chat()
    person.says_at_once(texts)
    expect(person.answers).to_have_count(len(texts))
    person.says("last")
    expect(person.messages).to_have_count(42)
    expect(person.messages.last).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 900, "height": 450})

    expect(person.messages.last).to_be_in_viewport(ratio=1)
    assert in_view(person.log)[-1] == echoed(["last"])[-1]
