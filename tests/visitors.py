"""Visitors of the example host: what they ask for, and what they read."""

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from tests.apps import open_session

LIKE_A_BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
CONCIERGE = "/members/concierge"
ANNOUNCEMENTS = "/rooms/lobby/announcements"


class Links(HTMLParser):
    """What a page of the host links and loads, as addresses."""

    def __init__(self, page: str, address: str) -> None:
        super().__init__()
        self.links: dict[str, None] = {}
        self.parts: dict[str, None] = {}
        self.forms: dict[str, None] = {}
        self.inline = 0
        self._address = address
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        target = values.get("href") or values.get("src") or values.get("action")
        self.inline += tag == "style" or "style" in values or (tag == "script" and not target)
        if target:
            kinds = {"a": self.links, "form": self.forms}
            kinds.get(tag, self.parts)[urljoin(self._address, target)] = None


def ask(client: TestClient, endpoint: str, text: str = "NBA") -> str:
    with open_session(client, urlsplit(endpoint).path) as websocket:
        websocket.send_text(text)
        return websocket.receive_text()


def refused_with(client: TestClient, endpoint: str) -> int:
    """Return the status that a handshake is refused with."""
    with pytest.raises(WebSocketDenialResponse) as refusal:
        ask(client, endpoint)
    return refusal.value.status_code


def sign_in(client: TestClient, name: str = "Ada", **fields: str) -> str:
    """Sign in, and return the address that it leads to."""
    answer = client.post("/sign-in", data={"name": name, **fields}, follow_redirects=False)
    assert answer.status_code == 303
    return urljoin(str(answer.url), answer.headers["location"])
