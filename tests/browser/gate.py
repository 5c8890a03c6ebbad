"""Reply functions and answers of a server that wait until the test lets them go on."""

import asyncio
import threading
from collections.abc import AsyncIterator

from playwright.sync_api import Route

from fastapi_echochat import Message


class Held:
    """What a browser asks for and does not get before the test lets it; made for `page.route`."""

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def __call__(self, route: Route) -> None:
        self._routes.append(route)

    def let_go(self) -> None:
        for route in self._routes:
            route.continue_()


class Gate:
    """Something that a reply function passes as often as the test opens it.

    The one runs on a server's event loop and the other in a thread of its own, so a primitive of
    asyncio's would not do.
    """

    def __init__(self) -> None:
        self._openings = threading.Semaphore(0)

    def open(self, times: int = 1) -> None:
        self._openings.release(times)

    async def passed(self) -> None:
        while not self._openings.acquire(blocking=False):  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.01)

    async def passed_reply(self, message: Message) -> str:
        """Answer a message once it may be."""
        await self.passed()
        return message.text


class Drone(Gate):
    """A reply function that says "on", and " and on" once it may.

    Attributes:
        ended: What it has been asked, where it has come to its end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ended: list[str] = []

    async def reply(self, message: Message) -> AsyncIterator[str]:
        try:
            yield "on"
            await self.passed()
            yield " and on"
        finally:
            self.ended.append(message.text)
