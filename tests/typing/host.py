"""A host of its own types, which mypy and pyright check, and nobody runs.

A comment that ignores an error says that there must be one: without it the comment is the error.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from fastapi_echochat import (
    Author,
    EchoChat,
    Limits,
    MemoryRooms,
    Message,
    RedisRooms,
    Rooms,
    SQLiteRooms,
    echo,
    testing,
)


def signed_in() -> str:
    return "Ada"


def member() -> Author | None:
    return Author(id="7", name="Ada")


Name = Annotated[str, Depends(signed_in)]


def answer(message: Message) -> str:
    name = "somebody" if message.author is None else message.author.name
    return f"{name}: {message.text}, {message.sent_at.isoformat()}"


async def answer_later(message: Message, name: Name) -> str:
    return f"{name}: {message.text.upper()}"


def pieces(message: Message) -> Iterator[str]:
    yield from message.text


async def pieces_later(message: Message) -> AsyncIterator[str]:
    yield await echo(message)


class Bot:
    def __call__(self, message: Message) -> str:
        return message.text

    async def answer(self, message: Message) -> str:
        return message.text


PLACES: list[Rooms] = [
    MemoryRooms(history=10),
    SQLiteRooms("rooms.db"),
    RedisRooms("redis://localhost"),
]

app = FastAPI()
app.include_router(EchoChat().router, prefix="/echo")
app.include_router(
    EchoChat(answer, title="Chat", limits=Limits(connections=10)).router, prefix="/chat"
)
app.include_router(EchoChat(answer_later, author=signed_in).router)
app.include_router(EchoChat(pieces).router)
app.include_router(EchoChat(pieces_later).router)
app.include_router(EchoChat(Bot()).router)
app.include_router(EchoChat(Bot().answer).router)
app.include_router(EchoChat(lambda message: message.text).router)
lounge = EchoChat(reply=None, rooms=PLACES[0], author=member)
app.include_router(lounge.router, prefix="/rooms/{room}")


async def post() -> Message:
    await lounge.post("lobby", "Tea!", author=Author("kitchen", "Kitchen"))
    return await lounge.post("lobby", "Tea!", author="host")


def converse(browser: TestClient) -> str:
    with testing.connect(browser, "/chat", protocol="plain") as chat:
        return chat.ask("NBA")


# --- What a type checker refuses -----------------------------------------------------------------


def number(message: Message) -> int:
    return len(message.text)


def numbers(message: Message) -> Iterator[int]:
    yield len(message.text)


EchoChat(number)  # type: ignore[arg-type]
EchoChat(numbers)  # type: ignore[arg-type]
EchoChat(limits=10)  # type: ignore[arg-type]
EchoChat(rooms="rooms.db")  # type: ignore[arg-type]
EchoChat(answer, author="Ada")  # type: ignore[arg-type]
Author(id=7, name="Ada")  # type: ignore[arg-type]
Author("7", "Ada").id = "8"  # type: ignore[misc]
EchoChat(answer, subject="Ada")  # type: ignore[call-arg]
EchoChat(answer, "Chat")  # type: ignore[call-arg]
Limits(connections="10")  # type: ignore[arg-type]
Limits().connections = 10  # type: ignore[misc]
Message(text="NBA")  # type: ignore[call-arg]
MemoryRooms(history="10")  # type: ignore[arg-type]
