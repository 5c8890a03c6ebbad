"""What every test may ask for."""

import logging
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI

from tests.servers import Uvicorn

Serve = Callable[..., Uvicorn]


@pytest.fixture
def serve(caplog: pytest.LogCaptureFixture) -> Iterator[Serve]:
    """Serve an application on a real uvicorn until the test ends."""
    caplog.set_level(logging.INFO)
    servers: list[Uvicorn] = []

    def start(app: FastAPI, **config: object) -> Uvicorn:
        server = Uvicorn(app, **config)  # type: ignore[arg-type]  # passed on
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()
