"""How much of a screen is controls, the menu, and how large what one presses is."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from fastapi_echochat.page.languages import ENGLISH
from tests.apps import make_app
from tests.browser.axe import violations
from tests.browser.conftest import OpenChat, OpenRoom, TakePicture
from tests.browser.gate import Drone
from tests.browser.hosts import add_widget
from tests.browser.person import Person, box_of, echoed

PHONE = {"is_mobile": True, "has_touch": True, "device_scale_factor": 2}
PHONES: dict[str, dict[str, Any]] = {
    "large": {"viewport": {"width": 390, "height": 844}, **PHONE},
    "small": {"viewport": {"width": 360, "height": 640}, **PHONE},
    "smallest": {"viewport": {"width": 320, "height": 568}, **PHONE},
}
LAPTOPS: dict[str, dict[str, Any]] = {
    "1366 by 768": {"viewport": {"width": 1366, "height": 657}},
    "1440 by 900": {"viewport": {"width": 1440, "height": 789}},
}


def share_of_controls(person: Person, height: float) -> float:
    """Return which part of a height is not the conversation."""
    return (height - box_of(person.log)["height"]) / height


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("phone", PHONES)
def test_phone_shows_the_conversation(
    open_chat: OpenChat, take_picture: TakePicture, phone: str, kept: bool
) -> None:
    """At most 15 % of a phone is controls: empty, in a conversation, while an answer is written."""
    person = open_chat(Drone().reply, kept=kept, screen=PHONES[phone])
    height = PHONES[phone]["viewport"]["height"]
    assert share_of_controls(person, height) <= 0.15
    person.says("drone")
    expect(person.stop).to_be_visible()
    take_picture(person.page, f"controls-{phone}")

    assert share_of_controls(person, height) <= 0.15


@pytest.mark.parametrize("phone", PHONES)
def test_phone_shows_what_people_say(
    open_room: OpenRoom, take_picture: TakePicture, phone: str
) -> None:
    """In a room at most 15 % of a phone is controls too, with all the names of who is there."""
    room = open_room()
    ada = room.enter("Ada", **PHONES[phone])
    for number in range(3):
        room.enter(f"Somebody with the long name {number}")
    expect(ada.here).to_contain_text("4 here")
    ada.says("Good evening")
    take_picture(ada.page, f"controls-room-{phone}")

    assert share_of_controls(ada, PHONES[phone]["viewport"]["height"]) <= 0.15
    assert box_of(ada.here)["y"] >= box_of(ada.page.get_by_role("heading"))["y"]
    expect(ada.rename).to_be_in_viewport(ratio=1)
    for part in (ada.menu, ada.send):
        assert min(reach_of(part)) >= 44


@pytest.mark.parametrize("laptop", LAPTOPS)
def test_widget_shows_the_conversation(
    page: Page, open_chat: OpenChat, take_picture: TakePicture, laptop: str
) -> None:
    """At most 15 % of the widget's panel on a laptop is controls, its button to close included."""
    app = make_app()
    add_widget(app, "/chat")
    page = open_chat(app=app, screen=LAPTOPS[laptop]).page
    page.goto(page.url.removesuffix("/chat"))
    page.get_by_role("button", name="Chat", exact=True).click()
    person = Person(page.frame_locator("iframe"))
    person.talks("NBA")
    take_picture(page, f"controls-widget-{laptop.replace(' ', '-')}")
    panel = page.get_by_role("dialog")

    assert share_of_controls(person, box_of(panel)["height"]) <= 0.15
    closer = box_of(panel.get_by_role("button", name="Close"))
    menu = box_of(person.menu)
    assert menu["x"] + menu["width"] <= closer["x"]
    assert closer["y"] + closer["height"] <= box_of(person.log)["y"]


@pytest.mark.parametrize("screen", PHONES | LAPTOPS)
def test_button_that_closes_the_widget_is_beside_its_heading(
    open_chat: OpenChat, screen: str
) -> None:
    """The button that closes the widget is on the line of its heading, and as wide as a thumb."""
    app = make_app()
    add_widget(app, "/chat")
    page = open_chat(app=app, screen=(PHONES | LAPTOPS)[screen]).page
    page.goto(page.url.removesuffix("/chat"))
    page.get_by_role("button", name="Chat", exact=True).click()
    heading = box_of(page.frame_locator("iframe").get_by_role("heading"))
    closer = page.get_by_role("dialog").get_by_role("button", name="Close")
    middle_of_sign = closer.evaluate(
        """button => {
            const range = document.createRange();
            range.selectNodeContents(button);
            const { y, height } = range.getBoundingClientRect();
            return y + height / 2;
        }"""
    )

    assert heading["y"] + heading["height"] / 2 == pytest.approx(middle_of_sign, abs=2)
    assert screen not in PHONES or min(reach_of(closer)) >= 44


def reach_of(part: Locator) -> tuple[float, float]:
    """Return how far, by width and height, presses around its middle belong to a button."""
    reached: list[float] = part.evaluate(
        """button => {
            const { x, y, width, height } = button.getBoundingClientRect();
            const root = button.getRootNode();
            const isOurs = (dx, dy) =>
                button.contains(root.elementFromPoint(x + width / 2 + dx, y + height / 2 + dy));
            const reach = (dx, dy) => {
                let steps = 0;
                while (isOurs(steps * dx, steps * dy)) steps += 0.5;
                return steps;
            };
            return [reach(1, 0) + reach(-1, 0), reach(0, 1) + reach(0, -1)];
        }"""
    )
    return reached[0], reached[1]


@pytest.mark.parametrize("phone", PHONES)
def test_thumbs_hit_what_they_press(open_chat: OpenChat, phone: str) -> None:
    """Send, Stop, the menu, suggestions and Save are 44 pixels high and wide for a thumb."""
    drone = Drone()
    person = open_chat(drone.reply, suggestions=["Hi"], screen=PHONES[phone])
    parts = [person.send, person.suggestions]
    for part in parts:
        assert min(reach_of(part)) >= 44, part
    person.says("drone")
    expect(person.stop).to_be_visible()
    assert min(reach_of(person.stop)) >= 44
    assert min(reach_of(person.menu)) >= 44
    person.menu.click()

    assert min(reach_of(person.save)) >= 44


def test_stop_stands_in_the_place_of_send(open_chat: OpenChat) -> None:
    """While an answer is written Stop is where Send was; with something typed both are there."""
    person = open_chat(Drone().reply)
    send = box_of(person.send)
    person.says("drone")
    stop = box_of(person.stop)
    expect(person.send).to_be_hidden()
    assert stop["x"] + stop["width"] == pytest.approx(send["x"] + send["width"], abs=1)
    assert stop["y"] == send["y"]
    person.field.fill("And then?")

    expect(person.send).to_be_visible()
    expect(person.stop).to_be_visible()
    box = box_of(person.box)
    for part in (person.send, person.stop, person.field):
        inner = box_of(part)
        assert box["x"] <= inner["x"]
        assert inner["x"] + inner["width"] <= box["x"] + box["width"]


def test_menu_by_keyboard(page: Page, open_chat: OpenChat, take_picture: TakePicture) -> None:
    """The menu opens and closes by keyboard, Escape gives the focus back, and axe finds nothing."""
    person = open_chat()
    expect(person.menu).to_be_hidden()
    person.talks("NBA")
    expect(person.menu).to_have_accessible_name(ENGLISH["menu"])
    person.menu.focus()
    page.keyboard.press("Enter")
    expect(person.save).to_be_visible()
    take_picture(page, "menu")
    assert violations(page) == []
    page.keyboard.press("Tab")
    expect(person.save).to_be_focused()
    page.keyboard.press("Escape")
    expect(person.save).to_be_hidden()
    expect(person.menu).to_be_focused()

    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(person.save).to_be_hidden()


def test_menu_closes_by_a_press_elsewhere(page: Page, open_chat: OpenChat) -> None:
    """A press beside the menu closes it, and so does Save, which gives the focus back."""
    person = open_chat()
    person.talks("NBA")
    person.menu.click()
    expect(person.clear).to_be_visible()
    person.answers.click()
    expect(person.clear).to_be_hidden()

    person.menu.click()
    with page.expect_download():
        person.save.click()
    expect(person.save).to_be_hidden()
    expect(person.menu).to_be_focused()


@pytest.mark.parametrize("kept", [False, True])
def test_clear_asks_once_in_a_translated_page(open_chat: OpenChat, kept: bool) -> None:
    """A browser that replaces the words on the button, whenever it does, changes no meaning."""
    translate = (
        "button => { const font = document.createElement('font'); font.textContent = 'Löschen';"
        " button.replaceChildren(font); }"
    )
    person = open_chat(kept=kept)
    person.talks("NBA")
    person.menu.click()
    person.clear.evaluate(translate)
    person.clear.click()
    person.reads(*echoed(["NBA"]))
    person.clear.evaluate(translate)
    person.clear.click()

    person.reads()


@pytest.mark.parametrize("kept", [False, True])
def test_clear_of_the_host(open_chat: OpenChat, tmp_path: Path, kept: bool) -> None:
    """A host's own Clear, with a picture on it, asks once too, and has its picture again then."""
    folder = tmp_path / "fastapi_echochat"
    folder.mkdir()
    (folder / "chat.html").write_text(
        '{% extends "fastapi_echochat/base.html" %}{% block tools %}'
        '<button id="echochat-clear" type="button"><b aria-label="Clear">🧹</b></button>'
        "{% endblock %}"
    )
    person = open_chat(kept=kept, templates=tmp_path)
    person.talks("NBA")
    picture = person.clear.locator("b")
    person.clear.click()
    expect(person.clear).to_have_text(ENGLISH["clear_really"])
    person.reads(*echoed(["NBA"]))
    person.clear.click()

    person.reads()
    expect(picture).to_be_visible()


def test_state_is_a_dot_while_all_is_well(open_chat: OpenChat) -> None:
    """Connected, the page shows a dot, and says the word to screen readers alone."""
    person = open_chat()
    person.reads_state("connected")

    assert box_of(person.state)["width"] == box_of(person.state)["height"] <= 12
    assert person.state.evaluate("state => getComputedStyle(state).overflow") == "hidden"
