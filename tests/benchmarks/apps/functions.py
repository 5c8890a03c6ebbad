"""The same functions of a user's own, behind the chat and behind the tutorial's endpoint."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.concurrency import run_in_threadpool

from fastapi_echochat import EchoChat, Message


def answer(text: str) -> str:
    return f"Message text was: {text}"


async def at_once(message: Message) -> str:
    return answer(message.text)


async def waits_once(message: Message) -> str:
    await asyncio.sleep(0)
    return answer(message.text)


def in_a_thread(message: Message) -> str:
    return answer(message.text)


async def in_pieces(message: Message) -> AsyncIterator[str]:
    yield answer(message.text)


app = FastAPI()
app.include_router(EchoChat(at_once).router, prefix="/at-once")
app.include_router(EchoChat(waits_once).router, prefix="/waits-once")
app.include_router(EchoChat(in_a_thread).router, prefix="/in-a-thread")
app.include_router(EchoChat(in_pieces).router, prefix="/in-pieces")

tutorial = FastAPI()


async def text_at_once(text: str) -> str:
    return answer(text)


async def text_waits_once(text: str) -> str:
    await asyncio.sleep(0)
    return answer(text)


async def text_in_a_thread(text: str) -> str:
    return await run_in_threadpool(answer, text)


async def text_in_pieces(text: str) -> str:
    async def pieces() -> AsyncIterator[str]:
        yield answer(text)

    return "".join([piece async for piece in pieces()])


def add_endpoint(path: str, function: Callable[[str], Awaitable[str]]) -> None:
    """Give the tutorial's application an endpoint that answers with a function."""

    @tutorial.websocket(path)
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                await websocket.send_text(await function(await websocket.receive_text()))
        except WebSocketDisconnect:
            return


add_endpoint("/at-once/ws", text_at_once)
add_endpoint("/waits-once/ws", text_waits_once)
add_endpoint("/in-a-thread/ws", text_in_a_thread)
add_endpoint("/in-pieces/ws", text_in_pieces)
