"""What goes out to everybody in a room, framed once for all of them."""

import sys
from collections.abc import Iterable
from typing import NamedTuple

from ..protocol.frames import (
    DraftFrame,
    EntryFrame,
    HistoryFrame,
    PresenceFrame,
    WritingFrame,
)
from .stores.contract import Entry

# What has no place in the log comes after all of it.
_NO_POSITION = sys.maxsize
# So many of the people in a room are named; the rest are counted.
_NAMED = 100


class Utterance(NamedTuple):
    """One frame for each protocol.

    Attributes:
        position: Of the entry that it is; whoever has it already does not get it again.
        v1: As `echochat.v1` says it.
        plain: As the plain protocol says it, `None` where that says nothing.
    """

    position: int
    v1: str
    plain: str | None


def say_entry(entry: Entry, *, is_again: bool = False) -> Utterance:
    """Frame what a log keeps; again, for somebody who may have it already."""
    plain: str | None = entry.text
    if entry.author is not None:
        plain = f"{entry.author}: {entry.text}"
    if is_silence(entry):
        plain = None
    position = _NO_POSITION if is_again else entry.position
    return Utterance(position, _frame(entry).model_dump_json(), plain)


def is_silence(entry: Entry) -> bool:
    """Tell whether an entry is the answer of a function that had nothing to say."""
    return entry.kind == "answer" and not entry.text and entry.outcome == "done"


def say_draft(in_reply_to: str, text: str, *, is_start: bool) -> Utterance:
    """Frame a piece of an answer."""
    frame = DraftFrame(in_reply_to=in_reply_to, author=None, text=text, is_start=is_start)
    return Utterance(_NO_POSITION, frame.model_dump_json(), None)


def say_presence(authors: Iterable[str]) -> Utterance:
    """Frame who is in a room."""
    people = sorted(set(authors), key=lambda author: (author.casefold(), author))
    frame = PresenceFrame(authors=people[:_NAMED], others=max(0, len(people) - _NAMED))
    return Utterance(_NO_POSITION, frame.model_dump_json(), None)


def say_typing(author: str) -> Utterance:
    """Frame that somebody is writing."""
    return Utterance(_NO_POSITION, WritingFrame(author=author).model_dump_json(), None)


def say_history(entries: Iterable[Entry], *, has_earlier: bool) -> str:
    """Frame entries that one client has asked for."""
    frames = [_frame(entry) for entry in entries]
    return HistoryFrame(entries=frames, has_earlier=has_earlier).model_dump_json()


def _frame(entry: Entry) -> EntryFrame:
    return EntryFrame(
        position=entry.position,
        kind=entry.kind,
        id=entry.id,
        author=entry.author,
        text=entry.text,
        sent_at=entry.sent_at,
        outcome=entry.outcome,
    )
