"""With what the messages of a room are answered: never with what another person's session has."""

import contextvars
from typing import NamedTuple

from ..identity import key_of
from ..replies import Call
from .stores.contract import Entry

# So many of the messages without an answer of somebody who left are still answered with what
# their session had; the rest wait until they are back.
_LEFT_BEHIND = 16


class Asker(NamedTuple):
    """What a session has that its messages are answered with.

    Attributes:
        call: The reply function with what its dependencies gave for it, if there is one.
        context: The context variables (`contextvars`) that it was begun in.
    """

    call: Call | None
    context: contextvars.Context


class Askers:
    """The sessions in one room, by identity, and what those that left still have to hear.

    Args:
        call: The reply function, if it has no dependencies: then anybody may have a message
            answered, in an empty context. Otherwise one of which nobody is here who may waits.
    """

    def __init__(self, call: Call | None) -> None:
        self._call = call
        self._here: dict[str, list[Asker]] = {}
        # By author and id of the message, until it is answered.
        self._asked: dict[str, dict[str, Asker]] = {}

    def add(self, key: str, asker: Asker) -> None:
        """Note that a session of an identity is here."""
        self._here.setdefault(key, []).append(asker)

    def remove(self, key: str, asker: Asker) -> None:
        """Note that a session has left."""
        here = [other for other in self._here.get(key, ()) if other is not asker]
        if here:
            self._here[key] = here
            return
        self._here.pop(key, None)
        asked = self._asked.get(key, {})
        for message_id in list(asked)[_LEFT_BEHIND:]:
            del asked[message_id]

    def ask(self, key: str, message_id: str, asker: Asker) -> None:
        """Keep what a message that is sent now is to be answered with."""
        self._asked.setdefault(key, {}).setdefault(message_id, asker)

    def forget(self, key: str, message_id: str) -> None:
        """Let go of that: the message is answered."""
        asked = self._asked.get(key)
        if asked is not None:
            asked.pop(message_id, None)
            if not asked:
                del self._asked[key]

    def find(self, entry: Entry) -> Asker | None:
        """Return what a message is answered with, `None` while nobody is here who may have it."""
        key = key_of(entry.author)
        asker = self._asked.get(key, {}).get(entry.id)
        if asker is not None:
            return asker
        for here in self._here.get(key, ()):
            return here
        if self._call is None:
            return None
        return Asker(self._call, contextvars.Context())
