"""What every test may ask for."""

import logging
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI

from tests.servers import Uvicorn, errors

Serve = Callable[..., Uvicorn]


@pytest.fixture
def expected_errors() -> list[str]:
    """Return the list to which a test adds what the log may hold at level ERROR."""
    return []


@pytest.fixture
def serve(caplog: pytest.LogCaptureFixture, expected_errors: list[str]) -> Iterator[Serve]:
    """Serve an application on a real uvicorn until the test ends, and then read its log."""
    caplog.set_level(logging.INFO)
    servers: list[Uvicorn] = []

    def start(app: FastAPI, **config: object) -> Uvicorn:
        server = Uvicorn(app, **config)  # type: ignore[arg-type]  # passed on
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()
    unexpected = [
        line for line in errors(caplog) if not any(word in line for word in expected_errors)
    ]
    assert unexpected == []
