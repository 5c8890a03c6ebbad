"""The names of rooms: made from addresses and conversations, each from one only."""

import hashlib
import json
from collections.abc import Mapping

from ..identity import Author, key_of

ROOM_LENGTH = 255
"""Longest name of a room, in characters."""

PRIVATE = "~private:"
"""What the names of kept conversations begin with; no address leads to them."""


def room_name(parameters: Mapping[str, object]) -> str | None:
    """Return the name of a mount's room, `None` where it cannot be one.

    Args:
        parameters: The mount's path parameters. Their values are joined by `/`; a `/` or a `%` in
            one of them is escaped (RFC 3986, section 2.1), so that two different lists of values
            never give one name.
    """
    values = [str(value).replace("%", "%25").replace("/", "%2F") for value in parameters.values()]
    name = "/".join(values) if values else "main"
    return name if 0 < len(name) <= ROOM_LENGTH and not name.startswith(PRIVATE) else None


def private_room(mount: str, author: Author | None, conversation: str) -> str:
    """Return the name of a kept conversation's room.

    A digest, so that nobody who reads the history, or the names in it, can enter a conversation.

    Args:
        mount: The name of its mount's room.
        author: Who is signed in, if anybody is: the conversation is nobody else's.
        conversation: What its client knows it by.
    """
    secret = json.dumps([mount, key_of(author), conversation])
    return PRIVATE + hashlib.sha256(secret.encode()).hexdigest()
