"""What a page asks for, how much that is, and what it asks for a second time."""

import pytest
from playwright.sync_api import Page, Response, expect

from fastapi_echochat import MemoryRooms
from tests.browser.conftest import OpenChat
from tests.browser.person import echoed
from tests.browser.witness import handshakes

FEW = 5
SMALL = 16_000
"""Bytes of everything a page is made of, as they are sent."""
SMALL_WITH_ROOMS = SMALL_WITH_CONTROLS = 20_000


def sent_size(responses: list[Response]) -> int:
    return sum(response.request.sizes()["responseBodySize"] for response in responses)


def test_page_is_few_requests_and_small(page: Page, open_chat: OpenChat) -> None:
    """A page, everything it is made of and its connection are five requests of 16 KB together.

    With the first message comes what a conversation needs: one request more, 20 KB in all.
    """
    responses: list[Response] = []
    # A function of its own: Playwright 1.65 takes no built-in method.
    page.on("response", lambda response: responses.extend([response]))

    person = open_chat()
    page.wait_for_load_state("networkidle")
    assert len(person.asked) <= FEW
    assert sent_size(responses) < SMALL
    person.talks("small")
    expect(person.log.locator(".copy")).to_have_count(1)

    assert len(person.asked) <= FEW + 1
    assert [request.status for request in person.asked if request.kind == "http"] == [200] * len(
        responses
    )
    assert sent_size(responses) < SMALL_WITH_CONTROLS


@pytest.mark.parametrize("private", [False, True])
def test_room_is_few_requests_and_small(page: Page, open_chat: OpenChat, private: bool) -> None:
    """A page with rooms and its connection are five requests as well, of 20 KB together."""
    responses: list[Response] = []
    page.on("response", lambda response: responses.extend([response]))

    person = open_chat(rooms=MemoryRooms(), kept=private)
    page.wait_for_load_state("networkidle")

    assert len(person.asked) <= FEW
    assert sent_size(responses) < SMALL_WITH_ROOMS


def test_page_asks_no_third_party(page: Page, open_chat: OpenChat) -> None:
    """Nothing that a page needs comes from anywhere but the server it came from."""
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.on("websocket", lambda socket: urls.append(socket.url))

    person = open_chat()
    page.wait_for_load_state("networkidle")
    person.talks("alone")

    endpoint = f"{page.url.replace('http:', 'ws:')}/ws"
    assert [url for url in urls if not url.startswith((page.url, endpoint))] == []
    assert endpoint in urls


def test_second_visit_asks_for_the_page_only(page: Page, open_chat: OpenChat) -> None:
    """Who reloads the page, or comes again, has the assets already and is told the page is old."""
    person = open_chat()
    page.wait_for_load_state("networkidle")
    assets = [request.query for request in person.asked if request.query]
    assert {query.split("&")[0] for query in assets} >= {"asset=chat.js", "asset=chat.css"}
    # What comes with the first message.
    person.talks("first")
    expect(person.log.locator(".copy")).to_have_count(1)
    person.asked.clear()
    page.reload(wait_until="networkidle")
    person.says("again")
    person.reads(*echoed(["first", "again"]))
    url = page.url
    page.goto("about:blank")
    page.goto(url, wait_until="networkidle")
    person.says("and again")
    person.reads(*echoed(["first", "again", "and again"]))
    expect(person.log.locator(".copy")).to_have_count(3)

    pages = [request for request in person.asked if request.kind == "http"]
    assert [(page.path, page.query, page.status) for page in pages] == [("/chat", "", 304)] * 2
    assert handshakes(person.asked) == [101, 101]
