"""What every test may ask for, and how tests share a machine."""

import contextlib
import fcntl
import gc
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import settings

from fastapi_echochat import MemoryRooms, Rooms, SQLiteRooms, testing
from tests import servers
from tests.apps import make_app
from tests.relay import Relay
from tests.servers import Process, Uvicorn, errors
from tests.waiting import PATIENCE, patient

Serve = Callable[..., Uvicorn]
ServeRoom = Callable[..., str]
Keep = Callable[[Process], Process]
StartRelay = Callable[[int], Relay]

_WORKER = os.environ.get("PYTEST_XDIST_WORKER")


def pytest_configure() -> None:
    # Rooms in memory warn of another process with the same parent and the same arguments.
    sys.argv += filter(None, [_WORKER])
    # The chat's own test clients wait as long as ours do where a test does not say how long.
    for opened in (testing.connect, testing.enter):
        vars(opened)["__wrapped__"].__kwdefaults__["timeout"] = PATIENCE
    # A fifth of a second for an example is nothing on a machine that has other work.
    settings.register_profile("patient", settings(), deadline=None)
    settings.load_profile("patient")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many processes run the tests: two more than processors, for half of it is waiting.

    One file is run where pytest is.
    """
    files = {argument.partition("::")[0] for argument in config.args}
    return 0 if len(files) == 1 and files.pop().endswith(".py") else (os.cpu_count() or 1) + 2


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, and let all take longer on a slow machine."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])
    for item in items:
        marker = item.get_closest_marker("timeout")
        seconds = marker.args[0] if marker else float(item.config.getini("timeout"))
        item.add_marker(pytest.mark.timeout(patient(seconds)), append=False)


def pytest_collection_finish() -> None:
    # What is there by now stays; to collect what tests leave behind is cheap then.
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def _locked(path: str, how: int) -> Iterator[None]:
    with Path(path).open() as file:
        fcntl.flock(file, how)
        yield


# Outside what pytest-timeout measures.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test that is marked serial while no other worker runs one."""
    with contextlib.ExitStack() as turn:
        if _WORKER:
            is_serial = item.get_closest_marker("serial") is not None
            # Who waits to be alone stands in the door, so that nobody comes in before.
            with _locked(__file__, fcntl.LOCK_EX):
                how = fcntl.LOCK_EX if is_serial else fcntl.LOCK_SH
                turn.enter_context(_locked(servers.__file__, how))
        return (yield)


@pytest.fixture
def expected_errors() -> list[str]:
    """Return the list to which a test adds what the log may hold at level ERROR."""
    return []


@pytest.fixture
def serve(caplog: pytest.LogCaptureFixture, expected_errors: list[str]) -> Iterator[Serve]:
    """Serve an application on a real uvicorn until the test ends, and then read its log."""
    # Before the log is read: where the garbage collector finds it, asyncio reports a task that an
    # event loop of an earlier test (Starlette's test client ends one for each) has left pending.
    gc.collect()
    caplog.set_level(logging.INFO)
    started: list[Uvicorn] = []

    def start(app: FastAPI, **config: object) -> Uvicorn:
        server = Uvicorn(app, **config)  # type: ignore[arg-type]  # passed on
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()
    unexpected = [
        line for line in errors(caplog) if not any(word in line for word in expected_errors)
    ]
    assert unexpected == []


@pytest.fixture
def serve_room(serve: Serve) -> ServeRoom:
    """Serve rooms in which people talk among themselves, and return the lobby's address."""

    def start(rooms: Rooms | None = None, **options: Any) -> str:
        app = make_app(None, prefix="/rooms/{room}", rooms=rooms or MemoryRooms(), **options)
        return serve(app).ws("/rooms/lobby")

    return start


@pytest.fixture(params=["memory", "sqlite"])
def rooms(request: pytest.FixtureRequest, tmp_path: Path) -> Rooms:
    """Give rooms that one process keeps."""
    return MemoryRooms() if request.param == "memory" else SQLiteRooms(tmp_path / "rooms.db")


@pytest.fixture
def keep() -> Iterator[Keep]:
    """Stop a process when the test ends, and then read its log."""
    processes: list[Process] = []

    def keep(process: Process) -> Process:
        processes.append(process)
        return process

    yield keep
    for process in reversed(processes):
        process.stop()
    logs = "\n".join(process.log() for process in processes if process.complaints())
    assert not logs, logs


@pytest.fixture
def start_relay() -> Iterator[StartRelay]:
    """Put a wire that can be broken before a port, until the test ends."""
    with contextlib.ExitStack() as relays:

        def start(port: int) -> Relay:
            relay = Relay(port)
            relays.callback(relay.stop)
            return relay

        yield start
