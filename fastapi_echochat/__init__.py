"""A WebSocket chat that any FastAPI application takes in with one line."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import testing
from .chat import EchoChat
from .limits import Limits
from .protocol import Message
from .replies import echo
from .rooms.log import Entry, Rooms, RoomsUnavailableError
from .rooms.memory import MemoryRooms

if TYPE_CHECKING:
    from .rooms.redis import RedisRooms
    from .rooms.sqlite import SQLiteRooms

__all__ = [
    "EchoChat",
    "Entry",
    "Limits",
    "MemoryRooms",
    "Message",
    "RedisRooms",
    "Rooms",
    "RoomsUnavailableError",
    "SQLiteRooms",
    "echo",
    "testing",
]


# What only some need, and what needs an extra, is imported when it is asked for.
_MODULES = {"RedisRooms": "redis", "SQLiteRooms": "sqlite"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".rooms.{_MODULES[name]}", __name__), name)
