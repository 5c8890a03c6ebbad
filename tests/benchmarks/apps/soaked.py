"""What the soak runs against: every way in which a connection can be answered, and a tally."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator

from fastapi import FastAPI

from fastapi_echochat import EchoChat, MemoryRooms, Message


async def slowly(message: Message) -> AsyncIterator[str]:
    """Answer in two pieces, so that some connections leave in the middle."""
    yield "Message "
    await asyncio.sleep(0.001)
    yield f"text was: {message.text}"


app = FastAPI()
app.include_router(EchoChat().router, prefix="/chat")
app.include_router(EchoChat(slowly).router, prefix="/slow")
app.include_router(EchoChat(None, rooms=MemoryRooms(history=100)).router, prefix="/rooms/{room}")


@app.get("/tally")
async def tally() -> dict[str, int]:
    """Count what is alive."""
    for _ in range(3):
        gc.collect()
        await asyncio.sleep(0)
    ours = Counter(
        type(each).__name__
        for each in gc.get_objects()
        if str(type(each).__module__).startswith("fastapi_echochat.")
    )
    kept = ("Connection", "Sender", "Member", "Outbox", "Room")
    return {"tasks": len(asyncio.all_tasks())} | {name: ours[name] for name in kept}
