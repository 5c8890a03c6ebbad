"""What people think of answers reaches the host's function, and nothing else does."""

import asyncio
import functools
import json
import threading
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import Depends, Header
from websockets.sync.client import connect

from fastapi_echochat import EchoChat, Limits, MemoryRooms, Message, Rooms, echo
from fastapi_echochat.protocol.frames import Verdict
from tests.apps import make_app
from tests.clients import CONVERSATION, V1, Client, Frame, receive
from tests.conftest import Serve
from tests.waiting import PATIENCE, wait_until


class Heard:
    """A function that keeps what it is told, and may raise."""

    def __init__(self) -> None:
        self.calls: list[tuple[Message, str, Verdict]] = []
        self.error: Exception | None = None

    async def __call__(self, message: Message, answer: str, verdict: Verdict) -> None:
        if self.error is not None:
            raise self.error
        self.calls.append((message, answer, verdict))

    @property
    def said(self) -> list[tuple[str, str, str]]:
        return [(message.text, answer, verdict) for message, answer, verdict in self.calls]


def judge(client: Client, answer_id: object, verdict: str = "up") -> Frame:
    """Give a verdict, and return what the server says to it."""
    client.send(type="feedback", id=answer_id, verdict=verdict)
    while (frame := client.receive())["type"] not in ("feedback", "error"):
        pass
    return frame


def ask(client: Client, text: str, message_id: str | None = None) -> str:
    message_id = client.say(text, message_id)
    client.answer_frames()
    return message_id


async def spell(message: Message) -> AsyncIterator[str]:
    for letter in message.text:
        yield letter.upper()


async def halve(message: Message) -> AsyncIterator[str]:
    middle = len(message.text) // 2
    yield message.text[:middle]
    yield message.text[middle:]


@pytest.mark.parametrize("reply", [echo, spell])
def test_verdict_in_a_conversation(serve: Serve, reply: Any) -> None:
    """The function gets the message, its whole answer and the verdict; the frame comes back."""
    heard = Heard()

    with Client(serve(make_app(reply, feedback=heard)).ws(), enters=False) as client:
        ask(client, "nba", "the id")
        assert judge(client, "the id") == {"type": "feedback", "id": "the id", "verdict": "up"}

    answer = "NBA" if reply is spell else "Message text was: nba"
    assert heard.said == [("nba", answer, "up")]
    assert heard.calls[0][0].id == "the id"


def test_mind_that_is_changed(serve: Serve) -> None:
    """Each verdict on one answer calls the function again."""
    heard = Heard()

    with Client(serve(make_app(feedback=heard)).ws(), enters=False) as client:
        message_id = ask(client, "nba")
        for verdict in ("up", "down", "down"):
            assert judge(client, message_id, verdict)["verdict"] == verdict

    assert [verdict for *_, verdict in heard.calls] == ["up", "down", "down"]


def is_in_thread() -> bool:
    return threading.current_thread().name == "echochat reply"


@pytest.mark.parametrize("is_async", [True, False])
def test_dependencies_of_the_function(serve: Serve, is_async: bool) -> None:
    """Its dependencies are solved apart from the reply function's, which may have equal names."""
    heard: list[tuple[str, str, bool]] = []

    def name(x_name: Annotated[str, Header()]) -> str:
        return x_name

    async def reply(message: Message, who: Annotated[list[str], Depends(list)]) -> str:
        return f"{who}"

    def note(
        message: Message, answer: str, verdict: Verdict, who: Annotated[str, Depends(name)]
    ) -> None:
        heard.append((who, answer, is_in_thread()))

    async def note_async(
        message: Message, answer: str, verdict: Verdict, who: Annotated[str, Depends(name)]
    ) -> None:
        heard.append((who, answer, is_in_thread()))

    app = make_app(reply, feedback=note_async if is_async else note)
    with Client(serve(app).ws(), enters=False, headers={"x-name": "Ada"}) as client:
        message_id = ask(client, "nba")
        assert judge(client, message_id)["type"] == "feedback"

    assert heard == [("Ada", "[]", not is_async)]


@pytest.mark.parametrize("answer_id", ["nobody's", 1, 1.0, 2**53 - 1])
def test_answer_that_is_not_known(serve: Serve, answer_id: object) -> None:
    """A verdict on what is no answer is an error that names it, and calls nothing."""
    heard = Heard()

    with Client(serve(make_app(feedback=heard)).ws(), enters=False) as client:
        ask(client, "nba", "1")
        error = judge(client, answer_id)
        assert (error["code"], error["in_reply_to"]) == ("unknown_answer", answer_id)
        assert client.is_alive()

    assert heard.calls == []


def test_answer_of_another_connection(serve: Serve) -> None:
    """Nobody judges an answer of somebody else's conversation, nor of a connection that ended."""
    heard = Heard()
    url = serve(make_app(feedback=heard)).ws()

    with Client(url, enters=False) as client:
        message_id = ask(client, "nba")
        with Client(url, enters=False) as other:
            assert judge(other, message_id)["code"] == "unknown_answer"
    with Client(url, enters=False) as client:
        assert judge(client, message_id)["code"] == "unknown_answer"

    assert heard.calls == []


def test_answer_that_is_not_whole(serve: Serve, expected_errors: list[str]) -> None:
    """What was stopped, failed, is still being written or is empty cannot be judged."""
    expected_errors.append("the reply function failed")
    heard = Heard()

    async def reply(message: Message) -> AsyncIterator[str]:
        if message.text == "nothing":
            return
        yield "a piece"
        if message.text == "fail":
            raise RuntimeError
        await asyncio.sleep(PATIENCE)

    with Client(serve(make_app(reply, feedback=heard)).ws(), enters=False) as client:
        failed, nothing = ask(client, "fail"), ask(client, "nothing")
        stopped = client.say("stop")
        client.hear("reply", text="a piece")
        assert judge(client, stopped)["code"] == "unknown_answer"
        client.stop(stopped)
        client.hear("error", code="stopped")
        for message_id in (failed, nothing, stopped):
            assert judge(client, message_id)["code"] == "unknown_answer"

    assert heard.calls == []


def test_only_the_last_exchanges_are_kept(serve: Serve) -> None:
    """Of a conversation without rooms so many exchanges can be judged, and so many characters."""
    heard = Heard()

    with Client(serve(make_app(halve, feedback=heard)).ws(), enters=False) as client:
        ids = [ask(client, "x") for _ in range(33)]
        assert [judge(client, id_)["type"] for id_ in ids[:2]] == ["error", "feedback"]
        ask(client, "x" * 16_384, "half")
        assert judge(client, ids[-1])["type"] == "feedback"
        ask(client, "x" * 16_384, "other half")
        assert judge(client, "half")["type"] == "feedback"
        assert judge(client, ids[-1])["type"] == "error"
        ask(client, "x" * 32_769, "too long")
        assert judge(client, "too long")["code"] == "unknown_answer"
        assert judge(client, "other half")["type"] == "feedback"


def test_message_sent_again_under_its_id(serve: Serve) -> None:
    """Where a client uses an id again, the later exchange is the one that is judged."""
    heard = Heard()

    with Client(serve(make_app(feedback=heard)).ws(), enters=False) as client:
        for text in ("one", "two"):
            ask(client, text, "same")
        judge(client, "same")

    assert heard.said == [("two", "Message text was: two", "up")]


# --- Rooms ----------------------------------------------------------------------------------


def test_verdict_in_a_room(serve: Serve, rooms: Rooms) -> None:
    """Everybody in a room judges any answer there, by its position; the store says what it is."""
    heard = Heard()
    url = serve(make_app(echo, rooms=rooms, feedback=heard)).ws()

    with Client(url, "Ada") as ada, Client(url, "Grace") as grace:
        question = ada.tell("nba", "the id")
        for client in (ada, grace):
            position = client.answer()["position"]
            assert judge(client, position, "down") == {
                "type": "feedback", "id": position, "verdict": "down"
            }  # fmt: skip
    assert heard.said == [("nba", "Message text was: nba", "down")] * 2
    message = heard.calls[1][0]
    assert (message.id, message.room) == ("the id", "main")
    assert message.author is not None
    assert message.author.name == "Ada"

    with Client(url, "Linus") as late:
        for id_ in (question["position"], position + 1, position - 1, 0, "the id", str(position)):
            error = judge(late, id_)
            assert (error["code"], error["in_reply_to"]) == ("unknown_answer", id_)
        assert judge(late, position)["type"] == "feedback"


def test_verdict_in_a_kept_conversation(serve: Serve, rooms: Rooms) -> None:
    """An answer can be judged after a reconnect, and from another conversation it cannot."""
    heard = Heard()
    url = serve(make_app(spell, rooms=rooms, private=True, feedback=heard)).ws()

    with Client(url, conversation=CONVERSATION) as client:
        client.say("nba")
        position = client.answer()["position"]
    with Client(url, conversation=CONVERSATION) as client:
        assert judge(client, position)["type"] == "feedback"
    with Client(url, conversation="d" * 22) as other:
        assert judge(other, position)["code"] == "unknown_answer"

    assert heard.said == [("nba", "NBA", "up")]


def test_answer_of_another_room(serve: Serve, rooms: Rooms) -> None:
    """An answer is judged from its own room only, and by nobody who has not entered."""
    heard = Heard()
    app = make_app(echo, prefix="/rooms/{room}", rooms=rooms, feedback=heard)
    server = serve(app)

    with Client(server.ws("/rooms/one"), "Ada") as ada:
        ada.say("nba")
        position = ada.answer()["position"]
    with Client(server.ws("/rooms/two"), "Eve") as eve:
        assert judge(eve, position)["code"] == "unknown_answer"
    with connect(server.ws("/rooms/one"), subprotocols=V1) as outside:
        outside.send(json.dumps({"type": "feedback", "id": position, "verdict": "up"}))
        assert receive(outside)["code"] == "unknown_answer"

    assert heard.calls == []


def test_stopped_answer_of_a_room(serve: Serve, rooms: Rooms) -> None:
    """Of an answer that was stopped the room keeps what there was, which is not judged."""
    heard = Heard()

    async def reply(message: Message) -> AsyncIterator[str]:
        yield "a piece"
        await asyncio.sleep(PATIENCE)

    with Client(serve(make_app(reply, rooms=rooms, feedback=heard)).ws(), "Ada") as ada:
        message_id = ada.say("nba")
        ada.hear("draft")
        ada.stop(message_id)
        answer = ada.answer()
        assert answer["text"] == "a piece"
        assert judge(ada, answer["position"])["code"] == "unknown_answer"

    assert heard.calls == []


def test_question_that_the_store_has_let_go_of(serve: Serve) -> None:
    """An answer whose message is gone cannot be judged."""
    heard = Heard()
    app = make_app(spell, rooms=MemoryRooms(history=1), private=True, feedback=heard)

    with Client(serve(app).ws(), conversation=CONVERSATION) as client:
        client.say("nba")
        assert judge(client, client.answer()["position"])["code"] == "unknown_answer"

    assert heard.calls == []


# --- Failures and bounds --------------------------------------------------------------------


def test_function_that_raises(serve: Serve, expected_errors: list[str]) -> None:
    """The log has the traceback and the client a sentence, and the next verdict is taken."""
    expected_errors.append("the function of feedback= failed")
    heard = Heard()

    with Client(serve(make_app(feedback=heard)).ws(), enters=False) as client:
        message_id = ask(client, "nba")
        for error in (RuntimeError("a secret"), asyncio.TimeoutError()):
            heard.error = error
            told = judge(client, message_id)
            assert told == {
                "type": "error", "code": "feedback_failed", "in_reply_to": message_id,
                "detail": "the verdict was not taken",
            }  # fmt: skip
        heard.error = None
        assert judge(client, message_id)["type"] == "feedback"


def test_function_that_is_cancelled(serve: Serve, expected_errors: list[str]) -> None:
    """A cancellation of the function's own is a failure of it, and ends nothing else."""
    expected_errors.append("the function of feedback= failed")

    async def note(message: Message, answer: str, verdict: Verdict) -> None:
        raise asyncio.CancelledError

    with Client(serve(make_app(feedback=note)).ws(), enters=False) as client:
        message_id = ask(client, "nba")
        for _ in range(2):
            assert judge(client, message_id)["code"] == "feedback_failed"
        assert client.is_alive()


def test_chat_without_feedback(serve: Serve) -> None:
    """Where nobody asks, a verdict is a frame that makes no sense; so is what is no verdict."""
    with Client(serve(make_app()).ws(), enters=False) as client:
        assert judge(client, ask(client, "nba"))["code"] == "bad_frame"
    with Client(serve(make_app(feedback=Heard())).ws(), enters=False) as client:
        message_id = ask(client, "nba")
        assert judge(client, message_id, "sideways")["code"] == "bad_frame"
        assert judge(client, None)["code"] == "bad_frame"
        assert judge(client, "")["code"] == "bad_frame"
        assert judge(client, message_id)["type"] == "feedback"


class Slow:
    """A function that waits until it may go on."""

    def __init__(self) -> None:
        self.running = self.most = 0
        self.verdicts: list[Verdict] = []
        self.released = threading.Event()

    async def __call__(self, message: Message, answer: str, verdict: Verdict) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        while not self.released.is_set():  # noqa: ASYNC110 - it is set by another thread
            await asyncio.sleep(0.01)
        self.running -= 1
        self.verdicts.append(verdict)


def test_one_at_a_time_and_no_more_than_may_wait(serve: Serve) -> None:
    """One call is under way, 16 wait, the next is refused, and meanwhile messages are answered."""
    slow = Slow()

    with Client(serve(make_app(feedback=slow)).ws(), enters=False) as client:
        ids = [ask(client, "x") for _ in range(18)]
        client.send(type="feedback", id=ids[0], verdict="up")
        wait_until(lambda: slow.running == 1, "the first call")
        for message_id in ids[1:]:
            client.send(type="feedback", id=message_id, verdict="up")
        error = client.hear("error")
        assert (error["code"], error["in_reply_to"]) == ("too_many_verdicts", ids[17])
        # One that waits may still be changed.
        client.send(type="feedback", id=ids[1], verdict="down")
        ask(client, "meanwhile")
        slow.released.set()
        told = [client.hear("feedback") for _ in range(17)]

    assert [frame["id"] for frame in told] == ids[:17]
    assert slow.most == 1
    assert slow.verdicts == ["up", "down"] + ["up"] * 15


def test_verdicts_come_no_faster_than_messages(serve: Serve) -> None:
    """Beyond the burst a verdict waits its turn, and is not lost."""
    heard: list[float] = []

    async def note(message: Message, answer: str, verdict: Verdict) -> None:
        heard.append(asyncio.get_running_loop().time())

    limits = Limits(messages_per_second=2, burst=2)
    with Client(serve(make_app(limits=limits, feedback=note)).ws(), enters=False) as client:
        message_id = ask(client, "nba")
        begun = time.monotonic()
        for _ in range(4):
            judge(client, message_id)

    assert heard[1] - heard[0] < heard[3] - heard[1]
    assert heard[3] - begun > 0.99


def test_who_leaves_has_given_a_verdict(serve: Serve) -> None:
    """A call under way is not cancelled by the end of its connection."""
    slow = Slow()

    with Client(serve(make_app(feedback=slow)).ws(), enters=False) as client:
        client.send(type="feedback", id=ask(client, "nba"), verdict="up")
        wait_until(lambda: slow.running == 1, "the call")
    slow.released.set()

    wait_until(lambda: slow.verdicts == ["up"], "its end")


# --- Options --------------------------------------------------------------------------------


def two(message: Message, answer: str) -> None: ...


def unknown(message: Message, answer: str, verdict: Verdict, user) -> None: ...  # type: ignore[no-untyped-def]  # that is what is tested


async def yields(message: Message, answer: str, verdict: Verdict) -> AsyncIterator[str]:
    yield ""


def required(*, message: Message, answer: str, verdict: Verdict) -> None: ...


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("note", "feedback= takes a function .* this is 'note'"),
        (two, "takes a message, its answer and a verdict; .*two.* does not: too many"),
        (required, "takes a message, its answer and a verdict; .*required.* does not"),
        (functools.partial(two), "does not: too many"),
        (yields, "yields, so calling it would do nothing"),
        (unknown, "unknown cannot be called: the parameter 'user' has neither"),
    ],
)
def test_functions_that_cannot_be(function: Any, sentence: str) -> None:
    """What does not take the three, or takes what cannot be solved, is refused by name."""
    with pytest.raises(TypeError, match=sentence):
        EchoChat(feedback=function)


def test_dependency_of_the_function_that_cannot_be() -> None:
    """What a dependency of it cannot be given is said of this function, when the chat is made."""

    def body(things: list[dict[str, str]]) -> None: ...

    def note(
        message: Message, answer: str, verdict: Verdict, it: Annotated[None, Depends(body)]
    ) -> None: ...

    with pytest.raises(TypeError, match=r"note cannot be called: the parameter 'things' of its"):
        EchoChat(feedback=note)


def test_feedback_needs_answers() -> None:
    """Where people talk among themselves there is no answer to judge, which is said at once."""
    with pytest.raises(ValueError, match="feedback= is about answers"):
        EchoChat(None, rooms=MemoryRooms(), feedback=Heard())
