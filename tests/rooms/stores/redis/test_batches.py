"""Commands to Redis that go together."""

import asyncio
from typing import Any

import pytest

from fastapi_echochat.rooms.stores.contract import RoomsUnavailableError
from fastapi_echochat.rooms.stores.outage import Outage
from fastapi_echochat.rooms.stores.redis.batches import Batches, Command
from fastapi_echochat.rooms.stores.redis.rooms import RedisRooms
from tests.waiting import PATIENCE

pytestmark = pytest.mark.anyio


class Server:
    """Answers a batch with its commands' names, once it may.

    Attributes:
        asked: The names of the commands of each batch.
        may_answer: Set when it may.
    """

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.may_answer = asyncio.Event()

    async def send(self, commands: list[Command]) -> list[Any]:
        names = [command.arguments[0] for command in commands]
        self.asked.append(names)
        await self.may_answer.wait()
        return [RoomsUnavailableError(name) if name == "bad" else name for name in names]


def ask(batches: Batches, *names: str) -> list["asyncio.Task[Any]"]:
    """Ask for the answers to commands, all in one moment."""
    outage = Outage("", "")
    return [asyncio.ensure_future(batches.answer(Command((name,), outage))) for name in names]


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_commands_of_one_moment_go_together() -> None:
    """They go in one batch, up to a bound, and each has its own answer, or its own error."""
    server = Server()
    server.may_answer.set()
    asked = ask(Batches(server.send, 2, 3), "a", "bad", "c", "d")
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert server.asked == [["a", "bad", "c"], ["d"]]
    assert (answers[0], answers[2]) == ("a", "c")
    assert isinstance(answers[1], RoomsUnavailableError)


async def test_only_so_many_batches_are_under_way() -> None:
    """What comes meanwhile waits, goes together in the end, and not if nobody waits any more."""
    server = Server()
    batches = Batches(server.send, 2, 3)
    asked = []
    for name in "abcde":
        asked += ask(batches, name)
        await settle()
    assert server.asked == [["a"], ["b"]]
    asked.pop(2).cancel()
    server.may_answer.set()
    assert await asyncio.gather(*asked) == ["a", "b", "d", "e"]
    assert server.asked == [["a"], ["b"], ["d", "e"]]


async def test_what_waits_is_given_up() -> None:
    """Commands that are not sent yet end with the reason; those under way are answered."""
    server = Server()
    batches = Batches(server.send, 1, 3)
    under_way = ask(batches, "a")
    await settle()
    waiting = ask(batches, "b", "c")
    await settle()
    batches.give_up("away", RoomsUnavailableError)
    for one in waiting:
        with pytest.raises(RoomsUnavailableError, match="away"):
            await one
    server.may_answer.set()
    assert await asyncio.gather(*under_way) == ["a"]
    assert await asyncio.gather(*ask(batches, "d")) == ["d"]
    assert server.asked == [["a"], ["d"]]


async def test_rooms_of_one_moment_are_subscribed_to_together(
    rooms: RedisRooms, admin: Any
) -> None:
    """Fifty rooms that are opened and left at once take a few commands, and each hears its own."""

    async def calls(command: str) -> int:
        stats = await admin.info("commandstats")
        return int(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"])

    first = await rooms.signals("first")
    before = await calls("subscribe")
    names = [f"room-{number}" for number in range(50)]
    listening = await asyncio.gather(*map(rooms.signals, names))
    assert await calls("subscribe") - before <= 3
    await asyncio.gather(*(rooms.signal(name, name) for name in names))
    heard = [await asyncio.wait_for(anext(signals), PATIENCE) for signals in listening]
    assert heard == names
    for signals in listening:
        await signals.aclose()
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while len(await admin.pubsub_channels()) > 1:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
    assert await calls("unsubscribe") <= 3
    await first.aclose()
