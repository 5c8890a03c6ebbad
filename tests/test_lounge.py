"""The rooms of the example host: its lounge, its club, its concierge, its announcements."""

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from example_host.lounge import TEXT_LENGTH
from fastapi_echochat import Entry, testing
from tests.clients import Client
from tests.conftest import Keep
from tests.servers import Fork, Process, free_port, redis_process
from tests.visitors import (
    ANNOUNCEMENTS,
    CONCIERGE,
    LIKE_A_BROWSER,
    Links,
    ask,
    refused_with,
    sign_in,
)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], TestClient]:
    """Start the example host anew, in a folder of the test's, where it keeps its rooms."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDIS_URL", raising=False)

    def start() -> TestClient:
        for name in list(sys.modules):
            if name.partition(".")[0] == "example_host":
                monkeypatch.delitem(sys.modules, name)
        return TestClient(importlib.import_module("example_host").app)

    return start


def called(entry: Entry) -> str:
    """Return the name that an entry's author is shown under."""
    assert entry.author is not None
    return entry.author.name


def test_signed_in_user(start: Callable[[], TestClient]) -> None:
    """The concierge greets each guest by name, and is shut to everybody else."""
    with start() as client:
        assert client.get(CONCIERGE).status_code == 401
        assert refused_with(client, f"{CONCIERGE}/ws") == 401

        for name in ("Ada", "Grace Hopper"):
            sign_in(client, name)
            with testing.enter(client, CONCIERGE) as guest:
                answer = f"At your service, {name}. On my list for you: NBA."
                assert guest.ask("NBA") == answer
            assert ask(client, f"{CONCIERGE}/ws") == answer


def test_conversation_that_is_kept(start: Callable[[], TestClient]) -> None:
    """The concierge remembers each guest over a restart, and nobody else comes into it."""
    with start() as client:
        sign_in(client)
        with testing.enter(client, CONCIERGE) as ada:
            ada.ask("tea")

    with start() as client:
        sign_in(client)
        with testing.enter(client, CONCIERGE, conversation=ada.conversation) as again:
            assert [entry.text for entry in again.history] == [
                "tea", "At your service, Ada. On my list for you: tea."
            ]  # fmt: skip
            assert again.ask("milk") == "At your service, Ada. On my list for you: tea; milk."
        sign_in(client, "Grace")
        with testing.enter(client, CONCIERGE, conversation=ada.conversation) as other:
            assert other.history == []
            assert other.ask("ink") == "At your service, Grace. On my list for you: ink."


def test_lounge(start: Callable[[], TestClient], tmp_path: Path) -> None:
    """People at one address talk together, and what they said is there after a restart."""
    with start() as client:
        with (
            testing.enter(client, "/rooms/lobby", name="Ada") as ada,
            testing.enter(client, "/rooms/lobby", name="Grace") as grace,
            testing.enter(client, "/rooms/garden", name="Alan") as alan,
        ):
            ada.meet("Ada", "Grace")
            said = ada.say("hello")
            assert grace.hear() == said
            assert (called(said), said.text) == ("Ada", "hello")
            grace.say("hello yourself")
            assert called(ada.hear()) == "Grace"
            alan.meet("Alan")
            assert alan.say("nobody here").text == "nobody here"
        with testing.enter(client, "/rooms/garden") as late:
            assert [entry.text for entry in late.history] == ["nobody here"]
    assert (tmp_path / "lounge.db").exists()

    with start() as client, testing.enter(client, "/rooms/lobby", name="Ada") as ada:
        assert [entry.text for entry in ada.history] == ["hello", "hello yourself"]


def test_place_of_the_lounge(
    start: Callable[[], TestClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LOUNGE_DB names the file of the lounge."""
    monkeypatch.setenv("LOUNGE_DB", str(tmp_path / "elsewhere.sqlite"))

    with start() as client, testing.enter(client, "/rooms/lobby", name="Ada") as ada:
        ada.say("hello")

    assert {path.stem for path in tmp_path.iterdir()} == {"elsewhere"}


def test_members_and_guests(start: Callable[[], TestClient]) -> None:
    """In the club a member has the name of the sign-in, and a guest's name says it is one's."""
    with start() as client:
        with testing.enter(client, "/club", name="Ada") as guest:
            assert called(guest.say("I am Ada")) == "Ada (guest)"
        sign_in(client, "Ada")
        with testing.enter(client, "/club", name="Grace") as member:
            assert called(member.say("So am I")) == "Ada"
        with testing.enter(client, "/rooms/main", name="Ada") as elsewhere:
            assert elsewhere.history == []


def test_announcement(start: Callable[[], TestClient]) -> None:
    """What the form announces is heard in the room at once, and once, however often it is sent."""
    with start() as client, testing.enter(client, "/rooms/lobby", name="Grace") as grace:
        asked = client.get(ANNOUNCEMENTS, headers=LIKE_A_BROWSER)
        assert asked.url.path == "/sign-in"
        sign_in(client)
        page = client.get(ANNOUNCEMENTS)
        (form,) = (form for form in Links(page.text, str(page.url)).forms if "rooms" in form)
        (message_id,) = re.findall(r'name="message_id" value="([^"]+)"', page.text)

        for _ in range(2):
            answer = client.post(form, data={"text": " Tea! ", "message_id": message_id})
            assert answer.url.path == "/rooms/lobby"
        client.post(form, data={"text": "The bar is closed."})

        heard = [grace.hear(), grace.hear()]
    assert [(entry.kind, called(entry), entry.text) for entry in heard] == [
        ("notice", "Announced by Ada", "Tea!"),
        ("notice", "Announced by Ada", "The bar is closed."),
    ]


def test_announcement_that_cannot_be(start: Callable[[], TestClient]) -> None:
    """An announcement of nobody, of another site or of a wrong length is not made."""
    with start() as client:
        assert client.get(ANNOUNCEMENTS).status_code == 401
        assert client.post(ANNOUNCEMENTS, data={"text": "Tea!"}).status_code == 401
        sign_in(client)
        for text in ("", "  ", "x" * (TEXT_LENGTH + 1)):
            answer = client.post(ANNOUNCEMENTS, data={"text": text})
            assert answer.status_code == 422
            assert 'role="alert"' in answer.text
        too_long = client.post(ANNOUNCEMENTS, data={"text": "Tea!", "message_id": "x" * 65})
        no_room = client.post(f"/rooms/{'x' * 256}/announcements", data={"text": "Tea!"})
        assert too_long.status_code == no_room.status_code == 422
        for site in ("cross-site", "same-site"):
            headers = {"sec-fetch-site": site}
            refused = client.post(ANNOUNCEMENTS, data={"text": "Tea!"}, headers=headers)
            assert refused.status_code == 403
        with testing.enter(client, "/rooms/lobby") as late:
            assert late.history == []


def visit(server: Process, name: str) -> Client:
    return Client(server.ws("/rooms/lobby"), name)


@pytest.fixture
def serve_host(tmp_path: Path, keep: Keep) -> Callable[..., Process]:
    """Run `uvicorn example_host:app` in a folder of the test's."""

    def serve(**env: str) -> Process:
        env = {"REDIS_URL": "", **env}
        return keep(Fork(["example_host:app"], port=free_port(), folder=tmp_path, env=env))

    return serve


def test_lounge_survives_a_kill(serve_host: Callable[..., Process]) -> None:
    """What somebody saw the lounge take is there when its server was killed and started again."""
    server = serve_host()
    with visit(server, "Ada") as ada:
        ada.tell("hello")
        server.kill()

    server.start()

    with visit(server, "Grace") as grace:
        assert grace.texts(1) == ["hello"]


def test_lounge_of_several_servers(
    tmp_path: Path, serve_host: Callable[..., Process], keep: Keep
) -> None:
    """With REDIS_URL set, people of two servers meet, and an announcement of one is in both."""
    redis = keep(redis_process(tmp_path))
    url = redis.url("/0", "redis")
    one, two = serve_host(REDIS_URL=url), serve_host(REDIS_URL=url)
    with visit(one, "Ada") as ada, visit(two, "Grace") as grace:
        ada.meet("Ada", "Grace")
        with httpx.Client(base_url=one.url(), follow_redirects=True) as member:
            member.post("/sign-in", data={"name": "Alan"})
            answer = member.post(ANNOUNCEMENTS, data={"text": "Tea!"})
        assert answer.url.path == "/rooms/lobby"
        for visitor in (ada, grace):
            assert visitor.texts(1) == ["Tea!"]
    assert not (tmp_path / "lounge.db").exists()
