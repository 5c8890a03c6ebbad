"""Entries as text: one JSON object each."""

import contextlib
import json
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any, get_args

from ....identity import Author, key_of
from ..contract import Entry, Kind, Outcome

SIGNAL = "~"
"""Begins a published signal; an entry begins with `+`."""

PROBE = "="
"""Published to see whether what is published is received."""

_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
_OUTCOMES: dict[str, Outcome] = {outcome: outcome for outcome in get_args(Outcome)}


def pack(entry: Entry) -> bytes:
    """Return an entry as JSON, without its position.

    Raises:
        UnicodeEncodeError: It has half of a surrogate pair.
    """
    author = entry.author
    return _json(
        {
            "kind": entry.kind,
            "id": entry.id,
            "author": author
            and {"id": author.id, "name": author.name, "is_guest": author.is_guest},
            "text": entry.text,
            "sent_at": entry.sent_at.isoformat(timespec="microseconds"),
            "outcome": entry.outcome,
        }
    )


def unpack(packed: str, position: int) -> Entry:
    """Return the entry that was packed.

    Raises:
        ValueError: It is not a packed entry.
    """
    try:
        fields = json.loads(packed)
        author = fields["author"]
        entry = Entry(
            kind=_KINDS[fields["kind"]],
            id=_text(fields["id"]),
            author=author and Author(author["id"], author["name"], is_guest=author["is_guest"]),
            text=_text(fields["text"]),
            sent_at=datetime.fromisoformat(fields["sent_at"]).astimezone(timezone.utc),
            outcome=_OUTCOMES[fields["outcome"]],
            position=position,
        )
    except (KeyError, TypeError, OverflowError, RecursionError) as exc:
        raise ValueError(f"not an entry: {packed[:100]}") from exc
    return entry


def decoded(text: str | bytes) -> str:
    """Return a text of Redis, which a client has decoded or not, by its options."""
    return text if isinstance(text, str) else text.decode(errors="replace")


def unpack_stream(found: Iterable[tuple[str | bytes, dict[Any, str | bytes]]]) -> list[Entry]:
    """Return the entries of a stream, without whatever else is in it."""
    entries = []
    for id_, fields in found:
        position, _, sequence = decoded(id_).partition("-")
        packed = fields.get("entry") or fields.get(b"entry")
        with contextlib.suppress(ValueError):
            if sequence == "0" and packed is not None:
                entries.append(unpack(decoded(packed), int(position)))
    return entries


def unpack_published(published: str) -> tuple[int, Entry]:
    """Return a published entry, after the position of the entry before it.

    Raises:
        ValueError: It is not a published entry.
    """
    previous, position, packed = published.removeprefix("+").split(" ", 2)
    return int(previous), unpack(packed, int(position))


def unique_member(entry: Entry) -> bytes:
    """Return what tells entries of a room apart: kind, author and id in one text.

    As JSON, so that no two entries have the same, whatever their authors and ids contain.
    """
    return _json([entry.kind, key_of(entry.author), entry.id])


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
