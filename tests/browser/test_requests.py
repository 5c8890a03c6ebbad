"""What a page asks for, how much that is, and what it asks for a second time."""

import gzip

import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, Response

from fastapi_echochat import EchoChat, MemoryRooms
from tests.browser.person import Person, echoed
from tests.browser.witness import Asked, Witness, handshakes
from tests.conftest import Serve

FEW = 5
SMALL = 12_000
"""Bytes of everything a page is made of, compressed."""
SMALL_WITH_ROOMS = 16_000


def test_page_is_few_requests_and_small(page: Page, serve: Serve) -> None:
    """A page, everything it is made of and its connection are five requests of 12 KB together."""
    asked: list[Asked] = []
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/chat")
    app.add_middleware(Witness, asked=asked)
    responses: list[Response] = []
    # A function of its own: Playwright 1.65 takes no built-in method.
    page.on("response", lambda response: responses.extend([response]))
    person = Person(page)

    page.goto(serve(app).url("/chat"), wait_until="networkidle")
    person.says("small")
    person.reads(*echoed(["small"]))

    assert len(asked) <= FEW
    assert [request.status for request in asked if request.kind == "http"] == [200] * len(responses)
    bodies = [response.body() for response in responses]
    assert sum(len(gzip.compress(body)) for body in bodies) < SMALL


@pytest.mark.parametrize("private", [False, True])
def test_room_is_few_requests_and_small(page: Page, serve: Serve, private: bool) -> None:
    """A page with rooms and its connection are five requests as well, of 16 KB together."""
    asked: list[Asked] = []
    app = FastAPI()
    app.include_router(EchoChat(rooms=MemoryRooms(), private=private).router, prefix="/chat")
    app.add_middleware(Witness, asked=asked)
    responses: list[Response] = []
    page.on("response", lambda response: responses.extend([response]))

    page.goto(serve(app).url("/chat"), wait_until="networkidle")
    Person(page).reads_state("connected")

    assert len(asked) <= FEW
    bodies = [response.body() for response in responses]
    assert sum(len(gzip.compress(body)) for body in bodies) < SMALL_WITH_ROOMS


def test_page_asks_no_third_party(page: Page, serve: Serve) -> None:
    """Nothing that a page needs comes from anywhere but the server it came from."""
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/chat")
    server = serve(app)
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.on("websocket", lambda socket: urls.append(socket.url))
    person = Person(page)

    page.goto(server.url("/chat"), wait_until="networkidle")
    person.says("alone")
    person.reads(*echoed(["alone"]))

    own = (server.url("/chat"), server.url("/chat/ws", "ws"))
    assert [url for url in urls if not url.startswith(own)] == []
    assert server.url("/chat/ws", "ws") in urls


def test_second_visit_asks_for_the_page_only(page: Page, serve: Serve) -> None:
    """Who reloads the page, or comes again, has the assets already and is told the page is old."""
    asked: list[Asked] = []
    app = FastAPI()
    app.include_router(EchoChat().router, prefix="/chat")
    app.add_middleware(Witness, asked=asked)
    server = serve(app)
    person = Person(page)

    page.goto(server.url("/chat"), wait_until="networkidle")
    person.reads_state("connected")
    assets = [request.query for request in asked if request.query]
    assert {query.split("&")[0] for query in assets} >= {"asset=chat.js", "asset=chat.css"}
    asked.clear()
    page.reload(wait_until="networkidle")
    person.says("again")
    person.reads(*echoed(["again"]))
    page.goto("about:blank")
    page.goto(server.url("/chat"), wait_until="networkidle")
    person.says("and again")
    person.reads(*echoed(["again", "and again"]))

    pages = [request for request in asked if request.kind == "http"]
    assert [(page.path, page.query, page.status) for page in pages] == [("/chat", "", 304)] * 2
    assert handshakes(asked) == [101, 101]
