"""Several processes and one file: each message is answered by one of them, whatever happens."""

import contextlib
import re
import secrets
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import Client
from tests.conftest import Keep
from tests.servers import Process, uvicorn_process
from tests.waiting import PATIENCE, patient, wait_until

HOST = """
import asyncio
import logging
import os
from pathlib import Path
from fastapi import FastAPI
from fastapi_echochat import EchoChat, SQLiteRooms

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")

async def wait(message):
    with Path("asked.txt").open("a") as file:
        file.write(f"{os.getpid()} {message.text}\\n")
    await asyncio.sleep(float(message.text))
    return "yes"

app = FastAPI()
chat = EchoChat(wait, rooms=SQLiteRooms("rooms.db"))
app.include_router(chat.router, prefix="/rooms/{room}")
"""


@pytest.fixture
def pair(tmp_path: Path, keep: Keep) -> list[Process]:
    """Give two processes that have one file."""
    return [keep(uvicorn_process(HOST, tmp_path)) for _ in range(2)]


def asked(folder: Path) -> list[tuple[int, str]]:
    """Return what the reply functions were asked, with the process that was."""
    with contextlib.suppress(FileNotFoundError):
        lines = (folder / "asked.txt").read_text().splitlines()
        return [(int(pid), text) for pid, text in (line.split() for line in lines)]
    return []


@contextlib.contextmanager
def in_both(pair: list[Process], room: str) -> Iterator[tuple[Client, Client]]:
    """Enter a room in both processes as one person, who may be answered in either."""
    one, two = (process.ws(f"/rooms/{room}") for process in pair)
    with Client(one, "Ann") as ann, Client(two, "Ann", guest=ann.guest) as other:
        yield ann, other


def outage_lines(server: Process) -> list[str]:
    return re.findall(r"^\w+ fastapi_echochat .* can(?:not)? be .*", server.log(), re.MULTILINE)


@pytest.mark.slow
def test_a_message_is_answered_in_one_process(pair: list[Process], tmp_path: Path) -> None:
    """The function is called once for each message, though both processes have its author.

    One that is killed meanwhile leaves it to the other, which begins anew when the lease is over.
    """
    rooms = [secrets.token_hex(8) for _ in range(4)]
    with contextlib.ExitStack() as clients:
        visitors = [clients.enter_context(in_both(pair, room)) for room in rooms]
        for number, visitor in enumerate(visitors):
            # The other process sees the message a second later, and the answer after that.
            visitor[number % 2].say("2.5")
        for visitor in visitors:
            answers = {client.answer()["position"] for client in visitor}
            assert len(answers) == 1
    of_both = [pid for pid, _ in asked(tmp_path)]
    assert sorted(of_both) == sorted([process.pid for process in pair] * 2)

    killed, stays = pair
    with in_both(pair, secrets.token_hex(8)) as (ann, other):
        ann.say("3.5")
        wait_until(lambda: asked(tmp_path)[4:] == [(killed.pid, "3.5")], "it is asked")
        killed.send_signal(signal.SIGKILL)
        begun = time.monotonic()
        assert other.answer()["text"] == "yes"
        assert 2 + 3.5 < time.monotonic() - begun < patient(3.5 + 9)
    assert asked(tmp_path)[4:] == [(killed.pid, "3.5"), (stays.pid, "3.5")]


@pytest.mark.slow
def test_a_shell_locks_the_file(pair: list[Process], tmp_path: Path) -> None:
    """While a shell keeps others from writing people come in, and messages wait.

    It lasts longer than a lease, which nobody can renew; still the answer that is under way is not
    begun anew in the other process. The log has one line at the beginning and one at the end.
    """
    room = secrets.token_hex(8)
    with in_both(pair, room) as (ann, other):
        ann.tell("13")
        wait_until(lambda: bool(asked(tmp_path)), "it is asked")
        with contextlib.closing(sqlite3.connect(tmp_path / "rooms.db", timeout=PATIENCE)) as shell:
            shell.execute("BEGIN EXCLUSIVE")
            begun = time.monotonic()
            ann.say("0")
            for number, process in enumerate(pair):
                with Client(process.ws(f"/rooms/{room}"), f"Bob {number}") as bob:
                    bob.meet("Ann", f"Bob {number}")
                    assert [entry["text"] for entry in bob.entries(1)] == ["13"]
            assert time.monotonic() - begun < patient(4)
            wait_until(
                lambda: time.monotonic() - begun > 8 and len(outage_lines(pair[0])) == 1,
                "the lock has lasted longer than a lease",
            )
            assert ann.heard_so_far("entry") == []
            shell.rollback()
        for client in (ann, other):
            assert [client.answer()["text"] for _ in range(2)] == ["yes", "yes"]
    assert [text for _, text in asked(tmp_path)] == ["13", "0"]
    lines = outage_lines(pair[0])
    assert len(lines) == 2, lines
    assert re.fullmatch(r"WARNING .* cannot be written \(database is locked\): .*", lines[0])
    assert re.fullmatch(r"INFO .* can be written again after [\d.]+ s", lines[1])
    assert len(outage_lines(pair[1])) in {0, 2}
