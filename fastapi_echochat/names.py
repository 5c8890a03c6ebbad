"""The names that people speak under."""

import unicodedata

GUEST = " (guest)"
"""What a guest's name ends with where others have names that a dependency gave."""

# Unicode Standard, section 4.5: control, format, surrogate, private use and unassigned characters,
# line and paragraph separators. A name has no use for them, and some turn its line around.
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
# Letters and symbols that look like nothing: fillers of Hangul, the empty pattern of Braille.
_BLANK = "\u115f\u1160\u3164\uffa0\u2800"


def clean(name: str, length: int) -> str:
    """Return a name as it is shown: without what cannot be seen, and not too long.

    Look-alikes of one character are one (Unicode Standard Annex 15, NFKC), and white space is one
    space. What is left may be empty.

    Args:
        name: What somebody wants to be called.
        length: How many characters a name may have; what is beyond them is cut off.
    """
    # Normalized before it is cut, for some characters become eighteen; and after what stood
    # between a letter and its accent is gone.
    text = "".join(
        " " if character.isspace() else character
        for character in name[: length * 4]
        if character.isspace() or _is_seen(character)
    )
    cleaned = " ".join(unicodedata.normalize("NFKC", text).split())[:length].rstrip()
    # Accents and variation selectors alone are on nothing.
    return cleaned if any(map(_stands_alone, cleaned)) else ""


def guest_name(name: str, length: int, *, is_marked: bool) -> str:
    """Return what a guest is called, empty where nothing is left of the name.

    Args:
        name: What they want to be called.
        length: How many characters a name may have.
        is_marked: Whether names that a dependency gives are about; a guest's then ends with
            `GUEST`, so it is none of them.
    """
    cleaned = clean(name, length)
    return f"{cleaned}{GUEST}" if cleaned and is_marked else cleaned


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in _UNSEEN and character not in _BLANK


def _stands_alone(character: str) -> bool:
    return unicodedata.category(character) not in ("Mn", "Me", "Zs")
