"""One WebSocket of a room, from its first frame to its close."""

import asyncio
import contextlib
import logging
import secrets
from dataclasses import replace

from fastapi import WebSocket

from ..limits import Limits
from ..names import guest_name
from ..protocol.frames import WelcomeRoom
from ..protocol.messages import (
    INTERNAL_ERROR,
    TRY_AGAIN_LATER,
    UNSUPPORTED_DATA,
    Close,
    Dialect,
    Earlier,
    Enter,
    Message,
    Ping,
    Problem,
    Rename,
    Stop,
    Typing,
)
from ..protocol.v1 import Plain
from ..replies import Values
from ..sender import EndedError
from ..watchdog import Lookout
from .broadcast import say_entry, say_history
from .fanout import Outbox
from .hub import Hub
from .naming import private_room
from .room import Room
from .stores.contract import Entry, Rooms, RoomsUnavailableError
from .voice import Voice

logger = logging.getLogger("fastapi_echochat")

# So many entries a client gets of the newest and of earlier ones; so many are read at a time.
_PAGE = 50
_BATCH = 200
# How often one client may say that its person is writing.
_TYPING_SECONDS = 1.0
_ENTERED = Problem("bad_frame", "this connection is in its room already")
_NO_CONVERSATION = Problem("bad_frame", "conversation: which one is it?")
_NO_ROOM = Problem("bad_frame", 'this chat has rooms: the first frame is of the type "enter"')


class Member:
    """One connection to a room.

    Args:
        websocket: Accepted, with the subprotocol of the dialect.
        dialect: The protocol that it speaks.
        hub: Has the rooms that are open.
        rooms: Has their logs.
        room: The name of its mount's room.
        is_private: Whether each conversation is a room of its own.
        given: The name that a dependency gave, `None` for a guest.
        is_marked: Whether a guest's name says that it is one.
        values: What the reply function's dependencies gave for this connection.
        limits: Its bounds.
        lookout: Looks after its client.
        name: Names the connection in the log.

    Attributes:
        author: The name it speaks under, `None` while it has none.
    """

    def __init__(
        self,
        websocket: WebSocket,
        *,
        dialect: Dialect,
        hub: Hub,
        rooms: Rooms,
        room: str,
        is_private: bool,
        given: str | None,
        is_marked: bool,
        values: Values,
        limits: Limits,
        lookout: Lookout,
        name: str,
    ) -> None:
        self.author = given
        self.values = values
        is_plain = isinstance(dialect, Plain)
        self._lookout = lookout
        self.outbox = Outbox(
            websocket.send,
            limits.outbox_characters,
            is_plain=is_plain,
            fell_behind=self._fall_behind,
        )
        self._websocket = websocket
        self._dialect = dialect
        self._hub = hub
        self._rooms = rooms
        self._mount = room
        self._is_private = is_private
        self._is_guest = given is None and not is_private
        self._is_marked = is_marked
        self._limits = limits
        self._name = name
        self._room: Room | None = None
        self._voice = Voice(self.outbox, values, dialect, limits, name)
        self._reading: asyncio.Task[None] | None = None
        self._typed_at = 0.0
        self._is_stalled = False

    def begin(self) -> "asyncio.Task[None]":
        """Serve until either side ends; nothing that a client does makes the task raise."""
        # A task of its own, so that a client that takes nothing can be let go.
        self._reading = asyncio.create_task(self._read())
        return self._reading

    async def _read(self) -> None:
        self._lookout.add(self.outbox, self._end)
        try:
            if self.outbox.is_plain:
                with contextlib.suppress(EndedError):
                    await self._enter(Enter(name=f"guest-{secrets.token_hex(2)}"))
            while True:
                event = await self._websocket.receive()
                if event["type"] == "websocket.disconnect":
                    return
                # A send may be the first to notice that a client has left; what it said is kept.
                with contextlib.suppress(EndedError):
                    await self._take(event.get("text"))
        except asyncio.CancelledError:
            if not self._is_stalled:
                raise
            seconds = self._limits.send_seconds
            logger.info("%s: ended, its client has read nothing for %s s", self._name, seconds)
        finally:
            self._lookout.remove(self.outbox)
            await self._leave()

    async def _leave(self) -> None:
        self.outbox.forget()
        if self._room is not None:
            self._room.leave(self)
            await self._voice.end()
            self._hub.leave(self._room)

    async def _take(self, frame: str | None) -> None:
        if frame is None:
            await self.outbox.close(Close(UNSUPPORTED_DATA, "binary frames are not understood"))
            return
        said = self._dialect.read(frame)
        if self.outbox.is_plain and isinstance(said, Message):
            # The plain protocol counts its messages; in a room an id is nobody else's.
            said = replace(said, id=secrets.token_hex(16))
        if isinstance(said, Ping):
            await self.outbox.send(self._dialect.pong())
        elif isinstance(said, Problem):
            await self._tell(said)
        elif isinstance(said, Enter):
            await self._enter(said)
        elif self._room is None:
            await self._tell(_NO_ROOM)
        elif isinstance(said, Message):
            await self._speak(said)
        elif isinstance(said, Stop):
            await self._voice.say(said, self.author)
        elif isinstance(said, Rename):
            await self._rename(said.name, self._room)
        elif isinstance(said, Typing):
            await self._type(self._room)
        else:
            await self._tell_earlier(said, self._room)

    # --- Coming in -----------------------------------------------------------------------------

    async def _enter(self, enter: Enter) -> None:
        if self._room is not None:
            await self._tell(_ENTERED)
            return
        name = self._mount
        if self._is_private:
            if enter.conversation is None:
                await self._tell(_NO_CONVERSATION)
                return
            name = private_room(self._mount, self.author, enter.conversation)
        elif self._is_guest and enter.name is not None:
            self.author = self._guest_name(enter.name)
        try:
            room = self._room = await self._hub.enter(name)
            self._voice.enter(room)
            await self._catch_up(room, enter.after)
        except RoomsUnavailableError:
            await self.outbox.close(Close(TRY_AGAIN_LATER, "the room is out of reach"))
        except ValueError:  # Of a place that can never be used, such as somebody else's file.
            logger.exception("%s: the room cannot be opened", self._name)
            await self.outbox.close(Close(INTERNAL_ERROR, "the room cannot be opened"))

    async def _catch_up(self, room: Room, after: int | None) -> None:
        """Send the log from where the client has it, up to where the room is, and join there."""
        entries: list[Entry] = []
        since = room.position
        if not self.outbox.is_plain:
            entries, since, welcome = await self._begin(room, after)
            await self.outbox.send(self._dialect.welcome(self.author, welcome) or "")
        while entries or since < room.position:
            for entry in entries:
                await self.outbox.send(say_entry(entry).v1)
                since = entry.position
            if since >= room.position:
                break
            entries = await self._rooms.read(room.name, after=since, limit=_BATCH)
            if not entries:  # Its log has let go of them.
                since = room.position
        # Nothing waits between the comparison and this, so there is no seam.
        self.outbox.since = since
        room.join(self)
        if not self.outbox.is_plain:
            for frame in room.greet():
                await self.outbox.send(frame)

    async def _begin(self, room: Room, after: int | None) -> tuple[list[Entry], int, WelcomeRoom]:
        """Return the first entries to send, the position before them, and what to say of it."""
        if after:
            entries = await self._rooms.read(room.name, after=after - 1, limit=_BATCH)
            if entries and entries[0].position == after:
                position = max(entries[-1].position, room.position)
                welcome = WelcomeRoom(
                    name=self._mount, position=position, resumed=True, has_earlier=True
                )
                return entries[1:], after, welcome
        # The client knows nothing of this log, or what the log has let go of.
        entries = await self._rooms.read_back(room.name, limit=_PAGE + 1)
        entries, has_earlier = entries[-_PAGE:], len(entries) > _PAGE
        position = entries[-1].position if entries else 0
        welcome = WelcomeRoom(
            name=self._mount, position=position, resumed=False, has_earlier=has_earlier
        )
        return entries, 0, welcome

    # --- What a client may do ------------------------------------------------------------------

    async def _speak(self, message: Message) -> None:
        if self._is_guest and self.author is None:
            detail = "say what you are called before you speak"
            await self._tell(Problem("bad_name", detail, message.id))
        else:
            await self._voice.say(message, self.author)

    async def _type(self, room: Room) -> None:
        now = asyncio.get_running_loop().time()
        if self.author is None or self._is_private or now - self._typed_at < _TYPING_SECONDS:
            return
        self._typed_at = now
        await room.type(self.author, now)

    async def _rename(self, name: str, room: Room) -> None:
        author = self._guest_name(name) if self._is_guest else None
        if author is None:
            detail = "nobody can be called that" if self._is_guest else "your name is given to you"
            await self._tell(Problem("bad_name", detail))
            return
        former, self.author = self.author, author
        room.rename(self, former)
        await self.outbox.send(self._dialect.named(author))

    def _guest_name(self, name: str) -> str | None:
        return guest_name(name, self._limits.name_length, is_marked=self._is_marked) or None

    async def _tell_earlier(self, earlier: Earlier, room: Room) -> None:
        try:
            entries = await self._rooms.read_back(room.name, before=earlier.before, limit=_PAGE + 1)
        except RoomsUnavailableError:
            # The client asks again when it has come back.
            await self.outbox.close(Close(TRY_AGAIN_LATER, "the room is out of reach"))
            return
        has_earlier = len(entries) > _PAGE
        await self.outbox.send(say_history(entries[-_PAGE:], has_earlier=has_earlier))

    async def _tell(self, problem: Problem) -> None:
        told = self._dialect.problem(problem)
        if isinstance(told, Close):
            await self.outbox.close(told)
        else:
            await self.outbox.send(told)

    # --- The end -------------------------------------------------------------------------------

    def _fall_behind(self) -> None:
        logger.info("%s: closed, its client reads too slowly", self._name)
        if self._room is not None:
            self._room.leave(self)

    def _end(self) -> None:
        """End the connection from outside its tasks: its client reads nothing."""
        self._is_stalled = True
        if self._reading is not None:
            self._reading.cancel()
