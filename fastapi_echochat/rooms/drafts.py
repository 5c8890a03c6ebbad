"""Answers that are being written in a room, as far as they have come."""

from enum import Enum, auto

# Pieces may be heard a little after the answer that they are of; so many answers are remembered.
_REMEMBERED = 64
# The count of the pieces of an answer of which one was lost.
_BROKEN = -1


class News(Enum):
    """What a piece of an answer is to those who have all before it."""

    START = auto()
    """All there is so far: what they had of it before is to be forgotten."""
    PIECE = auto()
    """What comes next."""
    GAP = auto()
    """Not what comes next: something was lost. Told once; all there is so far mends it."""
    NOTHING = auto()
    """What they have already, or can make nothing of."""


class Drafts:
    """The answers under way in one room, piece by piece."""

    def __init__(self) -> None:
        self._drafts: dict[int, list[str]] = {}
        self._counts: dict[int, int] = {}
        self._ended: dict[int, None] = {}

    def add(self, in_reply_to: int, number: int, text: str, *, is_whole: bool) -> News:
        """Add a piece.

        Args:
            in_reply_to: The position of the message that the answer is to.
            number: Counts the pieces of an answer, from 1.
            text: The piece; with `is_whole` all pieces up to this one.
            is_whole: Whether it is.
        """
        if in_reply_to in self._ended:
            return News.NOTHING
        count = self._counts.get(in_reply_to, 0)
        if count == _BROKEN and not is_whole and number != 1:
            return News.NOTHING
        if is_whole or number == 1:
            if is_whole and number == count:
                return News.NOTHING
            self._drafts[in_reply_to] = [text]
            self._counts[in_reply_to] = number
            return News.START
        if number != count + 1:
            self._drafts.pop(in_reply_to, None)
            self._counts[in_reply_to] = _BROKEN
            return News.GAP
        self._drafts[in_reply_to].append(text)
        self._counts[in_reply_to] = number
        return News.PIECE

    def end(self, in_reply_to: int) -> None:
        """Forget an answer: the history has it."""
        self._drafts.pop(in_reply_to, None)
        self._counts.pop(in_reply_to, None)
        self._ended[in_reply_to] = None
        if len(self._ended) > _REMEMBERED:
            del self._ended[next(iter(self._ended))]

    def so_far(self) -> dict[int, str]:
        """Return the text of each answer under way, by the position of its message."""
        return {in_reply_to: "".join(pieces) for in_reply_to, pieces in self._drafts.items()}
