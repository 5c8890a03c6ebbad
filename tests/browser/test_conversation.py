"""A person and an echo."""

import re
import threading

from fastapi import FastAPI
from playwright.sync_api import BrowserContext, Page, expect

from fastapi_echochat import EchoChat, Limits, Message
from fastapi_echochat.page.languages import ENGLISH
from tests.browser.person import Person, echoed
from tests.browser.witness import note_frames
from tests.conftest import Serve
from tests.servers import PATIENCE


def test_nba_is_answered(page: Page, serve: Serve) -> None:
    """Sent `NBA`, the chat answers `Message text was: NBA`."""
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/support/chat")
    person = Person(page)

    page.goto(serve(app).url("/support/chat"))
    person.says("NBA")

    person.reads("NBA", "Message text was: NBA")


def test_answers_come_in_order(page: Page, serve: Serve) -> None:
    """Each answer follows its question, whose sender is named, and the field is empty again."""
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/chat")
    person = Person(page)

    page.goto(serve(app).url("/chat"))
    for number, text in enumerate(["one", "two", "three"], start=1):
        person.says(text)
        expect(person.messages).to_have_count(2 * number)

    person.reads(*echoed(["one", "two", "three"]))
    expect(person.messages.locator("b")).to_have_text([ENGLISH["you"], ENGLISH["answer"]] * 3)
    expect(person.field).to_have_value("")


def test_messages_typed_meanwhile_are_answered_in_order(page: Page, serve: Serve) -> None:
    """Who types on while an answer is being made loses nothing, and overruns no server."""
    may_answer = threading.Event()

    def answer_when_told(message: Message) -> str:
        assert may_answer.wait(PATIENCE)
        return message.text.upper()

    app = FastAPI()
    chat = EchoChat(answer_when_told, limits=Limits(waiting_messages=4))
    app.include_router(chat.router, prefix="/chat")
    texts = [f"message {number}" for number in range(40)]
    person = Person(page)
    sent: list[str] = []

    note_frames(page, sent)
    page.goto(serve(app).url("/chat"))
    person.reads_state("connected")
    for text in texts:
        person.says(text)
    expect(person.log.locator(".mine p")).to_have_text(texts)
    assert len(sent) == 4
    may_answer.set()

    expect(person.log.locator(".answer p")).to_have_text([text.upper() for text in texts])
    assert len(sent) == len(texts)


def test_two_mounts_are_two_chats(page: Page, serve: Serve) -> None:
    """In an app with two chats each page talks with its own."""
    app = FastAPI()
    app.include_router(EchoChat(lambda message: "sales").router, prefix="/sales")
    app.include_router(EchoChat(lambda message: "support").router, prefix="/support")
    server = serve(app)
    person = Person(page)

    for name in ("support", "sales"):
        page.goto(server.url(f"/{name}"))
        person.says("who?")
        person.reads("who?", name)


def test_round_trip_time_is_shown(page: Page, serve: Serve) -> None:
    """After an answer the page says how long it took; before the first it says nothing."""
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/chat")
    person = Person(page)
    shown = page.locator("#echochat-round-trip")

    page.goto(serve(app).url("/chat"))
    person.reads_state("connected")
    expect(shown).to_have_text("")
    person.says("how long?")

    expect(shown).to_have_text(re.compile(r"^Last answer after [1-9][0-9]* ms$"))


def test_address_can_be_copied(page: Page, context: BrowserContext, serve: Serve) -> None:
    """The endpoint's address is shown, and the Copy button copies it and says so for a while."""
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/support/chat")
    server = serve(app)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    person = Person(page)
    page.clock.install()

    page.goto(server.url("/support/chat"))
    address = f"ws://{server.authority}/support/chat/ws"
    expect(person.address).to_have_value(address)
    person.copy.click()
    expect(person.copy).to_have_text(ENGLISH["copied"])

    assert page.evaluate("navigator.clipboard.readText()") == address
    page.clock.fast_forward(3000)
    expect(person.copy).to_have_text(ENGLISH["copy_address"])


def test_copied_address_connects(page: Page, serve: Serve) -> None:
    """The address on the page is the one the page itself talks with."""
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/support/chat")
    server = serve(app)
    person = Person(page)

    with page.expect_websocket() as opened:
        page.goto(server.url("/support/chat"))

    expect(person.address).to_have_value(opened.value.url)


def test_field_has_the_focus(page: Page, serve: Serve) -> None:
    """One can type as soon as the page is there, without a click."""
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/chat")
    person = Person(page)

    page.goto(serve(app).url("/chat"))
    page.keyboard.type("at once")
    page.keyboard.press("Enter")

    person.reads("at once", "Message text was: at once")
    expect(person.field).to_be_focused()


def test_failed_answer_is_told(page: Page, serve: Serve, expected_errors: list[str]) -> None:
    """A message whose reply function raised says so, with nothing internal, and the next works."""
    expected_errors.append("the reply function failed")

    def fail_once(message: Message) -> str:
        if message.text == "fail":
            raise RuntimeError("the password is swordfish")
        return "fine"

    app = FastAPI()
    app.include_router(EchoChat(fail_once).router, prefix="/chat")
    person = Person(page)

    page.goto(serve(app).url("/chat"))
    person.says("fail")
    expect(person.notes).to_have_text([re.compile("^Not answered: ")])
    person.says("again")

    person.reads("fail", "again", "fine")
    expect(person.notes).to_have_count(1)
    person.reads_state("connected")
    for internal in ("swordfish", "RuntimeError", "Traceback", "fail_once"):
        assert internal not in page.content()
