"""Firefox and WebKit, each started once, and tabs of them."""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from fastapi_echochat import echo
from tests.apps import make_app
from tests.browser.relay import Relay
from tests.conftest import Serve
from tests.engines.firefox import Firefox
from tests.engines.tab import Engine
from tests.engines.visitor import Visitor
from tests.engines.webkit import WebKit

# What Firefox itself writes where a server is down, or refuses, or a page is left.
_LOST = re.compile(
    "(Firefox can.t establish a connection to the server at|The connection to) ws://"
)

Visit = Callable[[str], Visitor]
Talk = Callable[..., Visitor]
Wire = Callable[[int], Relay]


@pytest.fixture(scope="module", params=[Firefox, WebKit], ids=["firefox", "webkit"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """Lend a browser to all tests of a module, one after the other."""
    engine: Engine = request.param(tmp_path_factory.mktemp("browser"))
    yield engine
    engine.quit()


@pytest.fixture
def visit(engine: Engine) -> Iterator[Visit]:
    """Open addresses, each in a tab of its own that is closed when the test ends.

    What a browser keeps it keeps by origin, and that is new with each test's server.
    """
    with contextlib.ExitStack() as tabs:

        def visit(url: str) -> Visitor:
            tab = engine.open()
            tabs.callback(tab.close)
            tab.go(url)
            return Visitor(tab)

        yield visit
        assert [line for line in engine.errors() if not _LOST.match(line)] == []


@pytest.fixture
def talk(visit: Visit, serve: Serve) -> Talk:
    """Serve a chat of the test's own, and open a page of it that is connected."""

    def talk(reply: Any = echo, *, app: FastAPI | None = None, **options: Any) -> Visitor:
        visitor = visit(serve(app or make_app(reply, **options)).url("/chat"))
        visitor.is_connected()
        return visitor

    return talk


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Put a wire that can be broken before a port, until the test ends."""
    with contextlib.ExitStack() as relays:

        def wire(port: int) -> Relay:
            relay = Relay(port)
            relays.callback(relay.stop)
            return relay

        yield wire
