"""The example host: its links, its chats and bots, its sign-in, its prefix behind a proxy."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

import example_host
from example_host import eliza, suitcase
from example_host.signing_in import NAME_LENGTH
from example_host.tenants import TENANTS
from fastapi_echochat import testing
from tests.conftest import Keep
from tests.pages import ChatPage
from tests.servers import Fork, Process, free_port
from tests.visitors import (
    ANNOUNCEMENTS,
    CONCIERGE,
    LIKE_A_BROWSER,
    Links,
    ask,
    refused_with,
    sign_in,
)
from tests.waiting import PATIENCE, get

MEMBERS = "/members/chat"
BOTS = {"/elsie", "/suitcase", CONCIERGE}
ROOMS = {"/rooms/lobby", "/rooms/garden", "/club"}


@pytest.fixture
def client() -> Iterator[TestClient]:
    """Visit the example host."""
    with TestClient(example_host.app, base_url="http://testserver") as client:
        yield client


def read(client: TestClient, address: str = "/") -> Links:
    answer = client.get(address, headers=LIKE_A_BROWSER)
    assert answer.status_code == 200
    return Links(answer.text, str(answer.url))


def read_chat(client: TestClient, address: str) -> ChatPage | None:
    page = ChatPage(client.get(address, headers=LIKE_A_BROWSER).text)
    return page if page.endpoint else None


def is_let_in(client: TestClient) -> bool:
    """Return whether page and endpoint of the guarded chat are open; they are so together."""
    endpoint = f"{MEMBERS}/ws"
    if client.get(MEMBERS).status_code == 200:
        assert ask(client, endpoint) == "Message text was: NBA"
        return True
    assert client.get(MEMBERS).status_code == 401
    assert refused_with(client, endpoint) == 401
    return False


def test_every_link_of_the_index_leads_somewhere(client: TestClient) -> None:
    """Each link and each part of the index page answers 200, or leads to the sign-in."""
    index = read(client)

    assert len(index.links) == 21
    for address in [*index.links, *index.parts]:
        answer = client.get(address, headers=LIKE_A_BROWSER)
        assert answer.status_code == 200, address
        path = unquote(urlsplit(address).path)
        is_guarded = path in (MEMBERS, CONCIERGE, ANNOUNCEMENTS)
        assert answer.url.path == ("/sign-in" if is_guarded else path)


def test_every_chat_echoes(client: TestClient) -> None:
    """Each chat of the index has its endpoint beside its page, and echoes if it is to echo."""
    sign_in(client)
    chats = {
        unquote(urlsplit(address).path): chat
        for address in read(client).links
        if (chat := read_chat(client, address))
    }

    assert len(chats) == 17
    assert chats.keys() > BOTS | ROOMS
    for path, chat in chats.items():
        assert unquote(urlsplit(chat.endpoint).path) == f"{path}/ws"
        if path not in BOTS | ROOMS:
            assert ask(client, chat.endpoint, path) == f"Message text was: {path}"


def test_index_shows_the_lines_that_run(client: TestClient) -> None:
    """The lines that the index shows for each chat stand in the application as they are shown."""
    modules = Path(example_host.__file__).parent.glob("*.py")
    source = "".join(module.read_text() for module in modules)
    shown = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", client.get("/").text, re.DOTALL)
    python = [html.unescape(lines) for lines in shown if not lines.startswith("&lt;")]

    assert len(python) == 13
    for line in "\n".join(python).splitlines():
        assert f"{line}\n" in source


def test_two_chats_have_two_titles(client: TestClient) -> None:
    """Two chats side by side are told apart by their titles."""
    sales, support = read_chat(client, "/sales/chat"), read_chat(client, "/support/chat")

    assert sales is not None
    assert support is not None
    assert "Sales" in sales.words
    assert "Support" in support.words
    assert "Support" not in sales.words


@pytest.mark.parametrize("tenant", TENANTS)
def test_tenants(client: TestClient, tenant: str) -> None:
    """Each tenant's chat is under the tenant's own address, whatever is in the name."""
    chat = read_chat(client, f"/tenants/{tenant}/chat")

    assert chat is not None
    assert ask(client, chat.endpoint) == "Message text was: NBA"


def test_unknown_tenant(client: TestClient) -> None:
    """A tenant that there is not has neither a page nor an endpoint."""
    assert client.get("/tenants/initech/chat").status_code == 404
    assert refused_with(client, "/tenants/initech/chat/ws") == 404


def test_frame(client: TestClient) -> None:
    """The page with a frame shows the plain chat in it, which lets itself be framed there."""
    assert "http://testserver/chat" in read(client, "/framed").parts

    policy = client.get("/chat").headers["content-security-policy"]
    assert "frame-ancestors 'self'" in policy


def test_answer_that_streams(client: TestClient) -> None:
    """Elsie's answer comes word by word, and is one of those that she may give."""
    with testing.connect(client, "/elsie") as chat:
        for said in ("Hello", "I need my umbrella.", "NBA"):
            pieces = list(chat.pieces(said))
            answer = "".join(pieces)
            assert answer in eliza.answers(said)
            assert [piece.strip() for piece in pieces] == answer.split()
            assert len(pieces) > 1


@pytest.mark.parametrize(
    ("said", "given_back"),
    [
        ("I feel that my boss hates me.", "feel that your boss hates you"),
        ("Today I\N{RIGHT SINGLE QUOTATION MARK}m tired of you, dear", "tired of me?"),
        ("i want to sing, loudly", "want to sing"),
        ("I cannot sleep", "sleep"),
        ("I miss my cat", "you miss your cat"),
        ("Because I am shy", "you are shy"),
        ("It is my GRANDMOTHER", "your GRANDMOTHER"),
        ("You are not listening to me", "not listening to you"),
        ("Nobody calls", "Nobody"),
        ("I am {rest} {0}", "{rest} {0}?"),
        ("I am" + " so" * 5000, " so" * 12 + "?"),
    ],
)
def test_what_is_given_back(said: str, given_back: str) -> None:
    """Whatever Elsie picks to say, she gives back what she was told, from her side."""
    for answer in eliza.answers(said):
        assert given_back in answer


@pytest.mark.parametrize(
    "said", ["NBA", "", "?!", "I feel.", "\n", "{", "Yes", "bye", "Are you a bot?"]
)
def test_there_is_always_something_to_say(said: str) -> None:
    """Whatever Elsie is told, she has more than one thing to say, with no gap in it."""
    possible = eliza.answers(said)

    assert len(set(possible)) > 1
    for answer in possible:
        assert not re.search(r"[{}]|  |“”", answer)


def test_memory(client: TestClient) -> None:
    """The suitcase remembers within a connection, and forgets between two."""
    with (
        testing.connect(client, "/suitcase") as chat,
        testing.connect(client, "/suitcase") as other,
    ):
        assert chat.ask("a hat") == "I pack my suitcase and take with me: a hat."
        assert chat.ask("a map") == "I pack my suitcase and take with me: a hat, a map."
        assert other.ask("soap") == "I pack my suitcase and take with me: soap."
    with testing.connect(client, "/suitcase") as chat:
        assert chat.ask("a map") == "I pack my suitcase and take with me: a map."


def test_memory_has_bounds(client: TestClient) -> None:
    """The suitcase takes so many things and no more, and none that is too long."""
    with testing.connect(client, "/suitcase") as chat:
        with pytest.raises(testing.ChatError, match="message_too_long"):
            chat.ask("x" * 201)
        for number in range(suitcase.ROOM):
            assert chat.ask(f"sock {number}").endswith(f"sock {number}.")
        assert chat.ask("a hat").startswith("The suitcase does not close any more.")


@pytest.mark.parametrize("path", ["/tea-house", "/tea-house/"])
@pytest.mark.parametrize("is_told", [None, True, False])
def test_look_of_the_host(client: TestClient, path: str, is_told: bool | None) -> None:
    """The host's template links its stylesheet and its index, behind a proxy's prefix too."""
    prefix = "" if is_told is None else "/prefix"
    if is_told is not None:
        client = TestClient(under_prefix(example_host.app, is_told=is_told))
    page = read(client, f"{prefix}{path}")

    stylesheet = f"http://testserver{prefix}/static/tea_house.css"
    assert stylesheet in page.parts
    assert "--echochat-accent" in client.get(stylesheet).text
    assert list(page.links) == [f"http://testserver{prefix}/"]
    assert ask(client, f"{prefix}{path.rstrip('/')}/ws") == "Message text was: NBA"


def test_widget(client: TestClient) -> None:
    """The index shows the line that puts the widget in its corner, and has that very line."""
    page = client.get("/").text
    (line,) = re.findall(r"<code>(&lt;script.*?)</code>", page)

    assert f"\n{html.unescape(line)}\n" in page
    assert "http://testserver/support/chat?asset=widget.js" in read(client).parts


def test_nothing_inline_and_nothing_from_elsewhere(client: TestClient) -> None:
    """No page of the host has scripts or styles in it, or loads anything from another site."""
    for path in ("/", "/framed", "/sign-in", "/tea-house"):
        page = read(client, path)
        assert page.inline == 0
        for address in [*page.links, *page.parts, *page.forms]:
            assert urlsplit(address).netloc == "testserver"


def test_pages_of_fastapi_are_off(client: TestClient) -> None:
    """FastAPI's pages, whose scripts come from elsewhere, are in neither application."""
    for path in ("/docs", "/redoc", "/api/docs", "/api/redoc"):
        assert client.get(path).status_code == 404


def test_guard(client: TestClient) -> None:
    """Page and endpoint are shut before the sign-in, open after it, and shut by the sign-out."""
    assert not is_let_in(client)

    sign_in(client)
    assert is_let_in(client)

    answer = client.post("/sign-out")
    assert answer.url.path == "/"
    assert not is_let_in(client)


def test_person_is_led_to_the_sign_in_and_back(client: TestClient) -> None:
    """Who opens the guarded page signs in first, and is then where they wanted to be."""
    for path in (MEMBERS, f"{MEMBERS}/"):
        asked = client.get(path, headers=LIKE_A_BROWSER)
        assert asked.url.path == "/sign-in"
        (return_to,) = re.findall(r'name="return_to" value="([^"]*)"', asked.text)

        assert sign_in(client, return_to=return_to) == f"http://testserver{path}"
        assert is_let_in(client)
        client.post("/sign-out")


@pytest.mark.parametrize(
    "return_to",
    [
        "https://example.org/",
        "//example.org",
        "///example.org",
        "/\\example.org",
        "\\\\example.org",
        "/\t/example.org",
        "/.//example.org",
        "/../../example.org",
        "/%2e%2e/%2e%2e/secret",
        "/@example.org",
        ".example.org",
        "javascript:alert(1)",
        "/\r\nset-cookie: a=b",
        "",
    ],
)
def test_sign_in_leads_to_no_other_host(client: TestClient, return_to: str) -> None:
    """Whatever is made up for an address to return to, a sign-in stays on the host."""
    answer = client.post(
        "/sign-in", data={"name": "Ada", "return_to": return_to}, follow_redirects=False
    )

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("./")
    assert not re.search(r"[\\\s]|\.\./|%2e", answer.headers["location"], re.IGNORECASE)
    assert "a" not in answer.cookies


@pytest.mark.parametrize(
    ("path", "location"),
    [
        (f"{MEMBERS}?a=b%20c&d", f"{MEMBERS}?a=b%20c&d"),
        ("//example.org", "/example.org"),
        ("https://example.org/", "/https%3A//example.org/"),
        ("/\\example.org", "/%5Cexample.org"),
        ("\\\\example.org", "/%5C%5Cexample.org"),
        ("/\t/example.org", "/%09/example.org"),
        ("javascript:alert(1)", "/javascript%3Aalert%281%29"),
    ],
)
def test_sign_in_leads_back_to_a_chat(client: TestClient, path: str, location: str) -> None:
    """The page that a chat names in `next` is gone back to, and nothing else than a path is."""
    (value,) = re.findall(
        r'name="next" value="([^"]*)"', client.get("/sign-in", params={"next": path}).text
    )
    assert html.unescape(value) == path
    answer = client.post("/sign-in", data={"name": "Ada", "next": path}, follow_redirects=False)

    assert answer.headers["location"] == location


def test_names_are_escaped(client: TestClient) -> None:
    """Markup in a name, or in an address to return to, is shown as the text that it is."""
    sign_in(client, "<script>Ada</script>")

    page = client.get("/").text
    assert "&lt;script&gt;Ada&lt;/script&gt;" in page
    assert "<script>" not in page
    page = client.get("/sign-in", params={"return_to": '"><script>'}).text
    assert "<script>" not in page


@pytest.mark.parametrize("name", ["", "   ", "a" * (NAME_LENGTH + 1)])
def test_no_name(client: TestClient, name: str) -> None:
    """Without a name, or with one too long, the form is shown again and says why."""
    answer = client.post("/sign-in", data={"name": name, "return_to": MEMBERS})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert f'value="{MEMBERS}"' in answer.text
    assert not is_let_in(client)


def test_cookie(client: TestClient) -> None:
    """The session's cookie is out of reach of scripts and of other sites' forms."""
    answer = client.post("/sign-in", data={"name": "Ada"}, follow_redirects=False)

    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_made_up_cookie(client: TestClient) -> None:
    """A cookie that the host did not sign lets nobody in."""
    client.cookies.set("example_host_session", "eyJuYW1lIjogIkFkYSJ9.aaaaaa.bbbbbbbbbbb")

    assert not is_let_in(client)


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_forms_of_other_sites(client: TestClient, path: str, site: str) -> None:
    """A form that another site's page sends signs nobody in or out."""
    if path == "/sign-out":
        sign_in(client)

    answer = client.post(path, data={"name": "Mallory"}, headers={"sec-fetch-site": site})

    assert answer.status_code == 403
    assert is_let_in(client) == (path == "/sign-out")


def test_secret_of_the_environment(tmp_path: Path, keep: Keep) -> None:
    """With SESSION_SECRET set, a process takes the cookies that another has signed."""

    def start(secret: str) -> Process:
        env = {"SESSION_SECRET": secret, "REDIS_URL": ""}
        return keep(Fork(["example_host:app"], port=free_port(), folder=tmp_path, env=env))

    def status(server: Process) -> int:
        return get(server.url(MEMBERS), headers={"cookie": cookie}).status_code

    first = start("one secret")
    signed = httpx.post(first.url("/sign-in"), data={"name": "Ada"}, timeout=PATIENCE)
    cookie = signed.headers["set-cookie"].partition(";")[0]
    assert status(start("one secret")) == 200
    assert status(start("another secret")) == 401
    # Without one, each start makes up its own.
    assert status(start("")) == 401


def under_prefix(app: ASGIApp, *, is_told: bool) -> ASGIApp:
    """Put an application behind a proxy that strips `/prefix`, of which it is told or is not."""

    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        assert scope["path"].startswith("/prefix/"), f"{scope['path']} is not behind the prefix"
        if is_told:  # As `uvicorn --root-path /prefix` does.
            scope = {**scope, "root_path": "/prefix"}
        else:
            scope = {**scope, "path": scope["path"].removeprefix("/prefix")}
        await app(scope, receive, send)

    return proxy


@pytest.mark.parametrize("is_told", [True, False])
def test_prefix_of_a_proxy(is_told: bool) -> None:
    """Behind a proxy that strips a prefix every link, form and redirect stays behind it."""
    client = TestClient(under_prefix(example_host.app, is_told=is_told))
    index = read(client, "/prefix/")
    for address in [*index.links, *index.parts]:
        assert client.get(address, headers=LIKE_A_BROWSER).status_code == 200

    for path in (MEMBERS, f"{MEMBERS}/"):
        asked = client.get(f"/prefix{path}", headers=LIKE_A_BROWSER)
        assert asked.url.path == "/prefix/sign-in"
        (form,) = Links(asked.text, str(asked.url)).forms
        answer = client.post(form, data={"name": "Ada", "return_to": path})
        assert answer.url.path == f"/prefix{path}"
        assert ask(client, f"/prefix{MEMBERS}/ws") == "Message text was: NBA"

        (form,) = read(client, "/prefix/").forms
        assert client.post(form).url.path == "/prefix/"
        assert client.get(f"/prefix{path}").status_code == 401
