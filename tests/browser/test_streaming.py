"""Answers that are written while one reads: shown, stopped, broken off, and many pieces long."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.sync_api import Page, expect

from fastapi_echochat import Limits, Message
from fastapi_echochat.page.languages import ENGLISH
from tests.browser.axe import violations
from tests.browser.conftest import Console, OpenChat
from tests.browser.gate import Drone, Gate
from tests.browser.person import words
from tests.waiting import PATIENCE, wait_until


def test_answer_is_seen_piece_by_piece(open_chat: OpenChat) -> None:
    """Each piece is read as soon as it is yielded, under a mark that goes with the last one.

    A screen reader is told that an answer is being written, and then all of it, in one go. The page
    says how long the first piece took, and how long the whole answer.
    """
    gate = Gate()

    async def count(message: Message) -> AsyncIterator[str]:
        for piece in ("one", " two", " three"):
            yield piece
            await gate.passed()

    person = open_chat(count, debug=True)
    answer = person.answers
    person.says("count")
    for seen in ("one", "one two", "one two three"):
        person.reads("count", seen)
        expect(person.notes).to_have_text(words("writing"))
        expect(answer).to_have_attribute("aria-busy", "true")
        expect(answer).to_have_attribute("aria-live", "off")
        expect(person.spoken).to_have_text(ENGLISH["writing"])
        gate.open()

    expect(person.notes).to_have_count(0)
    expect(answer).not_to_have_attribute("aria-busy", "true")
    person.reads("count", "one two three")
    expect(person.spoken).to_have_text("WebSocket Chat: one two three")
    expect(person.spoken).to_have_attribute("aria-live", "polite")
    expect(person.log.locator("li[aria-live]")).to_have_count(0)
    shown = re.compile(r"^Last answer began after (\d+) ms, complete after (\d+) ms$")
    expect(person.round_trip).to_have_text(shown)
    took = shown.match(person.round_trip.inner_text())
    assert took is not None
    assert 1 <= int(took[1]) <= int(took[2])


@pytest.mark.parametrize("by", ["button", "keyboard", "escape"])
def test_answer_is_stopped(page: Page, open_chat: OpenChat, by: str) -> None:
    """Stop, by mouse, by keyboard or with Escape, ends the answer on both sides and goes."""
    drone = Drone()
    person = open_chat(drone.reply)
    expect(person.stop).to_be_hidden()
    person.says("drone")
    person.reads("drone", "on")
    if by == "button":
        person.stop.click()
    elif by == "keyboard":
        page.keyboard.press("Tab")
        expect(person.stop).to_be_focused()
        page.keyboard.press("Enter")
    else:
        person.field.press("Escape")

    expect(person.notes).to_have_text(words("stopped", "incomplete"))
    expect(person.stop).to_be_hidden()
    expect(person.field).to_be_focused()
    wait_until(lambda: drone.ended == ["drone"], "the reply function has ended")

    drone.open()
    person.says("again")
    person.reads("drone", "on", "again", "on and on")


def test_answer_is_stopped_before_its_first_piece(open_chat: OpenChat) -> None:
    """An answer that is slow to begin can be stopped too, and the next message is answered."""
    gate = Gate()

    async def think(message: Message) -> str:
        if message.text == "hard":
            await gate.passed()
        return f"{message.text} it is"

    person = open_chat(think)
    person.says("hard")
    person.stop.click()
    expect(person.notes).to_have_text(words("stopped"))
    person.says("easy")

    person.reads("hard", "easy", "easy it is")


def test_stop_leaves_the_messages_that_wait(open_chat: OpenChat) -> None:
    """Stopped is the answer that is being made; what was said after it is answered."""
    gate = Gate()

    async def answer(message: Message) -> AsyncIterator[str]:
        yield f"to {message.text}"
        if message.text == "first":
            await gate.passed()

    person = open_chat(answer)
    for text in ("first", "second", "third"):
        person.says(text)
    answers = person.log.locator(".answer p")
    expect(answers).to_have_text(["to first"])
    person.field.press("Escape")

    expect(answers).to_have_text(["to first", "to second", "to third"])
    expect(person.notes).to_have_text(words("stopped", "incomplete"))


def test_failed_answer_is_asked_for_again(
    page: Page, open_chat: OpenChat, expected_errors: list[str]
) -> None:
    """An answer that breaks off stays to be read, and Send again asks for another one."""
    expected_errors.append("the reply function failed")
    ids: list[str] = []

    async def fail_first(message: Message) -> AsyncIterator[str]:
        ids.append(message.id)
        yield "It began well"
        if len(ids) == 1:
            raise RuntimeError
        yield " and ended well."

    person = open_chat(fail_first)
    person.says("tell me")
    failed = ENGLISH["failed"].format(detail=ENGLISH["reply_failed"])
    expect(person.notes).to_have_text([failed, ENGLISH["incomplete"]])
    person.send_again.focus()
    page.keyboard.press("Enter")

    person.reads("tell me", "It began well", "tell me", "It began well and ended well.")
    assert len(set(ids)) == 2
    expect(person.field).to_be_focused()


def test_lost_connection_starts_an_answer_anew(open_chat: OpenChat, console: Console) -> None:
    """An answer that a lost connection broke off is asked for again and replaces it."""
    console.allow_failed_connections()
    gate = Gate()
    ids: list[str] = []

    async def answer(message: Message) -> AsyncIterator[str]:
        ids.append(message.id)
        yield f"attempt {len(ids)}:"
        await gate.passed()
        yield " done"

    person = open_chat(answer, wire=True)
    person.says("try")
    person.reads("try", "attempt 1:")
    person.wire.cut()
    person.reads("try", "attempt 2:")
    gate.open()

    person.reads("try", "attempt 2: done")
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_thousands_of_pieces(open_chat: OpenChat) -> None:
    """An answer of thousands of pieces is complete, and one types and is answered after it."""
    many = 8000
    gate = Gate()

    async def count(message: Message) -> AsyncIterator[str]:
        if message.text == "count":
            for number in range(many):
                if number == 1000:
                    await gate.passed()
                yield f"{number} "
        else:
            yield "here"

    person = open_chat(count, markdown=False)
    person.says("count")
    expect(person.notes).to_have_text(words("writing"))
    gate.open()
    person.field.press_sequentially("still there?")
    expect(person.field).to_have_value("still there?")
    person.field.press("Enter")
    expect(person.texts.last).to_have_text("here", timeout=4000 * PATIENCE)

    whole = "".join(f"{number} " for number in range(many))
    assert person.log.locator(".answer p").first.text_content() == whole
    expect(person.messages.last).to_be_in_viewport(ratio=1)


def test_reader_further_up_is_not_moved_by_pieces(page: Page, open_chat: OpenChat) -> None:
    """Who scrolls up while an answer is being written stays there."""
    gate = Gate()

    async def lines(message: Message) -> AsyncIterator[str]:
        yield "first line\n" + "another line\n" * 100
        await gate.passed()
        yield "last line"

    person = open_chat(lines)
    person.says("lines")
    expect(person.texts.last).to_contain_text("another line")
    person.newest.click()
    wait_until(person.is_at_the_end, "the log shows its end")
    person.log.hover()
    page.mouse.wheel(0, -100_000)
    page.wait_for_function("() => document.querySelector('[role=log]').scrollTop === 0")
    gate.open()
    expect(person.texts.last).to_contain_text("last line")

    expect(person.notes).to_have_count(0)
    expect(person.newest).to_be_visible()
    assert person.log.evaluate("log => log.scrollTop") == 0


def test_slowed_is_said_for_as_long_as_it_lasts(page: Page, open_chat: OpenChat) -> None:
    """Who sends faster than `messages_per_second` is told in words, until the answer is there."""
    pace = page.locator("#echochat-pace")

    person = open_chat(limits=Limits(messages_per_second=1, burst=1))
    expect(pace).to_be_hidden()
    for text in ("one", "two"):
        person.says(text)
    expect(pace).to_have_text(ENGLISH["slowed"].format(seconds=1))
    expect(pace).to_have_attribute("aria-live", "polite")

    expect(person.answers).to_have_count(2)
    expect(pace).to_be_hidden()


def test_every_state_of_an_answer_is_accessible(
    page: Page, open_chat: OpenChat, expected_errors: list[str]
) -> None:
    """axe-core finds nothing while an answer is written, nor once it is stopped or has failed."""
    expected_errors.append("the reply function failed")
    gate = Gate()

    async def answer(message: Message) -> AsyncIterator[str]:
        yield "a piece"
        await gate.passed()
        raise RuntimeError

    person = open_chat(answer)
    person.says("stopped")
    person.reads("stopped", "a piece")
    expect(person.stop).to_be_visible()
    assert violations(page) == []
    person.field.press("Escape")
    person.says("failed")
    expect(person.texts).to_have_count(4)
    gate.open()
    expect(person.log.locator(".failed")).to_be_visible()
    person.log.locator(".copy").last.focus()
    assert violations(page) == []
