"""The chat, mounted as a host would: every protection at its default."""

from collections.abc import AsyncIterator

from fastapi import FastAPI

from fastapi_echochat import EchoChat, Message
from tests.benchmarks.apps.raw import PIECES


async def stream(message: Message) -> AsyncIterator[str]:
    for _ in range(PIECES):
        yield "word "


app = FastAPI()
app.include_router(EchoChat().router, prefix="/chat")
app.include_router(EchoChat(stream).router, prefix="/stream")
