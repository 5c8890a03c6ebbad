"""The tail of a log: an unbroken stretch, or nothing."""

from dataclasses import replace

import pytest

from fastapi_echochat.rooms.stores.contract import Entry
from fastapi_echochat.rooms.stores.redis.packing import pack, unpack, unpack_published
from fastapi_echochat.rooms.stores.redis.recent import Tail
from tests.rooms.conftest import entry


def at(position: int) -> Entry:
    return replace(entry(), position=position)


def test_a_tail_knows_what_came_after_its_start() -> None:
    """From its start on a tail gives what follows; before that only the log knows."""
    tail = Tail()
    assert tail.after(0) is None
    entries = [at(12), at(15), at(20)]
    for previous, one in zip((10, 12, 15), entries, strict=True):
        tail.add(previous, one)
    assert tail.after(9) is None
    assert tail.after(10) == tail.after(11) == entries
    assert tail.after(12) == entries[1:]
    assert tail.after(20) == tail.after(99) == []


def test_a_gap_begins_a_tail_anew() -> None:
    """An entry whose predecessor did not come in is the first one of a new stretch."""
    tail = Tail()
    tail.add(10, at(12))
    late = at(20)
    tail.add(15, late)
    assert tail.after(12) is None
    assert tail.after(14) is None
    assert tail.after(15) == [late]


def test_a_tail_is_short() -> None:
    """However much comes in, a tail keeps the latest, and knows where that begins."""
    tail = Tail()
    entries = [at(position) for position in range(1, 1001)]
    for one in entries:
        tail.add(one.position - 1, one)
    assert tail.after(0) is None
    kept = tail.after(980)
    assert kept == entries[980:]
    longest = next(found for position in range(1000) if (found := tail.after(position)) is not None)
    assert len(longest) < 100


def test_what_was_packed_is_unpacked() -> None:
    """An entry is the same one after it was packed, and after it was published."""
    one = at(7)
    assert unpack(pack(one), 7) == one
    assert unpack_published(f"+3 7 {pack(one)}") == (3, one)


@pytest.mark.parametrize("nonsense", ["", "+", "+1 2", "+1 2 {}", "+a b []", "+0 1 null", "+0 1 1"])
def test_nonsense_is_a_value_error(nonsense: str) -> None:
    """What was never packed is refused, whatever it is."""
    with pytest.raises(ValueError, match=r"no entry|unpack|invalid literal|Expecting"):
        unpack_published(nonsense)
