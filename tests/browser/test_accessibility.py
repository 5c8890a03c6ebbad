"""A page for everybody: with a keyboard alone, and to a screen reader."""

from playwright.sync_api import Locator, Page, expect

from fastapi_echochat import Limits, Message
from fastapi_echochat.page.languages import ENGLISH
from tests.browser.axe import SCHEMES, violations
from tests.browser.conftest import Console, OpenChat
from tests.browser.gate import Gate


def fail_if_asked(message: Message) -> str:
    if message.text == "fail":
        raise RuntimeError
    return message.text


def test_conversation_is_accessible(
    page: Page, open_chat: OpenChat, expected_errors: list[str]
) -> None:
    """axe-core finds nothing in an empty page, nor after a failed and a refused message."""
    expected_errors.append("the reply function failed")

    person = open_chat(fail_if_asked, limits=Limits(message_bytes=20))
    assert violations(page) == []
    person.says("fine")
    person.reads("fine", "fine")
    person.says("fail")
    expect(person.notes).to_have_count(1)
    person.says("x" * 21)
    expect(person.refusal).to_be_visible()

    assert violations(page) == []


def test_waiting_page_is_accessible(page: Page, open_chat: OpenChat, console: Console) -> None:
    """axe-core finds nothing in a page that has lost its connection, with a message waiting."""
    console.allow_failed_connections()

    person = open_chat(wire=True)
    person.talks("NBA")
    person.goes_offline()
    person.says("waiting")
    expect(person.notes).to_have_text([ENGLISH["waiting"]])

    assert violations(page) == []


def test_keyboard_reaches_everything(page: Page, open_chat: OpenChat) -> None:
    """Tab goes through log, field, Send, address and Copy, and shows each time where it is."""

    def has_visible_focus(part: Locator) -> bool:
        outline: dict[str, str] = part.evaluate(
            """part => {
                const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(part);
                return { outlineStyle, outlineWidth, outlineColor };
            }"""
        )
        page_color = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
        return (
            outline["outlineStyle"] == "solid"
            and float(outline["outlineWidth"].removesuffix("px")) >= 2
            and outline["outlineColor"] != page_color
        )

    person = open_chat(debug=True)
    expect(person.field).to_be_focused()
    page.keyboard.press("Shift+Tab")

    for part in (person.log, person.field, person.send, person.address, person.copy):
        expect(part).to_be_focused()
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            # The line of the field is around what stands in it, Send included.
            shown = person.box if part is person.field else part
            assert has_visible_focus(shown), (part, scheme)
        page.keyboard.press("Tab")


def test_everything_works_without_a_mouse(page: Page, open_chat: OpenChat) -> None:
    """By keyboard alone one sends, reads back, comes down again and copies the address.

    axe-core finds nothing in a long log whose reader is further up.
    """
    gate = Gate()

    async def answer(message: Message) -> str:
        if message.text == "meanwhile":
            await gate.passed()
        return message.text

    person = open_chat(answer, debug=True)
    person.says_at_once([f"number {number}" for number in range(19)])
    page.keyboard.type("by Enter")
    page.keyboard.press("Enter")
    expect(person.messages).to_have_count(40)
    page.keyboard.type("by the button")
    page.keyboard.press("Tab")
    expect(person.send).to_be_focused()
    page.keyboard.press("Space")
    expect(person.messages).to_have_count(42)
    expect(person.field).to_be_focused()
    expect(person.messages.last).to_be_in_viewport(ratio=1)

    page.keyboard.type("meanwhile")
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Home")
    expect(person.messages.first).to_be_in_viewport(ratio=1)
    page.keyboard.press("Tab")
    expect(person.field).to_be_focused()
    gate.open()
    expect(person.newest).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Shift+Tab")
    expect(person.newest).to_be_focused()
    page.keyboard.press("Enter")
    expect(person.messages.last).to_be_in_viewport(ratio=1)
    expect(person.log).to_be_focused()

    # An answer's copy button, Answer again, the field, Send, the address.
    expect(person.log.locator(".ask")).to_be_visible()
    for _ in range(6):
        page.keyboard.press("Tab")
    expect(person.copy).to_be_focused()
    page.keyboard.press("Enter")
    expect(person.copy).to_have_text(ENGLISH["copied"])


def test_what_changes_is_announced(open_chat: OpenChat) -> None:
    """A screen reader hears messages, the state and refusals: each is in a live region."""
    person = open_chat(limits=Limits(message_bytes=5))
    person.says("hello")
    expect(person.messages).to_have_count(2)
    person.says("too long")

    expect(person.log).to_have_accessible_name(ENGLISH["messages"])
    expect(person.log).to_contain_text("Message text was: hello")
    expect(person.refusal).to_be_visible()
    description = f"{ENGLISH['hint']} {ENGLISH['too_long'].format(size=8, limit=5)}"
    expect(person.field).to_have_accessible_description(description)
