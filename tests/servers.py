"""Real servers on loopback ports of their own, started by the tests and stopped with them."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypercorn
import pytest
import uvicorn
import uvicorn.server
from fastapi import FastAPI
from hypercorn.asyncio import serve as hypercorn_serve

PATIENCE = 15.0
"""Seconds after which a test gives up waiting for what must come."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain until {what}")
        time.sleep(0.02)


def accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def find_program(name: str) -> str:
    """Return a program's path. Without it a test is skipped, and fails where CI=true."""
    # Debian keeps servers where an ordinary user's PATH does not lead.
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        missing = f"{name} is not installed on this machine"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return path


class _Impatient:
    """asyncio as uvicorn's server sees it here: all that it waits for it looks for more often.

    Else each server of the many in these tests would take a fifth of a second to end, asleep.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 10)


vars(uvicorn.server)["asyncio"] = _Impatient()


class Uvicorn:
    """A real uvicorn that serves an application of this process, in a thread of its own."""

    def __init__(self, app: FastAPI, *, port: int | None = None, **config: object) -> None:
        self.port = port or free_port()
        self.authority = f"127.0.0.1:{self.port}"
        # Its log goes where pytest's caplog sees it.
        self._server = uvicorn.Server(
            uvicorn.Config(app, port=self.port, log_config=None, lifespan="off", **config)  # type: ignore[arg-type]  # passed on
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        wait_until(lambda: self._server.started, "uvicorn has started")

    def url(self, path: str = "", scheme: str = "http") -> str:
        return f"{scheme}://{self.authority}{path}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            self._server.force_exit = True
            self._thread.join(PATIENCE)
            pytest.fail("uvicorn did not stop")


class Process:
    """A server in a process of its own, with its log in a file."""

    def __init__(
        self, command: list[str], *, port: int, folder: Path, env: dict[str, str] | None = None
    ) -> None:
        self.port = port
        self.authority = f"127.0.0.1:{port}"
        self._command = command
        self._folder = folder
        self._env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), **(env or {})}
        self._log = folder / f"{Path(command[0]).name}-{port}.log"
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.popen = subprocess.Popen(
                self._command, cwd=self._folder, env=self._env, stdout=log, stderr=log
            )
        try:
            wait_until(
                lambda: self.popen.poll() is not None or accepts(self.port), "the server listens"
            )
        except BaseException:
            self.stop()
            raise
        if self.popen.poll() is not None:
            pytest.fail(f"{self._command} ended at once:\n{self.log()}")

    def url(self, path: str = "", scheme: str = "http") -> str:
        return f"{scheme}://{self.authority}{path}"

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait(PATIENCE)

    def stop(self) -> None:
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait(PATIENCE)


def uvicorn_process(
    source: str, folder: Path, *options: str, port: int | None = None, name: str = "host"
) -> Process:
    """Start `uvicorn host:app` in a process, the module's source given."""
    (folder / f"{name}.py").write_text(source)
    port = port or free_port()
    command = [sys.executable, "-m", "uvicorn", f"{name}:app", "--port", str(port), *options]
    return Process(command, port=port, folder=folder)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged at level ERROR, or with a traceback, since the test began."""
    return [
        record.getMessage()
        for record in caplog.get_records("call") + caplog.get_records("teardown")
        if record.levelno >= logging.ERROR or record.exc_info
    ]


class Hypercorn:
    """A real Hypercorn: a server that leaves root_path out of ASGI's path."""

    def __init__(self, app: FastAPI, *, root_path: str = "") -> None:
        self.port = free_port()
        self.authority = f"127.0.0.1:{self.port}"
        config = hypercorn.Config()
        config.bind = [self.authority]
        config.root_path = root_path
        config.accesslog = config.errorlog = None
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, args=(app, config), daemon=True)
        self._thread.start()
        wait_until(lambda: accepts(self.port), "Hypercorn listens")

    def _run(self, app: FastAPI, config: hypercorn.Config) -> None:
        serving = hypercorn_serve(app, config, shutdown_trigger=self._over.wait)  # type: ignore[arg-type]  # its own ASGI types
        self._loop.run_until_complete(serving)
        self._loop.close()

    def url(self, path: str = "", scheme: str = "http") -> str:
        return f"{scheme}://{self.authority}{path}"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
