"""The way into the rooms of a chat."""

import asyncio
from weakref import WeakKeyDictionary

from ..conversation import Conversation
from ..limits import Limits
from ..replies import Call, Replier, Values
from ..session import Client, Session
from ..watchdog import Watchdog
from .hub import Hub
from .naming import ROOM_LENGTH, room_name
from .participant import Participant
from .stores.contract import Rooms


class Lobby:
    """Opens the participants of a chat with rooms.

    Args:
        store: Has the rooms' histories.
        replier: Calls the reply function; `None` where people talk among themselves.
        limits: The chat's bounds.
        is_private: Whether each conversation is a room of its own.
        has_author: Whether a dependency names people, so that guests are marked.

    Attributes:
        store: As given.
        limits: As given.
        is_private: As given.
        has_author: As given.
    """

    def __init__(
        self,
        store: Rooms,
        replier: Replier | None,
        limits: Limits,
        *,
        is_private: bool,
        has_author: bool,
    ) -> None:
        self.store = store
        self.limits = limits
        self.is_private = is_private
        self.has_author = has_author
        self._replier = replier
        # Of each event loop its own: what waits in one cannot be woken from another.
        self._hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()

    def refusal(self, client: Client) -> str | None:
        """Return why there is no room at a client's address, `None` where there is."""
        if room_name(client.websocket.scope["path_params"]) is None:
            return f"A room's name has 1 to {ROOM_LENGTH} characters.\n"
        return None

    def open(self, client: Client, watchdog: Watchdog) -> Session:
        """Return a session with a client, not begun yet."""
        room = room_name(client.websocket.scope["path_params"])
        assert room is not None
        if self.is_private and self._replier is not None and not client.serializer.has_pieces:
            # The plain protocol has no way to say which conversation it is, so none is kept.
            return Conversation(client, self._replier, self.limits, watchdog)
        return Participant(client, self, self._hub(), room, watchdog)

    def bind(self, values: Values) -> Call | None:
        """Return the reply function for one session, if there is one."""
        return None if self._replier is None else self._replier.bind(values)

    async def close(self) -> None:
        """End what goes on without connections: the server ends."""
        hub = self._hubs.get(asyncio.get_running_loop())
        if hub is not None:
            await hub.close()

    def _hub(self) -> Hub:
        loop = asyncio.get_running_loop()
        if loop not in self._hubs:
            self._hubs[loop] = Hub(
                self.store, self.limits, self._replier, is_shared=not self.is_private
            )
        return self._hubs[loop]
