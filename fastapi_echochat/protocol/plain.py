"""The plain protocol: a text frame is a message, its answer is a text frame."""

from itertools import count

from ..identity import NAMELESS
from ..limits import Limits
from .frames import EntryFrame, ErrorFrame, MessageFrame, ServerFrame
from .serializer import INTERNAL_ERROR, MESSAGE_TOO_BIG, Close

# A name ends where the text begins. Characters that look like a colon do not do so either.
_COLONS = str.maketrans(
    dict.fromkeys(":\u02d0\u02f8\u0589\u05c3\u2236\ua789\ufe13\ufe55\uff1a", " ")
)


class Plain:
    """What a client speaks that asks for no subprotocol: exactly what the usual tutorials do."""

    subprotocol = None
    has_pieces = False

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # A text of so many characters fits, whichever they are: nearly every message does.
        self._surely_allowed = (limits.message_bytes or 0) // 4
        self._numbers = count(1)

    def read(self, text: str) -> MessageFrame | ErrorFrame:
        """Return the message that a frame is. Its id is a number that no other message has."""
        if len(text) > self._surely_allowed and not self._limits.allow_text(text):
            return ErrorFrame(code="message_too_long", detail=self._limits.message_rule)
        return MessageFrame("message", str(next(self._numbers)), text)

    def encode(self, frame: ServerFrame) -> str | Close | None:
        """Return the line of an entry, the close that tells an error, nothing for all else."""
        if isinstance(frame, EntryFrame):
            return _line(frame)
        if isinstance(frame, ErrorFrame):
            # There is no frame that could not be taken for an answer.
            code = MESSAGE_TOO_BIG if frame.code == "message_too_long" else INTERNAL_ERROR
            return Close(code, frame.detail)
        return None

    def encode_reply(self, in_reply_to: str, text: str, *, done: bool) -> str:
        """Return the answer as it is."""
        return text


def _line(entry: EntryFrame) -> str | None:
    """Return an entry as a line that begins with its author's name, if it has one."""
    if entry.kind == "answer" and not entry.text and entry.outcome == "done":
        return None  # The function had nothing to say.
    # What follows a line break is indented, so that nobody writes a line that begins with the
    # name of somebody else.
    text = "\n  ".join(entry.text.splitlines())
    if entry.author is None:
        return text
    name = " ".join(entry.author.name.translate(_COLONS).split()) or NAMELESS
    return f"{name}: {text}"
