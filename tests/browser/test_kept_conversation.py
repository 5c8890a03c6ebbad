"""Conversations with a bot that are kept: a reload, a lost connection, a restart lose nothing."""

import json
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fastapi_echochat import Message
from fastapi_echochat.page.languages import ENGLISH
from tests.browser.axe import violations
from tests.browser.conftest import Console, OpenChat, OpenPage
from tests.browser.gate import Drone, Gate
from tests.browser.person import Person, echoed, words
from tests.conftest import Keep
from tests.servers import Process, uvicorn_process
from tests.waiting import patient, wait_until

PIECES_PER_SECOND = 4
SECONDS = 10
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
        await asyncio.sleep({patient(1) / PIECES_PER_SECOND})

app = FastAPI()
chat = EchoChat(count, rooms=SQLiteRooms("kept.db"), private=True)
app.include_router(chat.router, prefix="/chat")
"""


def called(folder: Path) -> list[str]:
    return (folder / "called.txt").read_text().splitlines()


class Counting:
    """Somebody who asks for a long answer, in a browser and of a server of their own.

    Args:
        person: They themselves.
        server: Which counts, with what it writes in a folder that nobody else uses.
        folder: That one; by its name a failure says whom it is about.
    """

    def __init__(self, person: Person, server: Process, folder: Path) -> None:
        self.person = person
        self.page = person.page
        self.server = server
        self._folder = folder

    def read_until(self, second: int) -> None:
        """Wait until the answer has been written for so many seconds, and is not at its end."""
        piece = f" {PIECES_PER_SECOND * second} "
        expect(self.person.texts.last, self._folder.name).to_contain_text(
            piece, timeout=1000 * patient(40)
        )
        expect(self.person.notes, self._folder.name).to_have_text(words("writing"))

    def waits(self) -> None:
        expect(self.person.notes, self._folder.name).to_have_text(words("waiting"))

    def is_answered(self) -> bool:
        # What SQLite has written stands in its file and in the log beside it, as text.
        return any(WHOLE.encode() in path.read_bytes() for path in self._folder.glob("kept.db*"))

    def has_whole_answer(self, *, made: int) -> None:
        """Wait for it, and know how often it was asked for."""
        texts = ["count", WHOLE]
        expect(self.person.texts, self._folder.name).to_have_text(texts, timeout=1000 * patient(60))
        expect(self.person.notes, self._folder.name).to_have_count(0)
        expect(self.person.messages, self._folder.name).to_have_count(2)
        expect(self.person.log.locator(".answer"), self._folder.name).to_have_count(1)
        assert called(self._folder) == ["count"] * made, self._folder.name


@pytest.mark.slow
def test_answer_survives_whatever_happens(
    open_chat: OpenChat, console: Console, keep: Keep, tmp_path: Path
) -> None:
    """Whatever happens to its page, its wire or its server, an answer is there once, whole.

    It takes 10 seconds, so what happens to pages and wires happens at the same time, each to a page
    and a server of its own: the wire is cut after 1, 3 and 7 seconds; the page is offline until the
    answer has ended; it is reloaded, and left and opened again. Then a server is asked to end, and
    another killed, and both are started again.
    """
    names = ("cut at 1", "cut at 3", "cut at 7", "away", "reloaded", "ended", "killed")
    folders = [tmp_path / name for name in names]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor() as threads:
        servers = list(threads.map(lambda folder: keep(uvicorn_process(COUNTS, folder)), folders))
    everybody = [
        Counting(open_chat(server=server, wire=number < 4, screen={}), server, folder)
        for number, (server, folder) in enumerate(zip(servers, folders, strict=True))
    ]
    cut_at_1, cut_at_3, cut_at_7, away, reloaded, ended, killed = everybody
    console.allow_failed_connections(away.page, ended.page, killed.page)

    for one in (cut_at_1, cut_at_3, cut_at_7, away, reloaded):
        one.person.says("count")

    cut_at_1.read_until(1)
    cut_at_1.person.wire.cut()

    away.read_until(2)
    away.page.context.set_offline(True)
    away.person.wire.cut()

    reloaded.read_until(2)
    reloaded.page.reload()
    # All there was so far comes at once, and it is still being written.
    expect(reloaded.person.texts.last).to_contain_text("0 1 2 3 4 5 6 7 8 ")
    expect(reloaded.person.notes).to_have_text(words("writing"))
    url = reloaded.page.url
    reloaded.page.goto("about:blank")
    reloaded.page.goto(url)

    cut_at_3.read_until(3)
    cut_at_3.person.wire.cut()
    cut_at_7.read_until(7)
    cut_at_7.person.wire.cut()

    wait_until(away.is_answered, "the answer is in the log", seconds=patient(40))
    away.waits()
    away.person.comes_online()

    for one in (cut_at_1, cut_at_3, cut_at_7, away, reloaded):
        one.has_whole_answer(made=1)
    expect(reloaded.page.locator("#echochat-stop")).to_be_hidden()

    for one in (ended, killed):
        one.person.says("count")
        one.read_until(2)
    ended.server.stop()
    killed.server.kill()
    for one in (ended, killed):
        one.waits()
        one.server.start()
    for one in (ended, killed):
        one.has_whole_answer(made=2)
        one.page.reload()
        one.has_whole_answer(made=2)


def test_stop_after_a_reconnect(open_chat: OpenChat) -> None:
    """An answer is stopped over another connection than the one it was asked for over."""
    drone = Drone()
    person = open_chat(drone.reply, kept=True, wire=True)
    person.says("drone")
    person.reads("drone", "on")
    person.wire.cut()
    person.reads_state("connected")
    expect(person.notes).to_have_text(words("writing"))
    person.stop.click()

    expect(person.notes).to_have_text(words("stopped", "incomplete"))
    person.reads("drone", "on")
    expect(person.stop).to_be_hidden()
    wait_until(lambda: drone.ended == ["drone"], "the reply function has ended")


def test_stop_after_a_reload(page: Page, open_chat: OpenChat) -> None:
    """An answer that has not begun is stopped after a reload; Send again asks for another."""
    gate = Gate()

    async def think(message: Message) -> str:
        await gate.passed()
        return "thought"

    person = open_chat(think, kept=True)
    person.says("hard")
    expect(person.stop).to_be_visible()
    page.reload()
    person.reads("hard")
    expect(person.stop).to_be_visible()
    person.field.press("Escape")
    expect(person.notes).to_have_text(words("stopped"))
    expect(person.stop).to_be_hidden()
    page.reload()
    expect(person.notes).to_have_text(words("stopped"))
    person.send_again.click()
    gate.open()

    person.reads("hard", "hard", "thought")


def test_stop_is_remembered(open_chat: OpenChat, console: Console) -> None:
    """Stop, pressed into a connection that is dead, is said again by the next one."""
    console.allow_failed_connections()
    person = open_chat(Drone().reply, kept=True, wire=True)
    person.says("drone")
    person.reads("drone", "on")
    person.wire.swallow()
    person.field.press("Escape")
    expect(person.stop).to_be_hidden()
    person.wire.mend()

    expect(person.notes).to_have_text(words("stopped", "incomplete"))
    person.reads("drone", "on")


def test_typed_while_offline_is_answered_once(
    open_chat: OpenChat, console: Console, keep: Keep, tmp_path: Path
) -> None:
    """What is typed while the server is away is asked once, and answered once, in its order."""
    console.allow_failed_connections()
    server = keep(uvicorn_process(COUNTS, tmp_path))
    texts = ["one", "two", "three"]

    person = open_chat(server=server)
    server.kill()
    for text in texts:
        person.says(text)
    expect(person.notes).to_have_text([ENGLISH["waiting"]] * 3)
    server.start()

    expect(person.answers).to_have_count(3)
    expect(person.notes).to_have_count(0)
    expect(person.mine).to_have_text(texts)
    assert called(tmp_path) == texts


def test_nobody_else_sees_a_conversation(
    page: Page, open_chat: OpenChat, open_page: OpenPage
) -> None:
    """Another browser has a conversation of its own; another tab of this one the same."""
    ada = open_chat(kept=True)
    other = open_page()
    bob = Person(other)

    ada.talks("secret")
    other.goto(page.url)
    bob.reads_state("connected")
    bob.talks("mine")
    twin = page.context.new_page()
    twin.goto(page.url)

    Person(twin).reads(*echoed(["secret"]))
    ada.reads(*echoed(["secret"]))
    kept = [one.evaluate("Object.values(localStorage)") for one in (page, other)]
    secrets = {json.loads(secret) for secrets in kept for secret in secrets}
    # Of each browser: who its guest is, and the conversation.
    assert len(secrets) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", secret) for secret in secrets)


def test_clear_begins_a_new_conversation(page: Page, open_chat: OpenChat) -> None:
    """Clear, asked twice, leaves nothing, in this tab and in others, also after a reload."""
    person = open_chat(kept=True)
    clear = person.clear

    expect(clear).to_be_disabled()
    person.talks("secret")
    twin = Person(page.context.new_page())
    twin.page.goto(page.url)
    twin.reads(*echoed(["secret"]))
    person.menu.click()
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
    page: Page, open_chat: OpenChat, expected_errors: list[str]
) -> None:
    """Names, notes, Copy, Send again and the time an answer took are those of every chat."""
    expected_errors.append("the reply function failed")

    async def answer(message: Message) -> AsyncIterator[str]:
        yield "It began well"
        if message.text == "fail":
            raise RuntimeError
        yield " and ended well."

    person = open_chat(answer, kept=True, debug=True)
    person.says("tell me")
    person.reads("tell me", "It began well and ended well.")
    expect(person.round_trip).to_have_text(re.compile(r"^Last answer .* ms$"))
    person.says("fail")
    failed = ENGLISH["failed"].format(detail=ENGLISH["reply_failed"])
    for _ in ("seen live", "seen after a reload"):
        expect(person.notes).to_have_text([failed, ENGLISH["incomplete"]])
        expect(person.messages.locator("b")).to_have_text([ENGLISH["you"], "WebSocket Chat"] * 2)
        expect(person.log.locator(".copy")).to_have_count(2)
        expect(person.send_again).to_have_count(1)
        expect(person.log.locator("time, .mark")).to_have_count(0)
        assert violations(page) == []
        page.reload()


@pytest.mark.parametrize("hours", [-1, 1])
def test_stop_whatever_the_clock_says(page: Page, open_chat: OpenChat, hours: int) -> None:
    """Stop is there after a reload, whether the browser's clock is slow or fast by an hour."""
    page.add_init_script(f"{{ const now = Date.now; Date.now = () => now() + {hours} * 3600e3; }}")
    gate = Gate()
    person = open_chat(gate.passed_reply, kept=True)
    person.says("hard")
    expect(person.stop).to_be_visible()
    page.reload()
    expect(person.stop).to_be_visible()
    person.stop.click()

    expect(person.notes).to_have_text(words("stopped"))
