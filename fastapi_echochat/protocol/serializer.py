"""What a serializer is: the frames of one protocol, to and from text."""

from typing import NamedTuple, Protocol

from .frames import ClientFrame, ErrorFrame, ServerFrame

# Close codes, RFC 6455, section 7.4.1.
UNSUPPORTED_DATA = 1003
POLICY_VIOLATION = 1008
MESSAGE_TOO_BIG = 1009
INTERNAL_ERROR = 1011
# https://www.iana.org/assignments/websocket, "Close Code Number Registry".
TRY_AGAIN_LATER = 1013


class Close(NamedTuple):
    """The end of a connection: a code of RFC 6455, section 7.4, and a reason of 123 bytes."""

    code: int
    reason: str


RESTART = Close(1012, "the server is shutting down")
"""As uvicorn closes by itself."""


class Serializer(Protocol):
    """One protocol. It keeps nothing of a session, so one serves all of a chat."""

    @property
    def subprotocol(self) -> str | None:
        """What the handshake agrees on (RFC 6455, section 1.9), `None` for nothing."""

    @property
    def has_pieces(self) -> bool:
        """Whether a client gets an answer piece by piece, and not the whole of it in one frame."""

    def read(self, text: str) -> ClientFrame | ErrorFrame:
        """Return the frame that a text is, or the error that answers it."""

    def encode(self, frame: ServerFrame) -> str | Close | None:
        """Return the text of a frame, the close that says the same, or `None` for neither."""

    def encode_reply(self, in_reply_to: str, text: str, *, done: bool) -> str:
        """Return the text of a `ReplyFrame`, without making one: most of what is sent is this."""
