"""Authors of messages who have no session in this process: whether they have one in another."""

import asyncio
from dataclasses import dataclass

from .channel import Channel
from .signals import Found, Search

# How long it is waited for somebody who says that they have an author, and before it is asked
# again: where the question may be lost, and where the process that had them may have died.
_REPLY_SECONDS = 2.0
_LOST_SECONDS = 1.0
_FOUND_SECONDS = 4.0


@dataclass(slots=True)
class _Search:
    newest: int
    until: float
    is_missing: bool = False


class Strangers:
    """Finds out whose messages anybody may have answered, as no process has their sessions.

    It asks the room's other processes. That nobody answers counts only once the question has come
    back to this one: while the store is out of reach they hear nothing.

    Args:
        channel: Asks them.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        # By the author's key.
        self._searches: dict[str, _Search] = {}

    def is_missing(self, key: str, position: int, newest: int) -> bool:
        """Tell whether no process has the author of a message; `False` until that is known.

        Args:
            key: The author's.
            position: The message's.
            newest: The position of the newest message of this author.
        """
        now = asyncio.get_running_loop().time()
        search = self._searches.get(key)
        if search is not None and now < search.until:
            return False
        if search is not None and search.is_missing and position <= search.newest:
            return True
        self._searches[key] = _Search(newest, now + _LOST_SECONDS)
        self._channel.tell_soon(Search(process=self._channel.process, author=key))
        return False

    def hear(self, signal: Search | Found) -> None:
        """Note that this process's question has come back, or that another one has an author."""
        search = self._searches.get(signal.author)
        if search is not None:
            search.is_missing = isinstance(signal, Search)
            seconds = _REPLY_SECONDS if search.is_missing else _FOUND_SECONDS
            search.until = asyncio.get_running_loop().time() + seconds

    def search_again(self) -> None:
        """Ask once more for those who were found."""
        for search in self._searches.values():
            if not search.is_missing:
                search.until = 0.0

    def forget(self, key: str) -> None:
        """Let go of an author, none of whose messages waits."""
        self._searches.pop(key, None)
