"""Firefox, over WebDriver BiDi: it speaks that itself, and needs no driver."""

import base64
import contextlib
import itertools
import json
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from tests.engines.tab import Engine, Tab
from tests.servers import Command, find_program, free_port
from tests.waiting import PATIENCE

# Nothing goes anywhere but to this machine: what Firefox wants of its makers it asks of a proxy
# that is not there, and that names of this machine are not asked of.
_SETTINGS = {
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "app.normandy.enabled": False,
    "nimbus.rollouts.enabled": False,
}


class Firefox(Engine):
    """A Firefox without windows.

    Args:
        folder: For its profile.
    """

    prints = True

    def __init__(self, folder: Path) -> None:
        lines = (f"user_pref({json.dumps(n)}, {json.dumps(v)});" for n, v in _SETTINGS.items())
        (folder / "user.js").write_text("\n".join(lines))
        port = free_port()
        command = [find_program("firefox-esr"), "--headless", "--no-remote", "--profile"]
        command += [str(folder), "--remote-debugging-port", str(port)]
        with contextlib.ExitStack() as started:
            process = Command(command, port=port, folder=folder, env={"HOME": str(folder)})
            started.callback(process.stop)
            address = f"ws://127.0.0.1:{port}/session"
            connection = connect(address, max_size=None, proxy=None, open_timeout=PATIENCE)
            self._socket = started.enter_context(connection)
            self._numbers = itertools.count()
            self._errors: list[str] = []
            self.command("session.new", capabilities={})
            self.command("session.subscribe", events=["log.entryAdded"])
            self.quit = started.pop_all().close

    def command(self, method: str, **parameters: object) -> Any:
        """Send a command, and return its result."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(4 * PATIENCE))
            if answer.get("method") == "log.entryAdded" and answer["params"]["level"] == "error":
                self._errors.append(answer["params"]["text"])
            if answer.get("id") == number:
                assert answer["type"] == "success", (method, answer)
                return answer["result"]

    def open(self) -> "_Tab":
        tab = self.command("browsingContext.create", type="window")
        size = {"width": 900, "height": 700}
        self.command("browsingContext.setViewport", context=tab["context"], viewport=size)
        return _Tab(self, tab["context"])

    def errors(self) -> list[str]:
        self.command("session.status")
        errors, self._errors = self._errors, []
        return errors


class _Tab(Tab):
    def __init__(self, firefox: Firefox, context: str) -> None:
        self._firefox = firefox
        self._context = context

    def _command(self, method: str, **parameters: object) -> Any:
        return self._firefox.command(method, context=self._context, **parameters)

    def go(self, url: str) -> None:
        self._command("browsingContext.navigate", url=url, wait="complete")

    def travel(self, step: int) -> None:
        self._command("browsingContext.traverseHistory", delta=step)

    def frame(self) -> "_Tab":
        tree = self._firefox.command("browsingContext.getTree", root=self._context)
        return _Tab(self._firefox, tree["contexts"][0]["children"][0]["context"])

    def picture(self) -> bytes:
        return base64.b64decode(self._command("browsingContext.captureScreenshot")["data"])

    def print(self) -> bytes:
        return base64.b64decode(self._command("browsingContext.print")["data"])

    def close(self) -> None:
        self._command("browsingContext.close")

    def release(self) -> None:
        self._command("input.releaseActions")

    def _run(self, script: str) -> str:
        answer = self._firefox.command(
            "script.callFunction",
            functionDeclaration=f"async () => {{ {script} }}",
            target={"context": self._context},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer
        text: str = answer["result"]["value"]
        return text

    def _act(self, actions: list[dict[str, Any]]) -> None:
        self._command("input.performActions", actions=actions)
