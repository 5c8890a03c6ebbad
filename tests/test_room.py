"""A room over real sockets: coming in, its history, and what is promised of it."""

import asyncio
import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from websockets.asyncio.client import connect as connect_async
from websockets.sync.client import connect

from fastapi_echochat import Entry, Limits, MemoryRooms, Rooms, testing
from fastapi_echochat.protocol.frames import PingFrame
from fastapi_echochat.protocol.v1 import EchochatV1
from fastapi_echochat.rooms.participant import Participant
from tests.apps import count_left, make_app
from tests.clients import MUCH, V1, Client, author_id, close_code, name_of, receive
from tests.conftest import Serve, ServeRoom
from tests.raw_client import RawClient
from tests.servers import Uvicorn, errors
from tests.waiting import PATIENCE, get, wait_until

# --- Coming in -------------------------------------------------------------------------------


def test_welcome(serve_room: ServeRoom, rooms: Rooms) -> None:
    """Who enters is told who they are, the room's name, its time and history, and the limits."""
    with Client(serve_room(rooms), "Ann") as ann:
        now = datetime.fromisoformat(ann.room["time"].replace("Z", "+00:00"))
        assert abs(datetime.now(timezone.utc) - now) < timedelta(minutes=1)
        assert re.fullmatch("[A-Za-z0-9_-]{16}", ann.id)
        assert ann.welcome == {
            "type": "welcome",
            "you": {"id": ann.id, "name": "Ann", "is_guest": True},
            "limits": {
                "message_bytes": 65536,
                "waiting_messages": 1000,
                "messages_per_second": None,
                "resume_seconds": 600,
            },
            "room": {
                "name": "lobby",
                "position": 0,
                "resumed": False,
                "has_earlier": False,
                "time": ann.room["time"],
            },
        }


def test_own_entry_is_the_acknowledgement(serve_room: ServeRoom, rooms: Rooms) -> None:
    """A message comes to all as one entry, its sender's id, the time and a position in it."""
    url = serve_room(rooms)
    with Client(url, "Ann") as ann, Client(url, "Bob") as bob:
        before = time.time_ns() // 1000
        entry = ann.tell("Grüße 👋\n\0", "my own id")

        sent_at = datetime.fromisoformat(entry["sent_at"].replace("Z", "+00:00"))
        assert abs(datetime.now(timezone.utc) - sent_at) < timedelta(minutes=1)
        assert before <= entry["position"] <= time.time_ns() // 1000
        assert entry == {
            "type": "entry",
            "position": entry["position"],
            "kind": "message",
            "id": "my own id",
            "author": {"id": ann.id, "name": "Ann"},
            "text": "Grüße 👋\n\0",
            "sent_at": entry["sent_at"],
            "outcome": "done",
            "in_reply_to": None,
        }
        assert bob.hear("entry") == entry
        assert bob.tell("hi")["position"] > entry["position"]
        assert ann.texts(1) == ["hi"]

    with Client(url, "Cleo") as cleo:
        assert cleo.room["position"] == bob.position
        assert cleo.hear("entry") == entry


def test_newest_and_earlier(serve_room: ServeRoom, rooms: Rooms) -> None:
    """Who comes for the first time gets the newest 50, and asks for earlier ones by the 50."""
    url = serve_room(rooms)
    with Client(url, "Ann") as ann:
        for number in range(120):
            ann.say(f"{number}")
        positions = [entry["position"] for entry in ann.entries(120)]

    with Client(url, "Bob") as bob:
        assert bob.room == {
            "name": "lobby",
            "position": positions[-1],
            "resumed": False,
            "has_earlier": True,
            "time": bob.room["time"],
        }
        assert bob.texts(50) == [f"{number}" for number in range(70, 120)]
        got = []
        for before, has_earlier in ((positions[70], True), (positions[20], False)):
            bob.send(type="earlier", before=before)
            history = bob.hear("history")
            assert history["has_earlier"] is has_earlier
            got.append([entry["text"] for entry in history["entries"]])
        assert got[0] == [f"{number}" for number in range(20, 70)]
        assert got[1] == [f"{number}" for number in range(20)]
        for before in (positions[0], 0, 1):
            bob.send(type="earlier", before=before)
            assert bob.hear("history") == {"type": "history", "entries": [], "has_earlier": False}


def test_resuming(serve_room: ServeRoom, rooms: Rooms) -> None:
    """Who says what they have seen gets exactly the rest, however much it is, and then goes on."""
    url = serve_room(rooms)
    with Client(url, "Ann") as ann:
        first = ann.tell("first")
        for number in range(500):
            ann.say(f"{number}")
        last = ann.entries(500)[-1]

        with Client(url, "Bob", after=first["position"]) as bob:
            assert bob.room["resumed"] is True
            assert bob.room["has_earlier"] is True
            assert bob.room["position"] == last["position"]
            assert bob.texts(500) == [f"{number}" for number in range(500)]
            ann.say("live")
            assert bob.texts(1) == ["live"]
        with Client(url, "Bob", after=last["position"]) as bob:
            assert bob.texts(1) == ["live"]
            assert bob.come_back().room["resumed"] is True


@pytest.mark.parametrize("after", [0, 1, 7, 2**53 - 1])
def test_position_that_the_history_does_not_have(
    serve_room: ServeRoom, rooms: Rooms, after: int
) -> None:
    """Who names a position that the room does not have is told so, and gets the newest entries."""
    url = serve_room(rooms)
    with Client(url, "Ann") as ann:
        ann.tell("one")
        ann.tell("two")
        with Client(url, "Bob", after=after) as bob:
            assert (bob.room["resumed"], bob.room["has_earlier"]) == (False, False)
            assert bob.texts(2) == ["one", "two"]
            ann.say("three")
            assert bob.texts(1) == ["three"]


def test_entries_that_the_history_has_let_go_of(serve_room: ServeRoom) -> None:
    """Whose position the history no longer has is told of the gap, and gets what is left."""
    url = serve_room(MemoryRooms(history=10))
    with Client(url, "Ann") as ann:
        positions = [ann.tell(f"{number}")["position"] for number in range(30)]
    for position, resumed in ((positions[5], False), (positions[25], True)):
        with Client(url, "Bob", after=position) as bob:
            assert bob.room["resumed"] is resumed
            left = range(26, 30) if resumed else range(20, 30)
            assert bob.texts(len(left)) == [f"{number}" for number in left]


@pytest.mark.slow
def test_no_seam(serve_room: ServeRoom, rooms: Rooms) -> None:
    """While two write, readers come in the middle, again and again: each gets all, once, in order.

    Some come with the position of what they heard last, some for the first time, when at most 50
    entries have been said.
    """
    count = 150
    url = serve_room(rooms)

    async def write(name: str) -> None:
        async with talk_to(url) as websocket:
            await websocket.send(json.dumps({"type": "enter", "name": name}))
            for number in range(count):
                frame = {"type": "message", "id": f"{name} {number}", "text": f"{number}"}
                await websocket.send(json.dumps(frame))
            acknowledged: set[str] = set()
            while len(acknowledged) < count:
                frame = json.loads(await websocket.recv())
                if frame["type"] == "entry" and name_of(frame) == name:
                    acknowledged.add(frame["id"])

    async def read(stay: int) -> list[str]:
        """Read the whole history, over connections that hear only so many entries each."""
        heard: list[str] = []
        after = None
        while len(heard) < 2 * count:
            async with talk_to(url) as websocket:
                await websocket.send(json.dumps({"type": "enter", "after": after}))
                this_time = 0
                while this_time < stay and len(heard) < 2 * count:
                    frame = json.loads(await websocket.recv())
                    if frame["type"] == "welcome":
                        assert frame["room"]["resumed"] is (after is not None)
                    if frame["type"] == "entry":
                        heard.append(frame["id"])
                        this_time += 1
                        assert after is None or frame["position"] > after
                        after = frame["position"]
        return heard

    async def talk() -> list[list[str]]:
        readers = [asyncio.create_task(read(stay)) for stay in (3, 7, 20, 100, 10_000)]
        await asyncio.sleep(0.1)
        await asyncio.gather(write("Ann"), write("Bob"))
        return await asyncio.wait_for(asyncio.gather(*readers), 7 * PATIENCE)

    heard = asyncio.run(talk())

    for name in ("Ann", "Bob"):
        own = [message_id for message_id in heard[0] if message_id.startswith(name)]
        assert own == [f"{name} {number}" for number in range(count)]
    assert all(each == heard[0] for each in heard)


def talk_to(url: str) -> connect_async:
    # A client that may leave with frames unread: without a bound it never stops reading.
    return connect_async(url, subprotocols=V1, max_queue=MUCH)


class Slow(MemoryRooms):
    """Rooms that keep nothing until they are told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.is_waiting = False
        self._may_go_on = threading.Event()

    def go_on(self) -> None:
        self._may_go_on.set()

    async def append(self, room: str, entry: Entry) -> Entry:
        self.is_waiting = True
        await asyncio.to_thread(self._may_go_on.wait, PATIENCE)
        return await super().append(room, entry)


# --- Kept once, and before it is seen ----------------------------------------------------------


def test_sent_again_and_again(serve_room: ServeRoom, rooms: Rooms) -> None:
    """A message sent five times, over two connections, is kept once, acknowledged each time.

    Its text and author stay those of the first time. The same id sent by another is another's.
    """
    url = serve_room(rooms)
    with Client(url, "Cleo") as cleo:
        with Client(url, "Ann") as ann:
            first = ann.tell("once", "the id")
            for text in ("once", "changed"):
                assert ann.tell(text, "the id") == first
        with ann.come_back() as ann:
            for _ in range(2):
                assert ann.tell("once", "the id") == first
            ann.tell("next")
        with Client(url, "Ann") as eve:
            mine = eve.tell("mine", "the id")
            assert (mine["text"], author_id(mine)) == ("mine", eve.id)
        assert cleo.entries(3)[::2] == [first, mine]
        cleo.tell("last")
    with Client(url, "Bob") as bob:
        assert bob.texts(4) == ["once", "next", "mine", "last"]


def test_sent_again_while_it_waits(serve_room: ServeRoom) -> None:
    """What is sent again before it is kept is kept and acknowledged once."""
    rooms = Slow()
    with Client(serve_room(rooms), "Ann") as ann:
        for _ in range(5):
            ann.say("once", "the id")
        ann.say("next", "another")
        ann.send(type="ping")
        ann.hear("pong")
        rooms.go_on()
        assert ann.texts(2) == ["once", "next"]
        assert ann.heard_so_far("entry") == []


def test_acknowledged_again_in_its_place(serve_room: ServeRoom) -> None:
    """What is acknowledged again overtakes nothing: a position heard means all before was heard.

    Else a client that is cut off then would come back with a position that they do not have.
    """

    class Lagging(MemoryRooms):
        may_go_on = threading.Event()

        async def follow(self, room: str, *, after: int = 0) -> AsyncGenerator[Entry, None]:
            async for entry in super().follow(room, after=after):
                await asyncio.to_thread(self.may_go_on.wait, PATIENCE)
                yield entry

    rooms = Lagging()
    url = serve_room(rooms)
    with Client(url, "Ann") as ann, Client(url, "Bob") as bob:
        for number in range(20):
            bob.say(f"{number}")
        wait_until(lambda: len(asyncio.run(rooms.read("lobby"))) == 20, "they are kept")
        for _ in range(2):
            ann.say("twice", "the id")
            wait_until(lambda: len(asyncio.run(rooms.read("lobby"))) == 21, "it is kept")
        ann.heard_so_far("pong")
        rooms.may_go_on.set()
        assert ann.texts(21) == [*(f"{number}" for number in range(20)), "twice"]


def test_sent_and_gone(serve_room: ServeRoom, rooms: Rooms) -> None:
    """What a client sends before it leaves, politely or not, is kept and seen by the others.

    Its socket ends in order all the same: of one that is reset, as it is when it is closed with
    something unread in it, an event loop that writes to it drops what it has not read.
    """
    url = serve_room(rooms)
    with Client(url, "Ann") as ann, contextlib.ExitStack() as gone:
        for number in range(20):
            bob = gone.enter_context(RawClient(url, subprotocol="echochat.v1")).enter("Bob")
            bob.receive("welcome")
            bob.send(type="message", id=f"{number}", text=f"{number}")
            if number % 2:
                bob.protocol.send_close(1000)
                bob.flush()
            bob.socket.shutdown(socket.SHUT_WR)
        assert sorted(ann.texts(20), key=int) == [f"{number}" for number in range(20)]


def test_nobody_sees_what_is_not_kept(serve_room: ServeRoom) -> None:
    """As long as a message is not stored nobody is shown it, its sender neither."""
    rooms = Slow()
    url = serve_room(rooms)
    with Client(url, "Ann") as ann, Client(url, "Bob") as bob:
        ann.say("not yet")
        wait_until(lambda: rooms.is_waiting, "it is being kept")
        assert ann.heard_so_far("entry") == bob.heard_so_far("entry") == []
        rooms.go_on()
        assert ann.texts(1) == bob.texts(1) == ["not yet"]


# --- Bounds --------------------------------------------------------------------------------


def test_messages_per_second(serve_room: ServeRoom) -> None:
    """Who is too fast is told and slowed down; the others are not, and nothing is lost."""
    url = serve_room(limits=Limits(messages_per_second=20, burst=2))
    with Client(url, "Ann") as ann, Client(url, "Bob") as bob:
        assert ann.welcome["limits"]["messages_per_second"] == 20
        begun = time.monotonic()
        for number in range(12):
            ann.say(f"{number}")
        slowed = ann.hear("slowed")
        assert 0 < slowed["seconds"] <= 0.05
        assert bob.tell("meanwhile")["position"] > 0
        assert [text for text in ann.texts(13) if text != "meanwhile"] == list(map(str, range(12)))
        assert time.monotonic() - begun > 10 / 20 - 0.05


def test_waiting_messages(serve_room: ServeRoom) -> None:
    """Where a history stands still senders are slowed down, and nothing is lost or swapped."""
    rooms = Slow()
    url = serve_room(rooms, limits=Limits(waiting_messages=3))
    with RawClient(url, subprotocol="echochat.v1").enter("Ann") as client:
        client.receive("welcome")
        # Three wait; the rest is in the buffers of the kernel and of uvicorn.
        frames = (
            json.dumps({"type": "message", "id": f"{number}", "text": "x" * 60_000}).encode()
            for number in range(1000)
        )
        sent = client.fill(frames)
        rooms.go_on()
        heard = [client.receive("entry")["id"] for _ in range(sent)]
        assert heard == [f"{number}" for number in range(sent)]


def test_messages_that_are_too_long(serve_room: ServeRoom) -> None:
    """A message over the limit is an error, as in a chat without rooms, and nobody sees it."""
    url = serve_room(limits=Limits(message_bytes=10))
    with Client(url, "Ann") as ann:
        ann.say("x" * 11, "too long")
        error = ann.hear("error")
        assert (error["code"], error["in_reply_to"]) == ("message_too_long", "too long")
        assert ann.tell("x" * 10)["text"] == "x" * 10
        with connect(url) as plain:
            plain.send("x" * 11)
            assert close_code(plain) == 1009
            assert [entry["text"] for entry in ann.heard_so_far("entry")] == []


# --- What is no frame of a room's client -----------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "message", "id": "1", "text": "hello"},
        {"type": "typing"},
        {"type": "name", "name": "Ann"},
        {"type": "earlier", "before": 7},
        {"type": "stop", "id": "1"},
        {"type": "enter", "after": -1},
        {"type": "enter", "after": 10**30},
        {"type": "enter", "name": 7},
        "nonsense",
    ],
)
def test_first_frame(serve_room: ServeRoom, frame: Any) -> None:
    """Before it has entered a client does nothing but ping, and may enter after any mistake."""
    with connect(serve_room(), subprotocols=V1) as websocket:
        for sent, kind in ((frame, "error"), ({"type": "ping"}, "pong")):
            websocket.send(json.dumps(sent))
            told = receive(websocket)
            assert (told["type"], told.get("code")) in ((kind, None), (kind, "bad_frame"))
        websocket.send('{"type":"enter"}')
        assert receive(websocket)["type"] == "welcome"


def test_entering_twice(serve_room: ServeRoom) -> None:
    """A connection is in one room, and a second `enter` is an error that changes nothing."""
    with Client(serve_room(), "Ann") as ann:
        ann.send(type="enter", name="Bob")
        assert ann.hear("error")["code"] == "bad_frame"
        assert name_of(ann.tell("still Ann")) == "Ann"


_NUMBERS = st.integers() | st.sampled_from([0, 2**53, 2**63 - 1, 2**63, 10**400])
_TEXTS = st.text(max_size=100) | st.sampled_from(["\0", "\u202e", "x" * 70, "ﷺ" * 30, "1e999"])
_VALUES = st.none() | st.booleans() | _NUMBERS | st.floats() | _TEXTS | st.lists(_TEXTS, max_size=2)
_TYPES = ["message", "stop", "ping", "enter", "name", "typing", "earlier", "welcome", "entry"]
_FIELDS = ["id", "text", "name", "after", "before", "conversation", "guest", "position"]
_FRAMES = st.builds(
    lambda kind, fields: json.dumps({**fields, "type": kind}),
    st.sampled_from(_TYPES),
    st.dictionaries(st.sampled_from(_FIELDS), _VALUES),
)


@pytest.mark.parametrize("is_private", [False, True])
def test_nothing_that_is_sent_breaks_anything(
    serve: Serve, rooms: Rooms, caplog: pytest.LogCaptureFixture, is_private: bool
) -> None:
    """Whatever a client sends is answered or passed over; the log has no traceback of it."""
    options: Any = {"private": is_private, "limits": Limits(connections=None)}
    app = make_app(prefix="/rooms/{room}", rooms=rooms, **options)
    url = serve(app).ws("/rooms/lobby")
    reader = EchochatV1(Limits())

    @settings(
        max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(enters=st.booleans(), frames=st.lists(_FRAMES | st.text(), max_size=20))
    def check(enters: bool, frames: list[str]) -> None:
        with connect(url, subprotocols=V1) as websocket:
            if enters:
                enter = {"type": "enter", "name": "Ann", "conversation": "c" * 22}
                websocket.send(json.dumps(enter))
            pings = 1
            for frame in frames:
                text = frame.encode("utf-8", "replace").decode()
                websocket.send(text)
                # Not every frame of that type: a long one with a list in it is refused.
                pings += isinstance(reader.read(text), PingFrame)
            websocket.send('{"type":"ping"}')
            while pings:
                pings -= receive(websocket)["type"] == "pong"
        assert errors(caplog) == []

    check()


# --- Other clients, and the host ---------------------------------------------------------------


def test_plain_clients(serve_room: ServeRoom, rooms: Rooms) -> None:
    """A client of the plain protocol is a guest, and reads lines with names from now on."""
    url = serve_room(rooms)
    with Client(url, "Ann") as ann:
        ann.tell("before")
        with connect(url) as plain:
            plain.send('{"type":"enter","name":"Eve"}')
            entry = ann.entries(1)[0]
            assert entry["text"] == '{"type":"enter","name":"Eve"}'
            name = name_of(entry)
            assert name.startswith("guest-")
            assert plain.recv(PATIENCE) == f"{name}: {entry['text']}"
            ann.meet("Ann", name)
            ann.say("hello")
            assert plain.recv(PATIENCE) == "Ann: hello"
            # The same words twice are two messages.
            for text in ("same", "same"):
                plain.send(text)
                assert plain.recv(PATIENCE) == f"{name}: {text}"
        ann.meet("Ann")
        assert ann.texts(3) == ["hello", "same", "same"]


def test_test_client() -> None:
    """Starlette's TestClient gives each WebSocket a loop of its own; one room joins them."""
    app = make_app(None)
    with (
        testing.enter(TestClient(app), "/chat", name="Ann") as ann,
        testing.enter(TestClient(app), "/chat", name="Bob") as bob,
    ):
        for person in (ann, bob):
            assert person.welcome["room"]["name"] == "main"
            person.meet("Ann", "Bob")
        for speaker, listener in ((ann, bob), (bob, ann)) * 3:
            assert speaker.say("hello") == listener.hear()
        ann.send_frame({"type": "typing"})
        while (frame := bob.receive())["type"] != "typing":
            pass
        assert frame["author"]["name"] == "Ann"


def test_room_that_nobody_is_in_costs_nothing(serve: Serve) -> None:
    """After the last has left no task of a room runs on, and it opens again where it was."""
    server = serve(count_left(make_app(None, prefix="/rooms/{room}"), Participant))
    idle = running(server)
    for _ in range(2):
        visitors = [Client(server.ws(f"/rooms/{number % 10}"), f"{number}") for number in range(30)]
        for visitor in visitors:
            visitor.tell("hello")
        assert running(server) > idle
        for visitor in visitors:
            visitor.leave()
        wait_until(lambda: running(server) == idle, "no task of a room is left")
    with Client(server.ws("/rooms/0")) as visitor:
        assert visitor.texts(6) == ["hello"] * 6


def running(server: Uvicorn) -> int:
    tasks: int = get(server.url("/left")).json()[1]
    return tasks
