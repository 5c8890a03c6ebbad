"""The names that people are shown under. They are for show: nothing else depends on them."""

import re
import unicodedata

from .identity import GUEST, NAMELESS, Author

# How many times its length a name is looked at; what is beyond that is not even normalised.
_LOOKED_AT = 8


def clean_name(name: str, length: int) -> str:
    """Return a name as it is shown: in its own spelling, without characters that show nothing.

    It is normalised to NFC (Unicode Standard Annex 15), and white space is one space. Joiners,
    variation selectors and tags stay where a reader sees the difference: in the words of scripts
    that need them, and in emoji. A clean name stays as it is when it is cleaned again.

    Args:
        name: What somebody wants to be called.
        length: How many characters (code points) a name may have. What is beyond them is cut off,
            between two characters as a reader counts them.

    Returns:
        The name, empty when nothing of it can be shown.
    """
    text = name[: length * _LOOKED_AT]
    if text.isascii() and text.isprintable():
        return " ".join(text.split())[:length].rstrip()
    # What is removed brings its neighbours together, and a joiner may then be one too many.
    cleaned = None
    while text != cleaned:
        cleaned = text
        seen = _UNSEEN.sub(_keep_if_needed, unicodedata.normalize("NFC", text))
        text = _cut(unicodedata.normalize("NFC", " ".join(seen.split())), length).rstrip()
    # Accents alone are on nothing.
    return text if any(unicodedata.category(each) not in _BESIDE for each in text) else ""


def guest_name(name: str, length: int, *, is_marked: bool) -> str:
    """Return what a guest is called, empty when nothing of the name can be shown.

    Args:
        name: What they want to be called.
        length: How many characters (code points) the name may have, without the mark.
        is_marked: Whether the name ends with `GUEST`, as it does where others have names that a
            dependency gave.
    """
    cleaned = clean_name(name, length)
    return f"{cleaned}{GUEST}" if cleaned and is_marked else cleaned


def shown_author(author: Author, length: int) -> Author:
    """Return a person with the name that is shown: who it is does not depend on that.

    Args:
        author: As the host knows the person.
        length: How many characters (code points) the name may have.
    """
    return Author(author.id, clean_name(author.name, length) or NAMELESS, is_guest=author.is_guest)


def _keep_if_needed(match: re.Match[str]) -> str:
    is_kept = match["flag"] or _is_needed(match.string, match.start())
    return match[0] if is_kept else ""


def _is_needed(text: str, at: int) -> bool:
    """Tell whether a character that shows nothing itself changes how its neighbours look."""
    before, character, after = text[at - 1 : at], text[at], text[at + 1 : at + 2]
    if character in "\ufe0e\ufe0f":
        is_keycap = before in _KEYCAPS and after == "\u20e3"
        return bool(_EMOJI.match(before)) or (is_keycap and character == "\ufe0f")
    if character == "\u180e":
        return bool(_MONGOLIAN.match(before) and _MONGOLIAN.match(after))
    if character in "\u180b\u180c\u180d\u180f":
        return bool(_MONGOLIAN.match(before))
    if character not in _JOINERS:
        return False
    left, right = at, at + 1
    while left > 0 and _is_mark(text[left - 1]):
        left -= 1
    while right < len(text) and _is_mark(text[right]):
        right += 1
    # Unicode Standard Annex 31, section 2.3, rules A1, A2 and B. Bengali and Sinhala have a
    # joiner before a virama too (Unicode Standard, sections 12.2 and 13.2).
    base, next_base = text[left - 1 : left], text[right : right + 1]
    has_virama = base.isalpha() and any(map(_is_virama, text[left:at]))
    if character == _NON_JOINER:
        joins = _JOINS_ONWARD.match(base) and _JOINS_BACK.match(next_base)
        return bool(joins) or (has_virama and next_base.isalpha())
    return (
        has_virama
        or (base.isalpha() and any(map(_is_virama, text[at + 1 : right])))
        or bool(_EMOJI.match(after) and _EMOJI_END.search(text[max(at - 3, 0) : at]))
    )


def _cut(text: str, length: int) -> str:
    """Return the first characters of a text, none of them in part when that can be."""
    if len(text) <= length:
        return text
    end = length
    while end and not _is_boundary(text, end):
        end -= 1
    # Any number of accents can be on one letter; half a flag is another character.
    return text[: end or length] if end or text[0] not in _HALF_FLAGS else ""


def _is_boundary(text: str, at: int) -> bool:
    """Tell whether readers count what is before and after a place as two characters.

    Of Unicode Standard Annex 29, rules GB9 to GB13, for names that are clean but too long.
    """
    before, after = text[at - 1], text[at]
    if before == _JOINER or after in _JOINERS or after in _SKIN_TONES or _is_mark(after):
        return False
    if after in _HALF_FLAGS and before in _HALF_FLAGS:
        halves = at - len(text[:at].rstrip(_HALF_FLAGS))
        return halves % 2 == 0
    return after not in _TAGS


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Mc", "Me")


def _is_virama(character: str) -> bool:
    return unicodedata.combining(character) == _VIRAMA


def _one_of(ranges: str) -> str:
    """Return a regular expression for code points that are written as in Unicode's data files."""
    points = re.sub("[0-9a-f]+", lambda each: rf"\U{int(each[0], 16):08x}", ranges)
    return f"[{''.join(points.split())}]"


_NON_JOINER, _JOINER = "\u200c", "\u200d"
_JOINERS = (_NON_JOINER, _JOINER)
_VIRAMA = 9  # A canonical combining class (Unicode Standard Annex 44, section 5.7.4).
_BESIDE = ("Mn", "Me", "Zs")
_KEYCAPS = tuple("0123456789#*")
_SKIN_TONES = tuple(map(chr, range(0x1F3FB, 0x1F400)))
_HALF_FLAGS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
_TAGS = tuple(map(chr, range(0xE0020, 0xE0080)))
_MONGOLIAN = re.compile("[\u1807\u1820-\u18aa]")

# DerivedCoreProperties.txt of Unicode 17: Default_Ignorable_Code_Point.
_IGNORABLE = """
    ad 34f 61c 115f-1160 17b4-17b5 180b-180f 200b-200f 202a-202e 2060-206f 3164 fe00-fe0f feff ffa0
    fff0-fff8 1bca0-1bca3 1d173-1d17a e0000-e0fff
"""
# Controls, surrogates, private use, noncharacters (Unicode Standard, chapter 23).
_NO_TEXT = """
    0-1f 7f-9f d800-f8ff fdd0-fdef fffe-ffff 1fffe-1ffff 2fffe-2ffff 3fffe-3ffff 4fffe-4ffff
    5fffe-5ffff 6fffe-6ffff 7fffe-7ffff 8fffe-8ffff 9fffe-9ffff afffe-affff bfffe-bffff cfffe-cffff
    dfffe-dffff efffe-10ffff
"""
# Blank by design: the empty pattern of Braille, marks of annotations and of an object that is not
# there, the layout of hieroglyphs, the filler of Khitan, a note without a head.
_BLANK = "2800 fff9-fffc 13430-13442 16fe4 1d159"

# The flag of a region such as Scotland (Unicode Technical Standard 51, ED-14a), else one character.
_UNSEEN = re.compile(
    "(?P<flag>\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f)"
    rf"|(?!\s){_one_of(_IGNORABLE + _NO_TEXT + _BLANK)}"
)

# emoji-data.txt of Unicode 17: Extended_Pictographic. Emoji that are to come are among them.
_PICTOGRAPHIC = _one_of("""
    a9 ae 203c 2049 2122 2139 2194-2199 21a9-21aa 231a-231b 2328 23cf 23e9-23f3 23f8-23fa 24c2
    25aa-25ab 25b6 25c0 25fb-25fe 2600-2604 260e 2611 2614-2615 2618 261d 2620 2622-2623 2626
    262a 262e-262f 2638-263a 2640 2642 2648-2653 265f-2660 2663 2665-2666 2668 267b 267e-267f
    2692-2697 2699 269b-269c 26a0-26a1 26a7 26aa-26ab 26b0-26b1 26bd-26be 26c4-26c5 26c8
    26ce-26cf 26d1 26d3-26d4 26e9-26ea 26f0-26f5 26f7-26fa 26fd 2702 2705 2708-270d 270f 2712
    2714 2716 271d 2721 2728 2733-2734 2744 2747 274c 274e 2753-2755 2757 2763-2764 2795-2797
    27a1 27b0 27bf 2934-2935 2b05-2b07 2b1b-2b1c 2b50 2b55 3030 303d 3297 3299 1f004 1f02c-1f02f
    1f094-1f09f 1f0af-1f0b0 1f0c0 1f0cf-1f0d0 1f0f6-1f0ff 1f170-1f171 1f17e-1f17f 1f18e
    1f191-1f19a 1f1ae-1f1e5 1f201-1f20f 1f21a 1f22f 1f232-1f23a 1f23c-1f23f 1f249-1f25f
    1f266-1f321 1f324-1f393 1f396-1f397 1f399-1f39b 1f39e-1f3f0 1f3f3-1f3f5 1f3f7-1f3fa
    1f400-1f4fd 1f4ff-1f53d 1f549-1f54e 1f550-1f567 1f56f-1f570 1f573-1f57a 1f587 1f58a-1f58d
    1f590 1f595-1f596 1f5a4-1f5a5 1f5a8 1f5b1-1f5b2 1f5bc 1f5c2-1f5c4 1f5d1-1f5d3 1f5dc-1f5de
    1f5e1 1f5e3 1f5e8 1f5ef 1f5f3 1f5fa-1f64f 1f680-1f6c5 1f6cb-1f6d2 1f6d5-1f6e5 1f6e9
    1f6eb-1f6f0 1f6f3-1f6ff 1f7da-1f7ff 1f80c-1f80f 1f848-1f84f 1f85a-1f85f 1f888-1f88f
    1f8ae-1f8af 1f8bc-1f8bf 1f8c2-1f8cf 1f8d9-1f8ff 1f90c-1f93a 1f93c-1f945 1f947-1f9ff
    1fa58-1fa5f 1fa6e-1faff 1fc00-1fffd
""")
_EMOJI = re.compile(_PICTOGRAPHIC)
_EMOJI_END = re.compile(rf"{_PICTOGRAPHIC}[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]{{0,2}}\Z")

# DerivedJoiningType.txt of Unicode 14, scripts in use: Dual_Joining, then Right_Joining.
_DUAL = """
    620 626 628 62a-62e 633-63f 641-647 649-64a 66e-66f 678-687 69a-6bf 6c1-6c2 6cc 6ce 6d0-6d1
    6fa-6fc 6ff 712-714 71a-71d 71f-727 729 72b 72d-72e 74e-758 75c-76a 76d-770 772 775-777
    77a-77f 7ca-7ea 841-845 848 84a-853 855 860 862-865 868 886 889-88d 8a0-8a9 8af-8b0 8b3-8b8
    8ba-8c8 1807 1820-1878 1887-18a8 18aa 10d01-10d21 10d23 1e900-1e943
"""
_RIGHT = """
    622-625 627 629 62f-632 648 671-673 675-677 688-699 6c0 6c3-6cb 6cd 6cf 6d2-6d3 6d5 6ee-6ef
    710 715-719 71e 728 72a 72c 72f 74d 759-75b 76b-76c 771 773-774 778-779 840 846-847 849 854
    856-858 867 869-86a 870-882 88e 8aa-8ac 8ae 8b1-8b2 8b9 10d22
"""
_JOINS_ONWARD = re.compile(_one_of(_DUAL))
_JOINS_BACK = re.compile(_one_of(_DUAL + _RIGHT))
