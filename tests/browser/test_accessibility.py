"""A page for everybody: with a keyboard alone, and to a screen reader."""

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has no types
from fastapi import Depends, FastAPI, HTTPException
from fastapi.requests import HTTPConnection
from playwright.sync_api import Locator, Page, expect

from fastapi_echochat import EchoChat, Limits, Message
from fastapi_echochat.page.languages import ENGLISH
from tests.browser.conftest import SCHEMES, Console, StartRelay, TakePicture
from tests.browser.person import Person, echoed
from tests.conftest import Serve


def violations(page: Page) -> list[str]:
    """Return what axe-core objects to, by day and by night, with the elements it is about."""
    found: list[str] = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found += [
            f"{scheme}: {rule['id']}: {[node['html'] for node in rule['nodes']]}"
            for rule in Axe().run(page).response["violations"]
        ]
    return found


def fail_if_asked(message: Message) -> str:
    if message.text == "fail":
        raise RuntimeError
    return message.text


def test_empty_page_is_accessible(page: Page, serve: Serve) -> None:
    """axe-core finds nothing to object to in a page on which nothing was said yet."""
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/chat")
    person = Person(page)

    page.goto(serve(app).url("/chat"))
    person.reads_state("connected")

    assert violations(page) == []


def test_conversation_is_accessible(page: Page, serve: Serve, expected_errors: list[str]) -> None:
    """axe-core finds nothing in a conversation with a failed and with a refused message."""
    expected_errors.append("the reply function failed")
    app = FastAPI()
    chat = EchoChat(fail_if_asked, limits=Limits(message_bytes=20))
    app.include_router(chat.router, prefix="/chat")
    person = Person(page)

    page.goto(serve(app).url("/chat"))
    person.says("fine")
    person.reads("fine", "fine")
    person.says("fail")
    expect(person.notes).to_have_count(1)
    person.says("x" * 21)
    expect(person.refusal).to_be_visible()

    assert violations(page) == []


def test_reader_far_up_is_offered_an_accessible_way_down(page: Page, serve: Serve) -> None:
    """axe-core finds nothing in a long log whose reader is further up."""
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/chat")
    person = Person(page)

    page.goto(serve(app).url("/chat"))
    for number in range(20):
        person.says(f"number {number}")
    expect(person.messages).to_have_count(40)
    expect(person.messages.last).to_be_in_viewport(ratio=1)
    person.log.focus()
    page.keyboard.press("Home")
    expect(person.messages.first).to_be_in_viewport(ratio=1)
    person.says("more")
    expect(person.newest).to_be_visible()

    assert violations(page) == []


def test_waiting_page_is_accessible(
    page: Page, console: Console, serve: Serve, start_relay: StartRelay
) -> None:
    """axe-core finds nothing in a page that has lost its connection, with a message waiting."""
    console.allow_failed_connections()
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/chat")
    relay = start_relay(serve(app).port)
    person = Person(page)

    page.goto(relay.url("/chat"))
    person.says("NBA")
    person.reads(*echoed(["NBA"]))
    page.context.set_offline(True)
    relay.cut()
    person.reads_state("unreachable")
    person.says("waiting")
    expect(person.notes).to_have_text([ENGLISH["waiting"]])

    assert violations(page) == []


def test_signed_out_page_is_accessible(
    *,
    page: Page,
    console: Console,
    serve: Serve,
    start_relay: StartRelay,
    expected_errors: list[str],
    take_picture: TakePicture,
) -> None:
    """axe-core finds nothing in a page whose person is signed out, nor in its way back."""
    console.allow_failed_connections()
    # uvicorn 0.54 logs this at ERROR for each handshake that a dependency refuses.
    expected_errors.append("returned without completing handshake")
    is_signed_in = True

    def guard(connection: HTTPConnection) -> None:
        if not is_signed_in:
            raise HTTPException(401)

    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/chat", dependencies=[Depends(guard)])
    relay = start_relay(serve(app).port)
    person = Person(page)

    page.goto(relay.url("/chat"))
    person.reads_state("connected")
    is_signed_in = False
    relay.cut()
    person.reads_state("signed_out")
    expect(person.try_again).to_be_visible()
    take_picture(page, "signed-out")

    assert violations(page) == []


def test_keyboard_reaches_everything(page: Page, serve: Serve) -> None:
    """Tab goes through log, field, Send, address and Copy, and shows each time where it is."""
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/chat")
    person = Person(page)

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

    page.goto(serve(app).url("/chat"))
    person.reads_state("connected")
    expect(person.field).to_be_focused()
    page.keyboard.press("Shift+Tab")

    for part in (person.log, person.field, person.send, person.address, person.copy):
        expect(part).to_be_focused()
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert has_visible_focus(part), (part, scheme)
        page.keyboard.press("Tab")


def test_everything_works_without_a_mouse(page: Page, serve: Serve) -> None:
    """By keyboard alone one sends, reads back, comes down again and copies the address."""
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/chat")
    person = Person(page)

    page.goto(serve(app).url("/chat"))
    person.reads_state("connected")
    for number in range(20):
        page.keyboard.type(f"number {number}")
        page.keyboard.press("Enter")
    expect(person.messages).to_have_count(40)
    page.keyboard.type("by the button")
    page.keyboard.press("Tab")
    expect(person.send).to_be_focused()
    page.keyboard.press("Space")
    expect(person.messages).to_have_count(42)
    expect(person.field).to_be_focused()
    expect(person.messages.last).to_be_in_viewport(ratio=1)

    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Home")
    expect(person.messages.first).to_be_in_viewport(ratio=1)
    page.keyboard.press("Tab")
    page.keyboard.type("meanwhile")
    page.keyboard.press("Enter")
    expect(person.newest).to_be_visible()
    page.keyboard.press("Shift+Tab")
    expect(person.newest).to_be_focused()
    page.keyboard.press("Enter")
    expect(person.messages.last).to_be_in_viewport(ratio=1)
    expect(person.log).to_be_focused()

    # An answer's copy button, the field, Send, the address.
    for _ in range(5):
        page.keyboard.press("Tab")
    expect(person.copy).to_be_focused()
    page.keyboard.press("Enter")
    expect(person.copy).to_have_text(ENGLISH["copied"])


def test_what_changes_is_announced(page: Page, serve: Serve) -> None:
    """A screen reader hears messages, the state and refusals: each is in a live region."""
    app = FastAPI()
    app.include_router(EchoChat(limits=Limits(message_bytes=5)).router, prefix="/chat")
    person = Person(page)

    page.goto(serve(app).url("/chat"))
    person.reads_state("connected")
    person.says("hello")
    expect(person.messages).to_have_count(2)
    person.says("too long")

    expect(person.log).to_have_accessible_name(ENGLISH["messages"])
    expect(person.log).to_contain_text("Message text was: hello")
    expect(person.refusal).to_be_visible()
    description = f"{ENGLISH['hint']} {ENGLISH['too_long'].format(size=8, limit=5)}"
    expect(person.field).to_have_accessible_description(description)
