"""Where the rooms of this host live."""

import os

import fastapi_echochat
from fastapi_echochat import Rooms, SQLiteRooms

HISTORY = 10_000
"""How many entries a room keeps: what visitors can fill has a bound."""


def place(name: str) -> Rooms:
    """Return the place for one chat's rooms: in Redis where REDIS_URL is set, else in a file.

    The file is `name.db` in the working directory, or where NAME_DB says, in capitals. Each chat
    has a place of its own: two in one place would share what is said in rooms of the same name.
    """
    url = os.environ.get("REDIS_URL")
    if url:
        return fastapi_echochat.RedisRooms(url, history=HISTORY, prefix=f"example-host:{name}")
    path = os.environ.get(f"{name.upper()}_DB") or f"{name}.db"
    return SQLiteRooms(path, history=HISTORY)
