"""A chat served by processes of uvicorn, as it is started in production."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.person import Person
from tests.proxies.conftest import StartNginx, StartUvicorn, is_answered
from tests.proxies.nginx import PUBLIC_NAME
from tests.waiting import wait_until

HOST = """
from fastapi import FastAPI
from fastapi_echochat import EchoChat

app = FastAPI()
app.include_router(EchoChat(debug=True).router, prefix="/support/chat")
"""
CONVERSATION = '"WebSocket /support/chat/ws" [accepted]'


def test_two_processes_behind_round_robin_are_one_chat(
    uvicorn: StartUvicorn, nginx: StartNginx, page: Page
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

    for host in hosts:
        assert host.log().count(CONVERSATION) == 2
        assert '"GET /support/chat' in host.log()


def test_two_workers_are_one_chat(uvicorn: StartUvicorn, nginx: StartNginx, page: Page) -> None:
    """Behind nginx and under `uvicorn --workers 2` several conversations at once are answered."""
    host = uvicorn(HOST, "--workers", "2")
    wait_until(lambda: host.log().count("Started server process") == 2, "both workers have started")
    server = nginx(None, host.port)
    public = f"{PUBLIC_NAME}:{server.port}"
    pages = [page, *(page.context.new_page() for _ in range(3))]

    for each in pages:
        each.goto(f"https://{public}/support/chat")
    for person in map(Person, pages):
        is_answered(person, f"wss://{public}/support/chat/ws")

    assert host.log().count(CONVERSATION) == len(pages)


def test_uvicorn_with_tls_needs_no_proxy(
    uvicorn: StartUvicorn, certificate: Path, page: Page
) -> None:
    """Under `uvicorn --ssl-keyfile --ssl-certfile` the page's endpoint is a `wss` address."""
    tls = ("--ssl-keyfile", str(certificate), "--ssl-certfile", str(certificate))
    host = uvicorn(HOST, *tls)

    page.goto(host.url("/support/chat", "https"))

    address = host.url("/support/chat/ws", "wss")
    is_answered(Person(page), address, address)
