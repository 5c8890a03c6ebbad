"""An empty page: what it says, what it suggests, and what stays of it."""

import pytest
from playwright.sync_api import Page, expect

from fastapi_echochat.page.languages import ENGLISH
from tests.browser.axe import violations
from tests.browser.conftest import OpenChat, OpenRoom, TakePicture
from tests.browser.person import echoed
from tests.browser.test_layout import SCREENS, is_wider_than_its_window

SUGGESTIONS = ["Compare the two", "What does it cost, and for how long is it mine then?", "Hi"]


@pytest.mark.parametrize("screen", SCREENS)
def test_suggestion_is_sent_with_one_press(
    open_chat: OpenChat, take_picture: TakePicture, screen: str
) -> None:
    """A press sends a suggestion; the greeting goes, and is back once the page is cleared.

    Greeting and suggestions have no barrier that axe finds, and are not wider than the window.
    """
    person = open_chat(
        welcome="Hi! Ask me anything.", suggestions=SUGGESTIONS, screen=SCREENS[screen]
    )
    take_picture(person.page, f"{screen}-greeting")
    expect(person.greeting).to_contain_text("Hi! Ask me anything.")
    expect(person.suggestions).to_have_text(SUGGESTIONS)
    assert violations(person.page) == []
    assert not is_wider_than_its_window(person.page)

    person.suggestions.nth(1).click()
    person.reads(*echoed([SUGGESTIONS[1]]))
    expect(person.greeting).to_be_hidden()
    person.page.reload()
    expect(person.texts).to_have_count(2)
    expect(person.greeting).to_be_hidden()
    person.clears()

    expect(person.greeting).to_be_visible()


def test_suggestions_in_a_translated_page(open_chat: OpenChat) -> None:
    """A browser that translates the page changes what one reads, and not what is sent."""
    person = open_chat(suggestions=["Hello"])
    person.suggestions.evaluate(
        "button => { const font = document.createElement('font'); font.textContent = 'Hallo';"
        " button.replaceChildren(font); }"
    )
    person.greeting.get_by_text("Hallo").click()

    person.reads(*echoed(["Hello"]))


def test_suggestion_leaves_the_draft(open_chat: OpenChat) -> None:
    """What stands in the field stays there when a suggestion is sent."""
    person = open_chat(suggestions=["Hello"])
    person.field.fill("half a")
    person.suggestions.click()

    person.reads(*echoed(["Hello"]))
    expect(person.field).to_have_value("half a")
    expect(person.field).to_be_focused()


@pytest.mark.parametrize("kept", [False, True])
def test_keys_are_explained_until_the_first_message(open_chat: OpenChat, kept: bool) -> None:
    """The hint about keys is read in an empty page, and by a screen reader at any time."""
    person = open_chat(kept=kept)
    hint = person.page.get_by_text(ENGLISH["hint"])
    expect(hint).to_be_visible()
    person.talks("NBA")

    expect(hint).to_be_hidden()
    expect(person.field).to_have_accessible_description(ENGLISH["hint"])


def test_greeting_of_a_room(page: Page, open_room: OpenRoom) -> None:
    """An empty room greets, and suggests something to those who have a name; one with talk not."""
    room = open_room(welcome="This is the lounge.", suggestions=["Hello everybody"])
    ada = room.visit()
    expect(ada.greeting).to_contain_text("This is the lounge.")
    expect(ada.suggestions).to_be_hidden()
    ada.joins("Ada")
    ada.suggestions.click()
    ada.reads("Hello everybody")
    bob = room.enter("Bob")
    bob.reads("Hello everybody")

    for one in (ada, bob):
        expect(one.greeting).to_be_hidden()


@pytest.mark.parametrize("labels", [None, {"answer": "Ada"}])
def test_name_of_who_answers(open_chat: OpenChat, labels: dict[str, str] | None) -> None:
    """Answers are the title's, for a screen reader; a name of its own is shown as well."""
    person = open_chat(title="Tea house", labels=labels)
    person.talks("NBA")
    name = person.answers.locator("b")

    expect(name).to_have_text("Ada" if labels else "Tea house")
    clipped = name.evaluate("name => getComputedStyle(name).clipPath")
    assert clipped == ("none" if labels else "inset(50%)")
