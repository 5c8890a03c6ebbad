"""Entries as text: one JSON object each."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from ..contract import Entry

SIGNAL = "~"
"""What a published signal begins with; an entry begins with `+`."""


def pack(entry: Entry) -> str:
    """Return an entry as JSON, without its position."""
    fields = asdict(entry)
    del fields["position"]
    fields["sent_at"] = entry.sent_at.isoformat(timespec="microseconds")
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def unpack(packed: str, position: int) -> Entry:
    """Return the entry that was packed.

    Raises:
        ValueError: It was none.
    """
    try:
        fields = json.loads(packed)
        fields["sent_at"] = datetime.fromisoformat(fields["sent_at"])
        return Entry(**fields, position=position)
    except (KeyError, TypeError) as exc:
        raise ValueError(f"no entry: {packed[:100]}") from exc


def unpack_stream(found: Iterable[tuple[str, dict[str, str]]]) -> list[Entry]:
    """Return the entries of a stream."""
    return [unpack(fields["entry"], int(id_.partition("-")[0])) for id_, fields in found]


def unpack_published(published: str) -> tuple[int, Entry]:
    """Return an entry as it was published, after the position of the one before it.

    Raises:
        ValueError: It was none.
    """
    previous, position, packed = published.removeprefix("+").split(" ", 2)
    return int(previous), unpack(packed, int(position))
