"""Conversations with a bot that are kept: a reload, a lost connection, a restart lose nothing."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has no types
from fastapi import FastAPI
from playwright.sync_api import Page, expect

from fastapi_echochat import EchoChat, MemoryRooms, Message
from fastapi_echochat.labels import ENGLISH
from fastapi_echochat.replies import Reply
from tests.browser.conftest import Console, OpenPage, StartProcess, StartRelay
from tests.browser.gate import Gate
from tests.browser.hosts import add_frame
from tests.browser.person import Person, echoed, words
from tests.conftest import Serve
from tests.servers import wait_until

PIECES_PER_SECOND = 4
SECONDS = 18
WHOLE = "".join(f"{number} " for number in range(PIECES_PER_SECOND * SECONDS))
# Writes down, in the folder it runs in, what its reply function is called with.
COUNTS = f"""
import asyncio
from pathlib import Path

from fastapi import FastAPI
from fastapi_echochat import EchoChat, SQLiteRooms

async def count(message):
    with Path("called.txt").open("a") as called:
        called.write(message.text + "\\n")
    for number in range({PIECES_PER_SECOND * SECONDS} if message.text == "count" else 1):
        yield f"{{number}} "
        await asyncio.sleep({1 / PIECES_PER_SECOND})

app = FastAPI()
chat = EchoChat(count, rooms=SQLiteRooms("kept.db"), private=True)
app.include_router(chat.router, prefix="/chat")
"""


def host(reply: Reply) -> FastAPI:
    app = FastAPI()
    chat = EchoChat(reply, rooms=MemoryRooms(), private=True)
    app.include_router(chat.router, prefix="/chat")
    return app


def read_until(person: Person, second: int) -> None:
    """Wait until the answer has been written for so many seconds."""
    piece = PIECES_PER_SECOND * second
    expect(person.texts.last).to_contain_text(f" {piece} ", timeout=40_000)


def has_whole_answer(person: Person) -> None:
    expect(person.notes).to_have_count(0, timeout=60_000)
    person.reads("count", WHOLE)
    expect(person.messages).to_have_count(2)


def called(folder: Path) -> list[str]:
    return (folder / "called.txt").read_text().split()


@pytest.mark.parametrize("second", [2, 6, 15])
def test_answer_cut_off_on_the_wire(
    page: Page, start_process: StartProcess, start_relay: StartRelay, tmp_path: Path, second: int
) -> None:
    """An answer whose connection is cut goes on, and is on the page once, whole."""
    relay = start_relay(start_process(COUNTS).port)
    person = Person(page)

    page.goto(relay.url("/chat"))
    person.says("count")
    read_until(person, second)
    relay.cut()

    has_whole_answer(person)
    assert called(tmp_path) == ["count"]


def test_answer_ends_while_one_is_away(
    page: Page,
    console: Console,
    start_process: StartProcess,
    start_relay: StartRelay,
    tmp_path: Path,
) -> None:
    """An answer that is finished while the browser is offline is there when it is back."""
    console.allow_failed_connections()
    server = start_process(COUNTS)
    relay = start_relay(server.port)
    person = Person(page)

    page.goto(relay.url("/chat"))
    person.says("count")
    read_until(person, 2)
    page.context.set_offline(True)
    relay.cut()
    expect(person.notes).to_have_text([ENGLISH["waiting"]])
    wait_until(lambda: is_answered(tmp_path), "the answer is in the log", seconds=40)
    page.context.set_offline(False)

    has_whole_answer(person)
    assert called(tmp_path) == ["count"]


def is_answered(folder: Path) -> bool:
    # What SQLite has written stands in its file and in the log beside it, as text.
    return any(WHOLE.encode() in path.read_bytes() for path in folder.glob("kept.db*"))


def test_answer_survives_a_reload(page: Page, start_process: StartProcess, tmp_path: Path) -> None:
    """Reloaded in the middle of an answer, the page goes on with it where it was."""
    server = start_process(COUNTS)
    person = Person(page)

    page.goto(server.url("/chat"))
    person.says("count")
    read_until(person, 2)
    page.reload()
    # All there was so far comes at once, and it is still being written.
    expect(person.texts.last).to_contain_text("0 1 2 3 4 5 6 7 8 ")
    expect(person.notes).to_have_text(words("writing"))
    page.goto("about:blank")
    page.goto(server.url("/chat"))

    has_whole_answer(person)
    expect(page.locator("#echochat-stop")).to_be_hidden()
    assert called(tmp_path) == ["count"]


@pytest.mark.parametrize("is_killed", [False, True])
def test_answer_survives_a_restart(
    *,
    page: Page,
    console: Console,
    start_process: StartProcess,
    tmp_path: Path,
    is_killed: bool,
) -> None:
    """An answer that dies with its server is made again by the next one, and stands there once."""
    console.allow_failed_connections()
    server = start_process(COUNTS)
    person = Person(page)

    page.goto(server.url("/chat"))
    person.says("count")
    read_until(person, 2)
    if is_killed:
        server.kill()
    else:
        server.stop()
    expect(person.notes).to_have_text([ENGLISH["waiting"]])
    server.start()

    has_whole_answer(person)
    expect(person.log.locator(".answer")).to_have_count(1)
    assert called(tmp_path) == ["count"] * 2
    page.reload()
    has_whole_answer(person)


def test_stop_after_a_reconnect(page: Page, serve: Serve, start_relay: StartRelay) -> None:
    """An answer is stopped over another connection than the one it was asked for over."""
    gate = Gate()
    ended: list[str] = []

    async def drone(message: Message) -> AsyncIterator[str]:
        try:
            yield "on"
            await gate.passed()
            yield " and on"
        finally:
            ended.append(message.text)

    relay = start_relay(serve(host(drone)).port)
    person = Person(page)

    page.goto(relay.url("/chat"))
    person.says("drone")
    person.reads("drone", "on")
    relay.cut()
    person.reads_state("connected")
    expect(person.notes).to_have_text(words("writing"))
    page.get_by_role("button", name=ENGLISH["stop"]).click()

    expect(person.notes).to_have_text(words("stopped", "incomplete"))
    person.reads("drone", "on")
    expect(page.get_by_role("button", name=ENGLISH["stop"])).to_be_hidden()
    wait_until(lambda: ended == ["drone"], "the reply function has ended")


def test_stop_after_a_reload(page: Page, serve: Serve) -> None:
    """An answer that has not begun is stopped after a reload; Send again asks for another."""
    gate = Gate()

    async def think(message: Message) -> str:
        await gate.passed()
        return "thought"

    person = Person(page)

    page.goto(serve(host(think)).url("/chat"))
    person.says("hard")
    expect(page.get_by_role("button", name=ENGLISH["stop"])).to_be_visible()
    page.reload()
    person.reads("hard")
    expect(page.get_by_role("button", name=ENGLISH["stop"])).to_be_visible()
    person.field.press("Escape")
    expect(person.notes).to_have_text(words("stopped"))
    expect(page.get_by_role("button", name=ENGLISH["stop"])).to_be_hidden()
    page.reload()
    expect(person.notes).to_have_text(words("stopped"))
    page.get_by_role("button", name=ENGLISH["send_again"]).click()
    gate.open()

    person.reads("hard", "hard", "thought")


def test_stop_is_remembered(
    page: Page, serve: Serve, start_relay: StartRelay, console: Console
) -> None:
    """Stop, pressed into a connection that is dead, is said again by the next one."""
    console.allow_failed_connections()
    gate = Gate()

    async def drone(message: Message) -> AsyncIterator[str]:
        yield "on"
        await gate.passed()
        yield " and on"

    relay = start_relay(serve(host(drone)).port)
    person = Person(page)

    page.goto(relay.url("/chat"))
    person.says("drone")
    person.reads("drone", "on")
    relay.swallow()
    person.field.press("Escape")
    expect(page.get_by_role("button", name=ENGLISH["stop"])).to_be_hidden()
    relay.pass_on()
    relay.cut()

    expect(person.notes).to_have_text(words("stopped", "incomplete"))
    person.reads("drone", "on")


def test_typed_while_offline_is_answered_once(
    page: Page, console: Console, start_process: StartProcess, tmp_path: Path
) -> None:
    """What is typed while the server is away is asked once, and answered once, in its order."""
    console.allow_failed_connections()
    server = start_process(COUNTS)
    person = Person(page)
    texts = ["one", "two", "three"]

    page.goto(server.url("/chat"))
    person.reads_state("connected")
    server.kill()
    for text in texts:
        person.says(text)
    expect(person.notes).to_have_text([ENGLISH["waiting"]] * 3)
    server.start()

    expect(person.log.locator(".answer")).to_have_count(3)
    expect(person.notes).to_have_count(0)
    expect(person.log.locator(".mine p")).to_have_text(texts)
    assert called(tmp_path) == texts


def test_lost_question_is_asked_once(
    page: Page, serve: Serve, start_relay: StartRelay, console: Console
) -> None:
    """A question whose acknowledgement was lost is sent again, heard once and answered once."""
    heard: list[str] = []

    def answer(message: Message) -> str:
        heard.append(message.text)
        return f"Message text was: {message.text}"

    relay = start_relay(serve(host(answer)).port)
    person = Person(page)

    page.goto(relay.url("/chat"))
    person.says("first")
    person.reads(*echoed(["first"]))
    relay.swallow_answers()
    person.says("lost")
    wait_until(lambda: len(heard) == 2, "the server has heard the message")
    relay.pass_on()
    relay.cut()

    person.reads(*echoed(["first", "lost"]))
    person.says("last")
    person.reads(*echoed(["first", "lost", "last"]))
    assert heard == ["first", "lost", "last"]


def test_nobody_else_sees_a_conversation(page: Page, open_page: OpenPage, serve: Serve) -> None:
    """Another browser has a conversation of its own; another tab of this one the same."""
    url = serve(host(lambda message: f"Message text was: {message.text}")).url("/chat")
    other = open_page()
    ada, bob = Person(page), Person(other)

    page.goto(url)
    ada.says("secret")
    ada.reads(*echoed(["secret"]))
    other.goto(url)
    bob.reads_state("connected")
    bob.says("mine")
    bob.reads(*echoed(["mine"]))
    twin = page.context.new_page()
    twin.goto(url)

    Person(twin).reads(*echoed(["secret"]))
    ada.reads(*echoed(["secret"]))
    tokens = [one.evaluate("Object.values(localStorage)") for one in (page, other)]
    assert tokens[0] != tokens[1]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", json.loads(token)) for (token,) in tokens)


def test_clear_begins_a_new_conversation(page: Page, serve: Serve) -> None:
    """Clear, asked twice, leaves nothing, in this tab and in others, also after a reload."""
    url = serve(host(lambda message: f"Message text was: {message.text}")).url("/chat")
    person, twin = Person(page), Person(page.context.new_page())
    clear = page.locator("#echochat-clear")

    page.goto(url)
    expect(clear).to_be_disabled()
    person.says("secret")
    person.reads(*echoed(["secret"]))
    other = page.context.pages[1]
    other.goto(url)
    twin.reads(*echoed(["secret"]))
    clear.click()
    expect(clear).to_have_text(ENGLISH["clear_really"])
    clear.click()
    person.reads()
    twin.reads()
    expect(person.field).to_be_focused()
    expect(clear).to_be_disabled()
    twin.says("new")

    for one in (person, twin):
        one.reads(*echoed(["new"]))
    page.reload()
    person.reads(*echoed(["new"]))


def test_kept_conversation_looks_like_any(
    page: Page, serve: Serve, expected_errors: list[str]
) -> None:
    """Names, notes, Copy, Send again and the time an answer took are those of every chat."""
    expected_errors.append("the reply function failed")

    async def answer(message: Message) -> AsyncIterator[str]:
        yield "It began well"
        if message.text == "fail":
            raise RuntimeError
        yield " and ended well."

    person = Person(page)

    page.goto(serve(host(answer)).url("/chat"))
    person.says("tell me")
    person.reads("tell me", "It began well and ended well.")
    expect(page.locator("#echochat-round-trip")).to_have_text(re.compile(r"^Last answer .* ms$"))
    person.says("fail")
    failed = ENGLISH["failed"].format(detail=ENGLISH["reply_failed"])
    for _ in ("seen live", "seen after a reload"):
        expect(person.notes).to_have_text([failed, ENGLISH["incomplete"]])
        expect(person.messages.locator("b")).to_have_text([ENGLISH["you"], ENGLISH["answer"]] * 2)
        expect(person.log.locator(".copy")).to_have_count(2)
        expect(page.get_by_role("button", name=ENGLISH["send_again"])).to_have_count(1)
        expect(person.log.locator("time, .mark")).to_have_count(0)
        assert Axe().run(page).response["violations"] == []
        page.reload()


def test_page_without_storage_works(page: Page, serve: Serve) -> None:
    """In a sandboxed frame, which is refused all storage, each page has its own conversation."""
    app = FastAPI()
    chat = EchoChat(rooms=MemoryRooms(), private=True, allowed_origins=["null"])
    app.include_router(chat.router, prefix="/chat")
    add_frame(app, "/chat", sandbox="allow-scripts")
    person = Person(page.frame_locator("iframe"))

    page.goto(serve(app).url("/"))
    person.says("hello")
    person.reads(*echoed(["hello"]))
    page.reload()
    person.says("hello again")

    person.reads(*echoed(["hello again"]))
