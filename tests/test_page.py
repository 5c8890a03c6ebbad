"""The page over HTTP: its headers, its assets, and nothing of a request as markup in it."""

import hashlib
import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import jinja2
import pytest
from fastapi import Depends, HTTPException, Request
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastapi_echochat import Limits, MemoryRooms, Message, echo
from fastapi_echochat.page.languages import ENGLISH, LANGUAGES
from tests.apps import make_client
from tests.pages import ChatPage, sent_size


def directives(headers: Mapping[str, str]) -> dict[str, str]:
    policy = headers["content-security-policy"]
    return dict(item.strip().partition(" ")[::2] for item in policy.split(";"))


def test_page_is_valid_and_has_its_parts() -> None:
    """The page has a language, one heading, one labelled field, a log, and words for all."""
    response = make_client(title="Support").get("/chat")

    text = response.text
    page = ChatPage(text)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert text.startswith("<!doctype html>\n<html lang")
    assert page.tags.count("h1") == page.tags.count("textarea") == page.tags.count("main") == 1
    assert 'role="log"' in text
    assert '<label for="echochat-field">Message</label>' in text
    assert page.words.count("Support") == 2
    assert "form" not in page.tags


def test_headers_of_the_page() -> None:
    """The page brings a strict policy that allows what it has itself, and is asked for again."""
    response = make_client().get("/chat")

    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "same-origin"
    assert directives(response.headers) == {
        "default-src": "'none'",
        "script-src": "'self' http://testserver",
        "style-src": "'self' http://testserver",
        "img-src": "'self' http://testserver",
        "connect-src": "'self' http://testserver ws://testserver",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
    }


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("chat.example", " {}://chat.example"),
        ("Chat.Example:8443", " {}://Chat.Example:8443"),
        ("my_shop.localhost:80", " {}://my_shop.localhost:80"),
        ("127.0.0.1:8000", " {}://127.0.0.1:8000"),
        # No source of a policy, or no host at all.
        ("[::1]:8000", ""),
        ("chat.example:", ""),
        ("chat..example", ""),
        ("chat.example; script-src *", ""),
        ("chat.example, other.example", ""),
        ("*", ""),
        ("*.example", ""),
        ("", ""),
    ],
)
@pytest.mark.parametrize(("scheme", "ws"), [("http", "ws"), ("https", "wss")])
def test_policy_names_the_origin_of_the_page(host: str, own: str, scheme: str, ws: str) -> None:
    """In a frame without an origin `'self'` may mean nothing: the host, if it is one, is named."""
    browser = make_client()
    headers = {"host": host, "x-forwarded-host": "evil.example"}

    response = browser.get(f"{scheme}://testserver/chat", headers=headers)

    policy = directives(response.headers)

    for directive in ("script-src", "style-src", "img-src"):
        assert policy[directive] == f"'self'{own.format(scheme)}"
    assert policy["connect-src"] == f"'self'{own.format(scheme)}{own.format(ws)}"
    assert [*policy] == [*directives(browser.get("/chat").headers)]


def test_no_script_and_no_style_in_the_page() -> None:
    """Neither the page nor a label of it holds a script, a style or a handler of its own."""
    text = make_client().get("/chat").text

    page = ChatPage(text)
    assert page.tags.count("script") == 1
    assert "style" not in page.tags
    assert " style=" not in text
    assert " on" not in "".join(part for part in text.split("<") if part.startswith("script"))


def test_page_is_known_by_its_etag() -> None:
    """A page that has not changed is answered with 304; another address is another page."""
    browser = make_client(prefix="/{tenant}/chat")
    etag = browser.get("/acme/chat").headers["etag"]

    assert etag.startswith("W/")  # Plain and compressed it has the same.
    for known in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
        again = browser.get("/acme/chat", headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    assert browser.get("/other/chat", headers={"if-none-match": etag}).status_code == 200


@pytest.mark.parametrize("asset", range(3))
def test_assets_are_kept_for_ever(asset: int) -> None:
    """An asset is immutable under the hash of its content, compressed for those who take it."""
    browser = make_client()
    address = ChatPage(browser.get("/chat").text).assets[asset]

    response = browser.get(f"/chat{address}", headers={"accept-encoding": "identity"})
    compressed = browser.get(f"/chat{address}", headers={"accept-encoding": "br, gzip;q=0.5"})

    version = hashlib.sha256(response.content).hexdigest()[:16]
    assert address.endswith(f"&v={version}")
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["vary"] == "accept-encoding"
    assert "content-encoding" not in response.headers
    assert compressed.headers["content-encoding"] == "gzip"
    assert compressed.content == response.content
    assert int(compressed.headers["content-length"]) < len(response.content)
    known = browser.get(f"/chat{address}", headers={"if-none-match": response.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    old = browser.get(f"/chat{address[:-1]}")
    assert old.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("", None), ("gzip", "gzip"), ("GZIP", "gzip"), ("gzip;q=0", None), ("gzip; q=0.0, br", None)],
)
@pytest.mark.parametrize("address", ["", "?asset=chat.js"])
def test_compression_is_asked_for(address: str, accepted: str, encoding: str | None) -> None:
    """Only a client that takes gzip is sent it, page and assets (RFC 9110, section 12.5.3)."""
    client = make_client()
    response = client.get(f"/chat{address}", headers={"accept-encoding": accepted})
    head = client.head(f"/chat{address}", headers={"accept-encoding": accepted})

    assert response.headers.get("content-encoding") == encoding
    assert "accept-encoding" in response.headers["vary"]
    assert dict(head.headers) == dict(response.headers)
    plain = client.get(f"/chat{address}", headers={"accept-encoding": "identity"})
    assert response.content == plain.content
    length = int(response.headers["content-length"])
    assert length < len(plain.content) / 2 if encoding else length == len(plain.content)


def test_unknown_asset() -> None:
    """An asset that is none is answered with 404, and its name is no markup."""
    response = make_client().get("/chat", params={"asset": "../page.py<script>"})

    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_under_16_kilobytes(language: str) -> None:
    """Page, script, style and icon are sent as less than 16 KB together, in every language."""
    assert sent_size(make_client(), language) < 16_000


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("language", LANGUAGES)
def test_room_is_under_20_kilobytes(language: str, private: bool) -> None:
    """A page with rooms, and with all that one may have, is sent as less than 20 KB."""
    options: dict[str, Any] = {
        "reply": answer,
        "feedback": lambda message, answer, verdict: None,
        "welcome": "Welcome to this chat of ours!",
        "suggestions": ["What is this?", "How do I begin?"],
        "sign_in_url": "/sign-in",
    }
    client = make_client(rooms=MemoryRooms(), private=private, **options)
    assert sent_size(client, language) < 20_000


@pytest.mark.parametrize("private", [False, True])
def test_room_is_valid_and_has_its_parts(private: bool) -> None:
    """A page with rooms has the parts of its kind, as many assets as any, no id twice."""
    text = make_client(rooms=MemoryRooms(), private=private).get("/chat").text

    page = ChatPage(text)
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert f'data-rooms="{"private" if private else "shared"}"' in text
    assert [address.split("&")[0] for address in page.assets] == [
        "?asset=icon.svg",
        "?asset=chat.css" if private else "?asset=shared.css",
        "?asset=private.js" if private else "?asset=shared.js",
    ]
    shared = {"here", "rename", "writing", "naming", "name", "room"}
    assert {f"echochat-{name}" for name in shared} & set(ids) == (
        set() if private else {f"echochat-{name}" for name in shared}
    )
    assert ("echochat-clear" in ids) is private


def test_chat_without_rooms_has_nothing_of_them() -> None:
    """A chat without rooms has neither their words nor their script."""
    browser = make_client()
    text = browser.get("/chat").text

    assert "data-rooms" not in text
    assert ENGLISH["join"] not in text
    assert '"join"' not in html.unescape(text)
    script = browser.get("/chat?asset=chat.js").text
    assert '"enter"' not in script
    assert '"enter"' in browser.get("/chat?asset=shared.js").text


@pytest.mark.parametrize("name", ["chat.js", "shared.js", "private.js"])
def test_script_is_one_of_several_files(name: str) -> None:
    """A script keeps its names to itself, and has no line that only people read."""
    script = make_client().get(f"/chat?asset={name}").text

    lines = script.split("\n")
    assert lines[:2] == ["(() => {", '"use strict";']
    assert lines[-2:] == ["})();", ""]
    assert not [line for line in lines[:-1] if not line or line.startswith((" ", "//"))]


@pytest.mark.parametrize(
    "title", ["<script>alert(1)</script>", '" onload="alert(1)', "{{ 7*7 }}", "Чат & 'so'"]
)
def test_title_is_text(title: str) -> None:
    """A title is shown as it is, whatever it holds."""
    page = ChatPage(make_client(title=title).get("/chat").text)

    assert page.words.count(title) == 2
    assert page.tags.count("script") == 1


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1)
# A client takes these two out of an address before it asks (RFC 3986, section 5.2.4).
# And Starlette's test client (1.10) decodes a path twice, which no server does.
SEGMENT = TEXT.filter(lambda text: text not in (".", "..") and unquote(text) == text)


@pytest.fixture(scope="module")
def tenants() -> TestClient:
    return make_client(prefix="/t/{tenant}/chat")


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(tenant=SEGMENT, forwarded=TEXT, query=TEXT)
def test_nothing_of_a_request_is_markup(
    tenants: TestClient, tenant: str, forwarded: str, query: str
) -> None:
    """Whatever the path, the query, Host and X-Forwarded-* hold, the page's tags are the same."""
    usual = ChatPage(tenants.get("/t/acme/chat").text)
    names = (b"host", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-prefix")
    headers = [(name, forwarded.encode()) for name in names]

    address = f"/t/{quote(tenant, safe='')}/chat?{quote(query, safe='')}&x"
    response = tenants.get(address, headers=headers)

    page = ChatPage(response.text)
    assert response.status_code == 200
    assert page.tags == usual.tags
    path, _, carried = page.endpoint.partition("?")
    assert path.endswith(f"/t/{quote(tenant, safe='/:@!$&()*+,;=~')}/chat/ws")
    assert carried.isascii()
    assert not set(page.endpoint) & set("\"'<> ")
    assert f'"{html.escape(page.endpoint)}"' in response.text


def test_query_of_a_page_is_that_of_its_assets() -> None:
    """What a host's guard reads from the query of a page it finds in that of each asset, too."""

    def guard(token: str) -> None:
        if token != "a&b":
            raise HTTPException(401)

    browser = make_client(dependencies=[Depends(guard)])
    page = ChatPage(browser.get("/chat?token=a%26b").text)

    assert len(page.assets) > 2
    assert {browser.get(f"/chat{asset}").status_code for asset in page.assets} == {200}


def answer(message: Message) -> str:
    return message.text


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ({}, None),
        ({"markdown": True}, "answer"),
        ({"markdown": False}, None),
        ({"reply": answer}, "answer"),
        ({"reply": answer, "markdown": False}, None),
        ({"reply": None}, "notice"),
        ({"reply": None, "markdown": False}, None),
        ({"rooms": MemoryRooms()}, "notice"),
        ({"reply": answer, "private": True}, "answer notice"),
    ],
)
def test_what_is_rendered(options: Mapping[str, Any], kinds: str | None) -> None:
    """The page is told which kinds of entries are Markdown, and where what renders a text is."""
    browser = make_client(**{"reply": echo, **options})

    text = browser.get("/chat").text

    assert re.findall(r' data-markdown="([^"]*)"', text) == ([] if kinds is None else [kinds])
    renderers = re.findall(r' data-renderer="\?asset=([^&"]*)', text)
    assert renderers == ["text.js" if kinds is None else "markdown.js"]
    for address in re.findall(r' data-renderer="([^"]*)"', text):
        response = browser.get(f"/chat{html.unescape(address)}")
        assert response.headers["content-type"] == "text/javascript; charset=utf-8"
        assert response.headers["cache-control"].endswith("immutable")
    assert (" data-renderer-style=" in text) == (kinds is not None)


def test_websocket_url_of_another_host() -> None:
    """A WebSocket elsewhere stands in the page as it was given, and in the page's policy."""
    response = make_client(websocket_url="wss://chat.example:8443/talk?room=1").get("/chat")

    assert ChatPage(response.text).endpoint == "wss://chat.example:8443/talk?room=1"
    assert "data-elsewhere" in response.text
    connect = "'self' http://testserver wss://chat.example:8443"
    assert directives(response.headers)["connect-src"] == connect


def test_websocket_url_from_the_request() -> None:
    """A function says for each request where the WebSocket is."""

    def find(request: Request) -> str:
        return f"wss://{request.path_params['tenant']}.example/ws"

    browser = make_client(prefix="/{tenant}", websocket_url=find)

    assert ChatPage(browser.get("/acme").text).endpoint == "wss://acme.example/ws"
    assert ChatPage(browser.get("/other").text).endpoint == "wss://other.example/ws"


def test_frame_ancestors_are_named() -> None:
    """Hosts that are named may frame the page beside its own."""
    response = make_client(frame_ancestors=["https://a.example", "https://*.b.example:8443"]).get(
        "/chat"
    )

    ancestors = "'self' https://a.example https://*.b.example:8443"
    assert directives(response.headers)["frame-ancestors"] == ancestors


@pytest.mark.parametrize("as_loader", [False, True])
def test_template_of_the_host(tmp_path: Path, as_loader: bool) -> None:
    """A template of the host's stands in for ours and extends it, from a folder or a loader."""
    folder = tmp_path / "fastapi_echochat"
    folder.mkdir()
    (folder / "chat.html").write_text(
        '{% extends "fastapi_echochat/base.html" %}'
        "{% block heading %}{{ request.headers['x-shop'] }}: {{ super() }}{% endblock %}"
    )
    templates = jinja2.FileSystemLoader(tmp_path) if as_loader else tmp_path

    browser = make_client(title="Chat", templates=templates)

    for shop in ("Books", "<b>Tools"):
        page = ChatPage(browser.get("/chat", headers={"x-shop": shop}).text)
        assert f"{shop}: Chat" in page.words
        assert page.endpoint == "ws://testserver/chat/ws"


def test_no_label_is_hidden_by_a_method() -> None:
    """Every word can be had as `labels.word` in a template, which finds methods of a dict first."""
    assert not set(ENGLISH) & set(dir({}))


def test_limit_stands_in_the_page() -> None:
    """The page knows the longest message before it is connected, and that there may be none."""
    assert 'data-message-bytes="7"' in make_client(limits=Limits(message_bytes=7)).get("/chat").text
    assert (
        'data-message-bytes=""' in make_client(limits=Limits(message_bytes=None)).get("/chat").text
    )
