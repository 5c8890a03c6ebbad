"""What is said on a chat's page: the same in every browser, told here for Firefox and WebKit."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi.responses import HTMLResponse

from fastapi_echochat import Message
from fastapi_echochat.page.languages import ENGLISH
from fastapi_echochat.protocol.frames import Verdict
from tests.apps import make_app
from tests.browser.gate import Drone, Gate
from tests.browser.hosts import make_lounge
from tests.browser.person import echoed, words
from tests.conftest import Keep, Serve
from tests.engines.conftest import Talk, Visit
from tests.servers import uvicorn_process
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

HOST = """
from fastapi import FastAPI
from fastapi_echochat import EchoChat

app = FastAPI()
app.include_router(EchoChat().router, prefix="/chat")
"""
MARKDOWN = """## Prices

| what | price |
| --- | ---: |
| a *small* one | 3 |

```
a = [1]
```
See <https://example.org/>."""


def test_message_is_echoed(talk: Talk) -> None:
    """What is typed is sent by Enter and by the button, and answered; the field has the focus."""
    visitor = talk()
    visitor.tab.press("ready")
    visitor.sees_of("document.querySelector('#echochat-field').value", "ready")
    visitor.tab.click("#echochat-send")
    visitor.reads(*echoed(["ready"]))
    visitor.says("NBA")
    visitor.reads(*echoed(["ready", "NBA"]))
    visitor.sees("#echochat-greeting")


def test_answer_is_stopped(talk: Talk) -> None:
    """An answer is read while it is written, and the button ends it on both sides."""
    drone = Drone()
    visitor = talk(drone.reply)
    visitor.says("drone")
    visitor.reads("drone", "on")
    visitor.sees("#echochat-stop", f"■ {ENGLISH['stop']}")
    visitor.tab.click("#echochat-stop")
    visitor.sees("#echochat-log small", *words("stopped", "incomplete"))
    visitor.reads("drone", "on")
    visitor.sees("#echochat-stop")
    wait_until(lambda: drone.ended == ["drone"], "the reply function has ended")


def test_answer_that_is_coming_is_shown(talk: Talk) -> None:
    """Three dots stand under a question until its answer begins."""
    gate = Gate()
    visitor = talk(gate.passed_reply)
    visitor.sees("#echochat-thinking")
    visitor.says("why?")
    visitor.sees("#echochat-thinking i", "", "", "")
    gate.open()
    visitor.reads("why?", "why?")
    visitor.sees("#echochat-thinking")


def test_markdown_is_rendered(talk: Talk) -> None:
    """An answer's heading, table, code and link are elements, and are seen."""

    async def answer(message: Message) -> AsyncIterator[str]:
        for start in range(0, len(MARKDOWN), 7):
            yield MARKDOWN[start : start + 7]

    visitor = talk(answer)
    visitor.says("what is it?")
    visitor.sees("#echochat-log .markdown .h2", "Prices")
    visitor.sees("#echochat-log td", "a small one", "3")
    visitor.sees("#echochat-log td em", "small")
    visitor.sees("#echochat-log pre code", "a = [1]\n")
    visitor.sees("#echochat-log a[href='https://example.org/']", "https://example.org/")


def test_server_that_is_killed_loses_nothing(visit: Visit, keep: Keep, tmp_path: Path) -> None:
    """What is said while the server is down waits, and is answered once when it is back."""
    server = keep(uvicorn_process(HOST, tmp_path))
    visitor = visit(server.url("/chat"))
    visitor.is_connected()
    visitor.says("before")
    visitor.reads(*echoed(["before"]))
    server.kill()
    visitor.sees_of("document.querySelector('#echochat').dataset.state !== 'open'", True)
    visitor.says("meanwhile")
    visitor.reads(*echoed(["before"]), "meanwhile")
    visitor.sees("#echochat-log small", *words("waiting"))
    server.start()
    visitor.reads(*echoed(["before", "meanwhile"]))
    visitor.sees("#echochat-log small")


def test_two_talk_in_a_room(visit: Visit, serve: Serve) -> None:
    """Two in a room see each other write, and read the same."""
    server = serve(make_lounge())
    ann = visit(server.url("/rooms/lobby"))
    ben = visit(f"http://localhost:{server.port}/rooms/lobby")
    ann.joins("Ann")
    ben.joins("Ben")
    ben.types("hel")
    ann.sees("#echochat-writing", "Ben is writing…")
    ben.says("lo")
    for one in (ann, ben):
        one.reads("hello")
    ann.says("welcome")
    for one in (ann, ben):
        one.reads("hello", "welcome")
        one.sees("#echochat-log li:not(.mine, .mark) b", "Ben" if one is ann else "Ann")


def test_conversation_is_there_on_the_way_back(talk: Talk) -> None:
    """What was said is there when one comes back to the page, and when one goes forward to it."""
    app = make_app()
    app.add_api_route("/", lambda: HTMLResponse("<!doctype html><title>Home</title>"))

    def go(step: int) -> None:
        for path in ("/", "/chat"):
            visitor.tab.travel(step)
            visitor.sees_of("location.pathname", path)

    visitor = talk(app=app)
    visitor.says("first")
    visitor.reads(*echoed(["first"]))
    chat = visitor.tab.evaluate("() => location.href")
    visitor.tab.go(chat.removesuffix("chat"))
    visitor.tab.go(chat)
    visitor.is_connected()
    visitor.reads(*echoed(["first"]))
    visitor.says("second")
    visitor.reads(*echoed(["first", "second"]))
    for step in (-1, 1):
        go(step)
        visitor.is_connected()
        visitor.reads(*echoed(["first", "second"]))
    visitor.says("third")

    visitor.reads(*echoed(["first", "second", "third"]))


def test_verdict_is_given(talk: Talk) -> None:
    """A thumb under an answer tells the host's function, and is pressed from then on."""
    heard: list[tuple[str, str]] = []

    async def note(message: Message, answer: str, verdict: Verdict) -> None:
        heard.append((answer, verdict))

    visitor = talk(feedback=note)
    visitor.says("NBA")
    visitor.sees(".thumb[aria-pressed='false']", "", "")
    visitor.tab.click(".thumb[value='down']")
    visitor.sees(".thumb[aria-pressed='true']", "")

    assert heard == [("Message text was: NBA", "down")]


def test_kept_conversation_outlives_a_reload(talk: Talk) -> None:
    """A conversation that the server keeps is there again after a reload, and goes on."""
    visitor = talk(private=True)
    visitor.says("before")
    visitor.reads(*echoed(["before"]))
    visitor.types("unsent")
    visitor.tab.go(visitor.tab.evaluate("() => location.href"))
    visitor.is_connected()
    visitor.reads(*echoed(["before"]))
    visitor.sees_of("document.querySelector('#echochat-field').value", "unsent")
    visitor.says(" so far")
    visitor.reads(*echoed(["before", "unsent so far"]))
