"""Servers: what each does with a chat is what the README's table says."""

import importlib.metadata
import math
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import uvicorn.config
from websockets.frames import Frame, Opcode

from tests.clients import Client, ask
from tests.conftest import Keep
from tests.documents import table
from tests.pages import ChatPage
from tests.raw_client import RawClient
from tests.servers import Command, Process, free_port, not_installed, uvicorn_process
from tests.waiting import PATIENCE, get, patient, wait_until

HOST = """
import asyncio
import contextlib
import logging
from fastapi import Depends, FastAPI, HTTPException
from fastapi.requests import HTTPConnection
from fastapi_echochat import EchoChat, MemoryRooms

logging.basicConfig(level=logging.INFO)

@contextlib.asynccontextmanager
async def lifespan(app):
    yield
    print("the lifespan ends", flush=True)

async def slow(message):
    print("an answer begins", flush=True)
    try:
        await asyncio.sleep(3600)
    finally:
        print("an answer ends", flush=True)

def signed_in(connection: HTTPConnection):
    raise HTTPException(401, "Sign in first")

app = FastAPI(lifespan=lifespan)
app.include_router(EchoChat().router, prefix="/support/chat")
app.include_router(EchoChat(slow).router, prefix="/slow")
app.include_router(EchoChat().router, prefix="/team", dependencies=[Depends(signed_in)])
app.include_router(EchoChat(None, rooms=MemoryRooms()).router, prefix="/rooms/{room}")
"""

# Seconds that servers are told to wait for by an option, and how a wait is told from none.
WAIT = math.ceil(patient(4))
WAITS = {"hypercorn": "--graceful-timeout", "daphne": "--websocket_connect_timeout"}
ADDRESS = {
    "gunicorn": "--bind=127.0.0.1:{}",
    "hypercorn": "--bind=127.0.0.1:{}",
    "granian": "--port={}",
    "daphne": "--port={}",
}
ROWS = {line: row[1:] for row in table("server") for line in re.findall("`([^`]+)`", row[0])}


def start(line: str, folder: Path) -> Process:
    """Start the server of a command line."""
    name, *options = line.split()
    if name == "uvicorn":
        if options and options[-1] not in uvicorn.config.WS_PROTOCOLS:
            pytest.skip(f"uvicorn {uvicorn.__version__} has no {options[-1]}")
        return uvicorn_process(HOST, folder, *options)
    for package in (name, *(["uvicorn-worker"] if name == "gunicorn" else [])):
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            not_installed(package)
    (folder / "host.py").write_text(HOST)
    port = free_port()
    options += ["host:app", ADDRESS[name].format(port)]
    options += [f"{WAITS[name]}={WAIT}"] if name in WAITS else []
    # gunicorn 25 and later keep a socket in the home directory.
    env = {"HOME": str(folder), "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    command = [sys.executable, "-m", name, *options]
    return Command(command, port=port, folder=folder, env=env)


def closed_with(client: RawClient) -> str:
    """Return the code that a connection is closed with, as a browser has it."""
    try:
        frame = client.next_event(Frame)
    except ConnectionError:
        return "1006"
    assert frame.opcode is Opcode.CLOSE
    return str(int.from_bytes(frame.data[:2], "big") or 1005)


def timed(line: str, look: Callable[[], str]) -> str:
    """Return what comes, and after which option of the server's where it does not come at once."""
    begun = time.monotonic()
    seen = look()
    seconds = time.monotonic() - begun
    if seconds < WAIT / 2:
        return seen
    assert seconds < 4 * WAIT
    return f"{seen}, after `{WAITS.get(line, f'{seconds:.1f} s')}`"


def refused(server: Process, mount: str, **headers: str) -> str:
    """Return the status of a refused handshake."""
    try:
        with RawClient(server.ws(mount), headers=headers) as client:
            return str(client.response.status_code)
    except ConnectionError:
        return "none"


def sent(server: Process, data: bytes) -> str:
    """Return what a session is closed with for a message."""
    with RawClient(server.ws("/support/chat")) as client:
        client.send_text(data)
        return closed_with(client)


@pytest.mark.parametrize(
    "line",
    [pytest.param(line, marks=[pytest.mark.slow] * (line in WAITS)) for line in ROWS],
)
def test_servers_of_the_readme(line: str, tmp_path: Path, keep: Keep) -> None:
    """A chat works on the server, which says what the table says it does, and nothing else."""
    server = start(line, tmp_path)
    try:
        row = [*look_at(server, line), *shut_down(server, line)]
    finally:
        server.stop()

    *cells, log = ROWS[line]
    assert row == cells
    said = re.findall("`([^`]+)`", log)
    complaints = (
        server.complaints()
        if not said
        else [text for text in server.complaints() if not text.startswith("Traceback (most recent")]
    )
    assert [text for text in complaints if not any(each in text for each in said)] == []


def look_at(server: Process, line: str) -> list[str]:
    """Use a chat, well and badly, and return the cells of what comes of it."""
    page = ChatPage(get(server.url("/support/chat")).text)
    assert page.endpoint == server.ws("/support/chat")
    assert ask(page.endpoint, Origin=server.url()) == "Message text was: NBA"
    with Client(page.endpoint, enters=False) as client:
        client.say("NBA", "1")
        assert client.receive()["text"] == "Message text was: NBA"
    rooms = server.ws("/rooms/lobby")
    with Client(rooms, "Ada") as ada, Client(rooms, "Grace") as grace:
        ada.tell("hello")
        assert grace.hear("entry")["text"] == "hello"

    with RawClient(server.ws("/slow")) as client:
        client.send_text(b"NBA")
        wait_until(lambda: "an answer begins" in server.log(), "it is answered")
        client.reset()
    wait_until(lambda: "an answer ends" in server.log(), "it is cancelled: its client has gone")

    # Why a handshake failed the page asks here, and says that one is signed out.
    assert get(server.url("/team")).status_code == 401
    assert refused(server, "/support/chat", Origin="http://elsewhere.example") == "403"
    cells = [
        timed(line, lambda: refused(server, "/team")),
        refused(server, f"/rooms/{'x' * 256}"),
        sent(server, b"x" * 70_000),
        sent(server, b"\xff"),
    ]
    assert server.log().count("refused with 403") == 1
    return cells


def shut_down(server: Process, line: str) -> list[str]:
    """End a server with one client that waits for nothing and one that waits for an answer."""
    begun = server.log().count("an answer begins")
    with RawClient(server.ws("/support/chat")) as idle, RawClient(server.ws("/slow")) as waiting:
        waiting.send_text(b"NBA")
        wait_until(lambda: server.log().count("an answer begins") > begun, "it is answered")
        server.send_signal(signal.SIGTERM)
        code = timed(line, lambda: closed_with(idle))
        assert closed_with(waiting) in code
    assert server.wait(PATIENCE)
    log = server.log()
    has_lifespan = "the lifespan ends" in log
    # Where nothing ends by the lifespan, an answer may or may not be cancelled in time.
    assert log.count("an answer ends") > begun or not has_lifespan
    if line.startswith("granian"):
        # In a thread of its own, by chance: pyo3, "Cannot drop pointer into Python heap".
        assert has_lifespan != ("panicked at" in log)
        return [code, "yes, unless it panics"]
    return [code, "yes" if has_lifespan else "no"]
