"""What a host's own tests speak to a chat with: both protocols, and no wait without an end."""

import asyncio
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import anyio.to_thread
import pytest
from fastapi import Depends, FastAPI, HTTPException, WebSocket
from fastapi.requests import HTTPConnection
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from fastapi_echochat import (
    EchoChat,
    Entry,
    Limits,
    MemoryRooms,
    Message,
    RoomsUnavailableError,
    testing,
)
from tests.apps import make_client, mount
from tests.waiting import PATIENCE, patient

# Seconds to wait for what does not come; what comes before it has the same time.
SHORT = patient(0.3)

BOTH = pytest.mark.parametrize("protocol", ["echochat.v1", "plain"])


async def spell(message: Message) -> AsyncIterator[str]:
    for letter in message.text:
        yield letter


async def fail(message: Message) -> AsyncIterator[str]:
    yield "so far"
    raise LookupError(message.text)


async def say_nothing(message: Message) -> str:
    await asyncio.Event().wait()
    return message.text


@BOTH
@pytest.mark.parametrize("address", ["/chat", "/chat/", "/chat?tenant=acme", "/chat/?x"])
def test_ask_and_read(protocol: Any, address: str) -> None:
    """A question is answered in either protocol, at the address that the page has."""
    with testing.connect(make_client(), address, protocol=protocol) as chat:
        assert chat.ask("NBA") == "Message text was: NBA"
        assert chat.ask("") == "Message text was: "


def test_frames_of_either_protocol() -> None:
    """A frame is a dictionary in echochat.v1, whose first one is kept, and a text in plain."""
    with testing.connect(make_client(limits=Limits(message_bytes=9)), "/chat") as chat:
        assert chat.welcome is not None
        assert chat.welcome["limits"]["message_bytes"] == 9
        sent = chat.send("NBA")
        text = "Message text was: NBA"
        assert chat.receive() == {
            "type": "reply", "in_reply_to": sent, "text": text, "done": True,
        }  # fmt: skip
        chat.send_frame({"type": "ping"})
        assert chat.receive() == {"type": "pong"}

    with testing.connect(make_client(), "/chat", protocol="plain") as chat:
        assert chat.welcome is None
        chat.send("NBA")
        assert chat.receive() == text


def test_streamed_answer() -> None:
    """A streamed answer is read whole or by the piece; plain has it in one piece."""
    with testing.connect(make_client(spell), "/chat") as chat:
        assert chat.ask("NBA") == "NBA"
        assert list(chat.pieces("NBA")) == ["N", "B", "A"]
        assert list(chat.pieces("")) == []
    with testing.connect(make_client(spell), "/chat", protocol="plain") as chat:
        assert list(chat.pieces("NBA")) == ["NBA"]


def test_other_frames_are_passed_over() -> None:
    """A question is answered by its own answer, whatever else is on its way."""
    with testing.connect(make_client(), "/chat") as chat:
        chat.send("first")
        chat.send_frame({"type": "ping"})
        assert chat.ask("second") == "Message text was: second"


def test_stopped_answer() -> None:
    """An answer that is stopped ends with the error that says so."""

    async def go_on(message: Message) -> AsyncIterator[str]:
        yield message.text
        await asyncio.Event().wait()

    with testing.connect(make_client(go_on), "/chat") as chat:
        pieces = chat.pieces("and")
        assert next(pieces) == "and"
        chat.stop()
        with pytest.raises(testing.ChatError, match=r"^stopped: "):
            next(pieces)


def test_errors_of_echochat_v1() -> None:
    """An error is raised with its code and what the chat says; the connection goes on."""
    with testing.connect(make_client(fail, limits=Limits(message_bytes=9)), "/chat") as chat:
        with pytest.raises(testing.ChatError) as failed:
            chat.ask("NBA")
        with pytest.raises(testing.ChatError, match="9 bytes") as too_long:
            chat.ask("0123456789")
        pieces = chat.pieces("NBA")
        assert next(pieces) == "so far"
    assert failed.value.code == "reply_failed"
    assert str(failed.value) == f"reply_failed: {failed.value.detail}"
    assert too_long.value.code == "message_too_long"


def test_errors_of_the_plain_protocol() -> None:
    """The close that is an error in the plain protocol is raised with its number and reason."""
    with (
        testing.connect(make_client(fail), "/chat", protocol="plain") as chat,
        pytest.raises(testing.ChatError) as closed,
    ):
        chat.ask("NBA")
    assert closed.value.code == 1011
    assert closed.value.detail


@BOTH
def test_answer_that_never_comes(protocol: Any) -> None:
    """A wait ends after the timeout, and names what it was for; so do the frames after it."""
    with testing.connect(
        make_client(say_nothing), "/chat", protocol=protocol, timeout=SHORT
    ) as chat:
        with pytest.raises(AssertionError, match=rf"^waited {SHORT} s .* answer to 'NBA'$"):
            chat.ask("NBA")
        with pytest.raises(testing.NoAnswerError, match=rf"^waited {SHORT} s in vain for a frame$"):
            chat.receive()


def test_answer_that_never_ends() -> None:
    """A question waits for its whole answer no longer than the timeout, however much comes."""

    async def go_on(message: Message) -> AsyncIterator[str]:
        while True:
            yield message.text
            await asyncio.sleep(0.01)

    with (
        testing.connect(make_client(go_on), "/chat", timeout=SHORT) as chat,
        pytest.raises(testing.NoAnswerError, match="the rest of the answer to 'and'"),
    ):
        chat.ask("and")


def test_late_frame_is_not_lost() -> None:
    """What comes after a wait has ended is there for the next one."""
    goes_on = threading.Event()

    def reply(message: Message) -> str:
        assert goes_on.wait(PATIENCE)
        return message.text

    with testing.connect(make_client(reply), "/chat", timeout=SHORT) as chat:
        sent = chat.send("NBA")
        with pytest.raises(testing.NoAnswerError):
            chat.receive()
        goes_on.set()
        chat.timeout = 10
        assert chat.receive()["in_reply_to"] == sent


def test_refused_handshake() -> None:
    """A handshake that a guard refuses is raised with its status and body, and can be let in."""

    def guard(connection: HTTPConnection) -> None:
        if "x-user" not in connection.headers:
            raise HTTPException(401, "Sign in first")

    browser = make_client(dependencies=[Depends(guard)])

    with pytest.raises(WebSocketDenialResponse) as refused, testing.connect(browser, "/chat"):
        pytest.fail("it was let in")
    with testing.connect(browser, "/chat", headers={"x-user": "ada"}) as chat:
        assert chat.ask("NBA") == "Message text was: NBA"
    assert refused.value.status_code == 401
    assert refused.value.json() == {"detail": "Sign in first"}


def test_page_of_another_site_is_refused() -> None:
    """A handshake that is closed before it is accepted is a 403, as a server makes of it."""
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        testing.connect(make_client(), "/chat", headers={"Origin": "https://evil.example"}),
    ):
        pytest.fail("it was let in")
    assert refused.value.status_code == 403


def test_handshake_that_never_ends() -> None:
    """A handshake that nobody answers is given up after the timeout, and what answers it ended."""
    ended = threading.Event()

    async def guard() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    browser = make_client(dependencies=[Depends(guard)])

    with (
        pytest.raises(testing.NoAnswerError, match=r"for the handshake with /chat/ws$"),
        testing.connect(browser, "/chat", timeout=SHORT),
    ):
        pytest.fail("it was let in")
    assert ended.wait(PATIENCE)


def host(endpoint: Any) -> TestClient:
    app = FastAPI()
    app.add_api_websocket_route("/chat/ws", endpoint)
    return TestClient(app)


def test_endpoint_that_does_not_end() -> None:
    """A test ends though the endpoint does not, and says so, unless it has failed before."""
    released = threading.Event()

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await anyio.to_thread.run_sync(released.wait)

    def connect() -> AbstractContextManager[testing.Chat]:
        return testing.connect(host(endpoint), "/chat", protocol="plain", timeout=SHORT)

    try:
        with pytest.raises(testing.NoAnswerError, match="for the end of /chat/ws"), connect():
            pass
        with pytest.raises(KeyError, match="first"), connect():
            raise KeyError("first")
    finally:
        released.set()


def test_endpoint_that_ends_without_a_word() -> None:
    """An endpoint that returns without a close is told of at once, not waited for."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()

    with (
        testing.connect(host(endpoint), "/chat", protocol="plain", timeout=4 * PATIENCE) as chat,
        pytest.raises(testing.ChatError, match=r"^1006: "),
    ):
        chat.ask("NBA")


def test_endpoint_that_raises() -> None:
    """What an endpoint raises reaches the test, as with Starlette's TestClient itself."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_text()
        raise LookupError("in the endpoint")

    with (
        pytest.raises(LookupError, match="in the endpoint"),
        testing.connect(host(endpoint), "/chat", protocol="plain", timeout=4 * PATIENCE) as chat,
    ):
        chat.ask("NBA")


def test_protocol_that_is_none() -> None:
    """A protocol that is none of the two is refused by name."""
    with (
        pytest.raises(ValueError, match=r"protocol= takes 'echochat.v1' or 'plain', not 'v2'"),
        testing.connect(make_client(), "/chat", protocol="v2"),  # type: ignore[arg-type]  # the point
    ):
        pytest.fail("it was let in")


def test_client_with_a_lifespan() -> None:
    """A client that is entered, and so shares its event loop, serves several chats at a time."""
    with (
        make_client() as browser,
        testing.connect(browser, "/chat") as one,
        testing.connect(browser, "/chat", protocol="plain") as two,
    ):
        assert (one.ask("a"), two.ask("b")) == ("Message text was: a", "Message text was: b")


def test_package_needs_no_client() -> None:
    """Where no HTTP client is installed the package, this module in it, can be imported."""
    program = (
        "import sys; sys.modules.update({'httpx': None, 'httpx2': None}); "
        "from fastapi_echochat.testing import *; print(connect.__name__, enter.__name__)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert ran.stdout.strip() == "connect enter"


# --- Rooms ---------------------------------------------------------------------------------


@pytest.fixture
def lounge() -> Iterator[TestClient]:
    """Open a chat in which people talk among themselves."""
    with make_client(None, rooms=MemoryRooms()) as browser:
        yield browser


def texts(entries: Iterable[Entry]) -> list[str]:
    return [entry.text for entry in entries]


def test_people_in_a_room(lounge: TestClient) -> None:
    """What one says comes back to them as the room keeps it, and everybody else hears it."""
    with (
        testing.enter(lounge, "/chat", name="Ada") as ada,
        testing.enter(lounge, "/chat/", name="  Grace\t") as grace,
    ):
        said = ada.say("hello")
        assert grace.hear() == said
        assert (said.kind, said.text) == ("message", "hello")
        assert said.author is not None
        assert (said.author.id, said.author.name) == (ada.id, "Ada")
        assert said.position > 0
        assert said.sent_at.utcoffset() == timedelta(0)
        assert (ada.name, grace.name) == ("Ada", "Grace")
        assert ada.id != grace.id
        assert ada.welcome["room"]["name"] == "main"


def test_what_others_say_is_kept(lounge: TestClient) -> None:
    """What comes while something else is waited for is heard later, in order and once."""
    with (
        testing.enter(lounge, "/chat", name="Ada", timeout=0.5) as ada,
        testing.enter(lounge, "/chat", name="Grace") as grace,
    ):
        for text in ("one", "two"):
            grace.say(text)
        ada.say("three")
        assert texts([ada.hear(), ada.hear()]) == ["one", "two"]
        ada.timeout = 0.1
        with pytest.raises(testing.NoAnswerError, match="for somebody to say something"):
            ada.hear()


def test_history(lounge: TestClient) -> None:
    """A person who comes later has what was said before in their history, and does not hear it."""
    with testing.enter(lounge, "/chat", name="Ada") as ada:
        for number in range(60):
            ada.say(str(number))
        assert ada.history == []

    with testing.enter(lounge, "/chat", name="Ada", timeout=0.5) as ada:
        assert texts(ada.history) == [str(number) for number in range(10, 60)]
        with pytest.raises(testing.NoAnswerError):
            ada.hear()


def test_people_who_are_there(lounge: TestClient) -> None:
    """A test can wait until certain people are there; in vain, it is told who was."""
    with testing.enter(lounge, "/chat", name="Ada") as ada:
        with testing.enter(lounge, "/chat", name="Grace"):
            ada.meet("Ada", "Grace")
            assert ada.people == ["Ada", "Grace"]
        ada.meet("Ada")
        ada.timeout = 0.1
        with pytest.raises(testing.NoAnswerError, match=r"\['Alan'\] to be there; \['Ada'\] are$"):
            ada.meet("Alan")


def test_frames_of_a_room(lounge: TestClient) -> None:
    """Frames that have no word of their own are sent and received as they are."""
    with testing.enter(lounge, "/chat", name="Ada") as ada:
        ada.meet("Ada")
        ada.send_frame({"type": "name", "name": "Ada Lovelace"})
        author = ada.say("hello").author
        assert author is not None
        assert (author.id, author.name) == (ada.id, "Ada Lovelace")
        assert ada.name == "Ada Lovelace"
        ada.meet("Ada Lovelace")
        ada.send_frame({"type": "ping"})
        assert ada.receive() == {"type": "pong"}


def test_guest_who_comes_back(lounge: TestClient) -> None:
    """Anybody with a guest's secret is the same person, by any name; others are somebody else."""
    with testing.enter(lounge, "/chat", name="Ada") as ada:
        said = ada.say("hello")
    with (
        testing.enter(lounge, "/chat", name="Ada Lovelace", guest=ada.guest) as again,
        testing.enter(lounge, "/chat", name="Ada", timeout=0.5) as other,
    ):
        assert again.id == ada.id
        assert other.id != ada.id
        assert other.history == [said]
        # Two of one name are told apart: each hears the other's.
        again.send_frame({"type": "name", "name": "Ada"})
        heard = again.say("it is me").author
        assert other.hear().author == heard
        other.say("so am I")
        assert again.hear().text == "so am I"


def test_people_of_one_name(lounge: TestClient) -> None:
    """Each of two people of one name is there, and a test can wait for both."""
    with (
        testing.enter(lounge, "/chat", name="Ada") as ada,
        testing.enter(lounge, "/chat", name="Ada"),
    ):
        ada.meet("Ada", "Ada")


def test_guest_without_a_name(lounge: TestClient) -> None:
    """A person without a name reads along, and what they say is refused."""
    with testing.enter(lounge, "/chat", name="Ada") as ada, testing.enter(lounge, "/chat") as guest:
        assert guest.name is None
        with pytest.raises(testing.ChatError, match=r"^bad_name: "):
            guest.say("hello")
        ada.say("hello")
        assert guest.hear().text == "hello"


def test_error_that_comes_meanwhile(lounge: TestClient) -> None:
    """An error is raised by the wait that it concerns, and by one that is for anything."""
    with testing.enter(lounge, "/chat", name="Ada") as ada:
        ada.send("x" * 70_000)
        assert ada.say("hello").text == "hello"
        ada.send("x" * 70_000)
        with pytest.raises(testing.ChatError, match=r"^message_too_long: "):
            ada.hear()
        ada.send_frame({"type": "nonsense"})
        with pytest.raises(testing.ChatError, match=r"^bad_frame: "):
            ada.say("hello")


def test_host_in_a_room() -> None:
    """What the host posts is heard by everybody there."""
    chat = EchoChat(None, rooms=MemoryRooms())
    app = mount(chat, "/rooms/{room}")

    @app.post("/tea")
    async def announce_tea() -> None:
        await chat.post("lobby", "Tea!", author="Kitchen")

    with (
        TestClient(app) as browser,
        testing.enter(browser, "/rooms/lobby") as guest,
        testing.enter(browser, "/rooms/garden") as other,
    ):
        browser.post("/tea")
        heard = guest.hear()
        assert (heard.kind, heard.text) == ("notice", "Tea!")
        assert heard.author is not None
        assert heard.author.name == "Kitchen"
        other.timeout = 0.1
        with pytest.raises(testing.NoAnswerError):
            other.hear()


def test_bot_in_a_room() -> None:
    """A bot's answer is returned to who asked, and heard by everybody else."""
    with (
        make_client(spell, rooms=MemoryRooms()) as browser,
        testing.enter(browser, "/chat", name="Ada", timeout=1) as ada,
        testing.enter(browser, "/chat", name="Grace") as grace,
    ):
        assert ada.ask("NBA") == "NBA"
        assert [(entry.kind, entry.text) for entry in (grace.hear(), grace.hear())] == [
            ("message", "NBA"),
            ("answer", "NBA"),
        ]
        said = grace.say("hello")
        heard = [ada.hear(), ada.hear()]
        assert [(entry.kind, entry.text) for entry in heard] == [
            ("message", "hello"),
            ("answer", "hello"),
        ]
        assert (heard[0].id, heard[0].position) == (said.id, said.position)
        assert heard[1].in_reply_to == said.position


def test_kept_conversation() -> None:
    """A conversation is one's own, and those who have its identifier come back to it."""
    with make_client(spell, rooms=MemoryRooms(), private=True) as browser:
        with testing.enter(browser, "/chat") as chat:
            assert chat.ask("NBA") == "NBA"
            assert "".join(chat.pieces("WNBA")) == "WNBA"
            assert list(chat.pieces("")) == []
        with testing.enter(browser, "/chat", conversation=chat.conversation) as again:
            assert texts(again.history) == ["NBA", "NBA", "WNBA", "WNBA", "", ""]
        with testing.enter(browser, "/chat") as other:
            assert other.history == []
        with (
            pytest.raises(testing.ChatError, match=r"^bad_frame: .*conversation"),
            testing.enter(browser, "/chat", conversation="guessable"),
        ):
            pytest.fail("it was let in")


def test_pieces_in_a_room() -> None:
    """A streamed answer is read piece by piece while it is written, and can be stopped."""

    async def count(message: Message) -> AsyncIterator[str]:
        for number in itertools.count():
            yield f"{message.text} {number} "
            await asyncio.sleep(0.01)

    with (
        make_client(count, rooms=MemoryRooms(), private=True) as browser,
        testing.enter(browser, "/chat") as chat,
    ):
        pieces = chat.pieces("sheep")
        so_far = next(pieces) + next(pieces) + next(pieces)
        assert so_far.startswith("sheep 0 sheep 1 sheep 2 ")
        chat.stop()
        with pytest.raises(testing.ChatError, match=r"^stopped: "):
            list(pieces)

        chat.timeout = 0.2
        with pytest.raises(testing.NoAnswerError, match="the rest of the answer to 'goat'"):
            chat.ask("goat")


def test_answer_that_fails_in_a_room() -> None:
    """An answer that the reply function did not end is an error, as in a chat without rooms."""
    with (
        make_client(fail, rooms=MemoryRooms(), private=True) as browser,
        testing.enter(browser, "/chat") as chat,
        pytest.raises(testing.ChatError) as failed,
    ):
        chat.ask("NBA")
    assert failed.value.code == "reply_failed"


def test_room_that_is_out_of_reach() -> None:
    """Nobody waits for ever for a room that cannot be reached, nor for what it does not keep."""

    class Away(MemoryRooms):
        async def append(self, room: str, entry: Entry) -> Entry:
            raise RoomsUnavailableError

    class FarAway(Away):
        async def read_back(
            self,
            room: str,
            *,
            before: int | None = None,
            limit: int = 100,
            max_bytes: int | None = None,
        ) -> list[Entry]:
            raise RoomsUnavailableError

    with (
        make_client(None, rooms=Away()) as browser,
        testing.enter(browser, "/chat", name="Ada") as ada,
    ):
        ada.timeout = 0.1
        with pytest.raises(testing.NoAnswerError, match="for 'hello' to be kept"):
            ada.say("hello")
    with (
        pytest.raises(testing.ChatError, match=r"^1013: "),
        testing.enter(make_client(None, rooms=FarAway()), "/chat", name="Ada"),
    ):
        pytest.fail("it was let in")


def test_way_in_that_is_the_wrong_one(lounge: TestClient) -> None:
    """A chat with rooms is entered, one without is connected to, and each error says so."""
    with (
        pytest.raises(testing.NoAnswerError, match=r"where the chat has rooms, testing\.enter"),
        testing.connect(lounge, "/chat", timeout=SHORT),
    ):
        pytest.fail("it was let in")
    with (
        pytest.raises(ValueError, match=r"no rooms: testing\.connect"),
        testing.enter(make_client(), "/chat", name="Ada"),
    ):
        pytest.fail("it was let in")


def test_message_sent_between_a_look_and_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message is noticed though it is sent when the chat has just seen that there is none.

    Starlette's sessions have such a moment before 0.46; with newer ones the message comes anyhow.
    """
    connect, may_come = TestClient.websocket_connect, threading.Event()
    session: Any = None

    def connect_and_watch(self: TestClient, *args: Any, **options: Any) -> Any:
        nonlocal session
        session = connect(self, *args, **options)
        if waiting := getattr(session, "_receive_queue", None):
            look = waiting.empty

            def look_for_long() -> bool:
                is_empty: bool = look()
                if is_empty and may_come.is_set():
                    may_come.clear()
                    threading.Thread(target=session.send_text, args=["late"]).start()
                    time.sleep(0.1)
                return is_empty

            waiting.empty = look_for_long
        return session

    monkeypatch.setattr(TestClient, "websocket_connect", connect_and_watch)
    with testing.connect(make_client(), "/chat", protocol="plain", timeout=patient(5)) as chat:
        may_come.set()
        assert chat.ask("first") == "Message text was: first"
        if not hasattr(session, "_receive_queue"):
            session.send_text("late")
        assert chat.receive() == "Message text was: late"
