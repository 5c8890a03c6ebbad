"""Redis fails over while people talk with a bot: rooms go on, and new ones begin."""

import subprocess
import time
from pathlib import Path

from tests.clients import Client
from tests.conftest import Keep, StartRelay
from tests.servers import Process, find_program, redis_process, uvicorn_process
from tests.waiting import patient, wait_until

HOST = """
import logging
from fastapi import FastAPI
from fastapi_echochat import EchoChat, RedisRooms, echo

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
app = FastAPI()
chat = EchoChat(echo, rooms=RedisRooms("{url}"))
app.include_router(chat.router, prefix="/rooms/{{room}}")
"""


def tell(server: Process, *command: str) -> str:
    """Send a command to a Redis."""
    cli = [find_program("redis-cli"), "-p", str(server.port), *command]
    return subprocess.run(cli, check=True, capture_output=True, text=True).stdout


def follow(replica: Process, master: Process) -> None:
    """Let a Redis follow another one, and wait until it does."""
    tell(replica, "REPLICAOF", "127.0.0.1", str(master.port))
    wait_until(
        lambda: "master_link_status:up" in tell(replica, "INFO", "replication"), "it is a replica"
    )


def ask(client: Client, text: str) -> str:
    """Say something, and return what the bot answers."""
    position = client.tell(text)["position"]
    answer: str = client.hear("entry", kind="answer", in_reply_to=position)["text"]
    return answer


def test_a_failover_behind_one_address(tmp_path: Path, keep: Keep, start_relay: StartRelay) -> None:
    """When the Redis behind an address becomes a replica, rooms are answered again within 5 s.

    Those who are there stay connected, people in two processes hear each other, and a new room is
    opened. What was said before is there. The log has no error.
    """
    for name in "ab":
        (tmp_path / name).mkdir()
    old, new = (
        keep(redis_process(folder, "--repl-diskless-sync-delay", "0", "--appendfsync", "no"))
        for folder in (tmp_path / "a", tmp_path / "b")
    )
    relay = start_relay(old.port)
    source = HOST.format(url=relay.url(scheme="redis"))
    servers = [keep(uvicorn_process(source, tmp_path, name=name)) for name in ("one", "two")]
    lobby = [server.ws("/rooms/lobby") for server in servers]
    with Client(lobby[0], "Ann") as ann, Client(lobby[1], "Bob") as bob:
        assert ask(ann, "before") == "Message text was: before"
        follow(new, old)

        relay.lead_to(new.port)
        tell(new, "REPLICAOF", "NO", "ONE")
        follow(old, new)
        begun = time.monotonic()
        assert ask(ann, "after") == "Message text was: after"
        assert ask(bob, "me too") == "Message text was: me too"
        assert ann.hear("entry", kind="message", text="me too")
        with Client(servers[1].ws("/rooms/new"), "Cleo") as cleo:
            assert ask(cleo, "NBA") == "Message text was: NBA"
        assert time.monotonic() - begun < patient(5)

    with Client(lobby[1], "Dora") as dora:
        texts = [entry["text"] for entry in (dora.hear("entry") for _ in range(6))]
    assert texts[::2] == ["before", "after", "me too"]
    for server in servers:
        assert "Traceback" not in server.log()
        assert "ERROR" not in server.log()
