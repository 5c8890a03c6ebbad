"""A file of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fastapi_echochat.rooms.stores.sqlite.rooms import SQLiteRooms


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rooms.db"


@pytest.fixture
async def rooms(path: Path) -> AsyncIterator[SQLiteRooms]:
    rooms = SQLiteRooms(path)
    yield rooms
    await rooms.close()
