"""A WebSocket chat that any FastAPI application takes in with one line."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .chat import EchoChat
from .limits import Limits
from .protocol import Message
from .replies import echo
from .rooms.log import Entry, Rooms, RoomsUnavailableError

if TYPE_CHECKING:
    from . import testing
    from .rooms.memory import MemoryRooms
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
_PLACES = {"MemoryRooms": "memory", "RedisRooms": "redis", "SQLiteRooms": "sqlite"}


def __getattr__(name: str) -> Any:
    if name == "testing":
        return import_module(".testing", __name__)
    if name in _PLACES:
        return getattr(import_module(f".rooms.{_PLACES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
