"""The protocol `echochat.v1`: JSON text frames, each with a `type`."""

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..limits import Limits
from .frames import (
    ECHOCHAT_V1,
    ClientFrame,
    ErrorFrame,
    MessageFrame,
    ServerFrame,
    client_frames,
)

# JSON writes a character of a message with at most six bytes for one (\u0000); the rest of the
# frame, with an id of 64 characters, is well below this.
_JSON_EXPANSION = 6
_JSON_OVERHEAD = 1024
# A frame that is longer is looked at before it is parsed.
_SHORT = 1024
# So many quotation marks have 16 members of an object; no frame has more than five.
_QUOTES = 64
_NOT_FLAT = ErrorFrame(code="bad_frame", detail="a frame is one object of texts and numbers")
# What went wrong is told in a sentence, not with the client's own megabyte in it.
_DETAIL_LENGTH = 200
_encode_text = json.JSONEncoder(ensure_ascii=False).encode


class EchochatV1:
    """What the page speaks."""

    subprotocol = ECHOCHAT_V1
    has_pieces = True

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        bound = limits.message_bytes
        self._surely_allowed = (bound or 0) // 4
        self._frame_length = (
            float("inf") if bound is None else bound * _JSON_EXPANSION + _JSON_OVERHEAD
        )
        self._encoders: dict[type[Any], TypeAdapter[Any]] = {}

    def read(self, text: str) -> ClientFrame | ErrorFrame:
        """Return the frame that a text is; one of another shape is an error, not an exception."""
        # Its length before its content: parsing costs many times what receiving does.
        if len(text) > self._frame_length:
            return ErrorFrame(code="message_too_long", detail=self._limits.message_rule)
        if len(text) > _SHORT and not _is_flat(text):
            return _NOT_FLAT
        try:
            frame = client_frames.validate_json(text)
        except ValidationError as exc:
            return ErrorFrame(code="bad_frame", detail=_explain(exc), in_reply_to=_find_id(text))
        if (
            type(frame) is MessageFrame
            and len(frame.text) > self._surely_allowed
            and not self._limits.allow_text(frame.text)
        ):
            return ErrorFrame(
                code="message_too_long", detail=self._limits.message_rule, in_reply_to=frame.id
            )
        return frame

    def encode(self, frame: ServerFrame) -> str:
        """Return the JSON of a frame."""
        encoder = self._encoders.get(type(frame))
        if encoder is None:
            encoder = self._encoders[type(frame)] = TypeAdapter(type(frame))
        return encoder.dump_json(frame).decode()

    def encode_reply(self, in_reply_to: str, text: str, *, done: bool) -> str:
        """Return the JSON of a `ReplyFrame`, in a third of the time that a model takes."""
        return (
            f'{{"type":"reply","in_reply_to":{_encode_text(in_reply_to)},'
            f'"text":{_encode_text(text)},"done":{"true" if done else "false"}}}'
        )


def _is_flat(text: str) -> bool:
    """Tell whether JSON is at most one object, of few members, without lists or objects in it.

    To parse lists in lists, and to tell what was wrong with them, takes a hundred times what
    receiving them does, and compressed they are next to nothing.
    """
    parts = text.replace("\\\\", "").replace('\\"', "")
    if parts.count('"') > _QUOTES:
        return False
    outside = "".join(parts.split('"')[::2])
    return "[" not in outside and outside.count("{") <= 1


def _find_id(text: str) -> str | None:
    """Return the id of a message that cannot be read, if that much of it can."""
    try:
        frame = json.loads(text)
        client_frames.validate_python({**frame, "text": ""})
    except (ValueError, TypeError, RecursionError):
        return None
    return frame["id"] if frame.get("type") == "message" else None


def _explain(exc: ValidationError) -> str:
    error = exc.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in error["loc"])
    sentence = f"{where}: {error['msg']}" if where else error["msg"]
    return sentence[:_DETAIL_LENGTH]
