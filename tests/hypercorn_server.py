"""A real Hypercorn on a loopback port of its own."""

import asyncio
import threading

import hypercorn
from fastapi import FastAPI
from hypercorn.asyncio import serve

from tests.servers import Server, accepts, free_port
from tests.waiting import PATIENCE, wait_until


class Hypercorn(Server):
    """A real Hypercorn: a server that leaves root_path out of ASGI's path."""

    def __init__(self, app: FastAPI, *, root_path: str = "") -> None:
        self.port = free_port()
        config = hypercorn.Config()
        config.bind = [self.authority]
        config.root_path = root_path
        config.accesslog = config.errorlog = None
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, args=(app, config), daemon=True)
        self._thread.start()
        wait_until(lambda: accepts(self.port), "Hypercorn listens")

    def _run(self, app: FastAPI, config: hypercorn.Config) -> None:
        serving = serve(app, config, shutdown_trigger=self._over.wait)  # type: ignore[arg-type]  # its own ASGI types
        self._loop.run_until_complete(serving)
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
