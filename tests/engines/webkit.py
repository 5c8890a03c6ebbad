"""WebKitGTK's small browser, over WebDriver, on a screen that nobody sees."""

import base64
import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.engines.tab import Engine, Tab
from tests.servers import Command, find_program, free_port
from tests.waiting import PATIENCE

_FRAME = """(document.querySelector("iframe")
    ?? document.querySelector("echochat-widget").shadowRoot.querySelector("iframe"))"""


class WebKit(Engine):
    """A MiniBrowser, its driver, and the X server that it needs. It tells of no console.

    Args:
        folder: For what they write.
    """

    prints = False

    def __init__(self, folder: Path) -> None:
        driver, browser = find_program("WebKitWebDriver"), find_program("MiniBrowser")
        port = free_port()
        self._session = ""
        self._where: tuple[str, bool] | None = None
        with contextlib.ExitStack() as started:
            env = {
                "DISPLAY": started.enter_context(_screen()),
                "HOME": str(folder),
                "LIBGL_ALWAYS_SOFTWARE": "1",
                "NO_AT_BRIDGE": "1",
            }
            command = [driver, f"--port={port}", "--host=127.0.0.1"]
            self._driver = Command(command, port=port, folder=folder, env=env)
            started.callback(self._driver.stop)
            address = f"http://127.0.0.1:{port}/session"
            client = httpx.Client(base_url=address, timeout=4 * PATIENCE, trust_env=False)
            self._client = started.enter_context(client)
            wanted = {"webkitgtk:browserOptions": {"binary": browser, "args": ["--automation"]}}
            session = self.command("POST", "", capabilities={"alwaysMatch": wanted})
            self._session = f"/{session['sessionId']}"
            started.callback(self.command, "DELETE", "")
            # Without one that stays, no other can be opened.
            self.home: str = self.command("GET", "/window")
            self.quit = started.pop_all().close

    def command(self, method: str, path: str, **parameters: object) -> Any:
        """Send a command, and return its result."""
        body = parameters if method == "POST" else None
        response = self._client.request(method, f"{self._session}{path}", json=body)
        assert response.is_success, (path, response.text)
        return response.json()["value"]

    def enter(self, window: str, in_frame: bool) -> None:
        """Let what follows be about a window, or about its first frame."""
        if self._where == (window, in_frame):
            return
        self._where = None
        self.command("POST", "/window", handle=window)
        self.command("POST", "/frame", id=None)
        if in_frame:
            find = f"return {_FRAME};"
            frame = self.command("POST", "/execute/sync", script=find, args=[])
            self.command("POST", "/frame", id=frame)
        self._where = window, in_frame

    def open(self) -> "_Tab":
        window = self.command("POST", "/window/new", type="window")["handle"]
        self.enter(window, False)
        self.command("POST", "/window/rect", width=900, height=700)
        return _Tab(self, window)


@contextlib.contextmanager
def _screen() -> Iterator[str]:
    """Run an X server, and give the name that it finds for its display."""
    reading, writing = os.pipe()
    command = [find_program("Xvfb"), "-displayfd", str(writing), "-screen", "0", "1280x1024x24"]
    with (
        os.fdopen(reading) as pipe,
        subprocess.Popen(
            [*command, "-nolisten", "tcp"], pass_fds=[writing], stderr=subprocess.DEVNULL
        ) as screen,
    ):
        os.close(writing)
        yield f":{pipe.readline().strip()}"
        screen.terminate()


class _Tab(Tab):
    def __init__(self, webkit: WebKit, window: str, *, in_frame: bool = False) -> None:
        self._webkit = webkit
        self._window = window
        self._in_frame = in_frame

    def _command(self, method: str, path: str, **parameters: object) -> Any:
        self._webkit.enter(self._window, self._in_frame)
        return self._webkit.command(method, path, **parameters)

    def go(self, url: str) -> None:
        self._command("POST", "/url", url=url)

    def travel(self, step: int) -> None:
        self._command("POST", "/back" if step < 0 else "/forward")

    def frame(self) -> "_Tab":
        return _Tab(self._webkit, self._window, in_frame=True)

    def picture(self) -> bytes:
        return base64.b64decode(self._command("GET", "/screenshot"))

    def close(self) -> None:
        self._command("DELETE", "/window")
        self._webkit.enter(self._webkit.home, False)

    def release(self) -> None:
        self._command("DELETE", "/actions")

    def _run(self, script: str) -> str:
        text: str = self._command(
            "POST", "/execute/sync", script=f"return (async () => {{ {script} }})()", args=[]
        )
        return text

    def _act(self, actions: list[dict[str, Any]]) -> None:
        self._command("POST", "/actions", actions=actions)

    def _corner(self) -> tuple[int, int]:
        # WebKit 2.50 means by a viewport that of the whole page.
        if not self._in_frame:
            return 0, 0
        box = f"{_FRAME}.getBoundingClientRect()"
        host = _Tab(self._webkit, self._window)
        x, y = host.evaluate(f"() => [{box}.x, {box}.y].map(Math.round)")
        return x, y
