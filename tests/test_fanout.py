"""Saying one thing to many: all get it, in order, and nobody waits for anybody."""

import asyncio
import random
from datetime import datetime, timezone
from typing import Any

import pytest
from fastapi import WebSocketDisconnect

from fastapi_echochat import Limits
from fastapi_echochat.protocol.frames import EntryFrame, PongFrame, ServerFrame
from fastapi_echochat.protocol.plain import Plain
from fastapi_echochat.protocol.serializer import Close, Serializer
from fastapi_echochat.protocol.v1 import EchochatV1
from fastapi_echochat.rooms.broadcast import Broadcast
from fastapi_echochat.rooms.fanout import Fanout, Outbox
from tests.waiting import in_loop, settle, until

# Of an entry without an author it makes the text alone.
PLAIN = Plain(Limits())
V1 = EchochatV1(Limits())
KEPT = 65
"""Bytes that a frame of one character counts for while it is kept."""


class Client:
    """A sender of which a test says when it takes what, with what it took.

    Attributes:
        taken: The frames that were sent.
        code: What it was closed with.
        most: How many sends were under way at a time.
    """

    def __init__(self, size: int = 1_000_000, *, serializer: Serializer = PLAIN) -> None:
        self.taken: list[str] = []
        self.code: int | None = None
        self.most = 0
        self.times_behind = 0
        self.error: Exception | None = None
        self._under_way = 0
        self._open = asyncio.Event()
        self._open.set()
        self.outbox = Outbox(self.take, size, serializer=serializer, fell_behind=self._fall_behind)

    def stall(self) -> None:
        self._open.clear()

    def go_on(self) -> None:
        self._open.set()

    async def take(self, event: Any) -> None:
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        if not self._open.is_set():
            await self._open.wait()
        self._under_way -= 1
        if self.error is not None:
            raise self.error
        if event["type"] == "websocket.close":
            self.code = event["code"]
        else:
            self.taken.append(event["text"])

    def _fall_behind(self) -> None:
        self.times_behind += 1


def entry(number: int) -> EntryFrame:
    return EntryFrame(
        position=number,
        kind="notice",
        id=f"{number}",
        author=None,
        text=f"{number}",
        sent_at=datetime(2026, 1, 1, tzinfo=timezone.utc),
        outcome="done",
        in_reply_to=None,
    )


def said(number: int) -> Broadcast:
    return Broadcast(entry(number), number)


def fanout_to(*clients: Client) -> Fanout:
    fanout = Fanout()
    for client in clients:
        fanout.add(client.outbox)
    return fanout


def frames(*numbers: int) -> list[str]:
    return [f"{number}" for number in numbers]


@in_loop
async def test_everybody_gets_everything_in_order() -> None:
    """What is said comes to all, in order, as one and the same text: it was framed once."""
    clients = [Client() for _ in range(100)]
    fanout = fanout_to(*clients)
    broadcasts = [said(number) for number in range(1, 51)]
    for broadcast in broadcasts[:25]:
        fanout.send(broadcast)
    await settle()
    for broadcast in broadcasts[25:]:
        fanout.send(broadcast)
        await asyncio.sleep(0)
    await settle()
    for client in clients:
        assert all(
            taken is broadcast.encode(PLAIN)
            for taken, broadcast in zip(client.taken, broadcasts, strict=True)
        )


@in_loop
async def test_nobody_waits_for_a_client_that_takes_nothing() -> None:
    """While some take nothing the others get everything; later those get what was kept for them."""
    clients = [Client() for _ in range(30)]
    fanout, stalled = fanout_to(*clients), clients[::3]
    for client in stalled:
        client.stall()
    for number in range(1, 101):
        fanout.send(said(number))
        await settle()
        for client in clients:
            assert client in stalled or client.taken[-1] == f"{number}"
    assert [client.taken for client in stalled] == [[]] * 10
    # One task for each that is waited for, not one for each frame.
    assert len(asyncio.all_tasks()) == 1 + len(stalled)
    for client in stalled:
        client.go_on()
    await settle()
    assert all(client.taken == frames(*range(1, 101)) for client in clients)
    assert {client.most for client in clients} == {1}


@in_loop
async def test_whatever_happens_order_is_kept() -> None:
    """However clients stall and go on, in between of what is said, each gets all of it in order.

    So it is with frames that go to one of them alone.
    """
    for seed in range(30):
        chance = random.Random(seed)
        clients = [Client() for _ in range(8)]
        fanout = fanout_to(*clients)
        expected: list[list[str]] = [[] for _ in clients]
        sending = set()
        for number in range(1, 201):
            step = chance.random()
            index = chance.randrange(len(clients))
            if step < 0.3:
                clients[index].stall()
            elif step < 0.6:
                clients[index].go_on()
            elif step < 0.9:
                fanout.send(said(number))
                for own in expected:
                    own.append(f"{number}")
            else:
                # After what was said before only once that has been begun to be sent.
                await settle()
                sending.add(asyncio.ensure_future(clients[index].outbox.send(f"{number}")))
                expected[index].append(f"{number}")
                await asyncio.sleep(0)
            if step < 0.5:
                await asyncio.sleep(0)
        for client in clients:
            client.go_on()
        await asyncio.gather(*sending)
        await settle()
        assert [client.taken for client in clients] == expected, f"seed {seed}"
        assert {client.most for client in clients} == {1}


@in_loop
async def test_from_now_on() -> None:
    """Who joins gets what is said from then on, though what was said before is not sent yet."""
    first, second = Client(), Client()
    fanout = fanout_to(first)
    fanout.send(said(1))
    fanout.send(said(2))
    fanout.add(second.outbox)
    fanout.send(said(3))
    await settle()
    fanout.remove(first.outbox)
    fanout.send(said(4))
    await settle()
    fanout.remove(second.outbox)
    fanout.send(said(5))
    await settle()
    assert first.taken == frames(1, 2, 3)
    assert second.taken == frames(3, 4)


@in_loop
async def test_what_a_client_has_already() -> None:
    """What a client has of the log by other ways it does not get again."""
    first, second = Client(), Client()
    second.outbox.since = 2
    fanout = fanout_to(first, second)
    for number in range(1, 5):
        fanout.send(said(number))
    await settle()
    assert first.taken == frames(1, 2, 3, 4)
    assert second.taken == frames(3, 4)


@in_loop
async def test_one_only() -> None:
    """What is for one client comes to it alone, after what was said to all before."""
    first, second = Client(), Client()
    fanout = fanout_to(second)
    fanout.send(said(1), first.outbox)
    fanout.add(first.outbox)
    first.stall()
    fanout.send(said(2))
    fanout.send(said(3), first.outbox)
    fanout.send(said(4))
    await settle()
    first.go_on()
    await settle()
    assert first.taken == frames(2, 3, 4)
    assert second.taken == frames(2, 4)


@in_loop
async def test_two_protocols() -> None:
    """Each client gets what its protocol makes of a frame, and nothing where that is nothing."""
    v1, plain = Client(serializer=V1), Client()
    fanout = fanout_to(v1, plain)
    fanout.send(said(1))
    fanout.send(Broadcast(PongFrame()))
    fanout.send(said(3))
    await settle()
    assert v1.taken == [V1.encode(entry(1)), '{"type":"pong"}', V1.encode(entry(3))]
    assert plain.taken == frames(1, 3)


@in_loop
async def test_encoded_once_for_each_protocol() -> None:
    """However many clients of two protocols there are, a frame is encoded twice."""
    encoded: list[Serializer] = []

    class CountingPlain(Plain):
        def encode(self, frame: ServerFrame) -> str | Close | None:
            encoded.append(self)
            return super().encode(frame)

    class CountingV1(EchochatV1):
        def encode(self, frame: ServerFrame) -> str:
            encoded.append(self)
            return super().encode(frame)

    plain, v1 = CountingPlain(Limits()), CountingV1(Limits())
    clients = [Client(serializer=serializer) for serializer in (plain, v1) * 20]
    fanout_to(*clients).send(said(1))
    await settle()
    assert {len(client.taken) for client in clients} == {1}
    assert encoded == [plain, v1]


# --- Clients that are too slow, or gone --------------------------------------------------------


@in_loop
async def test_bound() -> None:
    """One frame more than the bound and a client is behind: told once, let go with 1013.

    From then on nothing is kept for it.
    """
    slow, other = Client(size=10 * KEPT), Client(size=10 * KEPT)
    fanout = fanout_to(slow, other)
    slow.stall()
    for _ in range(11):
        fanout.send(said(7))
        await settle()
    # The first is under way, ten are kept.
    assert slow.times_behind == 0
    for number in range(1, 100):
        fanout.send(said(number))
        await settle()
    assert (slow.times_behind, slow.code) == (1, None)
    assert other.taken == frames(*[7] * 11, *range(1, 100))
    slow.go_on()
    await settle()
    assert (slow.taken, slow.code) == (frames(7), 1013)


@in_loop
async def test_bytes_are_counted() -> None:
    """What is kept is counted in bytes: a character that is not ASCII may take four of them."""
    for text, most in (("x" * 1000, 9), ("é" * 1000, 2), ("🐈" * 1000, 2)):
        slow = Client(size=10_000)
        slow.stall()
        sending = [asyncio.ensure_future(slow.outbox.send(text)) for _ in range(most + 1)]
        await settle()
        # One is under way besides.
        assert slow.times_behind == 0
        sending.append(asyncio.ensure_future(slow.outbox.send(text)))
        await settle()
        assert slow.times_behind == 1
        slow.go_on()
        await asyncio.gather(*sending, return_exceptions=True)


@in_loop
async def test_what_is_being_caught_up_with_counts() -> None:
    """A client that takes one frame of those that were kept has room for one more, not for all."""

    class Taker(Client):
        async def take(self, event: Any) -> None:
            await super().take(event)
            if len(self.taken) == 2:
                self.stall()

    slow = Taker(size=5 * KEPT)
    fanout = fanout_to(slow)
    slow.stall()
    for number in range(1, 7):
        fanout.send(said(number))
    await settle()
    slow.go_on()
    await settle()
    assert slow.taken == frames(1, 2)
    fanout.send(said(7))
    await settle()
    assert slow.times_behind == 0
    fanout.send(said(8))
    await settle()
    assert slow.times_behind == 1
    slow.go_on()
    await settle()
    assert (slow.taken, slow.code) == (frames(1, 2, 3), 1013)


@in_loop
async def test_who_catches_up_has_the_whole_bound_again() -> None:
    """A client that takes what was kept for it may be slow again."""
    slow = Client(size=10 * KEPT)
    fanout = fanout_to(slow)
    for _ in range(20):
        slow.stall()
        for number in range(1, 9):
            fanout.send(said(number))
        await settle()
        slow.go_on()
        await settle()
    assert slow.times_behind == 0
    assert slow.taken == frames(*range(1, 9)) * 20


@in_loop
async def test_falling_behind_while_it_catches_up() -> None:
    """Who takes one frame of what was kept, and then no more, is let go when the bound is met."""
    slow = Client(size=5 * KEPT)
    fanout = fanout_to(slow)
    slow.stall()
    for number in range(1, 5):
        fanout.send(said(number))
    await settle()
    slow.go_on()
    await asyncio.sleep(0)
    slow.stall()
    for _ in range(20):
        fanout.send(said(7))
    await settle()
    slow.go_on()
    await settle()
    assert (slow.times_behind, slow.code) == (1, 1013)


@pytest.mark.parametrize("error", [WebSocketDisconnect(1006), ZeroDivisionError("of a middleware")])
@in_loop
async def test_client_that_cannot_be_sent_to(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Who is gone gets no more; what a middleware raises is logged; the others notice nothing."""
    clients = [Client() for _ in range(9)]
    fanout = fanout_to(*clients)
    clients[4].error = clients[8].error = error
    clients[8].stall()
    for number in range(1, 4):
        fanout.send(said(number))
        await settle()
    clients[8].go_on()
    await settle()
    clients[4].error = clients[8].error = None
    await settle()
    fanout.send(said(4))
    await settle()
    for index, client in enumerate(clients):
        assert index in (4, 8) or client.taken == frames(1, 2, 3, 4)
    assert clients[4].taken == []
    logged = [record for record in caplog.records if record.exc_info]
    assert len(logged) == (0 if isinstance(error, WebSocketDisconnect) else 2)


@in_loop
async def test_client_that_leaves_with_broadcasts_on_their_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who has left gets nothing of what was sent before, and no error is logged."""
    clients = [Client() for _ in range(3)]
    fanout = fanout_to(*clients)
    fanout.send(said(1))
    fanout.send(Broadcast(PongFrame()))
    fanout.send(said(2), only=clients[1].outbox)
    clients[1].error = ValueError("closed")
    fanout.remove(clients[1].outbox)
    await settle()
    assert clients[0].taken == clients[2].taken == frames(1)
    assert caplog.records == []


@in_loop
async def test_client_that_leaves_while_it_is_waited_for() -> None:
    """When a client that takes nothing is given up, the task that waited for it ends."""
    clients = [Client() for _ in range(5)]
    fanout = fanout_to(*clients)
    for client in clients:
        client.stall()
    fanout.send(said(1))
    await until(lambda: len(asyncio.all_tasks()) == 1 + 5, "all are waited for")
    for client in clients:
        fanout.remove(client.outbox)
        client.outbox.forget()
    await settle()
    other = Client()
    fanout.add(other.outbox)
    fanout.send(said(2))
    await settle()
    assert other.taken == frames(2)


@in_loop
async def test_clients_that_wait_a_moment_each_time() -> None:
    """Where every send waits for something, as under some servers, all get everything in order."""

    class Pausing(Client):
        async def take(self, event: Any) -> None:
            await asyncio.sleep(0)
            await super().take(event)

    clients = [Pausing() for _ in range(50)]
    fanout = fanout_to(*clients)
    for number in range(1, 21):
        fanout.send(said(number))
        if number % 5 == 0:
            await asyncio.sleep(0)
    await until(lambda: all(len(client.taken) == 20 for client in clients), "all have all")
    assert all(client.taken == frames(*range(1, 21)) for client in clients)
    await until(lambda: len(asyncio.all_tasks()) == 1, "no task is left")
