"""The buttons under answers: what people think of one, and Answer again."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from fastapi_echochat import MemoryRooms, Message, echo
from fastapi_echochat.page.languages import CHINESE, ENGLISH
from fastapi_echochat.protocol.frames import Verdict
from tests.browser.axe import violations
from tests.browser.conftest import Console, OpenChat, OpenRoom, TakePicture
from tests.browser.gate import Drone, Held
from tests.browser.person import Person, box_of
from tests.waiting import wait_until


class Heard:
    """A function that keeps what it is told, and may raise."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, str]] = []
        self.fails = False

    async def __call__(self, message: Message, answer: str, verdict: Verdict) -> None:
        if self.fails:
            raise RuntimeError
        self.said.append((message.text, answer, verdict))


async def shout(message: Message) -> str:
    return message.text.upper()


def up(person: Person) -> Locator:
    return person.log.get_by_role("button", name=ENGLISH["helpful"], exact=True)


def down(person: Person) -> Locator:
    return person.log.get_by_role("button", name=ENGLISH["unhelpful"], exact=True)


def again(person: Person) -> Locator:
    return person.log.get_by_role("button", name=ENGLISH["answer_again"], exact=True)


def is_pressed(*, good: Locator, bad: Locator, verdict: str | None) -> None:
    expect(good).to_have_attribute("aria-pressed", str(verdict == "up").lower())
    expect(bad).to_have_attribute("aria-pressed", str(verdict == "down").lower())


@pytest.mark.parametrize("asset", ["controls.js", "buttons.css"])
def test_without_what_comes_later(
    page: Page, open_chat: OpenChat, console: Console, asset: str
) -> None:
    """A script or a style that could not be loaded is loaded with the next message."""
    console.allow_failed_connections()
    page.route(f"**asset={asset}**", lambda route: route.abort())
    person = open_chat(shout, feedback=Heard())
    with page.expect_event("requestfailed"):
        person.says("nba")
    person.reads("nba", "NBA")
    page.unroute(f"**asset={asset}**")
    person.says("more")
    person.reads("nba", "NBA", "more", "MORE")

    expect(up(person)).to_have_count(2)
    expect(up(person).last).to_have_css("border-top-width", "0px")
    expect(person.log.locator(".copy")).to_have_count(2)


def test_buttons_come_with_their_style(page: Page, open_chat: OpenChat) -> None:
    """Nobody sees the buttons under an answer before their style is here, however long it takes."""
    style = Held()
    page.route("**asset=buttons.css**", style)
    person = open_chat(shout, feedback=Heard())
    with page.expect_request("**asset=buttons.css**"):
        person.says("nba")
    person.reads("nba", "NBA")
    expect(person.log.get_by_role("button")).to_have_count(0)

    style.let_go()
    expect(up(person)).to_have_css("border-top-width", "0px")
    expect(person.log.locator(".copy")).to_be_visible()


@pytest.mark.parametrize("kept", [False, True])
def test_verdict_is_given_and_changed(open_chat: OpenChat, kept: bool) -> None:
    """A thumb is pressed once the host has heard, another one in its place, and both are heard."""
    heard = Heard()

    person = open_chat(shout, kept=kept, feedback=heard)
    person.says("nba")
    is_pressed(good=up(person), bad=down(person), verdict=None)
    up(person).click()
    is_pressed(good=up(person), bad=down(person), verdict="up")
    up(person).click()
    down(person).click()
    is_pressed(good=up(person), bad=down(person), verdict="down")
    expect(person.spoken).to_have_text(ENGLISH["judged"])

    assert heard.said == [("nba", "NBA", "up"), ("nba", "NBA", "down")]


def test_verdict_outlives_a_reload(page: Page, open_chat: OpenChat) -> None:
    """In a kept conversation it is still pressed, and one may still change one's mind."""
    heard = Heard()

    person = open_chat(shout, kept=True, feedback=heard)
    person.says("nba")
    up(person).click()
    is_pressed(good=up(person), bad=down(person), verdict="up")
    page.reload()
    person.is_connected()
    is_pressed(good=up(person), bad=down(person), verdict="up")
    down(person).click()
    is_pressed(good=up(person), bad=down(person), verdict="down")

    assert [verdict for *_, verdict in heard.said] == ["up", "down"]


def test_answer_of_a_connection_before_this(page: Page, open_chat: OpenChat) -> None:
    """What the server does not have any more cannot be judged: it is said, and what was stays."""
    heard = Heard()

    person = open_chat(shout, feedback=heard)
    person.says("nba")
    up(person).click()
    is_pressed(good=up(person), bad=down(person), verdict="up")
    page.reload()
    person.is_connected()
    down(person).click()
    expect(person.answers).to_contain_text(ENGLISH["unknown_answer"])
    expect(down(person)).to_be_disabled()
    is_pressed(good=up(person), bad=down(person), verdict="up")

    assert [verdict for *_, verdict in heard.said] == ["up"]


def test_function_that_fails(open_chat: OpenChat, expected_errors: list[str]) -> None:
    """That it was not taken is said at the answer, nothing is pressed, and one may try again."""
    expected_errors.append("the function of feedback= failed")
    heard = Heard()
    heard.fails = True

    person = open_chat(shout, feedback=heard)
    person.says("nba")
    up(person).click()
    expect(person.answers).to_contain_text(ENGLISH["feedback_failed"])
    is_pressed(good=up(person), bad=down(person), verdict=None)
    heard.fails = False
    up(person).click()
    is_pressed(good=up(person), bad=down(person), verdict="up")
    expect(person.answers).not_to_contain_text(ENGLISH["feedback_failed"])


def test_everybody_in_a_room_judges(open_room: OpenRoom) -> None:
    """Each person's thumb is their own, on anybody's answer; only who asked asks again."""
    heard = Heard()

    ada, grace = open_room(reply=shout, feedback=heard).enter_in_turn("Ada", "Grace")
    ada.says("nba")
    up(ada).click()
    down(grace).click()
    is_pressed(good=up(ada), bad=down(ada), verdict="up")
    is_pressed(good=up(grace), bad=down(grace), verdict="down")
    expect(again(ada)).to_have_count(1)
    expect(again(grace)).to_have_count(0)

    assert sorted(verdict for *_, verdict in heard.said) == ["down", "up"]


def test_thumbs_by_keyboard(page: Page, open_chat: OpenChat) -> None:
    """The thumbs of all answers are one stop of the Tab key, and arrows go to other answers."""
    heard = Heard()

    person = open_chat(shout, feedback=heard)
    for text in ("one", "two"):
        person.says(text)
        expect(up(person)).to_have_count(1 if text == "one" else 2)
    expect(again(person)).to_have_count(1)
    expect(person.field).to_be_focused()
    for part in (again(person), down(person).last, up(person).last):
        page.keyboard.press("Shift+Tab")
        expect(part).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(up(person).first).to_be_focused()
    page.keyboard.press("Space")
    is_pressed(good=up(person).first, bad=down(person).first, verdict="up")
    page.keyboard.press("Tab")
    expect(down(person).first).to_be_focused()
    page.keyboard.press("Enter")
    is_pressed(good=up(person).first, bad=down(person).first, verdict="down")

    assert heard.said == [("one", "ONE", "up"), ("one", "ONE", "down")]


def test_page_with_thumbs_is_accessible(
    page: Page, open_chat: OpenChat, take_picture: TakePicture
) -> None:
    """axe-core finds nothing, by day and by night, pressed, not pressed and refused."""
    person = open_chat(shout, feedback=Heard())
    person.says("Do you ship to Norway?")
    up(person).click()
    is_pressed(good=up(person), bad=down(person), verdict="up")
    page.reload()
    person.is_connected()
    down(person).click()
    expect(down(person)).to_be_disabled()
    person.says("And to Iceland?")
    expect(up(person)).to_have_count(2)
    down(person).last.click()
    is_pressed(good=up(person).last, bad=down(person).last, verdict="down")

    take_picture(page, "thumbs")
    assert violations(page) == []


def test_thumbs_are_large_where_they_are_touched(
    open_chat: OpenChat, take_picture: TakePicture
) -> None:
    """On a phone each button under an answer is 44 pixels in both directions, and none overlap."""
    phone = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
    person = open_chat(shout, feedback=Heard(), screen=phone)
    person.says("nba")
    expect(up(person)).to_be_visible()
    take_picture(person.page, "thumbs-phone")

    boxes = [box_of(button(person)) for button in (up, down, again)]
    assert all(box["width"] >= 44 and box["height"] >= 44 for box in boxes)
    assert boxes[0]["x"] + 44 <= boxes[1]["x"]


def test_buttons_are_not_on_paper_nor_copied(page: Page, open_chat: OpenChat) -> None:
    """Neither a print of the conversation nor a selection of it has anything of the buttons."""
    person = open_chat(shout, feedback=Heard())
    person.says("nba")
    expect(up(person)).to_be_visible()
    expect(again(person)).to_be_visible()

    selected = page.evaluate(
        "getSelection().selectAllChildren(document.querySelector('.answer'));"
        "getSelection().toString()"
    )
    assert "NBA" in selected
    assert ENGLISH["answer_again"] not in selected
    page.emulate_media(media="print")
    expect(person.log.locator(".row")).to_be_hidden()


def test_only_where_the_host_wants_to_know(page: Page, open_chat: OpenChat) -> None:
    """The echo asks for no buttons, and a function without `feedback=` has no thumbs."""
    person = open_chat(echo)
    person.talks("nba")
    assert not [asked for asked in person.asked if "buttons" in str(asked)]
    expect(person.log.get_by_role("button", name=ENGLISH["copy_answer"])).to_have_count(1)
    expect(person.log.locator(".row")).to_have_count(0)


def test_bot_without_feedback(open_chat: OpenChat) -> None:
    """Where there is a function of the host's own its last answer may be asked for again."""
    person = open_chat(shout)
    person.says("nba")
    expect(again(person)).to_be_visible()
    expect(up(person)).to_have_count(0)


def test_words_are_the_visitors(open_chat: OpenChat) -> None:
    """The buttons are named in the page's language."""
    person = open_chat(shout, feedback=Heard(), screen={"locale": "zh-CN"})
    person.page.locator("#echochat-field").fill("nba")
    person.page.locator("#echochat-field").press("Enter")
    for label in ("helpful", "unhelpful", "answer_again"):
        expect(person.page.get_by_role("button", name=CHINESE[label], exact=True)).to_be_visible()


# --- Answer again ---------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [False, True])
def test_answer_again_after_an_answer(open_chat: OpenChat, kept: bool) -> None:
    """The same text is sent once more, the old answer stays, and only the last one is offered."""
    person = open_chat(shout, kept=kept)
    person.says("one")
    person.reads("one", "ONE")
    person.says("two")
    person.reads("one", "ONE", "two", "TWO")
    expect(again(person)).to_have_count(1)
    again(person).click()
    person.reads("one", "ONE", "two", "TWO", "two", "TWO")

    expect(person.answers.last.locator(".ask")).to_be_visible()
    expect(again(person)).to_have_count(1)
    expect(person.field).to_be_focused()


@pytest.mark.parametrize("kept", [False, True])
def test_answer_again_during_an_answer(open_chat: OpenChat, kept: bool) -> None:
    """What is being written is stopped and stays as it is, and the answer begins anew."""
    drone = Drone()

    person = open_chat(drone.reply, kept=kept, markdown=False)
    person.says("go")
    person.reads("go", "on")
    again(person).click()
    wait_until(lambda: drone.ended == ["go"], "the end of the first answer")
    person.reads("go", "on", "go", "on")
    drone.open()
    person.reads("go", "on", "go", "on and on")
    expect(again(person)).to_have_count(1)
    expect(person.answers.last.locator(".ask")).to_be_visible()


def test_answer_again_after_a_reload(page: Page, open_chat: OpenChat) -> None:
    """A conversation that was there before the page still offers it, at its last answer."""
    person = open_chat(shout)
    person.says("nba")
    expect(again(person)).to_be_visible()
    page.reload()
    person.is_connected()
    again(person).click()
    person.reads("nba", "NBA", "nba", "NBA")


def test_answer_again_in_a_room(open_room: OpenRoom) -> None:
    """In a room one asks again what one asked oneself, as long as nobody else was answered."""
    ada, grace = open_room(reply=shout, rooms=MemoryRooms()).enter_in_turn("Ada", "Grace")
    ada.says("one")
    again(ada).click()
    for person in (ada, grace):
        expect(person.answers).to_have_count(2)
    grace.says("two")
    expect(again(grace)).to_have_count(1)
    expect(again(ada)).to_have_count(0)


def test_stopped_answer_is_sent_again_in_one_place(open_chat: OpenChat) -> None:
    """After Stop the message has Send again, and the answer no second button for the same."""
    drone = Drone()

    person = open_chat(drone.reply)
    person.says("go")
    expect(again(person)).to_be_visible()
    person.stop.click()
    expect(person.send_again).to_be_visible()
    expect(again(person)).to_have_count(0)


def test_buttons_while_disconnected(open_chat: OpenChat, console: Any) -> None:
    """While there is no connection they do nothing but say so."""
    console.allow_failed_connections()
    heard = Heard()

    person = open_chat(shout, wire=True, feedback=heard)
    person.says("nba")
    expect(up(person)).to_be_visible()
    person.goes_offline()
    for press in (up, again):
        press(person).click()
        expect(person.spoken).to_have_text(ENGLISH["unreachable"])
    is_pressed(good=up(person), bad=down(person), verdict=None)
    person.reads("nba", "NBA")

    assert heard.said == []
