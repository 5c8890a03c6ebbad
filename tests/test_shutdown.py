"""The end of a server: everybody is told, nobody holds it up."""

import contextlib
import itertools
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.raw_client import RawClient
from tests.servers import Process, uvicorn_command, uvicorn_process
from tests.waiting import PATIENCE, get, patient, wait_until

HOST = """
import asyncio
import logging
from fastapi import FastAPI
from fastapi_echochat import EchoChat, Limits

logging.basicConfig(level=logging.INFO)

begun = []

async def slow(message):
    begun.append(message)
    await asyncio.sleep(3600)

app = FastAPI()

@app.get("/begun")
def count_begun() -> int:
    return len(begun)

app.include_router(EchoChat().router, prefix="/echo")
app.include_router(EchoChat(slow).router, prefix="/slow")
app.include_router(EchoChat(limits=Limits(send_seconds=0.5)).router, prefix="/impatient")
"""


Connect = Callable[[Process, str], RawClient]


@pytest.fixture
def connect() -> Iterator[Connect]:
    with contextlib.ExitStack() as clients:
        yield lambda server, mount: clients.enter_context(RawClient(server.ws(f"/{mount}")))


def end(server: Process) -> float:
    """Ask a server to end, and return how many seconds it took."""
    begun = time.monotonic()
    server.send_signal(signal.SIGTERM)
    assert server.wait(PATIENCE)
    return time.monotonic() - begun


@pytest.mark.parametrize("mount", ["echo", "slow"])
def test_live_connections_are_closed_with_1012(
    tmp_path: Path, connect: Connect, mount: str
) -> None:
    """At SIGTERM 200 connections are closed with 1012, answers under way or not, within 3 s."""
    server = uvicorn_process(HOST, tmp_path)
    clients = [connect(server, mount) for _ in range(200)]
    for client in clients:
        client.send_text(b"NBA")
    if mount == "echo":
        assert {client.receive_text() for client in clients} == {"Message text was: NBA"}
    else:
        # A socket that is closed with something unread in it is reset.
        wait_until(lambda: get(server.url("/begun")).json() == len(clients), "all have begun")

    seconds = end(server)

    assert {client.receive_close() for client in clients} == {1012}
    assert seconds < patient(3)
    assert server.complaints() == []


@pytest.mark.slow
@pytest.mark.parametrize("mount", ["echo", "impatient"])
def test_clients_that_read_nothing_do_not_hold_it_up(
    tmp_path: Path, connect: Connect, mount: str
) -> None:
    """With `--timeout-graceful-shutdown` clients that read nothing hold up nothing, in silence."""
    server = uvicorn_command(HOST, tmp_path, "--timeout-graceful-shutdown", "2")
    deaf = [connect(server, mount) for _ in range(5)]
    alive = [connect(server, "echo") for _ in range(20)]
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda client: client.fill(itertools.repeat(b"x" * 60_000)), deaf))
    if mount == "impatient":
        gone = "its client has read nothing for 0.5 s"
        wait_until(lambda: server.log().count(gone) == len(deaf), "all of them are let go")

    seconds = end(server)

    assert {client.receive_close() for client in alive} == {1012}
    assert seconds < patient(5)
    # uvicorn 0.54 holds on to what they did not read until its time is over, and says so.
    tasks = 5 if mount == "echo" else 0
    assert server.complaints() == [
        f"ERROR:    Cancel {tasks} running task(s), timeout graceful shutdown exceeded"
    ]
