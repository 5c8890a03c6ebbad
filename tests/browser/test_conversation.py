"""A person and an echo."""

import re
import threading

from fastapi.responses import HTMLResponse
from playwright.sync_api import BrowserContext, Page, expect

from fastapi_echochat import EchoChat, Limits, Message
from fastapi_echochat.page.languages import ENGLISH
from tests.apps import make_app
from tests.browser.conftest import OpenChat
from tests.browser.person import Person, echoed
from tests.browser.witness import note_messages
from tests.conftest import Serve
from tests.waiting import PATIENCE


def test_nba_is_answered(open_chat: OpenChat) -> None:
    """Sent `NBA`, the chat answers `Message text was: NBA`."""
    person = open_chat()
    person.says("NBA")

    person.reads("NBA", "Message text was: NBA")


def test_answers_come_in_order(open_chat: OpenChat) -> None:
    """Each answer follows its question, whose sender is named, and the field is empty again."""
    person = open_chat()
    for number, text in enumerate(["one", "two", "three"], start=1):
        person.says(text)
        expect(person.messages).to_have_count(2 * number)

    person.reads(*echoed(["one", "two", "three"]))
    expect(person.messages.locator("b")).to_have_text([ENGLISH["you"], "WebSocket Chat"] * 3)
    expect(person.field).to_have_value("")


def test_conversation_is_there_on_the_way_back(page: Page, open_chat: OpenChat) -> None:
    """What was said is there when one comes back to the page, and when one goes forward to it."""
    app = make_app()
    app.add_api_route("/", lambda: HTMLResponse("<!doctype html><link rel=icon href='data:,'>"))
    person = open_chat(app=app)
    person.talks("first")
    page.goto(page.url.removesuffix("chat"))
    page.goto(f"{page.url}chat")
    person.says("second")
    person.reads(*echoed(["first", "second"]))
    for step in (page.go_back, page.go_forward):
        step()
        step()
        person.is_connected()
        person.reads(*echoed(["first", "second"]))
    person.says("third")

    person.reads(*echoed(["first", "second", "third"]))


def test_messages_typed_meanwhile_are_answered_in_order(page: Page, open_chat: OpenChat) -> None:
    """Who types on while an answer is being made loses nothing, and overruns no server."""
    may_answer = threading.Event()

    def answer_when_told(message: Message) -> str:
        assert may_answer.wait(PATIENCE)
        return message.text.upper()

    texts = [f"message {number}" for number in range(40)]
    sent: list[str] = []

    note_messages(page, sent)
    person = open_chat(answer_when_told, limits=Limits(waiting_messages=4))
    person.says_at_once(texts)
    expect(person.mine).to_have_text(texts)
    assert len(sent) == 4
    may_answer.set()

    expect(person.log.locator(".answer p")).to_have_text([text.upper() for text in texts])
    assert len(sent) == len(texts)


def test_two_mounts_are_two_chats(page: Page, serve: Serve) -> None:
    """In an app with two chats each page talks with its own."""
    app = make_app(lambda message: "sales", prefix="/sales")
    app.include_router(EchoChat(lambda message: "support").router, prefix="/support")
    server = serve(app)
    person = Person(page)

    for name in ("support", "sales"):
        page.goto(server.url(f"/{name}"))
        person.says("who?")
        person.reads("who?", name)


def test_round_trip_time_is_shown(page: Page, open_chat: OpenChat) -> None:
    """After an answer the page says how long it took; before the first it says nothing.

    One can type as soon as the page is there, without a click.
    """
    person = open_chat(debug=True)
    expect(person.round_trip).to_have_text("")
    page.keyboard.type("at once")
    page.keyboard.press("Enter")

    person.reads(*echoed(["at once"]))
    expect(person.field).to_be_focused()
    expect(person.round_trip).to_have_text(re.compile(r"^Last answer after [1-9][0-9]* ms$"))


def test_address_can_be_copied(page: Page, context: BrowserContext, open_chat: OpenChat) -> None:
    """The address that the page talks with is shown, and Copy copies it and says so for a while."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.clock.install()

    with page.expect_websocket() as opened:
        person = open_chat(debug=True)
    address = opened.value.url
    assert address == f"{page.url.replace('http:', 'ws:')}/ws"
    expect(person.address).to_have_value(address)
    person.copy.click()
    expect(person.copy).to_have_text(ENGLISH["copied"])

    assert page.evaluate("navigator.clipboard.readText()") == address
    page.clock.fast_forward(3000)
    expect(person.copy).to_have_text(ENGLISH["copy_address"])


def test_failed_answer_is_told(page: Page, open_chat: OpenChat, expected_errors: list[str]) -> None:
    """A message whose reply function raised says so, with nothing internal, and the next works."""
    expected_errors.append("the reply function failed")

    def fail_once(message: Message) -> str:
        if message.text == "fail":
            raise RuntimeError("the password is swordfish")
        return "fine"

    person = open_chat(fail_once)
    person.says("fail")
    expect(person.notes).to_have_text([re.compile("^Not answered: ")])
    person.says("again")

    person.reads("fail", "again", "fine")
    expect(person.notes).to_have_count(1)
    person.reads_state("connected")
    for internal in ("swordfish", "RuntimeError", "Traceback", "fail_once"):
        assert internal not in page.content()
