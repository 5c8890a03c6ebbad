"""What processes tell each other about a room."""

import asyncio

import pytest

from fastapi_echochat import MemoryRooms
from fastapi_echochat.rooms.channel import Channel
from fastapi_echochat.rooms.signals import Typing

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class SlowRooms(MemoryRooms):
    """Passes no signal on before it may.

    Attributes:
        held: The signals that it was given.
        may_pass: Set when it may.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held: list[str] = []
        self.may_pass = asyncio.Event()

    async def signal(self, room: str, text: str) -> None:
        self.held.append(text)
        await self.may_pass.wait()


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("length", "most"), [(10, 100), (50_000, 5)])
async def test_signals_that_nobody_waits_for_are_bounded(length: int, most: int) -> None:
    """While a store takes its time so many are on their way, or 256 KiB; later ones go again."""
    rooms = SlowRooms()
    channel = Channel(rooms, "lobby", "here")
    for _ in range(200):
        channel.tell_soon(Typing(id="psd", name="x" * length))
    await settle()
    assert len(rooms.held) == most
    rooms.may_pass.set()
    await settle()
    channel.tell_soon(Typing(id="psd", name="x" * length))
    await settle()
    assert len(rooms.held) == most + 1
