"""The README's ways to authenticate: each refuses page, asset and endpoint alike, or none."""

import base64
import getpass
import json
import re
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.requests import HTTPConnection
from fastapi.testclient import TestClient
from itsdangerous import TimestampSigner
from starlette.testclient import WebSocketDenialResponse

from tests.apps import make_app
from tests.clients import refusal
from tests.conftest import Keep, Serve
from tests.documents import README
from tests.servers import Command, find_program, free_port
from tests.test_readme import PROGRAMS, run
from tests.waiting import get

ADA = {"user": "ada", "password": "lovelace"}
BEARER = {"authorization": "Bearer f3b1"}


def recipe(mount: str) -> dict[str, Any]:
    """Run the README's program with a chat at a mount."""
    (code,) = (code for code in PROGRAMS if f'prefix="{mount}"' in code)
    return run(code)


def basic(credentials: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"}


def forged(**session: str) -> dict[str, str]:
    """Return a session cookie that somebody else has signed."""
    data = base64.b64encode(json.dumps(session).encode())
    return {"cookie": f"session={TimestampSigner('guessed').sign(data).decode()}"}


def pass_time(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Let the clock of everything that is signed go on."""
    now = TimestampSigner.get_timestamp
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: now(self) + seconds)


def statuses(client: TestClient, mount: str, query: str = "", **headers: str) -> set[int]:
    """Return what page, asset and endpoint answer; 101 is a connection, and its page 200."""
    asked = [client.get(f"{mount}{slash}?{query}", headers=headers) for slash in ("", "/")]
    asked.append(client.get(f"{mount}?asset=chat.js&{query}", headers=headers))
    found = {answer.status_code for answer in asked}
    try:
        with client.websocket_connect(f"{mount}/ws?{query}", headers=headers) as websocket:
            websocket.send_text("NBA")
            assert websocket.receive_text() == "Message text was: NBA"
        return found | {101}
    except WebSocketDenialResponse as refused:
        return found | {refused.status_code}


LET_IN = {200, 101}


def sign_in(client: TestClient) -> None:
    assert client.post("/sign-in", data=ADA).status_code == 303


def log_in(client: TestClient) -> None:
    answer = client.post("/token", data={"username": "ada", "password": "lovelace"})
    assert answer.json() == {"access_token": client.cookies["token"], "token_type": "bearer"}


def open_with_ticket(client: TestClient) -> None:
    assert client.get(client.post("/ticket", headers=BEARER).json()).status_code == 200


def give_password(client: TestClient) -> None:
    assert client.get("/den", headers=basic("ada:lovelace")).status_code == 200


class Recipe(NamedTuple):
    """One of the README's.

    Attributes:
        mount: Of its chat.
        status: What those get who may not come in.
        enter: Signs a client in.
        seconds: How long that lasts.
        wrong: Headers that let nobody in.
    """

    mount: str
    status: int
    enter: Callable[[TestClient], None]
    seconds: int
    wrong: list[dict[str, str]]


BAD_COOKIES = [forged(user="ada"), {"cookie": "session=; token="}, {"cookie": "session=é; token=é"}]
BAD_HEADERS = [
    {"authorization": "Bearer"},
    {"authorization": "Bearer ada.x.y"},
    {"authorization": "Basic"},
    {"authorization": "Basic é"},
    basic("ada"),
    basic("ada:byron"),
    basic("ädä:lovelace"),
]
RECIPES = [
    Recipe("/office", 303, sign_in, 28_800, BAD_COOKIES),
    Recipe("/help-desk", 401, log_in, 3600, [*BAD_COOKIES, *BAD_HEADERS]),
    Recipe("/lounge", 401, open_with_ticket, 28_800, BAD_COOKIES),
    Recipe("/den", 401, give_password, 28_800, [*BAD_COOKIES, *BAD_HEADERS]),
]
each = pytest.mark.parametrize("recipe_of", RECIPES, ids=lambda each: each.mount.strip("/"))


@each
def test_schema(recipe_of: Recipe) -> None:
    """The host's schema is made without a warning."""
    client = TestClient(recipe(recipe_of.mount)["app"])

    assert recipe_of.mount not in client.get("/openapi.json").json()["paths"]


@each
def test_credentials(recipe_of: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """With none, wrong or expired ones nothing is answered, with good ones everything."""
    mount, status, enter, seconds, wrong = recipe_of
    app = recipe(mount)["app"]
    stranger = TestClient(app, follow_redirects=False)

    assert statuses(stranger, mount) == {status}
    for headers in wrong:
        sent = {name: value.encode("latin-1") for name, value in headers.items()}
        assert statuses(stranger, mount, **sent) == {status}, headers  # type: ignore[arg-type]  # httpx takes bytes, so that a header need not be ASCII
    # Two: Starlette 0.50 signs a session anew with each response, 1.0 does not.
    ada, eve = (TestClient(app, follow_redirects=False) for _ in range(2))
    for client in (ada, eve):
        enter(client)
        assert statuses(client, mount) == LET_IN
    pass_time(monkeypatch, seconds - 60)
    assert statuses(ada, mount) == LET_IN
    pass_time(monkeypatch, 120)
    assert statuses(eve, mount) == {status}


def test_session_cookie_is_set_by_the_right_password_alone() -> None:
    """A wrong password, or a password in the query, shows the form again."""
    client = TestClient(recipe("/office")["app"], follow_redirects=False)

    tries = [
        client.get("/sign-in", params=ADA),
        client.post("/sign-in", data={"user": "ada", "password": ""}),
        client.post("/sign-in", data={"user": "bob", "password": "lovelace"}),
    ]
    for answer in tries:
        assert answer.status_code == 200
        assert "<form" in answer.text
    assert not client.cookies


@pytest.mark.parametrize(
    "address",
    ["//evil.example/", "/\\evil.example", "\\/evil.example", "https://evil.example", "/\t/evil.e"],
)
def test_sign_in_leads_to_no_other_host(address: str) -> None:
    """Whatever `next` is, the sign-in leads back to its own host."""
    client = TestClient(recipe("/office")["app"], follow_redirects=False)

    answer = client.post("/sign-in", data=ADA, params={"next": address})

    location = answer.headers["location"]
    assert re.match(r"/[^/\\\s]", location)
    assert urlsplit(urljoin("http://own.example/sign-in", location)).netloc == "own.example"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_cookie_of_a_token(scheme: str) -> None:
    """No script reads the cookie, no other site sends it with a form, and TLS is kept."""
    client = TestClient(recipe("/help-desk")["app"], base_url=f"{scheme}://testserver")

    answer = client.post("/token", data={"username": "ada", "password": "lovelace"})

    flags = {flag.strip().lower() for flag in answer.headers["set-cookie"].split(";")[1:]}
    assert flags == {"httponly", "max-age=3600", "path=/", "samesite=lax"} | (
        {"secure"} if scheme == "https" else set()
    )
    assert client.post("/token", data={"username": "ada", "password": "x"}).status_code == 401


def test_bearer_token_in_a_header() -> None:
    """A client that is no browser sends the token itself."""
    app = recipe("/help-desk")["app"]
    answer = TestClient(app).post("/token", data={"username": "ada", "password": "lovelace"})
    token = answer.json()["access_token"]

    assert statuses(TestClient(app), "/help-desk", authorization=f"Bearer {token}") == LET_IN


def test_cookie_of_a_token_behind_http_basic() -> None:
    """A browser that sends the password of a proxy in front comes in by its cookie all the same."""
    client = TestClient(recipe("/help-desk")["app"])
    log_in(client)

    assert statuses(client, "/help-desk", **basic("staging:secret")) == LET_IN


def test_ticket_without_cookies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no cookie is kept, a ticket opens page, asset and endpoint for 30 seconds."""
    client = TestClient(recipe("/lounge")["app"])
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    assert client.post("/ticket").status_code == 401
    query = urlsplit(client.post("/ticket", headers=BEARER).json()).query

    for wrong in (query + "x", "ticket=", "ticket=ada"):
        assert statuses(client, "/lounge", wrong) == {401}
    assert statuses(client, "/lounge", query) == LET_IN
    pass_time(monkeypatch, 15)
    assert statuses(client, "/lounge", query) == LET_IN
    pass_time(monkeypatch, 30)
    assert statuses(client, "/lounge", query) == {401}


def test_ticket_is_no_session_and_no_session_a_ticket() -> None:
    """What is signed for one purpose is not taken for the other."""
    app = recipe("/lounge")["app"]
    query = urlsplit(TestClient(app).post("/ticket", headers=BEARER).json()).query
    client = TestClient(app)
    open_with_ticket(client)

    cookie = f"session={query.removeprefix('ticket=')}"
    assert statuses(TestClient(app), "/lounge", cookie=cookie) == {401}
    assert statuses(TestClient(app), "/lounge", f"ticket={client.cookies['session']}") == {401}


def test_browser_is_asked_for_a_password_again() -> None:
    """Without credentials and with wrong ones a browser is told to ask for others."""
    client = TestClient(recipe("/den")["app"])

    for headers in ({}, basic("ada:byron"), basic("ada")):
        answer = client.get("/den", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Basic")


def by_proxy(connection: HTTPConnection) -> None:
    (guard,) = re.findall(r"The guard: `([^`]+)`", README)
    exec(guard, {"connection": connection, "HTTPException": HTTPException})


def test_header_of_a_proxy(serve: Serve, keep: Keep, tmp_path: Path) -> None:
    """The name that a proxy gives lets in, and none, or a second one, does not.

    nginx, set up as the README says, replaces what a client has sent.
    """
    app: FastAPI = make_app(dependencies=[Depends(by_proxy)])

    @app.get("/who")
    def who(connection: HTTPConnection) -> list[str]:
        return connection.headers.getlist("x-forwarded-user")

    client = TestClient(app)
    assert statuses(client, "/chat") == {401}
    assert statuses(client, "/chat", **{"x-forwarded-user": "ada"}) == LET_IN
    twice = [("x-forwarded-user", "root"), ("x-forwarded-user", "ada")]
    assert client.get("/chat", headers=twice).status_code == 401

    server = serve(app)
    (directive,) = re.findall(r"`(proxy_set_header X-Forwarded-User [^`]+)`", README)
    (tmp_path / "users").write_text("ada:{PLAIN}lovelace\n")
    port = free_port()
    paths = "client_body", "proxy", "fastcgi", "uwsgi", "scgi"
    (tmp_path / "nginx.conf").write_text(
        # Started by root, it would read the passwords as somebody who may not enter this folder.
        f"user {getpass.getuser()}; daemon off; pid {tmp_path}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {''.join(f'{p}_temp_path {tmp_path}/{p};' for p in paths)}\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ {directive}\n"
        f"auth_basic chat; auth_basic_user_file {tmp_path}/users; proxy_pass {server.url()};\n"
        "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; } } }\n"
    )
    command = [find_program("nginx"), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    proxy = keep(Command(command, port=port, folder=tmp_path))
    claims_to_be_root = {**basic("ada:lovelace"), "X-Forwarded-User": "root"}
    assert get(proxy.url("/who"), headers=claims_to_be_root).json() == ["ada"]
    assert get(proxy.url("/chat"), headers=claims_to_be_root).status_code == 200
    assert get(proxy.url("/chat"), headers={"X-Forwarded-User": "root"}).status_code == 401
    assert refusal(proxy.ws(), **{"X-Forwarded-User": "root"}).status_code == 401
