"""The README: its programs run, its commands are the ones that CI runs, its tables are true."""

import ast
import inspect
import os
import re
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

import fastapi_echochat
from fastapi_echochat import EchoChat, Limits, MemoryRooms, Rooms, echo, testing
from tests.apps import make_app, make_client
from tests.clients import echo_at
from tests.conftest import Keep, Serve
from tests.pages import ChatPage, sent_size
from tests.servers import Command, Process, find_program, free_port
from tests.waiting import get

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


class Block(NamedTuple):
    language: str
    code: str


BLOCKS = [
    Block(*found)
    for found in re.findall(r"^```([^\n]+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
]


def only(language: str) -> str:
    (code,) = (block.code for block in BLOCKS if block.language == language)
    return code


def table(head: str) -> list[list[str]]:
    """Return the cells of the table whose first row begins so."""
    (rows,) = re.findall(
        rf"^\| {re.escape(head)} \|.*\n\|[ |-]+\n((?:\|.*\n)+)", README, re.MULTILINE
    )
    return [re.split(r" ?\| ?", row.strip("| ")) for row in rows.splitlines()]


def named_in(head: str) -> list[str]:
    """Return what a table is about: what its first cells have in backticks."""
    return [name for first, *_ in table(head) for name in re.findall(r"`([^`]+)`", first)]


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


def test_guard_of_the_readme_lets_in() -> None:
    """The guard of the README lets in those who have a session, at the page and at the endpoint."""
    (code,) = (code for code in PROGRAMS if "signed_in" in code)
    program = run(code)
    session = next(iter(program["SESSIONS"]))
    program["app"].dependency_overrides[program["signed_in"]] = lambda: session
    client = TestClient(program["app"])

    assert client.get("/chat").status_code == 200
    with testing.connect(client, "/chat", protocol="plain") as chat:
        assert chat.ask("NBA") == "Message text was: NBA"


def test_adapter_of_the_readme() -> None:
    """A guard that takes a Request guards page and endpoint alike through the adapter."""
    app = program_with("annex")["app"]
    stranger, known = TestClient(app), TestClient(app, cookies={"session": "f3b1"})

    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        testing.connect(stranger, "/annex"),
    ):
        pass
    assert (refused.value.status_code, stranger.get("/annex").status_code) == (401, 401)
    assert known.get("/annex").status_code == 200
    with testing.connect(known, "/annex", protocol="plain") as chat:
        assert chat.ask("NBA") == "Message text was: NBA"


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
            assert "` (guest)`" in README
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

    run(only("python client").replace("127.0.0.1:8000", server.authority))

    assert capsys.readouterr().out == "Message text was: NBA\n"


def test_test_of_the_readme() -> None:
    """The tests that the README shows pass."""
    run(only("python test"))["test_chat"]()
    run(only("python rooms"))["test_lobby"]()


def test_commands_of_the_readme() -> None:
    """The README's commands stand on one line each, and CI runs the second as it stands there."""
    setting_up, testing, serving, measuring = (b.code for b in BLOCKS if b.language == "bash")

    assert setting_up.count("\n") == testing.count("\n") == measuring.count("\n") == 1
    assert "uvicorn example_host:app" in setting_up
    assert serving.startswith("uvicorn example_host:app")
    ci = (ROOT / ".ci" / "run").read_text()
    assert "README.md" in ci
    assert testing.strip() not in ci
    assert measuring.endswith(".venv/bin/python -m tests.benchmarks\n")
    assert (ROOT / "tests" / "benchmarks" / "__main__.py").exists()


def test_production_command_starts(tmp_path: Path, keep: Keep) -> None:
    """The command for production starts, and serves a chat."""
    serving = [b.code for b in BLOCKS if b.language == "bash"][2]
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", *serving.split()[1:], "--port", str(port)]

    server = keep(Command(command, port=port, folder=tmp_path))

    assert get(server.url("/")).status_code == 200


# --- Tables --------------------------------------------------------------------------------


def test_options_of_the_readme() -> None:
    """The table has every option of a chat, in order, with its default."""
    options = inspect.signature(EchoChat).parameters
    names = {"echo": echo, "Limits": Limits}

    assert [name.rstrip("=") for name in named_in("`EchoChat(…)`")] == list(options)
    for name, default, _ in table("`EchoChat(…)`"):
        option = options[name.strip("`=")]
        assert eval(default.strip("`"), names) == option.default
        assert name.endswith("=`") == (option.kind is inspect.Parameter.KEYWORD_ONLY)


def test_limits_of_the_readme() -> None:
    """The table has every bound, in order, with its default, and says which cannot be None."""
    bounds: dict[str, Any] = {field.name: field.default for field in fields(Limits)}
    (required,) = re.findall(
        r"^`None` switches a bound off \((.*) need one\)", README, re.MULTILINE
    )

    assert [name.rstrip("=") for name in named_in("`Limits(…)`")] == list(bounds)
    for name, default, _ in table("`Limits(…)`"):
        (number,) = re.findall(r"^[\d,]+|^no bound", default)
        written = None if number == "no bound" else float(number.replace(",", ""))
        assert written == bounds[name.strip("`=")], name
    for name in bounds:
        none: dict[str, Any] = {name: None}
        if f"`{name}`" in required:
            with pytest.raises(ValueError, match=name):
                Limits(**none)
        else:
            Limits(**none)


def test_stores_of_the_readme() -> None:
    """The table of stores has the options of each, with their defaults."""
    for call in named_in("`rooms=`"):
        made = ast.parse(call, mode="eval").body
        assert isinstance(made, ast.Call)
        assert isinstance(made.func, ast.Name)
        options = inspect.signature(getattr(fastapi_echochat, made.func.id)).parameters
        shown = {argument.id for argument in made.args if isinstance(argument, ast.Name)}
        defaults = {str(word.arg): ast.literal_eval(word.value) for word in made.keywords}
        assert shown | defaults.keys() == set(options)
        for name, default in defaults.items():
            assert default == options[name].default


def test_methods_of_a_store_of_the_readme() -> None:
    """The table has every method of `Rooms`, with its parameters."""
    methods = [name for name in vars(Rooms) if not name.startswith("_")]
    shown = {}
    for call in named_in("method"):
        name, brace, parameters = call.removeprefix("await ").partition("(")
        shown[name] = f"{brace}{parameters}"

    assert list(shown) == methods
    for name, parameters in shown.items():
        signature = inspect.signature(getattr(Rooms, name))
        bare = [
            parameter.replace(annotation=inspect.Parameter.empty)
            for parameter in list(signature.parameters.values())[1:]
        ]
        assert parameters == str(inspect.Signature(bare))


PACKAGE = Path(fastapi_echochat.__file__).parent


def test_blocks_of_the_readme() -> None:
    """The table has every block of the packaged template, in its order."""
    template = PACKAGE / "templates" / "fastapi_echochat" / "base.html"

    blocks = re.findall(r"{% block (\w+)", template.read_text())
    assert named_in("block") == blocks


def test_context_of_the_readme() -> None:
    """A template of the host's has all that the table names."""
    names = [name.partition("(")[0] for name in named_in("context")]
    source = " ".join(f"{{{{ '{name}' if {name} is defined }}}}" for name in names)
    browser = make_client(templates=jinja2.DictLoader({"fastapi_echochat/chat.html": source}))

    assert browser.get("/chat").text.split() == names


def test_custom_properties_of_the_readme() -> None:
    """The table has every custom property of the stylesheet, with both its values."""
    style = (PACKAGE / "static" / "chat.css").read_text()
    light, dark = (
        dict(re.findall(r"(--echochat-[\w-]+): ([^;]+);", rules))
        for rules in re.findall(r":where\(:root\) {(.*?)}", style, re.DOTALL)
    )

    assert named_in("custom property") == list(light)
    for name, _, day, night in table("custom property"):
        assert day.strip("`") == light[name.strip("`")]
        if night != "the same":
            assert night.strip("`") == dark[name.strip("`")]
    used = "".join(path.read_text() for path in (PACKAGE / "static").glob("*.css"))
    assert set(re.findall(r"var\((--echochat-[\w-]+)", used)) == set(light)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (0, {}),
        (1, {"rooms": MemoryRooms(), "private": True}),
        (2, {"rooms": MemoryRooms()}),
    ],
    ids=["chat", "kept", "room"],
)
def test_sizes_of_the_readme(kind: int, options: dict[str, Any]) -> None:
    """Page and assets are not larger, compressed, than the README says, and not by much smaller."""
    said = r"first view of a page is (\d+) kilobytes, of a kept conversation (\d+), of a room (\d+)"
    (sizes,) = re.findall(said, README)

    size = sent_size(make_client(**options), "zh") / 1000

    assert 0.7 < size / int(sizes[kind]) < 1


def test_links_within_the_readme() -> None:
    """Each link to a section of the README leads to one."""
    headings = re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    sections = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}

    links = re.findall(r"\]\(#([^)]+)\)", README)
    assert links
    assert set(links) <= sections


# --- Proxies -------------------------------------------------------------------------------


def nginx(block: str, port: int, folder: Path) -> list[str]:
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {paths} server {{ listen 127.0.0.1:{port};\n{block}}} }}\n"
    )
    return ["-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(block: str, port: int, folder: Path) -> list[str]:
    (folder / "Caddyfile").write_text(
        f"{{\nadmin off\nauto_https off\n}}\nhttp://:{port} {{\nbind 127.0.0.1\n{block}}}\n"
    )
    return ["run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def haproxy(block: str, port: int, folder: Path) -> list[str]:
    (folder / "haproxy.cfg").write_text(
        "defaults\nmode http\ntimeout connect 5s\ntimeout client 1m\ntimeout server 1m\n"
        f"frontend public\nbind 127.0.0.1:{port}\ndefault_backend chats\nbackend chats\n{block}"
    )
    return ["-db", "-f", str(folder / "haproxy.cfg")]


def apache2(block: str, port: int, folder: Path) -> list[str]:
    modules = Path("/usr/lib/apache2/modules")
    names = ("mpm_event", "authz_core", "proxy", "proxy_http")
    load = "".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in names)
    (folder / "apache2.conf").write_text(
        f"{load}ServerName localhost\nListen 127.0.0.1:{port}\nPidFile {folder}/pid\n"
        f"ErrorLog /dev/stderr\nDefaultRuntimeDir {folder}\n{block}"
    )
    return ["-D", "FOREGROUND", "-f", str(folder / "apache2.conf")]


PROXIES: dict[str, Callable[[str, int, Path], list[str]]] = {
    "nginx": nginx,
    "caddyfile": caddy,
    "haproxy": haproxy,
    "apache": apache2,
}


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest, serve: Serve, keep: Keep, tmp_path: Path) -> Process:
    configure = PROXIES[request.param]
    program = find_program(configure.__name__)
    server = serve(make_app(prefix="/support/chat"))
    port = free_port()
    block = only(request.param).replace("127.0.0.1:8000", server.authority)
    environment = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    command = [program, *configure(block, port, tmp_path)]
    return keep(Command(command, port=port, folder=tmp_path, env=environment))


def test_proxies_of_the_readme(proxy: Process) -> None:
    """Behind each proxy as the README sets it up, a browser's handshake gets through."""
    public = f"chat.example:{proxy.port}"

    response = get(proxy.url("/support/chat"), headers={"Host": public})

    page = ChatPage(response.text)
    assert page.endpoint == f"ws://{public}/support/chat/ws"
    answer = echo_at(page.endpoint, proxy.port, Origin=f"http://{public}")
    assert answer == "Message text was: NBA"


def test_ci_variable_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is missing skips a test on a person's machine, and fails it where CI=true."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception):
        find_program("no-such-program")
    monkeypatch.setitem(os.environ, "CI", "true")
    with pytest.raises(pytest.fail.Exception):
        find_program("no-such-program")
