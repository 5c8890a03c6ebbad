"""What can stand in a page."""

from typing import TypeGuard


def is_text(value: object) -> TypeGuard[str]:
    """Tell whether a value is Unicode text, without half of a surrogate pair: no page has that."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False
