"""The README and its companions: their programs run, their commands are those that CI runs."""

import asyncio
import re
import sqlite3
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi.testclient import TestClient

from fastapi_echochat import MemoryRooms, testing
from tests.apps import make_app
from tests.conftest import Keep, Serve
from tests.documents import MANUAL, README, ROOT, blocks, only_block
from tests.servers import Command, find_program, free_port
from tests.waiting import get

BLOCKS = blocks(MANUAL)
COMMANDS = [block.code for block in BLOCKS if block.language == "bash"]


def run(code: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "readme"}
    exec(compile(code, "README.md", "exec"), namespace)
    return namespace


def test_readme_opens_with_the_smallest_program() -> None:
    """The first block is a whole program of five lines, and its chat echoes."""
    first = BLOCKS[0]
    app = run(first.code)["app"]

    assert len(first.code.splitlines()) == 5
    assert TestClient(app).get("/support/chat").status_code == 200
    with testing.connect(TestClient(app), "/support/chat", protocol="plain") as chat:
        assert chat.ask("NBA") == "Message text was: NBA"


PROGRAMS = [block.code for block in BLOCKS if block.language == "python"]


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the programs keep their rooms in a folder of the test's."""
    monkeypatch.chdir(tmp_path)


def program_with(name: str) -> dict[str, Any]:
    """Run the one program that makes something of this name."""
    (code,) = (code for code in PROGRAMS if re.search(rf"^{name} = EchoChat", code, re.MULTILINE))
    return run(code)


@pytest.mark.parametrize("code", PROGRAMS, ids=range(len(PROGRAMS)))
def test_programs_of_the_readme_run(code: str) -> None:
    """Each program makes an application whose mounts answer, unless a guard refuses."""
    app = run(code)["app"]
    prefixes = re.findall(r'prefix="(/[^"]+)"', code)
    client = TestClient(app)

    answers = {
        prefix: client.get(("/api" if prefix == "/chat" and "/api" in code else "") + prefix)
        for prefix in prefixes
        if prefix != "/team" and not ("/team" in code and prefix == "/chat")
    }

    assert answers
    expected = 401 if "HTTPException(401" in code else 200
    assert {answer.status_code for answer in answers.values()} == {expected}
    if "/team" in code:
        for address in ("/team/chat", "/api/chat", "/tenants/acme/help"):
            assert client.get(address).status_code == 200


def test_sessions_of_the_readme() -> None:
    """An error in one message's database session is none in the next message's."""
    program = program_with("shelf")

    with testing.connect(TestClient(program["app"]), "/stock") as chat:
        with pytest.raises(testing.ChatError, match="reply_failed"):
            chat.ask("oolong")
        with sqlite3.connect("shop.db") as database:
            database.execute("CREATE TABLE tea AS SELECT 'oolong' AS name, 7 AS boxes")
        database.close()
        assert chat.ask("oolong") == "7 boxes of oolong"
        assert chat.ask("lapsang") == "No boxes of lapsang"


def test_sharded_rooms_of_the_documents() -> None:
    """People meet and are answered in rooms of several stores, each of which has its share."""
    stores = [MemoryRooms() for _ in range(3)]
    rooms = program_with("plaza")["ShardedRooms"](*stores)
    app = make_app(prefix="/plaza/{room}", rooms=rooms)
    names = [f"room-{number}" for number in range(8)]

    with TestClient(app) as client:
        for name in names:
            with (
                testing.enter(client, f"/plaza/{name}", name="Ada") as ada,
                testing.enter(client, f"/plaza/{name}", name="Grace") as grace,
            ):
                ada.meet("Ada", "Grace")
                assert ada.ask("NBA") == "Message text was: NBA"
                assert [grace.hear().text for _ in range(2)] == ["NBA", "Message text was: NBA"]
        shares = [sum(bool(asyncio.run(one.read(name))) for name in names) for one in stores]

    assert sum(shares) == len(names)
    assert all(shares)


def test_feedback_of_the_readme() -> None:
    """The function is told who thinks what of which answer."""
    program = program_with("counter")
    headers = {"Cookie": "session=f3b1"}

    with testing.connect(TestClient(program["app"]), "/counter", headers=headers) as chat:
        assert chat.ask("tea") == "We ship tea within a day."
        chat.send_frame({"type": "feedback", "id": "1", "verdict": "down"})
        assert chat.receive() == {"type": "feedback", "id": "1", "verdict": "down"}

    assert program["VERDICTS"] == [("f3b1", "tea", "We ship tea within a day.", "down")]


def test_rooms_of_the_readme() -> None:
    """The program with rooms is one of three lines, imports apart, and people talk in it."""
    program = program_with("lounge")
    first = next(code for code in PROGRAMS if "lounge" in code)
    assert len(first.splitlines()) == 6

    with (
        TestClient(program["app"]) as client,
        testing.enter(client, "/rooms/lobby", name="Ada") as ada,
        testing.enter(client, "/rooms/lobby", name="Grace") as grace,
    ):
        said = ada.say("hello")
        assert grace.hear() == said
    assert Path("lounge.db").exists()


def test_who_somebody_is_in_the_readme() -> None:
    """A member is called what the host says, and a guest's name ends with what the README says."""
    program = program_with("club")
    # Real cookies are of ASCII.
    (author,) = program["SESSIONS"].values()
    program["SESSIONS"]["f3b1"] = author

    with TestClient(program["app"]) as client:
        with testing.enter(client, "/club", headers={"Cookie": "session=f3b1"}) as member:
            assert member.name == author.name == "Ada"
            said = member.say("hello")
            assert said.author is not None
            assert said.author.id == member.id != author.id
        with testing.enter(client, "/club", name="Ada") as guest:
            assert guest.name == "Ada (guest)"
            assert "` (guest)`" in MANUAL
            assert guest.id != member.id


def test_bot_in_a_room_of_the_readme() -> None:
    """The bot answers into the room, or is silent, and the endpoint speaks there."""
    program = program_with("library")

    with (
        TestClient(program["app"]) as client,
        testing.enter(client, "/library/reading", name="Ada") as ada,
    ):
        assert ada.ask("HELLO") == "Please whisper."
        assert ada.ask("hello") == ""
        client.post("/closing")
        heard = ada.hear()
        assert heard.author is not None
        assert heard.author.name == "Reception"


def test_kept_conversation_of_the_readme() -> None:
    """The assistant remembers what was said before the connection."""
    program = program_with("assistant")

    with TestClient(program["app"]) as client:
        with testing.enter(client, "/assistant") as chat:
            assert chat.ask("tea") == "So far: tea"
        with testing.enter(client, "/assistant", conversation=chat.conversation) as chat:
            assert chat.ask("milk") == "So far: tea, milk"
        with testing.connect(client, "/assistant", protocol="plain") as plain:
            assert plain.ask("tea") == "I remember nothing."


def test_client_of_the_readme(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    """The three lines that speak to the endpoint print its answer."""
    server = serve(run(BLOCKS[0].code)["app"])

    run(only_block("python client").replace("127.0.0.1:8000", server.authority))

    assert capsys.readouterr().out == "Message text was: NBA\n"


def test_test_of_the_readme(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests that users are shown pass: one of the first program, and one of rooms."""
    host = ModuleType("main")
    vars(host).update(run(BLOCKS[0].code))
    monkeypatch.setitem(sys.modules, "main", host)

    run(only_block("python test"))["test_chat"]()
    run(only_block("python rooms"))["test_lobby"]()


def test_commands_of_the_readme() -> None:
    """The commands stand on one line each, and CI runs the one of the tests as it stands there."""
    setting_up, serving, testing, measuring = COMMANDS

    assert setting_up.count("\n") == testing.count("\n") == measuring.count("\n") == 1
    assert re.findall(r"^python3 -m venv .* && [^ ]*pytest$\n", README, re.MULTILINE) == [testing]
    assert "uvicorn example_host:app" in setting_up
    assert serving.startswith("uvicorn example_host:app")
    ci = (ROOT / ".ci" / "run").read_text()
    assert "README.md" in ci
    assert testing.strip() not in ci
    assert measuring.endswith(".venv/bin/python -m tests.benchmarks\n")
    assert (ROOT / "tests" / "benchmarks" / "__main__.py").exists()


def test_production_command_starts(tmp_path: Path, keep: Keep) -> None:
    """The command for production starts, and serves a chat."""
    serving = COMMANDS[1]
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", *serving.split()[1:], "--port", str(port)]

    server = keep(Command(command, port=port, folder=tmp_path))

    assert get(server.url("/")).status_code == 200


def test_ci_variable_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is missing skips a test on a person's machine, and fails it where CI=true."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception):
        find_program("no-such-program")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception):
        find_program("no-such-program")
