"""What one does with a conversation: copy, save, clear, and find it again after a reload."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from fastapi_echochat import Message
from fastapi_echochat.page.languages import ENGLISH
from tests.apps import make_app
from tests.browser.conftest import OpenChat
from tests.browser.gate import Gate
from tests.browser.person import Person, echoed, words
from tests.conftest import Serve

TEXT = 'He said:\n  "<b>Ö</b> & 你好" '


def test_answer_is_copied(page: Page, open_chat: OpenChat, context: BrowserContext) -> None:
    """Copy, shown with an answer under the mouse, puts that answer's text on the clipboard."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])

    person = open_chat(lambda message: message.text)
    copy = person.log.locator(".copy")
    person.says(TEXT)
    expect(copy).to_have_css("opacity", "0")
    person.answers.hover()
    expect(copy).to_have_css("opacity", "1")
    copy.click()

    expect(copy).to_have_text(ENGLISH["copied"])
    assert page.evaluate("navigator.clipboard.readText()") == TEXT
    expect(copy).to_have_text(ENGLISH["copy_answer"])


def test_answers_are_copied_by_keyboard(
    page: Page, open_chat: OpenChat, context: BrowserContext
) -> None:
    """Tab leads to the newest answer's Copy, the arrows from one to the next, Enter copies."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    texts = ["one", "two", "three"]

    person = open_chat()
    copy = person.log.locator(".copy")
    for text in texts:
        person.says(text)
    expect(copy).to_have_count(3)
    page.keyboard.press("Shift+Tab")
    expect(copy.nth(2)).to_be_focused()
    for expected in (1, 0, 0):
        page.keyboard.press("ArrowUp")
        expect(copy.nth(expected)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(copy.nth(1)).to_be_focused()
    expect(copy.nth(1)).to_have_css("opacity", "1")
    page.keyboard.press("Enter")

    expect(copy).to_have_text(words("copy_answer", "copied", "copy_answer"))
    assert page.evaluate("navigator.clipboard.readText()") == "Message text was: two"
    page.keyboard.press("Shift+Tab")
    expect(person.log).to_be_focused()
    page.keyboard.press("Tab")
    expect(copy.nth(1)).to_be_focused()


def test_conversation_is_saved_as_text(
    page: Page, open_chat: OpenChat, expected_errors: list[str], tmp_path: Path
) -> None:
    """Saved is a text file of all that was said, with names and times, and what went wrong."""
    expected_errors.append("the reply function failed")

    async def answer(message: Message) -> AsyncIterator[str]:
        yield f"You said {message.text}"
        if message.text == "fail":
            raise RuntimeError
        yield "."

    person = open_chat(answer, title="Q & A")
    expect(person.save).to_be_disabled()
    person.says("two\nlines 你好")
    expect(person.texts).to_have_count(2)
    person.says("fail")
    expect(person.notes).to_have_count(2)
    person.menu.click()
    with page.expect_download() as download:
        person.save.click()

    assert download.value.suggested_filename.endswith(".txt")
    download.value.save_as(tmp_path / "chat.txt")
    text = (tmp_path / "chat.txt").read_text(encoding="utf-8")
    assert re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", text) == (
        "You [TIME]\ntwo\nlines 你好\n\n"
        "Q & A [TIME]\nYou said two\nlines 你好.\n\n"
        "You [TIME]\nfail\n(Not answered: the answer could not be made)\n\n"
        "Q & A [TIME]\nYou said fail\n(Not complete)\n"
    )


def test_clear_asks_once(page: Page, open_chat: OpenChat) -> None:
    """The first click on Clear asks, for some seconds; the second clears, also after a reload."""
    page.clock.install()

    person = open_chat()
    expect(person.clear).to_be_disabled()
    person.talks("secret")
    person.menu.click()
    person.clear.click()
    expect(person.clear).to_have_text(ENGLISH["clear_really"])
    page.clock.fast_forward(6000)
    expect(person.clear).to_have_text(ENGLISH["clear_all"])
    person.reads(*echoed(["secret"]))
    person.clear.click()
    person.clear.click()

    person.reads()
    expect(person.clear).to_have_text(ENGLISH["clear_all"])
    expect(person.clear).to_be_disabled()
    expect(person.field).to_be_focused()
    page.reload()
    person.talks("new")


def test_clear_ends_the_answer_that_is_written(open_chat: OpenChat) -> None:
    """What is cleared is stopped as well, and nothing of it appears later."""
    gate = Gate()

    async def answer(message: Message) -> AsyncIterator[str]:
        yield f"to {message.text}"
        if message.text == "first":
            await gate.passed()
            yield " more"

    person = open_chat(answer)
    person.says("first")
    person.reads("first", "to first")
    person.clears()
    person.reads()
    person.says("second")

    person.reads("second", "to second")


def test_conversation_survives_a_reload(
    page: Page, open_chat: OpenChat, expected_errors: list[str]
) -> None:
    """After a reload all is there that was said, with what went wrong, and the talk goes on."""
    expected_errors.append("the reply function failed")

    def answer(message: Message) -> str:
        if message.text == "fail":
            raise RuntimeError
        return message.text.upper()

    person = open_chat(answer)
    person.says("one")
    person.reads("one", "ONE")
    person.says("fail")
    expect(person.notes).to_have_count(1)
    page.reload()
    person.reads("one", "ONE", "fail")
    failed = ENGLISH["failed"].format(detail=ENGLISH["reply_failed"])
    expect(person.notes).to_have_text([failed])
    expect(person.send_again).to_be_visible()
    person.says("two")

    person.reads("one", "ONE", "fail", "two", "TWO")
    expect(person.log.locator(".copy")).to_have_count(2)


def test_unanswered_message_is_answered_after_a_reload(page: Page, open_chat: OpenChat) -> None:
    """Reloaded during an answer, the page asks again under the same id, and has it once."""
    gate = Gate()
    ids: list[str] = []

    async def answer(message: Message) -> AsyncIterator[str]:
        ids.append(message.id)
        yield f"attempt {len(ids)}:"
        await gate.passed()
        yield " done"

    person = open_chat(answer)
    person.says("try")
    person.reads("try", "attempt 1:")
    page.reload()
    person.reads("try", "attempt 2:")
    gate.open()
    person.reads("try", "attempt 2: done")
    page.reload()

    person.reads("try", "attempt 2: done")
    person.reads_state("connected")
    person.says("try")
    expect(person.texts.last).to_have_text("attempt 3:")
    assert len(ids) == 3
    assert len(set(ids)) == 2


def test_each_chat_has_its_own_conversation(page: Page, serve: Serve) -> None:
    """What was said in one chat is not shown in another one of the same host."""
    app = make_app(prefix="/{name}/chat")
    server = serve(app)
    person = Person(page)

    for name in ("one", "two"):
        page.goto(server.url(f"/{name}/chat"))
        person.talks(name)
    page.goto(server.url("/one/chat"))

    person.reads(*echoed(["one"]))


def test_what_is_kept_is_bounded(page: Page, open_chat: OpenChat) -> None:
    """Of a long conversation a reload keeps the last two hundred messages."""
    texts = [f"number {number}" for number in range(150)]

    person = open_chat()
    person.says_at_once(texts)
    expect(person.answers).to_have_count(150)
    before = person.texts.all_text_contents()
    page.reload()

    expect(person.messages).to_have_count(200)
    assert person.texts.all_text_contents() == before[-200:]


def test_long_texts_are_not_kept_for_ever(page: Page, open_chat: OpenChat) -> None:
    """Of long messages a reload keeps the last two hundred thousand characters at most."""
    person = open_chat(lambda message: message.text[:1])
    for letter in "abcde":
        person.says(letter * 60_000)
        expect(person.texts.last).to_have_text(letter)
    page.reload()

    expect(person.log.locator(".mine")).to_have_count(3)
    expect(person.texts.last).to_have_text("e")


@pytest.mark.parametrize("kept", [False, True])
def test_page_without_storage_works(page: Page, open_chat: OpenChat, kept: bool) -> None:
    """In a sandboxed frame, which is refused all storage, the chat works and forgets.

    Where the server keeps conversations each page has its own.
    """
    person = open_chat(kept=kept, frame="allow-scripts", allowed_origins=["null"])
    person.talks("hello")
    page.reload()
    person.talks("hello again")
