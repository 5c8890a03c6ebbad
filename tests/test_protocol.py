"""The two protocols: pure functions over any text, and any bytes at a real endpoint."""

import json

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fastapi_echochat import Limits
from fastapi_echochat.protocol.frames import (
    EarlierFrame,
    EnterFrame,
    ErrorFrame,
    MessageFrame,
    NameFrame,
    PingFrame,
    PongFrame,
    ReplyFrame,
    StopFrame,
    TypingFrame,
)
from fastapi_echochat.protocol.plain import Plain
from fastapi_echochat.protocol.serializer import Close
from fastapi_echochat.protocol.v1 import EchochatV1
from tests.apps import make_app
from tests.clients import ask
from tests.conftest import Serve
from tests.raw_client import RawClient

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
    """Whatever a client sends is a frame or an error, and can be answered in JSON."""
    limits = Limits(message_bytes=100)
    serializer = EchochatV1(limits)
    read = serializer.read(frame)

    if isinstance(read, MessageFrame):
        assert limits.allow_text(read.text)
        answer = json.loads(serializer.encode_reply(read.id, read.text, done=True))
        assert answer == {"type": "reply", "in_reply_to": read.id, "text": read.text, "done": True}
    elif isinstance(read, ErrorFrame):
        error = json.loads(serializer.encode(read))
        assert error["type"] == "error"
        assert len(error["detail"]) <= 200
    elif isinstance(read, StopFrame):
        assert json.loads(frame)["id"] == read.id
    elif isinstance(read, PingFrame):
        assert json.loads(serializer.encode(PongFrame())) == {"type": "pong"}
    else:
        assert isinstance(read, EnterFrame | NameFrame | TypingFrame | EarlierFrame)
        assert json.loads(frame)["type"] == read.type


@given(in_reply_to=ANY_TEXT, text=ANY_TEXT, done=st.booleans())
def test_reply_encoded_by_hand_is_the_models(in_reply_to: str, text: str, done: bool) -> None:
    """What is written without a model is what the model of the frame means."""
    serializer = EchochatV1(Limits())
    model = ReplyFrame(in_reply_to=in_reply_to, text=text, done=done)

    by_hand = serializer.encode_reply(in_reply_to, text, done=done)

    assert json.loads(by_hand) == json.loads(serializer.encode(model))


@given(frame=ANY_TEXT)
def test_any_text_is_a_plain_message(frame: str) -> None:
    """In the plain protocol every frame within the limit is a message, word for word."""
    serializer = Plain(Limits(message_bytes=20))
    read = serializer.read(frame)

    if len(frame.encode()) <= 20:
        assert isinstance(read, MessageFrame)
        assert serializer.encode_reply(read.id, read.text, done=True) == frame
    else:
        assert isinstance(read, ErrorFrame)
        assert serializer.encode(read) == Close(1009, "a message may have 20 bytes of UTF-8")


def test_ids_of_plain_messages_differ() -> None:
    """The messages that come to a chat over the plain protocol can be told apart."""
    serializer = Plain(Limits())
    ids = {read.id for read in map(serializer.read, "aaa") if isinstance(read, MessageFrame)}

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
    return isinstance(EchochatV1(LIMITS).read(frame), PingFrame)


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
        assert ask(server.ws()) == "Message text was: NBA"

    check()
