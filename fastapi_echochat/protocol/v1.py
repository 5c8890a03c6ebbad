"""The two protocols of an endpoint, as frames: text in, values out, and the other way round."""

from collections.abc import Callable
from datetime import datetime, timezone
from json import JSONEncoder

from pydantic import ValidationError
from pydantic_core import from_json

from ..limits import Limits
from .frames import (
    ID_LENGTH,
    EarlierFrame,
    EnterFrame,
    ErrorFrame,
    MessageFrame,
    NamedFrame,
    NameFrame,
    PingFrame,
    PongFrame,
    SlowedFrame,
    StopFrame,
    TypingFrame,
    WelcomeFrame,
    WelcomeLimits,
    WelcomeRoom,
    client_frames,
)
from .messages import (
    INTERNAL_ERROR,
    MESSAGE_TOO_BIG,
    Close,
    Earlier,
    Enter,
    Message,
    Ping,
    Problem,
    Rename,
    Said,
    Stop,
    Typing,
)

# JSON writes a character of a message with at most six bytes for one (\u0000); the rest of the
# frame, with an id of 64 characters, is well below this.
_JSON_EXPANSION = 6
_JSON_OVERHEAD = 1024
# What went wrong is told in a sentence, not with the client's own megabyte in it.
_DETAIL_LENGTH = 200
_json = JSONEncoder(ensure_ascii=False).encode
_PONG = PongFrame().model_dump_json()


class Plain:
    """The protocol of a client that asks for none: a frame is a message, an answer is a frame."""

    __slots__ = ("_author", "_limits", "_number", "_pieces", "_surely_allowed")

    def __init__(self, limits: Limits, author: str | None = None) -> None:
        self._limits = limits
        self._author = author
        self._number = 0
        self._surely_allowed = (limits.message_bytes or 0) // 4
        self._pieces: list[str] = []

    def welcome(self, author: str | None, room: WelcomeRoom | None = None) -> None:
        """Return nothing: the first frame of this protocol is an answer."""

    def named(self, author: str) -> str:
        """Refuse: this protocol has no names of its own."""
        raise AssertionError("a frame of the plain protocol is never a name")

    def read(self, frame: str) -> Message | Problem:
        """Return the message that a frame is."""
        if not self._limits.allow_text(frame):
            return _too_long(self._limits)
        self._number += 1
        return Message(str(self._number), frame, self._author, datetime.now(timezone.utc))

    def answer(self, frame: str, at_once: Callable[[str], str]) -> str | None:
        """Return the answer to a frame, unless it is too long."""
        # Whatever its characters are: nearly every message is that short.
        if len(frame) <= self._surely_allowed or self._limits.allow_text(frame):
            return at_once(frame)
        return None

    def reply(self, in_reply_to: str, text: str) -> str:
        """Return the answer's text as it is."""
        return text

    def piece(self, in_reply_to: str, text: str, *, done: bool) -> str | None:
        """Return the whole answer with its last piece, and nothing before."""
        self._pieces.append(text)
        if not done:
            return None
        text = "".join(self._pieces)
        self._pieces.clear()
        return self.reply(in_reply_to, text)

    def slowed(self, seconds: float) -> None:
        """Return nothing: every frame of this protocol is an answer."""

    def pong(self) -> str:
        """Refuse: this protocol has no pings of its own."""
        raise AssertionError("a frame of the plain protocol is never a ping")

    def problem(self, problem: Problem) -> Close:
        """Return a close: there is no frame that could not be taken for an answer."""
        self._pieces.clear()
        code = MESSAGE_TOO_BIG if problem.code == "message_too_long" else INTERNAL_ERROR
        return Close(code, problem.detail)


class EchochatV1:
    """The protocol `echochat.v1`: JSON text frames, each with a `type`.

    It keeps nothing of a connection: one serves all that speak under one name, or none.
    """

    def __init__(self, limits: Limits, author: str | None = None) -> None:
        self._limits = limits
        self._author = author
        bound = limits.message_bytes
        self._frame_length = bound and bound * _JSON_EXPANSION + _JSON_OVERHEAD
        self._told_limits = WelcomeLimits(
            message_bytes=limits.message_bytes,
            waiting_messages=limits.waiting_messages,
            messages_per_second=limits.messages_per_second,
        )

    def welcome(self, author: str | None, room: WelcomeRoom | None = None) -> str:
        """Return the welcome, with the limits in it."""
        frame = WelcomeFrame(limits=self._told_limits, author=author, room=room)
        return frame.model_dump_json()

    def named(self, author: str) -> str:
        """Return the frame that says what the client is called now."""
        return NamedFrame(author=author).model_dump_json()

    def read(self, frame: str) -> Said | Problem:
        """Return what a frame means; a frame of another shape is a problem, not an exception."""
        if self._frame_length is not None and len(frame) > self._frame_length:
            return _too_long(self._limits)
        try:
            said = client_frames.validate_json(frame)
        except ValidationError as exc:
            return Problem("bad_frame", _explain(exc))
        if isinstance(said, MessageFrame):
            if not self._limits.allow_text(said.text):
                return _too_long(self._limits, said.id)
            return Message(said.id, said.text, self._author, datetime.now(timezone.utc))
        return _meaning(said)

    def answer(self, frame: str, at_once: Callable[[str], str]) -> str | None:
        """Return the frame that answers a message, if the frame is one."""
        # What nearly every frame is, without a model: a third of the time. All else is `read`'s.
        if self._frame_length is not None and len(frame) > self._frame_length:
            return None
        try:
            said = from_json(frame)
        except ValueError:
            return None
        if type(said) is not dict or said.get("type") != "message":
            return None
        message_id, text = said.get("id"), said.get("text")
        if (
            type(message_id) is not str
            or not 0 < len(message_id) <= ID_LENGTH
            or type(text) is not str
            or not self._limits.allow_text(text)
        ):
            return None
        return self.reply(message_id, at_once(text))

    def reply(self, in_reply_to: str, text: str) -> str:
        """Return the frame of a whole answer."""
        return self.piece(in_reply_to, text, done=True)

    def piece(self, in_reply_to: str, text: str, *, done: bool) -> str:
        """Return the frame of a piece of an answer; the last one may be empty."""
        # What `ReplyFrame` says, without making one: a third of the time.
        return (
            f'{{"type":"reply","in_reply_to":{_json(in_reply_to)},"text":{_json(text)},'
            f'"done":{"true" if done else "false"}}}'
        )

    def slowed(self, seconds: float) -> str:
        """Return the frame that says how long the next answer waits."""
        return SlowedFrame(seconds=round(seconds, 3)).model_dump_json()

    def pong(self) -> str:
        """Return the frame that answers a ping."""
        return _PONG

    def problem(self, problem: Problem) -> str:
        """Return an `error` frame."""
        return ErrorFrame(
            code=problem.code, detail=problem.detail, in_reply_to=problem.in_reply_to
        ).model_dump_json()


def _meaning(
    said: StopFrame | PingFrame | EnterFrame | NameFrame | TypingFrame | EarlierFrame,
) -> Said:
    if isinstance(said, PingFrame):
        return Ping()
    if isinstance(said, StopFrame):
        return Stop(said.id)
    if isinstance(said, EnterFrame):
        return Enter(said.after, said.name, said.conversation)
    if isinstance(said, NameFrame):
        return Rename(said.name)
    if isinstance(said, TypingFrame):
        return Typing()
    return Earlier(said.before)


def _too_long(limits: Limits, in_reply_to: str | None = None) -> Problem:
    return Problem(
        "message_too_long",
        f"a message may have {limits.message_bytes} bytes of UTF-8",
        in_reply_to,
    )


def _explain(exc: ValidationError) -> str:
    error = exc.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in error["loc"])
    sentence = f"{where}: {error['msg']}" if where else error["msg"]
    return sentence[:_DETAIL_LENGTH]
