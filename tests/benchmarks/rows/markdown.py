"""What rendering Markdown costs a browser, while an answer streams, beside showing its text."""

import contextlib
import importlib
import importlib.util
import shutil
from collections.abc import Callable, Iterator
from typing import Any

from tests.benchmarks.apps.answers import ANSWERS, LAST
from tests.benchmarks.contest import AGAIN, Effort
from tests.benchmarks.process import Server
from tests.benchmarks.report import Row
from tests.benchmarks.rounds import in_turn, quartiles, ratio
from tests.benchmarks.rows.browser import OPTIONS

_PATIENCE = 120.0
_NAME = "markdown"
_WHAT = "100 KB of Markdown in pieces of 20 characters, {kind}, shown"


def rows(effort: Effort) -> Iterator[Row]:
    """Compare the page's time for an answer that is rendered with that for its text."""
    path = shutil.which("chromium")
    if path is None or importlib.util.find_spec("playwright") is None:
        for kind in ANSWERS:
            note = "no Chromium or no Playwright here"
            yield Row(name=_NAME, what=_WHAT.format(kind=kind), note=note)
        return
    api: Any = importlib.import_module("playwright.sync_api")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server("answers"))
        browser = stack.enter_context(api.sync_playwright()).chromium.launch(
            executable_path=path, args=OPTIONS
        )
        stack.callback(browser.close)
        url = f"http://127.0.0.1:{server.port}"
        for kind in ANSWERS:
            yield _row(browser, url, kind, effort)


def _row(browser: Any, url: str, kind: str, effort: Effort) -> Row:
    text = _reading(browser, f"{url}/text", kind)
    measures = {"text": text, "markdown": _reading(browser, f"{url}/markdown", kind), AGAIN: text}
    seconds = in_turn(measures, effort.rounds, lambda what: effort.tell(f"{_NAME}, {kind}, {what}"))
    return Row(
        name=_NAME,
        what=_WHAT.format(kind=kind),
        against="as text",
        ratio=ratio(seconds["markdown"], seconds["text"]),
        at_most=2.0,
        ours=f"{quartiles(seconds['markdown'])[1] * 1e3:.0f} ms",
        theirs=f"{quartiles(seconds['text'])[1] * 1e3:.0f} ms",
        control=ratio(seconds[AGAIN], seconds["text"]),
        note="processor time of the page's main thread",
        samples=dict(seconds),
    )


def _reading(browser: Any, url: str, kind: str) -> Callable[[], float]:
    return lambda: _read(browser, url, kind)


def _read(browser: Any, url: str, kind: str) -> float:
    """Ask, and return what the page's main thread took until all of the answer is there."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(_PATIENCE * 1000)
    page.goto(url)
    page.locator("#echochat[data-state=open]").wait_for()
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _task_seconds(session)
    page.locator("textarea").fill(kind)
    page.locator("textarea").press("Enter")
    answer = page.locator(".answer:not([aria-busy])")
    answer.wait_for()
    assert LAST in answer.text_content()
    # What is still to be laid out and painted.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    seconds = _task_seconds(session) - before
    context.close()
    return seconds


def _task_seconds(session: Any) -> float:
    found = session.send("Performance.getMetrics")["metrics"]
    (seconds,) = (metric["value"] for metric in found if metric["name"] == "TaskDuration")
    return float(seconds)
