"""Real servers on loopback ports of their own, started by the tests and stopped with them."""

import abc
import asyncio
import contextlib
import functools
import logging
import multiprocessing
import multiprocessing.forkserver
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import unittest.mock
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NoReturn

import pytest
import uvicorn
import uvicorn.server
from fastapi import FastAPI

from tests import forks
from tests.waiting import PATIENCE, wait_until

ROOT = Path(__file__).parent.parent

_reserved: list[socket.socket] = []


def free_port() -> int:
    """Return a port for a server: one that nobody else is given before this process ends.

    A socket is bound to it, and does not listen: a server can listen beside it, since both say
    SO_REUSEADDR; the kernel gives it to nobody; and while the server is down it refuses clients.
    """
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    # Not before it is bound, or it could be a port that is reserved already.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _reserved.append(probe)
    port: int = probe.getsockname()[1]
    return port


def accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def find_program(name: str) -> str:
    """Return a program's path. Without it a test is skipped, and fails where CI=true."""
    # Debian keeps servers, and WebKit's browser, where an ordinary user's PATH does not lead.
    elsewhere = ["/usr/sbin", "/sbin", *map(str, Path("/usr/lib").glob("*/webkit2gtk-4.*"))]
    path = shutil.which(name) or shutil.which(name, path=os.pathsep.join(elsewhere))
    if path is None:
        not_installed(name)
    return path


def find_npm_packages(*names: str) -> Path:
    """Return the folder of these packages of npm. Without one of them it is as with programs."""
    folder = ROOT / ".ci" / "node_modules"
    if missing := [name for name in names if not (folder / name).is_dir()]:
        _do_without(f"{', '.join(missing)}: not in .ci/node_modules, where .ci/run installs them")
    return folder


def not_installed(name: str) -> NoReturn:
    """Skip a test for what is missing, and fail it where CI=true."""
    _do_without(f"{name} is not installed on this machine")


def _do_without(missing: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


class _Impatient:
    """asyncio as uvicorn's server sees it here: all that it waits for it looks for more often.

    Else each server of the many in these tests would take a fifth of a second to end, asleep.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 10)


vars(uvicorn.server)["asyncio"] = _Impatient()


class Server:
    """Something that listens on a port of this machine."""

    port: int

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "", scheme: str = "http") -> str:
        return f"{scheme}://{self.authority}{path}"

    def ws(self, mount: str = "/chat") -> str:
        """Return the address of a chat's endpoint."""
        return self.url(f"{mount}/ws", "ws")


class _Punctual(uvicorn.Server):
    """A server that accepts nobody in the moment in which it asks its connections to end.

    uvicorn 0.54 does not ask those whose protocol has not begun then, and waits for them for ever.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for _ in range(10):
            await asyncio.sleep(0)
        await super().shutdown(sockets)


class Uvicorn(Server):
    """A real uvicorn that serves an application of this process, in a thread of its own."""

    def __init__(self, app: FastAPI, *, port: int | None = None, **config: object) -> None:
        self.port = port or free_port()
        # Its log goes where pytest's caplog sees it.
        self._server = _Punctual(
            uvicorn.Config(app, port=self.port, log_config=None, lifespan="off", **config)  # type: ignore[arg-type]  # passed on
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        wait_until(lambda: self._server.started, "uvicorn has started")

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            self._server.force_exit = True
            self._thread.join(PATIENCE)
            pytest.fail("uvicorn did not stop")


class Process(Server, abc.ABC):
    """A server in a process of its own, with its log in a file.

    Args:
        name: What its log is called.
        port: Where it listens.
        folder: Where it runs.
        env: What its environment has beside this one's.
    """

    def __init__(
        self, name: str, *, port: int, folder: Path, env: dict[str, str] | None = None
    ) -> None:
        self.port = port
        self.folder = folder
        self.env = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
        self._log = folder / f"{name}-{port}.log"
        self.start()

    @property
    @abc.abstractmethod
    def pid(self) -> int: ...

    @abc.abstractmethod
    def launch(self, log: Path) -> None:
        """Start the process, whose output goes to the end of a file."""

    @abc.abstractmethod
    def wait(self, seconds: float = PATIENCE) -> bool:
        """Wait until the process has ended, and tell whether it has."""

    def start(self) -> None:
        self.launch(self._log)
        try:
            # A new Python under load takes its time to import what it needs.
            wait_until(
                lambda: self.wait(0) or accepts(self.port), "the server listens", 4 * PATIENCE
            )
        except BaseException:
            self.stop()
            raise
        if self.wait(0):
            pytest.fail(f"the server ended at once:\n{self.log()}")

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def complaints(self) -> list[str]:
        """Return the lines of its log that say that something went wrong."""
        return re.findall(r".*(?:ERROR|CRITICAL|Traceback).*", self.log())

    def send_signal(self, how: signal.Signals) -> None:
        os.kill(self.pid, how)

    def kill(self) -> None:
        if not self.wait(0):
            self.send_signal(signal.SIGKILL)
        assert self.wait()

    def stop(self) -> None:
        if not self.wait(0):
            self.send_signal(signal.SIGTERM)
            # One that a test has frozen does not hear of it.
            self.send_signal(signal.SIGCONT)
            if not self.wait():
                self.kill()


class Command(Process):
    """A server that a command line starts."""

    def __init__(
        self, command: list[str], *, port: int, folder: Path, env: dict[str, str] | None = None
    ) -> None:
        self._command = command
        super().__init__(Path(command[0]).name, port=port, folder=folder, env=env)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def launch(self, log: Path) -> None:
        with log.open("ab") as file:
            self._popen = subprocess.Popen(
                self._command, cwd=self.folder, env=self.env, stdout=file, stderr=file
            )

    def wait(self, seconds: float = PATIENCE) -> bool:
        if seconds == 0:
            return self._popen.poll() is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)
        return self._popen.returncode is not None


# A process that has imported what servers need, and is forked for each of them: a tenth of what
# one costs that starts from nothing.
_warm = multiprocessing.get_context("forkserver")
_warm.set_forkserver_preload(["tests.forks"])


@functools.cache
def _warm_up() -> None:
    # Once: another thread, such as that of a test's clients, may be reading the environment.
    with unittest.mock.patch.dict(os.environ, PYTHONPATH=str(ROOT)):
        multiprocessing.forkserver.ensure_running()


def fork(target: Callable[..., None], *arguments: object) -> BaseProcess:
    """Run a function of a module in a process where Python, FastAPI and the package are loaded."""
    process = _warm.Process(target=target, args=arguments, daemon=True)
    _warm_up()
    process.start()
    return process


class Fork(Process):
    """A uvicorn that begins where Python, FastAPI and the package are loaded.

    Args:
        arguments: Of uvicorn's command line.
        port: Where it listens.
        folder: Where it runs, and finds its application.
        env: What its environment has beside this one's.
    """

    def __init__(
        self, arguments: list[str], *, port: int, folder: Path, env: dict[str, str] | None = None
    ) -> None:
        self._arguments = [*arguments, "--port", str(port)]
        super().__init__("uvicorn", port=port, folder=folder, env=env)

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def launch(self, log: Path) -> None:
        self._process = fork(forks.serve, self._arguments, self.folder, self.env, log)

    def wait(self, seconds: float = PATIENCE) -> bool:
        self._process.join(seconds)
        return self._process.exitcode is not None


def uvicorn_process(source: str, folder: Path, *options: str, name: str = "host") -> Process:
    """Start a uvicorn that serves `app` of a module, whose source is given."""
    (folder / f"{name}.py").write_text(source)
    return Fork([f"{name}:app", *options], port=free_port(), folder=folder)


def uvicorn_command(source: str, folder: Path, *options: str, name: str = "host") -> Process:
    """Start one as a user does, where the command line is what a test is about."""
    (folder / f"{name}.py").write_text(source)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", f"{name}:app", "--port", str(port), *options]
    return Command(command, port=port, folder=folder)


def redis_process(folder: Path, *options: str) -> Process:
    """Start a redis-server, which keeps what it acknowledged over a kill and a new start."""
    port = free_port()
    command = [find_program("redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--dir", str(folder), "--appendonly", "yes", "--appendfsync", "always"]
    return Command([*command, *options], port=port, folder=folder)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged at level ERROR, or with a traceback, since the test began."""
    return [
        record.getMessage()
        for record in caplog.get_records("call") + caplog.get_records("teardown")
        if record.levelno >= logging.ERROR or record.exc_info
    ]
