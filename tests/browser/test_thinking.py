"""An answer that is coming: the sign of it, and what of it is in view."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from fastapi_echochat import Message
from fastapi_echochat.page.languages import ENGLISH
from tests.browser.axe import violations
from tests.browser.conftest import OpenChat, OpenRoom, TakePicture
from tests.browser.gate import Gate
from tests.browser.person import Person, box_of, words
from tests.waiting import wait_until

LINES = "another line\n" * 100


def is_held(person: Person) -> bool:
    """Tell whether the question is at the top of what one sees of the conversation."""
    question, log = box_of(person.log.locator(".mine").last), box_of(person.log)
    return 0 <= question["y"] - log["y"] < 24


@pytest.mark.parametrize("kept", [False, True])
def test_answer_that_is_coming_is_shown(
    page: Page, open_chat: OpenChat, take_picture: TakePicture, kept: bool
) -> None:
    """Three dots stand under a question until the first piece of its answer, and again next time.

    A screen reader is told once that an answer is being written, and nothing of it afterwards.
    """
    gate = Gate()

    async def think(message: Message) -> AsyncIterator[str]:
        await gate.passed()
        yield "Well,"
        await gate.passed()
        yield " then"

    person = open_chat(think, kept=kept)
    expect(person.thinking).to_be_hidden()
    for number in (1, 2):
        person.says("why?")
        expect(person.thinking).to_be_visible()
        expect(person.thinking.locator("i")).to_have_count(3)
        expect(person.spoken).to_have_text(ENGLISH["writing"])
        question = box_of(person.log.locator(".mine").last)
        assert box_of(person.thinking)["y"] > question["y"] + question["height"]
        if number == 1:
            assert violations(page) == []
            take_picture(page, "thinking")
        gate.open()
        expect(person.texts.last).to_have_text("Well,")
        expect(person.thinking).to_be_hidden()
        expect(person.notes).to_have_text(words("writing"))
        gate.open()
        expect(person.notes).to_have_count(0)
        expect(person.spoken).to_have_text("WebSocket Chat: Well, then")


@pytest.mark.parametrize("kept", [False, True])
def test_whole_answer_ends_the_sign(open_chat: OpenChat, kept: bool) -> None:
    """An answer that comes in one piece, and one that is stopped, take the dots away."""
    gate = Gate()

    async def think(message: Message) -> str:
        await gate.passed()
        return "thought"

    person = open_chat(think, kept=kept)
    person.says("one")
    expect(person.thinking).to_be_visible()
    gate.open()
    person.reads("one", "thought")
    expect(person.thinking).to_be_hidden()
    expect(person.spoken).to_have_text("")

    person.says("two")
    expect(person.thinking).to_be_visible()
    person.field.press("Escape")
    expect(person.thinking).to_be_hidden()
    expect(person.notes).to_have_text(words("stopped"))


def test_sign_comes_after_a_moment(page: Page, open_chat: OpenChat) -> None:
    """Before 300 ms have passed there are no dots, so that a quick answer makes none flash."""
    page.clock.install(time=0)
    person = open_chat(Gate().passed_reply)
    page.clock.pause_at(3_600_000)
    person.says("why?")
    page.clock.fast_forward(250)
    expect(person.thinking).to_be_hidden()
    page.clock.fast_forward(100)

    expect(person.thinking).to_be_visible()


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_dots_are_still_where_motion_is_not_wanted(open_chat: OpenChat, motion: str) -> None:
    """The dots move, and do not for those who prefer less motion."""
    person = open_chat(Gate().passed_reply, screen={"reduced_motion": motion})
    person.says("why?")
    expect(person.thinking).to_be_visible()

    moving = person.thinking.evaluate("dots => dots.getAnimations({ subtree: true }).length")
    assert moving == (0 if motion == "reduce" else 3)


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("is_whole", [False, True])
def test_beginning_of_an_answer_stays_in_view(
    open_chat: OpenChat, kept: bool, is_whole: bool
) -> None:
    """A long answer stops the following when its question is at the top; the arrow brings one on.

    Then its end is followed, and the next question is in view as soon as it is sent.
    """
    gate = Gate()

    async def lines(message: Message) -> AsyncIterator[str]:
        if message.text != "lines":
            yield "yes"
            return
        yield LINES
        if not is_whole:
            await gate.passed()
            yield LINES + "the last one"

    person = open_chat(lines, kept=kept)
    for text in ("one", "two", "three"):
        person.says(text)
        expect(person.texts.last).to_have_text("yes")
    person.says("lines")
    expect(person.newest).to_be_visible()
    wait_until(lambda: is_held(person), "the question is at the top")
    person.newest.click()
    expect(person.newest).to_be_hidden()
    wait_until(person.is_at_the_end, "the log shows its end")
    gate.open()
    if not is_whole:
        expect(person.texts.last).to_contain_text("the last one")
        wait_until(person.is_at_the_end, "the log shows its end")

    person.log.evaluate("log => log.scrollTo(0, 0)")
    person.says("next")
    expect(person.texts.last).to_have_text("yes")
    expect(person.mine.last).to_be_in_viewport(ratio=1)
    expect(person.messages.last).to_be_in_viewport(ratio=1)


def test_held_answer_is_read_on_by_wheel(page: Page, open_chat: OpenChat) -> None:
    """Who reads on from the beginning is not taken back to it, and at the end follows it."""
    gate = Gate()

    async def lines(message: Message) -> AsyncIterator[str]:
        while True:
            yield LINES
            await gate.passed()

    person = open_chat(lines)
    person.says("lines")
    expect(person.newest).to_be_visible()
    person.log.hover()
    page.mouse.wheel(0, 300)
    wait_until(lambda: not is_held(person), "one has read on")
    place = person.log.evaluate("log => log.scrollTop")
    gate.open()
    expect(person.texts.last).to_have_text(LINES * 2)
    assert person.log.evaluate("log => log.scrollTop") == place
    expect(person.newest).to_be_visible()

    page.mouse.wheel(0, 100_000)
    expect(person.newest).to_be_hidden()
    gate.open()
    expect(person.texts.last).to_have_text(LINES * 3)
    wait_until(person.is_at_the_end, "the log shows its end")


def test_answer_in_a_room_stays_in_view(open_room: OpenRoom) -> None:
    """In a room the beginning of a long answer stays in view, and what others say is followed."""
    gate = Gate()

    async def lines(message: Message) -> AsyncIterator[str]:
        if message.text == "lines":
            yield "The beginning.\n" + LINES
            await gate.passed()

    ada, bob = open_room(reply=lines).enter_in_turn("Ada", "Bob")
    ada.says("lines")
    expect(bob.newest).to_be_visible()
    answer, log = box_of(bob.answers), box_of(bob.log)
    assert 0 <= answer["y"] - log["y"] < 24
    gate.open()
    expect(bob.notes).to_have_count(0)
    bob.newest.click()
    wait_until(bob.is_at_the_end, "the log shows its end")
    ada.says_at_once([f"number {number}" for number in range(30)])

    expect(bob.texts.last).to_have_text("number 29")
    wait_until(bob.is_at_the_end, "the log shows its end")


@pytest.mark.parametrize("kept", [False, True])
def test_conversation_is_printed(page: Page, open_chat: OpenChat, kept: bool) -> None:
    """Printed is all of the conversation, and nothing but it: no field, no button, no heading."""
    person = open_chat(title="Ada", kept=kept)
    person.says_at_once([f"number {number}" for number in range(60)])
    expect(person.answers).to_have_count(60)
    said = person.texts.all_text_contents()
    page.emulate_media(media="print")

    expect(person.messages.first).to_be_visible()
    printed = page.evaluate("document.querySelector('#echochat').innerText").split("\n")
    assert [line for line in printed if line not in ("", "You", "Ada")] == said
    assert len(said) == 120
    assert printed.count("You") == printed.count("Ada") == 60
    height = "document.documentElement.scrollHeight"
    last = box_of(person.messages.last)
    assert page.evaluate(height) >= last["y"] + last["height"] > 120 * 24


def test_room_is_printed(open_room: OpenRoom) -> None:
    """Of a room all that is said is printed, with who said it and when, and nothing else."""
    ada = open_room().enter("Ada")
    ada.says_at_once([f"number {number}" for number in range(120)])
    expect(ada.mine).to_have_count(120)
    ada.has_sent_all()
    said = ada.texts.all_text_contents()
    ada.page.emulate_media(media="print")

    printed = ada.page.evaluate("document.querySelector('#echochat').innerText").split("\n")
    assert [line for line in printed if line.startswith("number")] == said
    others = {re.sub(r"\d?\d:\d\d", "TIME", line) for line in printed} - {*said, ""}
    times = {f"{who}TIME {half}" for who in ("", "You") for half in ("AM", "PM")}
    assert others <= {"Today", "You", *times}
    height = ada.page.evaluate("document.documentElement.scrollHeight")
    last = box_of(ada.messages.last)
    assert height >= last["y"] + last["height"] > 120 * 20


def test_copied_by_hand(page: Page, open_chat: OpenChat, context: BrowserContext) -> None:
    """Selected and copied, a conversation is words and names, and no word of a button."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    person = open_chat(title="Ada")
    person.talks("NBA")
    person.answers.hover()
    person.log.evaluate("log => getSelection().selectAllChildren(log)")
    page.keyboard.press("Control+C")

    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.split() == ["You", "NBA", "Ada", *["Message", "text", "was:", "NBA"]]


@pytest.mark.parametrize("markdown", [True, False])
@pytest.mark.parametrize("how", ["finger", "scrollbar", "selection"])
def test_who_holds_on_is_not_moved(
    page: Page, open_chat: OpenChat, how: str, markdown: bool
) -> None:
    """A finger that rests, a scrollbar that is drawn, a selection: each stops the following.

    Where nothing was moved it goes on once the finger is lifted.
    """
    gate = Gate()

    async def lines(message: Message) -> AsyncIterator[str]:
        while True:
            yield LINES
            await gate.passed()

    def reads_more(times: int) -> None:
        gate.open()
        expect(person.texts.last).to_have_text(LINES * times)

    def place() -> float:
        top: float = person.log.evaluate("log => log.scrollTop")
        return top

    person = open_chat(lines, markdown=markdown)
    person.says("lines")
    person.newest.click()
    wait_until(person.is_at_the_end, "the log shows its end")
    reads_more(2)
    wait_until(person.is_at_the_end, "the end is followed")
    box = box_of(person.log)
    if how == "finger":
        person.log.dispatch_event("touchstart")
    elif how == "scrollbar":
        person.log.dispatch_event("pointerdown", {"pointerType": "mouse", "buttons": 1})
        person.log.evaluate("log => { log.scrollTop -= 10; }")
    else:
        page.mouse.move(box["x"] + 80, box["y"] + 200)
        page.mouse.down()
        page.mouse.move(box["x"] + 120, box["y"] + 260, steps=4)
    before = place()
    for times in (3, 4):
        reads_more(times)
        assert place() == before

    if how == "finger":
        person.page.dispatch_event("body", "touchend")
        wait_until(person.is_at_the_end, "the end is followed again")
        return
    if how == "scrollbar":
        person.log.evaluate("log => { log.scrollTop -= 200; }")
        before = place()
        person.page.dispatch_event("body", "pointerup")
    else:
        page.mouse.up()
        assert page.evaluate("getSelection().toString()")
    reads_more(5)
    expect(person.newest).to_be_visible()
    assert place() == before
