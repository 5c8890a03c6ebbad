"""A real nginx, real uvicorns behind it, and a real Chromium before it."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import (  # noqa: F401 - fixtures of these tests
    chromium,
    console,
    context,
    page,
    pytest_pyfunc_call,
)
from tests.browser.person import Person
from tests.proxies.nginx import PUBLIC_NAME, nginx_process
from tests.servers import Process, uvicorn_command, uvicorn_process

StartNginx = Callable[..., Process]
StartUvicorn = Callable[..., Process]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a private key and its certificate, in one file."""
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    issued = trustme.CA().issue_cert(PUBLIC_NAME, "127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(path)
    return path


@pytest.fixture
def profile() -> dict[str, Any]:
    """Return the options of a browser profile that takes the tests' certificate."""
    return {"ignore_https_errors": True}


@pytest.fixture
def nginx(tmp_path: Path, certificate: Path) -> Iterator[StartNginx]:
    """Start nginx before servers of the given ports, until the test ends; it has nothing to say."""
    with contextlib.ExitStack() as processes:
        folder = tmp_path / "nginx"
        folder.mkdir()

        def start(server_block: str | None, *upstreams: int, port: int | None = None) -> Process:
            process = nginx_process(
                server_block, *upstreams, folder=folder, certificate=certificate, port=port
            )
            processes.callback(_expect, process.log, "")
            processes.callback(process.stop)
            return process

        yield start


def is_answered(person: Person, address: str, rendered: str | None = None) -> None:
    """Say NBA on a page, and read the answer.

    Args:
        person: In front of it.
        address: Of the endpoint, as the page shows it.
        rendered: The same as far as the server can see, if that is to be known.
    """
    expect(person.address).to_have_value(address)
    if rendered:
        shown = person.page.locator("#echochat")
        expect(shown).to_have_attribute("data-endpoint", rendered)
    person.says("NBA")
    person.reads("NBA", "Message text was: NBA")


def _expect(read: Callable[[], object], expected: object) -> None:
    assert read() == expected


# Takes the browser's profile to be stopped before its pages are closed: uvicorn 0.54 with TLS
# ends in a traceback (`InvalidState`, from its own `shutdown`) while a client's close is under way.
@pytest.fixture
def uvicorn(
    tmp_path: Path,
    context: BrowserContext,  # noqa: F811 - it is the one above
) -> Iterator[StartUvicorn]:
    """Start `uvicorn host:app` in processes until the test ends, and then read their logs."""
    with contextlib.ExitStack() as processes:

        def start(source: str, *options: str) -> Process:
            process = (uvicorn_command if options else uvicorn_process)(source, tmp_path, *options)
            processes.callback(_expect, process.complaints, [])
            processes.callback(process.stop)
            return process

        yield start
