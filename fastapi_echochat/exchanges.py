"""The last exchanges of a conversation, for the function that is told what people think of them."""

from typing import NamedTuple

from .protocol.messages import Message

# What somebody judges is on the screen, or was a moment ago. Each connection may have so much in
# memory until it ends: a thousand of them 65 MB of ASCII at most.
_MOST = 32
_MOST_CHARACTERS = 65_536
# So many pieces become one: each takes some 60 bytes beside its characters.
_MOST_PIECES = 256


class Exchange(NamedTuple):
    """A message and its whole answer."""

    message: Message
    answer: str


class Exchanges:
    """The last exchanges of one session, bounded by count and characters.

    One that is longer than the bound is not kept at all.
    """

    __slots__ = ("_characters", "_kept", "_pieces", "_size")

    def __init__(self) -> None:
        self._kept: dict[str, Exchange] = {}
        self._characters = 0
        # Of the answer under way.
        self._pieces: list[str] = []
        self._size = 0

    def begin(self) -> None:
        """Begin a new answer; what there was of one that has not ended is forgotten."""
        self._pieces.clear()
        self._size = 0

    def add_piece(self, text: str) -> None:
        """Add to the answer under way."""
        self._size += len(text)
        if self._size <= _MOST_CHARACTERS:
            self._pieces.append(text)
            if len(self._pieces) == _MOST_PIECES:
                self._pieces = ["".join(self._pieces)]
        else:
            self._pieces.clear()

    def end(self, message: Message) -> None:
        """Keep a message with the answer under way, which is whole; an empty one is none."""
        size = self._size + len(message.text)
        if self._size and size <= _MOST_CHARACTERS:
            self._forget(message.id)
            self._kept[message.id] = Exchange(message, "".join(self._pieces))
            self._characters += size
            while len(self._kept) > _MOST or self._characters > _MOST_CHARACTERS:
                self._forget(next(iter(self._kept)))
        self.begin()

    def find(self, message_id: str) -> Exchange | None:
        """Return the exchange that a message began, if it is kept."""
        return self._kept.get(message_id)

    def _forget(self, message_id: str) -> None:
        exchange = self._kept.pop(message_id, None)
        if exchange is not None:
            self._characters -= len(exchange.message.text) + len(exchange.answer)
