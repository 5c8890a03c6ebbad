"""A room that people come to, each in a browser of their own."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from playwright.sync_api import Page

from tests.browser.person import Talker
from tests.relay import Relay
from tests.servers import Process, Uvicorn


class Room:
    """A room of a server, and the way into it.

    Args:
        server: Of a host with rooms at `/rooms/{room}`.
        page: Of who comes first.
        open_page: Opens a page for each of the others.
        start_relay: Puts a wire that can be broken before the server.
    """

    def __init__(
        self,
        server: Process | Uvicorn,
        page: Page,
        open_page: Callable[..., Page],
        start_relay: Callable[[int], Relay],
    ) -> None:
        self.server = server
        self.url = server.url("/rooms/lobby")
        self._first: Page | None = page
        self._open_page = open_page
        self._start_relay = start_relay

    def visit(
        self,
        *,
        page: Page | None = None,
        path: str = "/rooms/lobby",
        wire: bool = False,
        **screen: Any,
    ) -> Talker:
        """Open a room's page for who has no name yet."""
        if not page and not screen:
            page, self._first = self._first, None
        page = page or self._open_page(**screen)
        relay = self._start_relay(self.server.port) if wire else None
        page.goto((relay or self.server).url(path))
        return Talker(page, wire=relay)

    def enter(self, name: str, **how: Any) -> Talker:
        """Open it as a guest who was never there."""
        talker = self.visit(**how)
        talker.joins(name)
        return talker

    def enter_in_turn(self, *names: str, wire: bool = False) -> list[Talker]:
        """Open it for several guests; the wire of the first of them is one that can be broken."""
        return [self.enter(name, wire=wire and name is names[0]) for name in names]

    def announce(self, text: str) -> None:
        """Let the host say something."""
        with urlopen(
            Request(self.server.url(f"/say/lobby?{urlencode({'text': text})}"), method="POST")
        ):
            pass
