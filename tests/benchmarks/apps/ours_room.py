"""The chat with rooms, mounted as a host would, in the store that the environment names."""

import os

from fastapi import FastAPI

from fastapi_echochat import EchoChat, MemoryRooms, RedisRooms, SQLiteRooms
from fastapi_echochat.rooms.stores.contract import Rooms


def _store(address: str) -> Rooms:
    if address.startswith("redis:"):
        return RedisRooms(address)
    return SQLiteRooms(address) if address else MemoryRooms()


app = FastAPI()
chat = EchoChat(None, rooms=_store(os.environ.get("ECHOCHAT_STORE", "")))
app.include_router(chat.router, prefix="/rooms/{room}")
