"""The README: its programs run, its commands are the ones that CI runs, its proxies pass chats."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fastapi_echochat import EchoChat
from tests.clients import echo_at
from tests.conftest import Serve
from tests.pages import ChatPage
from tests.servers import Process, find_program, free_port

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
    with TestClient(app).websocket_connect("/support/chat/ws") as websocket:
        websocket.send_text("NBA")
        assert websocket.receive_text() == "Message text was: NBA"


PROGRAMS = [block.code for block in BLOCKS if block.language == "python"]


@pytest.mark.parametrize("code", PROGRAMS, ids=range(len(PROGRAMS)))
def test_programs_of_the_readme_run(code: str) -> None:
    """Each program makes an application whose mounts answer, unless it is the guarded one."""
    app = run(code)["app"]
    prefixes = re.findall(r'prefix="(/[^"]+)"', code)
    client = TestClient(app)

    answers = {
        prefix: client.get(("/api" if prefix == "/chat" and "/api" in code else "") + prefix)
        for prefix in prefixes
        if prefix != "/team" and not ("/team" in code and prefix == "/chat")
    }

    assert answers
    expected = 401 if "signed_in" in code else 200
    assert {answer.status_code for answer in answers.values()} == {expected}
    if "/team" in code:
        for address in ("/team/chat", "/api/chat", "/tenants/acme/help"):
            assert client.get(address).status_code == 200


def test_guard_of_the_readme_lets_in() -> None:
    """The guard of the README lets in whoever has a session, at the page and at the endpoint."""
    (code,) = (code for code in PROGRAMS if "signed_in" in code)
    program = run(code)
    session = next(iter(program["SESSIONS"]))
    program["app"].dependency_overrides[program["signed_in"]] = lambda: session
    client = TestClient(program["app"])

    assert client.get("/chat").status_code == 200
    with client.websocket_connect("/chat/ws") as websocket:
        websocket.send_text("NBA")
        assert websocket.receive_text() == "Message text was: NBA"


def test_client_of_the_readme(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    """The three lines that speak to the endpoint print its answer."""
    server = serve(run(BLOCKS[0].code)["app"])

    run(only("python client").replace("127.0.0.1:8000", server.authority))

    assert capsys.readouterr().out == "Message text was: NBA\n"


def test_test_of_the_readme() -> None:
    """The test that the README shows passes."""
    run(only("python test"))["test_chat"]()


def test_commands_of_the_readme() -> None:
    """The README's commands stand on one line each, and CI runs the second as it stands there."""
    setting_up, testing, serving = (b.code for b in BLOCKS if b.language == "bash")

    assert setting_up.count("\n") == testing.count("\n") == 1
    assert "uvicorn example_host:app" in setting_up
    assert serving.startswith("uvicorn example_host:app")
    ci = (ROOT / ".ci" / "run").read_text()
    assert "README.md" in ci
    assert testing.strip() not in ci


def test_production_command_starts(tmp_path: Path) -> None:
    """The command for production starts, and serves a chat."""
    serving = [b.code for b in BLOCKS if b.language == "bash"][2]
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", *serving.split()[1:], "--port", str(port)]

    server = Process(command, port=port, folder=tmp_path)

    assert httpx.get(server.url("/"), timeout=10).status_code == 200
    server.stop()


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
def proxy(request: pytest.FixtureRequest, serve: Serve, tmp_path: Path) -> Iterator[Process]:
    configure = PROXIES[request.param]
    program = find_program(configure.__name__)
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/support/chat")
    server = serve(app)
    port = free_port()
    block = only(request.param).replace("127.0.0.1:8000", server.authority)
    environment = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    command = [program, *configure(block, port, tmp_path)]
    process = Process(command, port=port, folder=tmp_path, env=environment)
    yield process
    process.stop()


def test_proxies_of_the_readme(proxy: Process) -> None:
    """Behind each proxy as the README sets it up, a browser's handshake gets through."""
    public = f"chat.example:{proxy.port}"

    response = httpx.get(proxy.url("/support/chat"), headers={"Host": public})

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
