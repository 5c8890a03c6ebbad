"""A person's wait: from the address typed to the first echo on the screen, with nothing cached."""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.contest import AGAIN, Effort
from tests.benchmarks.process import Server
from tests.benchmarks.report import Row
from tests.benchmarks.rounds import in_turn, quartiles, ratio

_PATIENCE = 60.0
_SAID = "NBA"
_ANSWER = f"Message text was: {_SAID}"
_APPS = Path(__file__).parent.parent / "apps"
# Nothing but this machine is asked: a font that is looked for elsewhere would be waited for.
OPTIONS = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.*"]


class _Visit(NamedTuple):
    seconds: float
    requests: int
    bytes: int


class _Site(NamedTuple):
    """A page: its address, where one writes, and what shows that what is written can be sent."""

    url: str
    field: str
    ready: str


def rows(effort: Effort) -> Iterator[Row]:
    """Compare first visits, and count what ours asks for."""
    path = shutil.which("chromium")
    if path is None or importlib.util.find_spec("playwright") is None:
        yield Row(name="browser", what="first visit", note="no Chromium or no Playwright here")
        return
    api: Any = importlib.import_module("playwright.sync_api")
    with contextlib.ExitStack() as stack:
        sites = {"ours": _ours(stack)}
        for name, start in (("Gradio", _gradio), ("Chainlit", _chainlit)):
            site = start(stack, getattr(effort, name.lower()))
            if site is None:
                yield Row(name="browser", what="first visit", against=name, note="not installed")
            else:
                sites[name] = site
        sites[AGAIN] = sites["ours"]
        browser = stack.enter_context(api.sync_playwright()).chromium.launch(
            executable_path=path, args=OPTIONS
        )
        stack.callback(browser.close)
        measures = {name: _visiting(browser, site) for name, site in sites.items()}
        for measure in measures.values():
            measure()  # A server renders and compiles for its first visitor.
        visits = in_turn(measures, effort.rounds, lambda what: effort.tell(f"browser, {what}"))
    yield from _compare(visits)


def _compare(visits: dict[str, list[_Visit]]) -> Iterator[Row]:
    seconds = {name: [visit.seconds for visit in found] for name, found in visits.items()}
    ours = visits["ours"][0]
    for name in visits:
        if name in ("ours", AGAIN):
            continue
        theirs = visits[name][0]
        yield Row(
            name="browser",
            what="address typed to first echo, cold",
            against=name,
            ratio=ratio(seconds["ours"], seconds[name]),
            # Five times sooner.
            at_most=0.2,
            ours=f"{quartiles(seconds['ours'])[1] * 1e3:.0f} ms",
            theirs=f"{quartiles(seconds[name])[1] * 1e3:.0f} ms",
            control=ratio(seconds[AGAIN], seconds["ours"]),
            note=f"theirs: {theirs.requests} requests, {theirs.bytes / 1000:,.0f} KB",
            samples={who: [visit._asdict() for visit in visits[who]] for who in ("ours", name)},
        )
    # So the goals have one number each: at most 5 requests, at most 20 KB.
    for what, number, goal in (("requests", ours.requests, 5), ("bytes", ours.bytes, 20_000)):
        share = [number / goal]
        yield Row(
            name="browser",
            what=f"a first visit's {what}",
            against=f"{goal:,}",
            ratio=ratio(share, [1.0]),
            at_most=1.0,
            ours=f"{number:,}",
            theirs=f"{goal:,}",
        )


def _visiting(browser: Any, site: _Site) -> Callable[[], _Visit]:
    return lambda: _visit(browser, site)


def _visit(browser: Any, site: _Site) -> _Visit:
    """Come for the first time, say something, and wait for the answer to be seen."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(_PATIENCE * 1000)
    session = context.new_cdp_session(page)
    requests: list[object] = []
    sizes: list[int] = []
    # Functions of their own: Playwright 1.65 takes no built-in method.
    for event in ("Network.requestWillBeSent", "Network.webSocketCreated"):
        session.on(event, lambda sent: requests.extend([sent]))
    session.on("Network.loadingFinished", lambda sent: sizes.append(sent["encodedDataLength"]))
    session.send("Network.enable")
    begun = time.perf_counter()
    page.goto(site.url, wait_until="commit")
    field = page.locator(site.field).first
    field.fill(_SAID)
    page.locator(site.ready).first.wait_for(state="attached")
    field.press("Enter")
    page.get_by_text(_ANSWER, exact=True).first.wait_for()
    seconds = time.perf_counter() - begun
    context.close()
    return _Visit(seconds, len(requests), int(sum(sizes)))


def _ours(stack: contextlib.ExitStack) -> _Site:
    server = stack.enter_context(Server("ours"))
    return _Site(f"http://127.0.0.1:{server.port}/chat", "textarea", "#echochat[data-state]")


def _gradio(stack: contextlib.ExitStack, python: str) -> _Site | None:
    env = {"GRADIO_ANALYTICS_ENABLED": "False"}
    port = _start(stack, python, "gradio", [str(_APPS / "gradio_page.py"), "{port}"], env)
    return None if port is None else _Site(f"http://127.0.0.1:{port}/", "textarea", "textarea")


def _chainlit(stack: contextlib.ExitStack, python: str) -> _Site | None:
    app = str(_APPS / "chainlit_page.py")
    command = ["-m", "chainlit", "run", app, "--headless", "--host", "127.0.0.1", "--port"]
    port = _start(stack, python, "chainlit", [*command, "{port}"], {})
    return (
        None
        if port is None
        else _Site(f"http://127.0.0.1:{port}/", "#chat-input", "#chat-submit:enabled")
    )


def _start(
    stack: contextlib.ExitStack, python: str, package: str, command: list[str], env: dict[str, str]
) -> int | None:
    """Start another's server and return its port, or nothing where the package is missing."""
    find = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    if subprocess.run([python, "-c", find], check=False).returncode:
        return None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    # Some write their settings to where they are started.
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    popen = subprocess.Popen(
        [python, *(part.replace("{port}", str(port)) for part in command)],
        cwd=folder,
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(popen.wait, _PATIENCE)
    stack.callback(popen.terminate)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return port
        time.sleep(0.1)
    raise RuntimeError(f"{package} does not listen")
