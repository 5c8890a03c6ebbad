"""Reply functions that wait until the test lets them go on."""

import asyncio
import threading


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
