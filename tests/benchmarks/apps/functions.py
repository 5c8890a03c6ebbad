"""The same functions of a user's own, behind the chat and behind the tutorial's endpoint."""

import asyncio
from collections.abc import AsyncIterator

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


async def text_in_pieces(text: str) -> AsyncIterator[str]:
    yield answer(text)


@tutorial.websocket("/at-once/ws")
async def tutorial_at_once(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await text_at_once(await websocket.receive_text()))
    except WebSocketDisconnect:
        return


@tutorial.websocket("/waits-once/ws")
async def tutorial_waits_once(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await text_waits_once(await websocket.receive_text()))
    except WebSocketDisconnect:
        return


@tutorial.websocket("/in-a-thread/ws")
async def tutorial_in_a_thread(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            text = await run_in_threadpool(answer, await websocket.receive_text())
            await websocket.send_text(text)
    except WebSocketDisconnect:
        return


@tutorial.websocket("/in-pieces/ws")
async def tutorial_in_pieces(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            pieces = [piece async for piece in text_in_pieces(await websocket.receive_text())]
            await websocket.send_text("".join(pieces))
    except WebSocketDisconnect:
        return
