"""The newest entries of a history: without gaps, or none."""

from dataclasses import replace

import pytest

from fastapi_echochat.rooms.stores.contract import Entry
from fastapi_echochat.rooms.stores.redis.packing import pack, unpack, unpack_published
from fastapi_echochat.rooms.stores.redis.recent import RecentEntries
from tests.rooms.stores.conftest import entry


def at(position: int) -> Entry:
    return replace(entry(), position=position)


def test_recent_entries_have_all_that_follow_their_start() -> None:
    """From their start on they give what follows; before it only the history can."""
    recent = RecentEntries()
    assert recent.after(0) is None
    entries = [at(12), at(15), at(20)]
    for previous, one in zip((10, 12, 15), entries, strict=True):
        recent.add(previous, one)
    assert recent.after(9) is None
    assert recent.after(10) == recent.after(11) == entries
    assert recent.after(12) == entries[1:]
    assert recent.after(20) == recent.after(99) == []


def test_a_gap_begins_them_anew() -> None:
    """An entry whose predecessor did not come in is the first one of a new row."""
    recent = RecentEntries()
    recent.add(10, at(12))
    late = at(20)
    recent.add(15, late)
    assert recent.after(12) is None
    assert recent.after(14) is None
    assert recent.after(15) == [late]


def test_recent_entries_are_few() -> None:
    """However many come in, the newest are kept, and it is known where they begin."""
    recent = RecentEntries()
    entries = [at(position) for position in range(1, 1001)]
    for one in entries:
        recent.add(one.position - 1, one)
    assert recent.after(0) is None
    kept = recent.after(980)
    assert kept == entries[980:]
    longest = next(
        found for position in range(1000) if (found := recent.after(position)) is not None
    )
    assert len(longest) < 100


def test_what_was_packed_is_unpacked() -> None:
    """An entry is the same one after it was packed, and after it was published."""
    one = at(7)
    assert unpack(pack(one).decode(), 7) == one
    assert unpack_published(f"+3 7 {pack(one).decode()}") == (3, one)


@pytest.mark.parametrize("nonsense", ["", "+", "+1 2", "+1 2 {}", "+a b []", "+0 1 null", "+0 1 1"])
def test_nonsense_is_a_value_error(nonsense: str) -> None:
    """What was never packed is refused, whatever it is."""
    with pytest.raises(ValueError, match=r"not an entry|unpack|invalid literal|Expecting"):
        unpack_published(nonsense)
