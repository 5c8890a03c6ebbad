"""The names that people speak under."""

import unicodedata

GUEST = " (guest)"
"""What a guest's name ends with where others have names that a dependency gave."""

# Unicode Standard, section 4.5: control, format, surrogate, private use and unassigned characters,
# line and paragraph separators. A name has no use for them, and some turn its line around.
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def clean(name: str, length: int) -> str:
    """Return a name as it is shown: without what cannot be seen, and not too long.

    Look-alikes of one character are one (Unicode Standard Annex 15, NFKC), and white space is one
    space. What is left may be empty.

    Args:
        name: What somebody wants to be called.
        length: How many characters a name may have; what is beyond them is cut off.
    """
    # Normalized before it is cut: some characters become eighteen.
    text = unicodedata.normalize("NFKC", name[: length * 4])
    seen = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character) not in _UNSEEN
    )
    return " ".join(seen.split())[:length].rstrip()


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
