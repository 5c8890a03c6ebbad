"""Connections that break, and what is left of what was said over them."""

import threading
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from fastapi_echochat import Limits, MemoryRooms, Message, echo
from fastapi_echochat.page.languages import ENGLISH
from tests.apps import make_app
from tests.browser.conftest import Console, OpenChat
from tests.browser.gate import Gate
from tests.browser.person import Person, become, echoed, words
from tests.browser.witness import Asked, Witness, handshakes, note_messages
from tests.conftest import Keep, Serve
from tests.servers import Process, uvicorn_process
from tests.waiting import PATIENCE, wait_until

# A host that writes down, in the folder it runs in, what its reply function is called with.
WRITES_DOWN = """
from pathlib import Path

from fastapi import FastAPI
from fastapi_echochat import EchoChat, Message, echo

async def answer(message: Message) -> str:
    with Path("said.txt").open("a") as said:
        said.write(message.text + "\\n")
    return await echo(message)

app = FastAPI()
app.include_router(EchoChat(answer).router, prefix="/chat")
"""
START = datetime(2030, 1, 1, tzinfo=timezone.utc)
# Longer than the page lets a connection be silent before it asks, and than it waits for an answer.
UNTIL_PING_MS = 26_000
UNTIL_DOUBT_MS = 11_000
UNTIL_HANGING_MS = 16_000
UNTIL_RETRY_MS = 1_000
UNTIL_SEVERAL_RETRIES_MS = 31_000


def stop_clock(page: Page) -> None:
    """Let no timer of the page run from now on, unless the test says so."""
    # A moment ahead, as time goes on while this is said.
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)


@pytest.mark.parametrize(("end", "reason"), [(Process.kill, "lost"), (Process.stop, "restarting")])
def test_server_that_ends_loses_nothing(
    open_chat: OpenChat,
    console: Console,
    keep: Keep,
    tmp_path: Path,
    end: Callable[[Process], None],
    reason: str,
) -> None:
    """What is typed while a killed server is down waits, and is delivered once when it is back.

    A server that is asked to stop says so, and the page connects to the next one by itself.
    """
    console.allow_failed_connections()
    server = keep(uvicorn_process(WRITES_DOWN, tmp_path))

    person = open_chat(server=server)
    person.talks("before")
    person.note_states()
    end(server)
    person.says("in between")
    expect(person.notes).to_have_text([ENGLISH["waiting"]])
    person.reads_state("unreachable")
    server.start()

    person.reads(*echoed(["before", "in between"]))
    expect(person.notes).to_have_count(0)
    person.reads_state("connected")
    person.says("after")
    person.reads(*echoed(["before", "in between", "after"]))
    assert (tmp_path / "said.txt").read_text().split("\n") == ["before", "in between", "after", ""]
    states = person.has_read_states()
    expected = words("connected", reason, "connecting", "unreachable")
    assert states[:4] == expected
    assert states[-1] == ENGLISH["connected"]
    assert set(states) == set(expected)


def test_waiting_messages_keep_their_order(page: Page, open_chat: OpenChat) -> None:
    """Many messages typed without a connection are delivered once each, in order, in no flood."""
    texts = [f"message {number}" for number in range(40)]
    heard: list[str] = []
    sent: list[str] = []
    may_answer = threading.Event()

    def answer_when_told(message: Message) -> str:
        heard.append(message.text)
        assert may_answer.wait(PATIENCE)
        return f"Message text was: {message.text}"

    page.clock.install(time=START)
    note_messages(page, sent)

    person = open_chat(answer_when_told, limits=Limits(waiting_messages=4), wire=True)
    stop_clock(page)
    person.wire.cut()
    person.reads_state("lost")
    person.says_at_once(texts)
    expect(person.notes).to_have_text([ENGLISH["waiting"]] * len(texts))
    page.clock.resume()
    wait_until(lambda: len(heard) == 1, "the first message is being answered")
    person.reads_state("connected")
    assert len(sent) == 4
    may_answer.set()

    expect(person.log.locator(".answer p")).to_have_text(
        [f"Message text was: {text}" for text in texts]
    )
    expect(person.notes).to_have_count(0)
    assert heard == texts
    assert len(sent) == len(texts)


@pytest.mark.parametrize("kept", [False, True])
def test_lost_answer_is_asked_for_again(open_chat: OpenChat, kept: bool) -> None:
    """An answer lost on its way is asked for with the same id, and shown once.

    Where the server keeps the conversation the question is sent again, heard once and answered
    once.
    """
    heard: list[tuple[str, str]] = []

    async def listen(message: Message) -> str:
        heard.append((message.id, message.text))
        return await echo(message)

    person = open_chat(listen, wire=True, kept=kept)
    person.talks("first")
    person.wire.swallow_answers()
    person.says("lost")
    wait_until(lambda: len(heard) == 2, "the server has heard the message")
    person.reads(*echoed(["first"]), "lost")
    person.wire.mend()

    person.reads(*echoed(["first", "lost"]))
    person.says("last")
    person.reads(*echoed(["first", "lost", "last"]))
    times = ["lost"] if kept else ["lost", "lost"]
    assert [text for _, text in heard] == ["first", *times, "last"]
    # What was said twice has one id.
    assert len({message_id for message_id, _ in heard}) == len(set(heard)) == 3


def test_half_open_connection_is_noticed(page: Page, open_chat: OpenChat) -> None:
    """A connection that carries nothing any more is given up, and what was said into it is not."""
    heard: list[str] = []

    async def listen(message: Message) -> str:
        heard.append(message.text)
        return await echo(message)

    page.clock.install(time=START)

    person = open_chat(listen, wire=True)
    person.talks("before")
    stop_clock(page)
    person.wire.swallow()
    person.says("into the void")
    page.clock.fast_forward(UNTIL_PING_MS)
    # Nothing shows yet: the page has only asked whether anybody is there.
    person.reads_state("connected")
    page.clock.fast_forward(UNTIL_DOUBT_MS)
    person.reads_state("unreachable")
    expect(person.notes).to_have_text([ENGLISH["waiting"]])
    assert heard == ["before"]
    person.wire.pass_on()
    page.clock.resume()

    person.reads(*echoed(["before", "into the void"]))
    person.reads_state("connected")
    assert heard == ["before", "into the void"]


@pytest.mark.parametrize("hours", [0, -1, 1])
@pytest.mark.parametrize("sign", ["silence", "offline"])
def test_dead_wire_is_told_of(page: Page, open_chat: OpenChat, hours: int, sign: str) -> None:
    """A page that somebody looks at doubts a silent connection within ten seconds, and says so.

    When the browser says that it is offline it does so within four. Its clock may be set by an hour
    meanwhile. What was only slow goes on.
    """
    page.clock.install(time=START)
    person = open_chat(wire=True)
    stop_clock(page)
    page.evaluate(
        "hours => { const now = Date.now; Date.now = () => now() + hours * 3600e3; }", hours
    )
    person.wire.swallow()
    if sign == "offline":
        page.evaluate("dispatchEvent(new Event('offline'))")
    else:
        page.clock.fast_forward(6000)
    person.reads_state("connected")
    page.clock.fast_forward(4000)
    person.reads_state("unreachable")
    assert handshakes(person.asked) == [101]
    page.clock.fast_forward(UNTIL_DOUBT_MS)
    person.wire.pass_on()
    page.clock.resume()
    person.reads_state("connected")


@pytest.mark.parametrize("by", ["button", "message"])
def test_who_waits_may_try_now(
    page: Page, open_chat: OpenChat, console: Console, keep: Keep, tmp_path: Path, by: str
) -> None:
    """While the next attempt is some time off there is a button for it, and sending hurries it."""
    console.allow_failed_connections()
    page.clock.install(time=START)
    server = keep(uvicorn_process(WRITES_DOWN, tmp_path))
    person = open_chat(server=server)
    person.talks("before")
    stop_clock(page)
    server.kill()
    for _ in range(4):
        page.clock.fast_forward(UNTIL_SEVERAL_RETRIES_MS)
        person.waits()
    person.reads_state("unreachable")
    expect(person.try_again).to_be_visible()
    server.start()
    if by == "button":
        person.try_again.click()
        person.says("after")
    else:
        page.clock.fast_forward(600)
        person.says("after")

    person.reads(*echoed(["before", "after"]))
    person.reads_state("connected")
    expect(person.try_again).to_be_hidden()


def test_handshake_that_hangs_is_given_up(
    page: Page, open_chat: OpenChat, console: Console
) -> None:
    """A handshake that nobody answers is given up, and another one tried."""
    console.allow_failed_connections()
    page.clock.install(time=START)

    person = open_chat(wire=True)
    stop_clock(page)
    person.wire.swallow()
    person.wire.cut()
    person.reads_state("lost")
    page.clock.fast_forward(UNTIL_RETRY_MS)
    person.reads_state("connecting")
    page.clock.fast_forward(UNTIL_HANGING_MS)
    person.reads_state("unreachable")
    person.wire.pass_on()
    page.clock.resume()

    person.reads_state("connected")


def test_idle_connection_is_kept(page: Page, open_chat: OpenChat) -> None:
    """A connection over which nothing is said for minutes lives: its pings are answered."""
    page.clock.install(time=START)

    with page.expect_websocket() as opened:
        person = open_chat()
    stop_clock(page)
    for _ in range(4):
        with opened.value.expect_event("framereceived", lambda frame: '"pong"' in frame):
            page.clock.fast_forward(UNTIL_PING_MS)
    person.talks("still there")
    assert handshakes(person.asked) == [101]


def test_offline_browser_connects_at_once_when_online(
    page: Page, open_chat: OpenChat, context: BrowserContext, console: Console
) -> None:
    """A browser that comes back online connects without waiting for its turn, and delivers."""
    console.allow_failed_connections()
    page.clock.install(time=START)

    person = open_chat(wire=True)
    # It keeps connections that are open, and lets none be opened.
    context.set_offline(True)
    person.wire.cut()
    person.says("offline")
    person.reads_state("unreachable")
    expect(person.notes).to_have_text([ENGLISH["waiting"]])
    # With its timers stopped it is the browser's event that connects, or nothing.
    stop_clock(page)
    person.reads_state("unreachable")
    person.comes_online()

    person.reads(*echoed(["offline"]))
    person.reads_state("connected")


@pytest.mark.parametrize("event", ["visible", "pageshow"])
def test_page_that_is_looked_at_again_connects_at_once(
    page: Page, open_chat: OpenChat, event: str
) -> None:
    """A page that somebody looks at again connects without waiting for its turn."""
    page.clock.install(time=START)

    person = open_chat(wire=True)
    stop_clock(page)
    become(page, "hidden")
    person.wire.cut()
    person.reads_state("lost")
    become(page, "hidden")
    person.reads_state("lost")
    if event == "visible":
        become(page, "visible")
    else:
        page.evaluate("Object.defineProperty(document, 'hidden', { get: () => false })")
        page.evaluate("dispatchEvent(new Event('pageshow'))")

    person.reads_state("connected")


def test_page_that_is_looked_at_again_doubts_its_connection(
    page: Page, open_chat: OpenChat
) -> None:
    """A page that somebody looks at again asks at once whether its connection still lives."""
    page.clock.install(time=START)

    person = open_chat(wire=True)
    stop_clock(page)
    become(page, "hidden")
    person.wire.swallow()
    become(page, "visible")
    # Less than the silence after which it would have asked by itself.
    page.clock.fast_forward(UNTIL_DOUBT_MS)
    person.reads_state("unreachable")
    person.wire.pass_on()
    page.clock.resume()

    person.reads_state("connected")


def test_full_server_is_told_and_waited_for(
    page: Page, context: BrowserContext, console: Console, serve: Serve
) -> None:
    """Where all connections are taken the page says so, and connects when one gets free."""
    console.allow_failed_connections()
    asked: list[Asked] = []
    app = make_app(limits=Limits(connections=1))
    app.add_middleware(Witness, asked=asked)
    server = serve(app)
    other = context.new_page()
    person = Person(page)

    other.goto(server.url("/chat"))
    Person(other).reads_state("connected")
    page.goto(server.url("/chat"))
    person.says("me too")
    person.reads_state("refused")
    other.close()

    person.reads(*echoed(["me too"]))
    person.reads_state("connected")
    statuses = handshakes(asked)
    assert statuses[0] == statuses[-1] == 101
    assert set(statuses[1:-1]) == {503}


@pytest.mark.parametrize("kind", ["plain", "kept", "room"])
def test_message_that_no_server_reads_has_an_end(page: Page, serve: Serve, kind: str) -> None:
    """What a server in between finds too large is told of, once, and what follows is sent."""
    kinds: dict[str, dict[str, Any]] = {
        "plain": {},
        "kept": {"private": True},
        "room": {"reply": None, "rooms": MemoryRooms(), "author": lambda: "Ada"},
    }
    page.goto(serve(make_app(**kinds[kind]), ws_max_size=4000).url("/chat"))
    person = Person(page)
    person.is_connected()
    long = "x" * 5000
    person.says(long)
    failed = ENGLISH["failed"].format(detail=ENGLISH["unreadable"])
    expect(person.notes).to_have_text([failed])
    person.reads_state("connected")
    person.says("after")

    person.reads(long, *(["after"] if kind == "room" else echoed(["after"])))
    expect(person.notes).to_have_text([failed])


def test_message_without_a_receipt(open_chat: OpenChat) -> None:
    """A message that the server has not acknowledged after two seconds says so, until it has."""
    person = open_chat(wire=True)
    person.talks("before")
    person.wire.swallow()
    person.says("void")
    expect(person.notes).to_have_text([ENGLISH["sending"]])
    person.wire.mend()

    person.reads(*echoed(["before", "void"]))
    expect(person.notes).to_have_count(0)


def test_slow_answer_is_no_missing_receipt(open_chat: OpenChat) -> None:
    """A message whose answer takes long has been received, and does not say otherwise."""
    gate = Gate()
    person = open_chat(gate.passed_reply)
    person.says("slow")
    # Two seconds after a message that nobody acknowledges it would say so.
    person.page.wait_for_timeout(2500)
    expect(person.notes).to_have_count(0)
    gate.open()

    person.reads("slow", "slow")
