"""The chat with rooms in memory, mounted as a host would."""

from fastapi import FastAPI

from fastapi_echochat import EchoChat, MemoryRooms

app = FastAPI()
app.include_router(EchoChat(None, rooms=MemoryRooms()).router, prefix="/rooms/{room}")
