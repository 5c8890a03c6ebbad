"""What the soak runs against: every way in which a connection can be answered, and a tally."""

import asyncio
import gc
from collections.abc import AsyncIterator

from fastapi import FastAPI

from fastapi_echochat import EchoChat, MemoryRooms, Message
from fastapi_echochat.answer import Answer
from fastapi_echochat.inbox import Inbox
from fastapi_echochat.rooms.room import Room
from fastapi_echochat.sender import Sender
from fastapi_echochat.session import Session

# Conversations and participants are sessions, outboxes are senders.
_COUNTED = (Session, Sender, Inbox, Answer, Room)


async def slowly(message: Message) -> AsyncIterator[str]:
    """Answer in two pieces, so that some connections leave in the middle."""
    yield "Message "
    await asyncio.sleep(0.001)
    yield f"text was: {message.text}"


app = FastAPI()
app.include_router(EchoChat().router, prefix="/chat")
app.include_router(EchoChat(slowly).router, prefix="/slow")
app.include_router(EchoChat(None, rooms=MemoryRooms(history=100)).router, prefix="/rooms/{room}")
# What is there by now stays: with this a tally takes a hundredth of the time.
gc.freeze()


@app.get("/tally")
async def tally() -> dict[str, int]:
    """Count the tasks, and what only those who are connected need, by class."""
    for _ in range(3):
        gc.collect()
        await asyncio.sleep(0)
    counts = {kind.__name__: 0 for kind in _COUNTED}
    for each in gc.get_objects():
        if isinstance(each, _COUNTED):
            (kind,) = (kind for kind in _COUNTED if isinstance(each, kind))
            counts[kind.__name__] += 1
    return {"tasks": len(asyncio.all_tasks()), **counts}
