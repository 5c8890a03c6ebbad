"""A WebSocket chat that any FastAPI application takes in with one line."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .chat import EchoChat
from .identity import Author
from .limits import Limits
from .protocol.messages import Message
from .replies import echo
from .rooms.stores.contract import Entry, Rooms, RoomsUnavailableError

if TYPE_CHECKING:
    from . import testing
    from .rooms.stores.memory import MemoryRooms
    from .rooms.stores.redis.rooms import RedisRooms
    from .rooms.stores.sqlite.rooms import SQLiteRooms

__all__ = [
    "Author",
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
_STORES = {"MemoryRooms": "memory", "RedisRooms": "redis.rooms", "SQLiteRooms": "sqlite.rooms"}


def __getattr__(name: str) -> Any:
    if name == "testing":
        return import_module(".testing", __name__)
    if name in _STORES:
        return getattr(import_module(f".rooms.stores.{_STORES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
