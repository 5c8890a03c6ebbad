"""Names: what is shown of what somebody wants to be called."""

# ruff: noqa: RUF001 - letters of other scripts are meant

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_echochat.identity import GUEST
from fastapi_echochat.names import clean_name, guest_name

ZWNJ, ZWJ, VS15, VS16 = "\u200c", "\u200d", "\ufe0e", "\ufe0f"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
FAMILY = f"👨🏽{ZWJ}👩{ZWJ}👧{ZWJ}👦"

# DerivedCoreProperties.txt of Unicode 17, and what else shows nothing.
IGNORABLE = [
    *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
    *(*range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F)),
    *(*range(0x2060, 0x2070), *range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9)),
    *(*range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000)),
]
UNSEEN = [*IGNORABLE, 0, 7, 0x1B, 0x7F, 0x85, 0xD800, 0xDFFF, 0xFDD0, 0xFFFE, 0x10FFFF, 0x2800]

SPELLINGS = {
    "Persian": f"می{ZWNJ}خواهم",
    "Persian plural": f"کتاب{ZWNJ}ها",
    "Persian with an accent": f"مِی\u0654{ZWNJ}خ",
    "Malayalam": f"അവന\u0d4d{ZWJ}",
    "Malayalam between words": f"കണ\u0d4d{ZWJ} നന",
    "Sinhala": f"ශ\u0dca{ZWJ}රී ලංකා",
    "Sinhala, letters that touch": f"ක{ZWJ}\u0dcaය",
    "Devanagari": f"क\u094d{ZWJ}ष क\u094d{ZWNJ}ष",
    "Bengali": f"র{ZWJ}\u09cdযাব",
    "Mongolian": "ᠬᠠᠭᠠᠨ᠋ ᠡᠷᠳᠡᠨᠢ\u180eᠠ",
    "family": FAMILY,
    "flag made of tags": SCOTLAND,
    "flag made of letters": "🇩🇪🇯🇵",
    "rainbow flag": f"🏳{VS16}{ZWJ}🌈",
    "heart": f"❤{VS16} ❤ ❤{VS15}",
    "skin tone": f"👋🏽 🕵🏽{ZWJ}♂{VS16}",
    "keycap": f"1{VS16}\u20e3#{VS16}\u20e3",
    "emoji to come": f"\U0001fc00{VS16} \U0001fc00{ZWJ}\U0001fc01",
    "letter to come": "A\u0378\U0003fff0",
    "fullwidth": "Ａｎｎ",
    "ligature": "ﬁne",
    "Arabic number sign": "\u06001",
    "markup": "<b>Ann</b>",
}


@pytest.mark.parametrize("script", SPELLINGS)
def test_names_keep_their_spelling(script: str) -> None:
    """Joiners, selectors and tags that a script or an emoji needs are kept, new characters too."""
    name = unicodedata.normalize("NFC", SPELLINGS[script])

    assert clean_name(SPELLINGS[script], 40) == name


@pytest.mark.parametrize("letters", ["An", "李龍", "ин", "עא", "دا", "\u0937\u0937"])
def test_two_names_are_not_alike_to_the_letter(letters: str) -> None:
    """What shows nothing is removed, wherever in a name of such letters it stands."""
    first, last = letters[0], letters[1]
    for character in map(chr, UNSEEN):
        spellings = (
            f"{character}{letters}",
            f"{first}{character}{last}",
            f"{first}{character}{character}{last}",
            f"{letters}{character}",
            f"{letters}{character} ",
        )
        cleaned = {clean_name(name, 40).replace(" ", "") for name in spellings}
        assert cleaned == {letters}, ascii(character)
        assert clean_name(character * 3, 40) == ""


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
        ("Åse", "Åse"),
        ("A\u030ase", "Åse"),
        ("A\u200b\u030ase", "Åse"),
        ("李小龍", "李小龍"),
        ("سارة", "سارة"),
        ("\u200b \u2060", ""),
        ("\u3164\u2800\uffa0", ""),
        ("\ufe0f \u0301", ""),
        ("Ann\u3164", "Ann"),
        ("", ""),
        # A joiner or selector too many, or where it changes nothing.
        (f"می{ZWNJ}{ZWNJ}خ", "میخ"),
        (f"می{ZWNJ}", "می"),
        (f"دا{ZWNJ}ر", "دار"),
        (f"क\u094d{ZWNJ}", "क\u094d"),
        (f"\u094d{ZWJ}ष", "\u094dष"),
        (f"👨{ZWJ}Ann", "👨Ann"),
        (f"Ann{ZWJ}👨", "Ann👨"),
        (f"❤{VS16}{VS16}", f"❤{VS16}"),
        (f"1{VS16}", "1"),
        (f"1{VS15}\u20e3", "1\u20e3"),
        (f"A{VS16}\u20e3", "A\u20e3"),
        (SCOTLAND[:-1], "🏴"),
        ("🏴\U000e0067\U000e007f", "🏴"),
        (f"👋{SCOTLAND[1:]}", "👋"),
        ("n\u180eᠠ\u180e", "nᠠ"),
        ("李\U000e0100小龍", "李小龍"),
    ],
)
def test_clean_name(name: str, cleaned: str) -> None:
    """What cannot be seen, or turns its line around, is no part of a name; white space is one."""
    assert clean_name(name, 40) == cleaned


@pytest.mark.parametrize(
    ("name", "length", "cleaned"),
    [
        ("x" * 41, 40, "x" * 40),
        ("x" * 39 + " y", 40, "x" * 39),
        ("\u200b" * 39 + "Ann", 40, "Ann"),
        ("Ann \U0001d5d4", 5, "Ann \U0001d5d4"),
        (f"Ann{FAMILY}", 9, "Ann"),
        (f"Ann{SCOTLAND}", 9, "Ann"),
        ("Ann🇩🇪🇯🇵", 4, "Ann"),
        ("Ann🇩🇪🇯🇵", 5, "Ann🇩🇪"),
        ("Ann🇩🇪🇯🇵", 6, "Ann🇩🇪"),
        ("Ann👋🏽", 4, "Ann"),
        (f"Ann1{VS16}\u20e3", 5, "Ann"),
        ("Annq\u0307\u0323", 5, "Ann"),
        (f"අශ\u0dca{ZWJ}ර", 4, "අ"),
        (f"کتاب{ZWNJ}ها", 5, "کتاب"),
        # One character that is longer than a name: the first of what it is made of.
        (f"{FAMILY}", 3, "👨🏽"),
        (f"{SCOTLAND}", 3, "🏴"),
        ("q" + "\u0323" * 50, 5, "q" + "\u0323" * 4),
        ("🇩🇪", 1, ""),
    ],
)
def test_long_names_are_cut(name: str, length: int, cleaned: str) -> None:
    """A name is as long as it may be at most, and ends with a whole character as it is seen."""
    assert clean_name(name, length) == cleaned


TRICKY = st.text(
    st.sampled_from(
        f"An 1#{ZWNJ}{ZWJ}{VS15}{VS16}{SCOTLAND}👨👩🏽❤↔🇩🇪\u20e3\u0338\u0301\u0323\u0951"
        "کیدا\u0654ക\u0d4dක\u0dcaর\u09cdक\u093c\u094dᠠ\u180b\u180e\u200b\u034f\u2800\ud800\t\u3000"
        "\u1100\u1161\u11a8\u0344\ufb2c\u2126"
    ),
    max_size=60,
)


@given(st.one_of(TRICKY, st.text(max_size=300)), st.integers(1, 60))
def test_cleaning_is_done_once(name: str, length: int) -> None:
    """A clean name stays what it is, and has nothing in it that is not seen or is two spaces."""
    cleaned = clean_name(name, length)

    assert clean_name(cleaned, length) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert len(cleaned) <= length
    assert "  " not in cleaned
    assert cleaned == cleaned.strip()
    assert cleaned.isprintable() or any(
        unicodedata.category(character) in ("Cf", "Cn") for character in cleaned
    )


@given(TRICKY, st.integers(1, 60))
def test_a_cut_name_ends_with_a_whole_character(name: str, length: int) -> None:
    """No name ends with a joiner that is left over, and none with half a flag that was whole."""
    whole = clean_name(name, 60)
    cut = clean_name(whole, length)

    assert whole.startswith(cut)
    if cut.endswith((ZWJ, ZWNJ)):
        assert unicodedata.combining(cut[-2]) > 0
    flags = [len(text) - len(text.rstrip("🇩🇪")) for text in (cut, whole[: len(cut)])]
    assert flags[0] == flags[1]
    if flags[0] % 2 and len(cut) < len(whole):
        assert whole[len(cut)] not in "🇩🇪"


@pytest.mark.parametrize("piece", [ZWJ, f"{ZWNJ}\u0951", f"क\u094d{ZWJ}", FAMILY, "\ufdfa", "🇩"])
def test_work_is_bounded(piece: str) -> None:
    """A name of a million characters is no more work than one of a few hundred."""
    name = piece * (1_000_000 // len(piece))
    began = time.perf_counter()
    for _ in range(10):
        assert len(clean_name(name, 40)) <= 40
    assert time.perf_counter() - began < 1


def test_characters_are_newer_than_python() -> None:
    """The characters that these tests call new are unassigned for this Python."""
    for character in "\U0001fc00\u0378\U0003fff0":
        assert unicodedata.category(character) == "Cn"


@given(st.text(max_size=100), st.text(max_size=100), st.integers(1, 40))
def test_a_guest_is_nobody_else(guest: str, given_name: str, length: int) -> None:
    """No guest's name is one that a dependency gave, unless that is one of a guest's shape."""
    called = guest_name(guest, length, is_marked=True)
    if called and not clean_name(given_name, length).endswith(GUEST.strip()):
        assert called != clean_name(given_name, length)
        assert called.endswith(GUEST)
        assert len(called) <= length + len(GUEST)


def test_guests_among_themselves_are_not_marked() -> None:
    """Where no dependency gives names a guest is called what they say."""
    assert guest_name(" Ann ", 40, is_marked=False) == "Ann"
    assert guest_name("\u200b", 40, is_marked=True) == ""
