"""With what the messages of a room are answered: never with what another person's session has."""

import contextvars
from typing import NamedTuple

from ..identity import key_of
from ..replies import Call
from .channel import Channel
from .signals import Found, Search
from .stores.contract import Entry
from .strangers import Strangers

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
        call: The reply function, if it takes nothing of anybody's: then whose author no process
            knows any more has a message answered in an empty context. Otherwise one of which nobody
            is here who may waits.
        channel: Asks the other processes.

    Attributes:
        need_authors: Whether nobody's messages are answered but those of who is here.
    """

    def __init__(self, call: Call | None, channel: Channel) -> None:
        self.need_authors = call is None
        self._call = call
        self._channel = channel
        self._strangers = Strangers(channel)
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

    def rename(self, former: str, key: str, asker: Asker) -> None:
        """Note that a session is of another identity from now on."""
        self.remove(former, asker)
        self.add(key, asker)

    def ask(self, key: str, message_id: str, asker: Asker) -> None:
        """Keep what a message that is sent now is to be answered with."""
        self._asked.setdefault(key, {}).setdefault(message_id, asker)

    def forget(self, key: str, message_id: str, *, is_last: bool = False) -> None:
        """Let go of that: the message is answered. After the last of its author ask for nobody."""
        asked = self._asked.get(key)
        if asked is not None:
            asked.pop(message_id, None)
            if not asked:
                del self._asked[key]
        if is_last:
            self._strangers.forget(key)

    def find(self, entry: Entry, newest: int) -> Asker | None:
        """Return what a message is answered with, `None` while it is not known to be this one's.

        Args:
            entry: The message.
            newest: The position of its author's newest message.
        """
        key = key_of(entry.author)
        asker = self._asked.get(key, {}).get(entry.id) or next(iter(self._here.get(key, ())), None)
        if asker is not None or self._call is None:
            return asker
        if self._strangers.is_missing(key, entry.position, newest):
            return Asker(self._call, contextvars.Context())
        return None

    def hear(self, signal: Search | Found) -> None:
        """Answer a process that looks for an author, or note what another one says."""
        if signal.process == self._channel.process:
            if isinstance(signal, Search):
                self._strangers.hear(signal)
        elif isinstance(signal, Found):
            self._strangers.hear(signal)
        elif signal.author in self._here or signal.author in self._asked:
            found = Found(process=self._channel.process, author=signal.author)
            self._channel.tell_soon(found)

    def search_again(self) -> None:
        """Look once more for those who were in another process: one of these has ended."""
        self._strangers.search_again()
