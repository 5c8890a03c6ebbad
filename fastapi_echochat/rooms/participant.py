"""One session in a room."""

import asyncio
import secrets
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..client import Client
from ..exchanges import Exchange
from ..identity import Author, guest_author
from ..names import guest_name
from ..protocol.frames import (
    ClientFrame,
    EarlierFrame,
    EnterFrame,
    ErrorFrame,
    HistoryFrame,
    MessageFrame,
    NamedFrame,
    NameFrame,
    ServerFrame,
    StopFrame,
)
from ..protocol.serializer import INTERNAL_ERROR, TRY_AGAIN_LATER, Close
from ..protocol.welcome import WelcomeFrame, WelcomeLimits, WelcomeRoom, WelcomeYou
from ..sender import EndedError
from ..session import Session
from ..state import State
from ..verdicts import ExchangeUnavailableError
from ..watchdog import Watchdog
from .askers import Asker
from .broadcast import entry_frame
from .fanout import Outbox
from .history import Beginning, read_beginning, read_exchange, read_on, read_page
from .hub import Hub
from .naming import private_room
from .room import Room
from .stores.contract import Entry, RoomsUnavailableError

if TYPE_CHECKING:
    from .lobby import Lobby

# How long is waited for what a client sent just before it left.
_LAST_WORDS_SECONDS = 2.0
# How often one client may say that its person is writing.
_TYPING_SECONDS = 1.0
_ENTERED = ErrorFrame(code="bad_frame", detail="this connection is in its room already")
_NO_CONVERSATION = ErrorFrame(code="bad_frame", detail="conversation: which one is it?")
_NO_ROOM = ErrorFrame(
    code="bad_frame", detail='this chat has rooms: the first frame is of the type "enter"'
)


class Participant(Session):
    """A client in a room: what it sends is kept, and it gets what anybody sends.

    Args:
        client: Its client.
        lobby: Knows what is the same for all of the chat.
        hub: Has the rooms that are open.
        room: The name of its mount's room.
        watchdog: Notices if the client stops reading.

    Attributes:
        outbox: What goes out to the client.
        author: Who it is, by the name it has; `None` while a guest has none.
        asker: With what its messages are answered.
    """

    __slots__ = (
        "_former", "_hub", "_is_guest", "_lobby", "_mount", "_room", "_secret", "_stops",
        "_typed_at", "asker", "author", "outbox",
    )  # fmt: skip

    def __init__(
        self, client: Client, lobby: "Lobby", hub: Hub, room: str, watchdog: Watchdog
    ) -> None:
        self.outbox = Outbox(
            client.send,
            lobby.limits.outbox_bytes,
            serializer=client.serializer,
            fell_behind=self._fall_behind,
        )
        super().__init__(client, self.outbox, lobby.limits, watchdog)
        self.author: Author | None = client.author
        self.asker = Asker(lobby.bind(client.values), self.context)
        self._lobby = lobby
        self._hub = hub
        self._mount = room
        self._is_guest = client.author is None
        self._secret = ""
        self._room: Room | None = None
        # Of answers to messages that are not kept yet.
        self._stops: set[str] = set()
        # Who said what waits since before a change of name.
        self._former: dict[str, Author | None] = {}
        self._typed_at = 0.0

    # --- The session ---------------------------------------------------------------------------

    async def greet(self) -> None:
        """Enter, for clients whose protocol has no frame for it."""
        if not self._serializer.has_pieces:
            await self._enter(EnterFrame("enter", name=f"guest-{secrets.token_hex(2)}"))

    async def process_message(self, frame: MessageFrame, received_at: datetime) -> None:
        """Keep a message, if its author is in the room, by a name."""
        room = self._room
        if room is None:
            await self.tell(_NO_ROOM)
            return
        if self.author is None and not self._lobby.is_private:
            detail = "say what you are called before you speak"
            await self.tell(ErrorFrame(code="bad_name", detail=detail, in_reply_to=frame.id))
            return
        entry = Entry(
            kind="message",
            id=frame.id,
            author=self._former.pop(frame.id, self.author),
            text=frame.text,
            sent_at=received_at,
        )
        # Who goes on writing after it is shown to do so at once.
        self._typed_at = 0.0
        kept = await room.append(entry, self.asker)
        if frame.id in self._stops:
            self._stops.discard(frame.id)
            # Again: while the store was out of reach other processes heard nothing.
            await room.stop(self.author, frame.id)
        if kept.sent_at != entry.sent_at and self._serializer.has_pieces:
            # It was kept before, so it may not come by the room any more.
            room.send_again(self.outbox, kept)

    async def handle_frame(self, frame: ClientFrame) -> None:
        """Do what a frame asks for."""
        if isinstance(frame, EnterFrame):
            await self._enter(frame)
        elif self._room is None:
            await self.tell(_NO_ROOM)
        elif isinstance(frame, StopFrame):
            await self._stop(frame.id, self._room)
        elif isinstance(frame, NameFrame):
            await self._rename(frame.name, self._room)
        elif isinstance(frame, EarlierFrame):
            await self._tell_earlier(frame.before, self._room)
        else:
            await self._type(self._room)

    async def find_exchange(self, answer_id: str | int) -> Exchange | None:
        """Return a message of this room and its answer, as the store has them."""
        if self._room is None or not isinstance(answer_id, int):
            return None
        try:
            return await read_exchange(self._lobby.store, self._room.name, answer_id)
        except RoomsUnavailableError:
            raise ExchangeUnavailableError from None

    async def tell(self, frame: ServerFrame) -> None:
        """Send a frame; if the client has left, what it sent before is still read and kept."""
        try:
            await super().tell(frame)
        except EndedError:
            if self._state is not State.OPEN:
                raise

    async def finish(self) -> None:
        """Leave the room; what the client sent before it left is waited for a little."""
        self.outbox.forget()
        try:
            if self._room is not None:
                self._room.leave(self)
                if self._worker is not None and not self._worker.done():
                    await asyncio.wait([self._worker], timeout=_LAST_WORDS_SECONDS)
        finally:
            # Also where the endpoint is cancelled, which some servers and test clients do to end
            # it: then each wait raises that.
            try:
                await super().finish()
            finally:
                if self._room is not None:
                    self._hub.leave(self._room)

    # --- Coming in -----------------------------------------------------------------------------

    async def _enter(self, frame: EnterFrame) -> None:
        if self._room is not None:
            await self.tell(_ENTERED)
            return
        name = self._mount
        if self._lobby.is_private:
            if frame.conversation is None:
                await self.tell(_NO_CONVERSATION)
                return
            name = private_room(self._mount, self.author, frame.conversation)
        elif self._is_guest:
            # Without a secret it is somebody new.
            self._secret = frame.guest or secrets.token_urlsafe(24)
            self.author = self._guest(frame.name or "")
        try:
            room = self._room = await self._hub.enter(name, is_new=not frame.after)
            await self._catch_up(room, frame.after)
        except RoomsUnavailableError:
            await self.close(Close(TRY_AGAIN_LATER, "the room is out of reach"))
        except ValueError:  # Of a store that can never be used, such as somebody else's file.
            self.log.exception("the room cannot be opened")
            await self.close(Close(INTERNAL_ERROR, "the room cannot be opened"))

    async def _catch_up(self, room: Room, after: int | None) -> None:
        """Send the history from where the client has it, up to where the room is, and join."""
        entries: list[Entry] = []
        since = room.position
        if self._serializer.has_pieces:
            page, room.page = room.page, None
            beginning = await read_beginning(self._lobby.store, room.name, after, page)
            entries, since = beginning.entries, beginning.since
            await self.tell(self._welcome(room, beginning))
        while entries or since < room.position:
            for entry in entries:
                await self.tell(entry_frame(entry, room.pseudonym))
                since = entry.position
            if since >= room.position:
                break
            entries = await read_on(self._lobby.store, room.name, since)
            if not entries:  # The store has let go of them.
                since = room.position
        # Nothing waits between the comparison and this, so there is no seam.
        self.outbox.since = since
        room.join(self)
        if self._serializer.has_pieces:
            for frame in room.greeting():
                await self.tell(frame)

    def _welcome(self, room: Room, beginning: Beginning) -> WelcomeFrame:
        author = self.author
        you: str | None = None
        if not self._lobby.is_private or not self._is_guest:
            you = room.pseudonym(author or guest_author(self._secret, ""))
        return WelcomeFrame(
            limits=WelcomeLimits.of(self._limits, with_rooms=True),
            you=WelcomeYou(
                id=you, name=None if author is None else author.name, is_guest=self._is_guest
            ),
            room=WelcomeRoom(
                name=self._mount,
                position=max(beginning.position, room.position),
                resumed=beginning.resumed,
                has_earlier=beginning.has_earlier,
                time=datetime.now(timezone.utc),
            ),
        )

    # --- What a client may do ------------------------------------------------------------------

    async def _stop(self, message_id: str, room: Room) -> None:
        is_current = self._current is not None and self._current.id == message_id
        if is_current or message_id in self._inbox:
            self._stops.add(message_id)
        await room.stop(self.author, message_id)

    async def _type(self, room: Room) -> None:
        now = asyncio.get_running_loop().time()
        if self.author is None or self._lobby.is_private or now - self._typed_at < _TYPING_SECONDS:
            return
        self._typed_at = now
        await room.show_typing(self.author, now)

    async def _rename(self, name: str, room: Room) -> None:
        is_guest = self._is_guest and not self._lobby.is_private
        author = self._guest(name) if is_guest else None
        if author is None:
            detail = "nobody can be called that" if is_guest else "your name is given to you"
            await self.tell(ErrorFrame(code="bad_name", detail=detail))
            return
        former, self.author = self.author, author
        for message_id in self._inbox:
            self._former.setdefault(message_id, former)
        room.rename(self, former)
        await self.tell(NamedFrame(name=author.name))

    def _guest(self, name: str) -> Author | None:
        shown = guest_name(name, self._limits.name_length, is_marked=self._lobby.has_author)
        return guest_author(self._secret, shown) if shown else None

    async def _tell_earlier(self, before: int, room: Room) -> None:
        try:
            entries, has_earlier = await read_page(self._lobby.store, room.name, before)
        except RoomsUnavailableError:
            # The client asks again when it has come back.
            await self.close(Close(TRY_AGAIN_LATER, "the room is out of reach"))
            return
        frames = [entry_frame(entry, room.pseudonym) for entry in entries]
        await self.tell(HistoryFrame(entries=frames, has_earlier=has_earlier))

    # --- The end -------------------------------------------------------------------------------

    def _fall_behind(self) -> None:
        self.log.info("closed: its client reads too slowly")
        if self._room is not None:
            self._room.leave(self)
