"""Reading a chat's page without a browser."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from fastapi.testclient import TestClient


class ChatPage(HTMLParser):
    """What a page says of itself: its endpoint, its assets, every tag in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.endpoint = ""
        self.assets: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.endpoint = values.get("data-endpoint") or self.endpoint
        if tag in ("link", "script"):
            self.assets.append(values.get("href") or values.get("src") or "")

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data.strip())


def sent_size(browser: TestClient, language: str) -> int:
    """Return how many bytes of a page and of everything that it is made of are sent."""
    page = browser.get("/chat", headers={"accept-language": language})
    responses = [page] + [browser.get(f"/chat{asset}") for asset in ChatPage(page.text).assets]
    return sum(int(response.headers["content-length"]) for response in responses)


def described_endpoint(document: dict[str, Any]) -> str:
    """Return the address of the endpoint that an AsyncAPI document describes."""
    (server,) = document["servers"].values()
    (channel, _) = document["channels"].values()
    query = channel["bindings"]["ws"].get("query", {"properties": {}})["properties"]
    pairs = {name: value["const"] for name, value in query.items()}
    url = f"{server['protocol']}://{server['host']}{channel['address']}"
    return f"{url}?{urlencode(pairs, doseq=True)}" if pairs else url
