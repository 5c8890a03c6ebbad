"""Conversations with a bot that are kept: a reload, a lost connection, a restart lose nothing."""

import json
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has no types
from fastapi import FastAPI
from playwright.sync_api import Page, expect

from fastapi_echochat import EchoChat, MemoryRooms, Message
from fastapi_echochat.page.languages import ENGLISH
from fastapi_echochat.replies import Reply
from tests.browser.conftest import Console, OpenPage, StartProcess, StartRelay
from tests.browser.gate import Gate
from tests.browser.hosts import add_frame
from tests.browser.person import Person, echoed, words
from tests.conftest import Serve
from tests.servers import Process, wait_until

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


def called(folder: Path) -> list[str]:
    return (folder / "called.txt").read_text().splitlines()


class Counting:
    """Somebody who asks for a long answer, in a browser and of a server of their own.

    Args:
        page: Theirs.
        server: Which counts, with what it writes in a folder that nobody else uses.
        folder: That one; by its name a failure says whom it is about.
        url: Of the chat, if there is something between page and server.
    """

    def __init__(self, page: Page, server: Process, folder: Path, url: str = "") -> None:
        self.page = page
        self.server = server
        self.url = url or server.url("/chat")
        self.person = Person(page)
        self._folder = folder
        page.goto(self.url)
        self.person.reads_state("connected")

    def read_until(self, second: int) -> None:
        """Wait until the answer has been written for so many seconds, and is not at its end."""
        piece = f" {PIECES_PER_SECOND * second} "
        expect(self.person.texts.last, self._folder.name).to_contain_text(piece, timeout=40_000)
        expect(self.person.notes, self._folder.name).to_have_text(words("writing"))

    def waits(self) -> None:
        expect(self.person.notes, self._folder.name).to_have_text(words("waiting"))

    def is_answered(self) -> bool:
        # What SQLite has written stands in its file and in the log beside it, as text.
        return any(WHOLE.encode() in path.read_bytes() for path in self._folder.glob("kept.db*"))

    def has_whole_answer(self, *, made: int) -> None:
        """Wait for it, and know how often it was asked for."""
        texts = ["count", WHOLE]
        expect(self.person.texts, self._folder.name).to_have_text(texts, timeout=60_000)
        expect(self.person.notes, self._folder.name).to_have_count(0)
        expect(self.person.messages, self._folder.name).to_have_count(2)
        expect(self.person.log.locator(".answer"), self._folder.name).to_have_count(1)
        assert called(self._folder) == ["count"] * made, self._folder.name


@pytest.mark.slow
def test_answer_survives_whatever_happens(
    console: Console,
    open_page: OpenPage,
    start_process: StartProcess,
    start_relay: StartRelay,
    tmp_path: Path,
) -> None:
    """Whatever happens to its page, its wire or its server, an answer is there once, whole.

    It takes 18 seconds, so everything happens at the same time, each to a page and a server of its
    own: the wire is cut after 2, 6 and 15 seconds; the page is offline until the answer has ended;
    it is reloaded, and left and opened again; the server is asked to end, or killed, and then
    started again.
    """
    names = ("cut at 2", "cut at 6", "cut at 15", "away", "reloaded", "ended", "killed")
    folders = [tmp_path / name for name in names]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor() as threads:
        servers = list(threads.map(lambda folder: start_process(COUNTS, folder), folders))
    relays = [start_relay(server.port) for server in servers[:4]]
    urls = [relay.url("/chat") for relay in relays] + [""] * 3
    everybody = [
        Counting(open_page(), server, folder, url)
        for server, folder, url in zip(servers, folders, urls, strict=True)
    ]
    cut_at_2, cut_at_6, cut_at_15, away, reloaded, ended, killed = everybody
    console.allow_failed_connections(away.page, ended.page, killed.page)

    for one in everybody:
        one.person.says("count")

    cut_at_2.read_until(2)
    relays[0].cut()

    away.read_until(2)
    away.page.context.set_offline(True)
    relays[3].cut()

    reloaded.read_until(2)
    reloaded.page.reload()
    # All there was so far comes at once, and it is still being written.
    expect(reloaded.person.texts.last).to_contain_text("0 1 2 3 4 5 6 7 8 ")
    expect(reloaded.person.notes).to_have_text(words("writing"))
    reloaded.page.goto("about:blank")
    reloaded.page.goto(reloaded.url)

    ended.read_until(2)
    killed.read_until(2)
    ended.server.stop()
    killed.server.kill()
    for one in (away, ended, killed):
        one.waits()
    for one in (ended, killed):
        one.server.start()

    cut_at_6.read_until(6)
    relays[1].cut()
    cut_at_15.read_until(15)
    relays[2].cut()

    wait_until(away.is_answered, "the answer is in the log", seconds=40)
    away.waits()
    away.page.context.set_offline(False)

    for one in (cut_at_2, cut_at_6, cut_at_15, away, reloaded):
        one.has_whole_answer(made=1)
    expect(reloaded.page.locator("#echochat-stop")).to_be_hidden()
    for one in (ended, killed):
        one.has_whole_answer(made=2)
        one.page.reload()
        one.has_whole_answer(made=2)


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
