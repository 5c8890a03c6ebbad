"""Reading a chat's page without a browser."""

import gzip
from html.parser import HTMLParser

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


def compressed_size(browser: TestClient, language: str) -> int:
    """Return how many bytes a page and everything that it is made of are, compressed."""
    page = browser.get("/chat", headers={"accept-language": language})
    parts = [page.content] + [browser.get(f"/chat{a}").content for a in ChatPage(page.text).assets]
    return sum(len(gzip.compress(part)) for part in parts)
