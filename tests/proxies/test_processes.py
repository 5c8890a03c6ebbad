"""A chat served by processes of uvicorn, as it is started in production."""

from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Console
from tests.browser.person import Person
from tests.proxies.conftest import StartNginx, StartUvicorn
from tests.proxies.nginx import PUBLIC_NAME
from tests.waiting import wait_until

HOST = """
from fastapi import FastAPI
from fastapi_echochat import EchoChat

app = FastAPI()
app.include_router(EchoChat().router, prefix="/support/chat")
"""
CONVERSATION = '"WebSocket /support/chat/ws" [accepted]'


def test_two_processes_behind_round_robin_are_one_chat(
    uvicorn: StartUvicorn, nginx: StartNginx, page: Page, console: Console
) -> None:
    """Whichever of two processes page, assets and conversation come from, a page is answered."""
    hosts = [uvicorn(HOST), uvicorn(HOST)]
    server = nginx(
        """
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-Proto $scheme;
        location / { proxy_pass http://backend; }
        # How many requests a page makes depends on the browser's cache: they could come out even,
        # and all conversations with one process.
        location = /support/chat/ws { proxy_pass http://conversations; }
        """,
        *(host.port for host in hosts),
    )
    public = f"{PUBLIC_NAME}:{server.port}"
    person = Person(page)

    for times in range(1, 5):
        page.goto(f"https://{public}/support/chat")
        expect(person.address).to_have_value(f"wss://{public}/support/chat/ws")
        person.says("NBA")
        person.reads(*["NBA", "Message text was: NBA"] * times)

    assert console.unexpected() == []
    assert server.log() == ""
    for host in hosts:
        assert host.log().count(CONVERSATION) == 2
        assert '"GET /support/chat' in host.log()


def test_two_workers_are_one_chat(
    uvicorn: StartUvicorn, nginx: StartNginx, context: BrowserContext, console: Console
) -> None:
    """Behind nginx and under `uvicorn --workers 2` several conversations at once are answered."""
    host = uvicorn(HOST, "--workers", "2")
    wait_until(lambda: host.log().count("Started server process") == 2, "both workers have started")
    server = nginx(
        """
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-Proto $scheme;
        location / { proxy_pass http://backend; }
        """,
        host.port,
    )
    public = f"{PUBLIC_NAME}:{server.port}"
    pages = [context.new_page() for _ in range(4)]

    for page in pages:
        page.goto(f"https://{public}/support/chat")
    for person in map(Person, pages):
        expect(person.address).to_have_value(f"wss://{public}/support/chat/ws")
        person.says("NBA")
        person.reads("NBA", "Message text was: NBA")

    assert console.unexpected() == []
    assert server.log() == ""
    assert host.log().count(CONVERSATION) == len(pages)


def test_uvicorn_with_tls_needs_no_proxy(
    uvicorn: StartUvicorn, certificate: Path, page: Page, console: Console
) -> None:
    """Under `uvicorn --ssl-keyfile --ssl-certfile` the page's endpoint is a `wss` address."""
    tls = ("--ssl-keyfile", str(certificate), "--ssl-certfile", str(certificate))
    host = uvicorn(HOST, *tls)
    person = Person(page)

    page.goto(host.url("/support/chat", "https"))

    expect(person.address).to_have_value(host.url("/support/chat/ws", "wss"))
    expect(page.locator("#echochat")).to_have_attribute(
        "data-endpoint", host.url("/support/chat/ws", "wss")
    )
    person.says("NBA")
    person.reads("NBA", "Message text was: NBA")
    assert console.unexpected() == []
