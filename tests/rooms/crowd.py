"""Writers and readers that keep count, in a room whose servers come and go."""

import asyncio
import contextlib
import json
import random
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from fastapi_echochat.rooms.stores.contract import Entry, Rooms, RoomsUnavailableError
from tests.clients import MUCH, V1, Frame, name_of
from tests.waiting import PATIENCE, until

WINDOW = 8
"""Most messages of one writer that are not acknowledged yet."""

# Seconds between two messages of one writer, and before a cut connection is opened again.
_PACE = 0.01
_PAUSE = 0.05


class _Client:
    """A client that comes back, to any of the servers, whenever its connection is cut.

    Attributes:
        cuts: How often it was.
        errors: The error frames that it got.
    """

    def __init__(self, name: str, urls: list[str]) -> None:
        self.name = name
        self.cuts = 0
        self.errors: list[Frame] = []
        self._urls = urls
        self._chance = random.Random(name)

    async def run(self) -> None:
        """Talk until there is nothing more to say or to hear."""
        while not self.is_done:
            url = self._chance.choice(self._urls)
            try:
                # Without a bound on what it keeps, so that it may leave at any moment.
                async with connect(url, subprotocols=V1, max_queue=MUCH) as websocket:
                    await self._talk(websocket)
            except ConnectionClosed:
                self.cuts += 1
            except (OSError, WebSocketException, EOFError):
                # Nobody is there yet, or was for long enough.
                await asyncio.sleep(_PAUSE)

    @property
    def is_done(self) -> bool:
        raise NotImplementedError

    async def _talk(self, websocket: ClientConnection) -> None:
        raise NotImplementedError

    async def _hear(self, websocket: ClientConnection) -> AsyncIterator[Frame]:
        async for text in websocket:
            frame: Frame = json.loads(text)
            if frame["type"] == "error":
                self.errors.append(frame)
            yield frame


class Writer(_Client):
    """Sends numbered messages, and again under the same id what was not acknowledged.

    Attributes:
        sent: How many messages it has sent.
        acknowledged: The positions of those whose entry it has seen, by their ids.
        is_ending: Whether it sends nothing new any more.
    """

    def __init__(self, name: str, urls: list[str]) -> None:
        super().__init__(name, urls)
        self.sent = 0
        self.acknowledged: dict[str, int] = {}
        self.is_ending = False
        self._guest = secrets.token_urlsafe(24)
        self._open: list[str] = []

    @property
    def is_done(self) -> bool:
        return self.is_ending and not self._open

    async def _talk(self, websocket: ClientConnection) -> None:
        await websocket.send(json.dumps({"type": "enter", "name": self.name, "guest": self._guest}))
        for message_id in self._open:
            await self._send(websocket, message_id)
        writing = asyncio.ensure_future(self._write(websocket))
        try:
            async for frame in self._hear(websocket):
                if frame["type"] == "entry" and name_of(frame) == self.name:
                    self._acknowledge(frame)
                if self.is_done:
                    return
        finally:
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketException, OSError):
                await writing

    async def _write(self, websocket: ClientConnection) -> None:
        while True:
            await asyncio.sleep(_PACE)
            if len(self._open) < WINDOW and not self.is_ending:
                self._open.append(f"{self.name} {self.sent}")
                self.sent += 1
                await self._send(websocket, self._open[-1])

    async def _send(self, websocket: ClientConnection, message_id: str) -> None:
        await websocket.send(json.dumps({"type": "message", "id": message_id, "text": "hello"}))

    def _acknowledge(self, entry: Frame) -> None:
        # The history has one position for it, however often it is acknowledged.
        assert self.acknowledged.setdefault(entry["id"], entry["position"]) == entry["position"]
        if entry["id"] in self._open:
            self._open.remove(entry["id"])


class Reader(_Client):
    """Sees what is said, and comes back with the position of what it saw last.

    Attributes:
        seen: The ids of all entries, as they came.
        positions: Their positions.
        until: The position at which it is done.
        welcomes: How often it came in.
        gaps: How often it was told that there may be a gap.
    """

    def __init__(self, name: str, urls: list[str]) -> None:
        super().__init__(name, urls)
        self.seen: list[str] = []
        self.positions: list[int] = []
        self.until: int | None = None
        self.welcomes = self.gaps = 0

    @property
    def is_done(self) -> bool:
        return self.until is not None and self.positions[-1:] >= [self.until]

    async def _talk(self, websocket: ClientConnection) -> None:
        after = self.positions[-1] if self.positions else None
        frame: dict[str, Any] = {"type": "enter", "name": self.name, "after": after}
        await websocket.send(json.dumps(frame))
        async for frame in self._hear(websocket):
            if frame["type"] == "welcome":
                self.welcomes += 1
                self.gaps += after is not None and not frame["room"]["resumed"]
            elif frame["type"] == "entry":
                self.seen.append(frame["id"])
                self.positions.append(frame["position"])
            if self.is_done:
                return


class Crowd:
    """Some who write and some who read, in one room.

    Args:
        urls: Of the room, on each of its servers.
        rooms: Where it lives.
        room: Its name.
    """

    def __init__(self, urls: list[str], rooms: Rooms, room: str = "lobby") -> None:
        self.writers = [Writer(f"writer {number}", urls) for number in range(4)]
        self.readers = [Reader(f"reader {number}", urls) for number in range(4)]
        self.history: list[Entry] = []
        self._rooms = rooms
        self._room = room
        self._tasks: list[asyncio.Task[None]] = []

    async def talk_during(
        self, trouble: Callable[[], Any], *, patience: float = 4 * PATIENCE
    ) -> None:
        """Talk as long as something goes on; then until all is acknowledged and seen."""
        tasks = self._tasks = [asyncio.ensure_future(client.run()) for client in self.readers]
        # A reader that has seen nothing yet has no position to come back with.
        await self._wait(lambda: all(reader.welcomes for reader in self.readers), patience)
        tasks += [asyncio.ensure_future(client.run()) for client in self.writers]
        await self._wait(lambda: all(reader.seen for reader in self.readers), patience)
        try:
            await trouble()
            for writer in self.writers:
                writer.is_ending = True
            await self._wait(lambda: all(writer.is_done for writer in self.writers), patience)
            self.history = [entry async for entry in self._read()]
            for reader in self.readers:
                reader.until = self.history[-1].position
            await self._wait(lambda: all(reader.is_done for reader in self.readers), patience)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def acknowledged(self) -> list[tuple[str, int]]:
        """The ids of all messages that were acknowledged, with their positions."""
        return [one for writer in self.writers for one in writer.acknowledged.items()]

    @property
    def lost(self) -> list[str]:
        """What is not where it was acknowledged to be, or was not seen by every reader."""
        where = {entry.id: entry.position for entry in self.history}
        lost = [name for name, position in self.acknowledged if where.get(name) != position]
        for reader in self.readers:
            lost += where.keys() - reader.seen
        return lost

    @property
    def twice(self) -> list[str]:
        """What is in the history more than once, or was seen more than once by one reader."""
        lists = [[entry.id for entry in self.history], *(reader.seen for reader in self.readers)]
        return [name for ids in lists for name, number in Counter(ids).items() if number > 1]

    def check(self) -> str:
        """Assert what is promised, and return the figures."""
        stored = [entry.id for entry in self.history]
        positions = [entry.position for entry in self.history]
        sent = sum(writer.sent for writer in self.writers)
        acknowledged = self.acknowledged
        seen = [len(reader.seen) for reader in self.readers]
        figures = (
            f"sent {sent}, acknowledged {len(acknowledged)}, stored {len(stored)}, seen {seen}, "
            f"cuts {sum(client.cuts for client in (*self.writers, *self.readers))}"
        )
        assert not self.twice, f"twice: {self.twice}; {figures}"
        assert not self.lost, f"lost: {self.lost}; {figures}"
        assert positions == sorted(set(positions)), f"positions do not grow; {figures}"
        assert len(acknowledged) == sent, f"not all was acknowledged in the end; {figures}"
        for writer in self.writers:
            own = [message_id for message_id in stored if message_id.startswith(writer.name)]
            assert own == [f"{writer.name} {number}" for number in range(writer.sent)], figures
        for reader in self.readers:
            assert reader.gaps == 0, f"{reader.name} was told of a gap; {figures}"
            assert reader.seen == stored, f"{reader.name} saw something else; {figures}"
            assert reader.positions == positions, figures
        for client in (*self.writers, *self.readers):
            assert client.errors == [], figures
        return figures

    async def _read(self) -> AsyncIterator[Entry]:
        after = 0
        while entries := await self._read_after(after):
            for entry in entries:
                yield entry
            after = entries[-1].position

    async def _read_after(self, after: int) -> list[Entry]:
        while True:
            # A machine that is busy enough does not get a connection in time.
            with contextlib.suppress(RoomsUnavailableError):
                return await self._rooms.read(self._room, after=after, limit=1000)
            await asyncio.sleep(_PAUSE)

    async def _wait(self, condition: Callable[[], bool], seconds: float) -> None:
        def is_so() -> bool:
            for task in self._tasks:
                if task.done():
                    task.result()  # Raises what has ended it, if something has.
            return condition()

        await until(is_so, self, seconds)

    def __str__(self) -> str:
        writers = [(writer.sent, len(writer.acknowledged)) for writer in self.writers]
        readers = [len(reader.seen) for reader in self.readers]
        return f"{self._room} goes on: writers {writers}, readers {readers}"
