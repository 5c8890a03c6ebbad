"""The two protocols: pure functions over any text, and any bytes at a real endpoint."""

import json

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fastapi_echochat import Limits, Message
from fastapi_echochat.protocol.messages import Close, Ping, Problem, Stop
from fastapi_echochat.protocol.v1 import EchochatV1, Plain
from tests.apps import make_app
from tests.clients import RawClient
from tests.conftest import Serve
from tests.servers import Uvicorn

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NEARLY_FRAMES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["message", "ping", "pong", "stop", "welcome"]) | ANY_JSON,
        "id": st.text(max_size=70) | ANY_JSON,
        "text": st.text() | ANY_JSON,
    },
)


@given(frame=ANY_TEXT | (ANY_JSON | NEARLY_FRAMES).map(json.dumps))
@example("1" * 5000)
@example('{"type":' * 300)
@example('{"type":"stop","id":""}')
@example('{"type":"message","id":"1","text":"\ufeff"}')
def test_any_text_is_read(frame: str) -> None:
    """Whatever a client sends is a message, a ping or a problem, and can be answered in JSON."""
    limits = Limits(message_bytes=100)
    dialect = EchochatV1(limits)
    said = dialect.read(frame)

    if isinstance(said, Message):
        assert limits.allow_text(said.text)
        answer = json.loads(dialect.reply(said.id, said.text))
        assert answer == {
            "type": "reply",
            "in_reply_to": said.id,
            "text": said.text,
            "done": True,
        }
    elif isinstance(said, Problem):
        error = json.loads(dialect.problem(said))
        assert error["type"] == "error"
        assert len(error["detail"]) <= 200
    elif isinstance(said, Stop):
        assert json.loads(frame)["id"] == said.id
    else:
        assert isinstance(said, Ping)
        assert json.loads(dialect.pong()) == {"type": "pong"}


@given(frame=ANY_TEXT)
def test_any_text_is_a_plain_message(frame: str) -> None:
    """In the plain protocol every frame within the limit is a message, word for word."""
    dialect = Plain(Limits(message_bytes=20))
    said = dialect.read(frame)

    if len(frame.encode()) <= 20:
        assert isinstance(said, Message)
        assert dialect.reply(said.id, said.text) == frame
    else:
        assert isinstance(said, Problem)
        assert dialect.problem(said) == Close(1009, "a message may have 20 bytes of UTF-8")


def test_ids_of_plain_messages_differ() -> None:
    """The messages of a plain conversation can be told apart."""
    dialect = Plain(Limits())
    ids = {said.id for said in map(dialect.read, "aaa") if isinstance(said, Message)}

    assert len(ids) == 3


LIMITS = Limits(message_bytes=200)


# One server for all examples; what it may log is the same for each.
ON_ONE_SERVER = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_any_frame_at_the_endpoint(serve: Serve) -> None:
    """Any JSON and any text at the endpoint is answered, and nobody is cut off for it."""
    server = serve(make_app(limits=LIMITS))

    @ON_ONE_SERVER
    @given(frames=st.lists(ANY_TEXT | (ANY_JSON | NEARLY_FRAMES).map(json.dumps), max_size=5))
    def check(frames: list[str]) -> None:
        with RawClient(server.ws(), subprotocol="echochat.v1") as client:
            assert json.loads(client.receive_text())["type"] == "welcome"
            for frame in frames:
                client.send_text(frame.encode())
                client.send_text(b'{"type":"ping"}')
                # A stop of what is unknown has no answer; a ping has one, after all others.
                kinds = [json.loads(client.receive_text())["type"]]
                while kinds[-1] != "pong":
                    kinds.append(json.loads(client.receive_text())["type"])
                assert set(kinds) <= {"reply", "error", "pong"}
                if is_ping(frame):
                    assert json.loads(client.receive_text()) == {"type": "pong"}

    check()


def is_ping(frame: str) -> bool:
    # With the bounds of the host: a ping of thousands of characters is too long.
    return isinstance(EchochatV1(LIMITS).read(frame), Ping)


def test_any_bytes_at_the_endpoint(serve: Serve, expected_errors: list[str]) -> None:
    """Any bytes on the wire end their own connection at most, with a close code."""
    expected_errors.append("Invalid UTF-8 sequence received from client.")
    server = serve(make_app(limits=LIMITS))

    @ON_ONE_SERVER
    @given(data=st.binary(), as_frame=st.booleans(), plain=st.booleans())
    @example(data=b"\xff", as_frame=True, plain=True)
    @example(data=b"\x81\xff" + b"\xff" * 8, as_frame=False, plain=True)
    def check(data: bytes, as_frame: bool, plain: bool) -> None:
        subprotocol = None if plain else "echochat.v1"
        with RawClient(server.ws(), subprotocol=subprotocol) as client:
            if as_frame:
                client.send_text(data)
            else:
                client.socket.sendall(data)
        still_answers(server)

    check()


def still_answers(server: Uvicorn) -> None:
    with RawClient(server.ws()) as client:
        client.send_text(b"NBA")
        assert client.receive_text() == "Message text was: NBA"
