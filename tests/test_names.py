"""Names: what is shown of what somebody wants to be called."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_echochat.names import GUEST, clean, guest_name


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("Ann", "Ann"),
        ("  Ann \t Lee\n", "Ann Lee"),
        ("Ann\u00a0\u2003\u3000Lee", "Ann Lee"),
        ("Ann\u2028Lee\u2029", "Ann Lee"),
        ("A\u200bn\u200dn\ufeff", "Ann"),
        ("\u202eAnn\u202c", "Ann"),
        ("\u2066Ann\u2069", "Ann"),
        ("\0\x07Ann\x1b[31m", "Ann[31m"),
        ("\ud800Ann", "Ann"),
        ("\ue000Ann\U000e0041", "Ann"),
        ("\uff21\uff4e\uff4e", "Ann"),
        ("ﬁne", "fine"),
        ("Åse", "Åse"),
        ("A\u030ase", "Åse"),
        ("A\u200b\u030ase", "Åse"),
        ("李小龍", "李小龍"),
        ("سارة", "سارة"),
        ("👋🏽", "👋🏽"),
        ("<b>Ann</b>", "<b>Ann</b>"),
        ("\u200b \u2060", ""),
        ("\u3164\u2800\uffa0", ""),
        ("\ufe0f \u0301", ""),
        ("Ann\u3164", "Ann"),
        ("", ""),
    ],
)
def test_clean(name: str, cleaned: str) -> None:
    """What cannot be seen, or turns its line around, is no part of a name; white space is one."""
    assert clean(name, 40) == cleaned


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("x" * 41, "x" * 40),
        ("x" * 39 + " y", "x" * 39),
        ("\u200b" * 39 + "Ann", "Ann"),
        # One character that is eighteen others: it is bounded as what it becomes.
        ("\ufdfa" * 40, clean("\ufdfa" * 3, 40)),
    ],
)
def test_long_names_are_cut(name: str, cleaned: str) -> None:
    """A name is as long as it may be at most, counted as it is shown."""
    assert clean(name, 40) == cleaned
    assert len(cleaned) <= 40


@given(st.text(max_size=300), st.integers(1, 60))
def test_cleaning_is_done_once(name: str, length: int) -> None:
    """A clean name stays what it is, and has nothing in it that is not seen or is two spaces."""
    cleaned = clean(name, length)
    assert clean(cleaned, length) == cleaned
    assert len(cleaned) <= length
    assert "  " not in cleaned
    assert cleaned == cleaned.strip()
    for character in cleaned:
        assert character == " " or unicodedata.category(character)[0] not in "CZ"


@given(st.text(max_size=100), st.text(max_size=100), st.integers(1, 40))
def test_a_guest_is_nobody_else(guest: str, given_name: str, length: int) -> None:
    """No guest's name is one that a dependency gave, unless that is one of a guest's shape."""
    called = guest_name(guest, length, is_marked=True)
    if called and not clean(given_name, length).endswith(GUEST.strip()):
        assert called != clean(given_name, length)
        assert called.endswith(GUEST)
        assert len(called) <= length + len(GUEST)


def test_guests_among_themselves_are_not_marked() -> None:
    """Where no dependency gives names a guest is called what they say."""
    assert guest_name(" Ann ", 40, is_marked=False) == "Ann"
    assert guest_name("\u200b", 40, is_marked=True) == ""
