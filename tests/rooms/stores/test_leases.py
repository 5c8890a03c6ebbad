"""Leases of every store: one holder has the answer to one message."""

import asyncio
import time

import pytest

from fastapi_echochat.rooms.stores.contract import Rooms
from tests.waiting import PATIENCE

pytestmark = pytest.mark.anyio


async def test_one_holder_has_a_lease(rooms: Rooms) -> None:
    """A lease is had by one at a time, who may renew it and give it up."""
    assert await rooms.hold("lobby", 1, "a", 60)
    assert not await rooms.hold("lobby", 1, "b", 60)
    assert await rooms.hold("lobby", 1, "a", 60)
    assert not await rooms.hold("lobby", 1, "b", 0)
    assert not await rooms.hold("lobby", 1, "b", 60)
    assert not await rooms.hold("lobby", 1, "a", 0)
    assert await rooms.hold("lobby", 1, "b", 60)


async def test_a_lease_expires(rooms: Rooms) -> None:
    """A lease that is not renewed is free when its time is over, and not before."""
    begun = time.monotonic()
    assert await rooms.hold("lobby", 1, "a", 0.3)
    while not await rooms.hold("lobby", 1, "b", 60):
        assert time.monotonic() - begun < PATIENCE
        await asyncio.sleep(0.01)
    assert time.monotonic() - begun >= 0.29
    assert not await rooms.hold("lobby", 1, "a", 60)
