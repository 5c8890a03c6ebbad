"""A chat's page in Firefox and in WebKit: what is said on it, where it is, and how it looks.

All in one file, so that one process starts each browser, and once: that takes seconds.
"""

import base64
import contextlib
import re
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import Depends, HTTPException, Request
from fastapi.requests import HTTPConnection
from fastapi.responses import HTMLResponse, RedirectResponse

from fastapi_echochat import Message
from fastapi_echochat.page.languages import ENGLISH
from fastapi_echochat.protocol.frames import Verdict
from tests.apps import make_app
from tests.browser.gate import Drone, Gate
from tests.browser.hosts import add_frame, add_widget, make_lounge
from tests.browser.person import echoed, words
from tests.conftest import Keep, Serve, StartRelay
from tests.engines.conftest import Talk, Visit
from tests.engines.tab import ESCAPE, Engine
from tests.engines.visitor import Visitor
from tests.servers import uvicorn_process
from tests.test_authentication import recipe
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


# --- Where it is, and how it looks -------------------------------------------------------

# As many lines as the field is high, and whether all that is in it is seen.
LINES = """(() => {
    const field = document.querySelector("#echochat-field");
    const { lineHeight, paddingTop, paddingBottom } = getComputedStyle(field);
    const padding = parseFloat(paddingTop) + parseFloat(paddingBottom);
    return [
        Math.round((field.clientHeight - padding) / parseFloat(lineHeight)),
        field.scrollHeight <= field.clientHeight,
    ];
})()"""


def test_list_of_who_is_here_is_painted(visit: Visit, serve: Serve) -> None:
    """Who comes and who goes is seen on the screen, and not only in the tree."""
    server = serve(make_lounge())
    ann = visit(server.url("/rooms/lobby"))
    ann.joins("Ann")
    ann.sees("#echochat-here", "1 here: Ann")
    beside_ann = ann.tab.evaluate(
        """() => {
            const { right, y, height } = document.querySelector("#echochat-here bdi")
                .getBoundingClientRect();
            return [right + 2, y, 100, height];
        }"""
    )
    assert not has_ink(ann, beside_ann)
    # Who comes from another origin is somebody else.
    ben = visit(f"http://localhost:{server.port}/rooms/lobby")
    ben.joins("Ben")
    ann.sees("#echochat-here", "2 here: Ann and Ben")
    wait_until(lambda: has_ink(ann, beside_ann), "who has come is painted")
    ben.tab.go("about:blank")
    ann.sees("#echochat-here", "1 here: Ann")
    wait_until(lambda: not has_ink(ann, beside_ann), "who has gone is painted no more")


def has_ink(visitor: Visitor, box: list[float]) -> bool:
    """Tell whether a part of the page is of more than one colour: left, top, width, height."""
    return bool(
        visitor.tab.evaluate(
            """async (picture, box) => {
                const bytes = Uint8Array.from(atob(picture), (byte) => byte.charCodeAt(0));
                const context = document.createElement("canvas").getContext("2d");
                context.canvas.width = innerWidth;
                context.drawImage(await createImageBitmap(new Blob([bytes])), 0, 0);
                const pixels = new Uint32Array(context.getImageData(...box).data.buffer);
                return new Set(pixels).size > 1;
            }""",
            base64.b64encode(visitor.tab.picture()).decode(),
            box,
        )
    )


def test_widget(visit: Visit, serve: Serve) -> None:
    """The widget's button opens the chat, where one can write at once, and Escape closes it."""
    app = make_app()
    add_widget(app, "/chat")
    host = visit(serve(app).url("/"))
    host.tab.click("echochat-widget >>> button")
    shadow = "document.querySelector('echochat-widget').shadowRoot"
    panel = f"{shadow}.querySelector('dialog').open"
    host.sees_of(panel, True)
    host.sees_of(f"!!{shadow}.querySelector('iframe').contentDocument.querySelector('main')", True)
    visitor = Visitor(host.tab.frame())
    visitor.is_connected()
    visitor.sees_of("document.hasFocus() && document.activeElement.id", "echochat-field")
    visitor.says("from the corner")
    visitor.reads(*echoed(["from the corner"]))
    # In the frame: WebKit's driver moves the focus to where it is sent.
    visitor.tab.press(ESCAPE, release=False)
    host.sees_of(panel, False)
    host.tab.release()


def test_signed_out(
    visit: Visit, serve: Serve, start_relay: StartRelay, expected_errors: list[str]
) -> None:
    """Signed out meanwhile, the page says so and where to go, and nothing said is lost."""
    # uvicorn 0.54 logs this at ERROR for each handshake that a dependency refuses.
    expected_errors.append("returned without completing handshake")
    is_signed_in = True

    def guard(connection: HTTPConnection) -> None:
        if not is_signed_in:
            raise HTTPException(401)

    app = make_app(dependencies=[Depends(guard)], sign_in_url="/sign-in")

    @app.get("/sign-in")
    def sign_in(request: Request) -> RedirectResponse:
        nonlocal is_signed_in
        is_signed_in = True
        return RedirectResponse(request.query_params["next"])

    relay = start_relay(serve(app).port)
    visitor = visit(relay.url("/chat"))
    visitor.is_connected()
    is_signed_in = False
    relay.cut()
    visitor.sees("#echochat-state", ENGLISH["signed_out"])
    visitor.says("unheard")
    visitor.sees("#echochat-log small", *words("waiting"))
    visitor.sees("#echochat-sign-in", ENGLISH["sign_in"])
    visitor.tab.click("#echochat-sign-in")
    visitor.is_connected()
    visitor.reads(*echoed(["unheard"]))


def test_http_basic(visit: Visit, serve: Serve, start_relay: StartRelay) -> None:
    """Behind the README's guard with HTTP Basic no handshake is refused, with credentials or not.

    Firefox sends them with a handshake, WebKit does not.
    """
    relay = start_relay(serve(recipe("/den")["app"]).port)
    visitor = visit(relay.url("/den").replace("//", "//ada:lovelace@"))
    visitor.is_connected()
    visitor.says("before")
    visitor.reads(*echoed(["before"]))
    relay.cut()
    visitor.says("after")
    visitor.reads(*echoed(["before", "after"]))


@pytest.mark.parametrize("sandbox", [None, "allow-scripts"], ids=["same origin", "no origin"])
def test_frame(visit: Visit, serve: Serve, sandbox: str | None) -> None:
    """In a frame, and in a sandbox that takes its origin away, the chat is styled and works."""
    app = make_app(allowed_origins=["null"])
    add_frame(app, "/chat", sandbox=sandbox)
    host = visit(serve(app).url("/"))
    host.sees_of("document.activeElement.id", "own")
    visitor = Visitor(host.tab.frame())
    visitor.is_connected()
    visitor.sees_of("origin === 'null'", sandbox is not None)
    visitor.sees_of("getComputedStyle(document.querySelector('#echochat-send')).cursor", "pointer")
    visitor.says("framed")
    visitor.reads(*echoed(["framed"]))


def test_field_grows_with_wrapped_lines(talk: Talk) -> None:
    """The field is as high as what is in it: wrapped, broken, kept over a reload, made narrower."""
    visitor = talk()
    visitor.sees_of(LINES, [1, True])
    visitor.types("a text of two lines " * 6)
    visitor.sees_of(LINES, [2, True])
    visitor.tab.go(visitor.tab.evaluate("() => location.href"))
    visitor.sees_of(LINES, [2, True])
    visitor.tab.evaluate("() => { document.querySelector('#echochat').style.width = '500px'; }")
    visitor.sees_of(LINES, [3, True])
    visitor.tab.click("#echochat-send")
    visitor.sees_of(LINES, [1, True])


def test_field_of_a_room_grows(visit: Visit, serve: Serve) -> None:
    """What was typed and not sent fills its field when one has said what one is called."""
    visitor = visit(serve(make_lounge()).url("/rooms/lobby"))
    visitor.joins("Ann")
    visitor.types("a text of two lines " * 6)
    visitor.sees_of(LINES, [2, True])
    visitor.tab.evaluate("() => localStorage.clear()")
    visitor.tab.go(visitor.tab.evaluate("() => location.href"))
    visitor.joins("Bob")
    visitor.sees_of(LINES, [2, True])


def test_conversation_is_printed(engine: Engine, talk: Talk) -> None:
    """On paper is all of the conversation and nothing but it; where one can print, in a file too.

    What is printed is read as it would be on paper: with the rules for paper made those for all.
    """
    visitor = talk(title="Ada")
    texts = [f"number {number}" for number in range(60)]
    visitor.tab.evaluate(
        """texts => {
            const field = document.querySelector("#echochat-field");
            for (const text of texts) {
                field.value = text;
                field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
            }
        }""",
        texts,
    )
    answers = [f"Message text was: {text}" for text in texts]
    visitor.reads(*texts, *answers)
    if engine.prints:
        assert count_sheets(visitor.tab.print()) > 120 * 24 // 1056
    visitor.tab.evaluate(
        """() => {
            for (const { media } of document.styleSheets[0].cssRules) {
                if (media?.mediaText === "screen") media.mediaText = "print";
                else if (media?.mediaText === "print") media.mediaText = "all";
            }
        }"""
    )
    printed = visitor.tab.evaluate("() => document.querySelector('#echochat').innerText")
    lines = [line for line in printed.split("\n") if line]
    assert [line for line in lines if line not in ("You", "Ada")] == [*texts, *answers]
    assert lines.count("You") == lines.count("Ada") == 60
    visitor.sees_of("document.documentElement.scrollHeight > 120 * 24", True)


def count_sheets(pdf: bytes) -> int:
    """Count the pages of a PDF, whose objects are in compressed streams."""
    sheets = 0
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        with contextlib.suppress(zlib.error):
            objects = zlib.decompressobj().decompress(stream)
            sheets += len(re.findall(rb"/Type\s*/Page\b", objects))
    return sheets
