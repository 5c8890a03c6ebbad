"""The floor: applications that talk ASGI themselves, and protect nothing."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

PIECES = 1000
# As long as a piece of ours, so that the same bytes are sent.
_PIECE = json.dumps(
    {"type": "reply", "in_reply_to": "m-00000001", "text": "word ", "done": False},
    separators=(",", ":"),
)
_LAST = _PIECE.replace("false", "true").replace("word ", "")

_readers: dict[int, Send] = {}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer each text frame with one."""
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": f"Message text was: {event['text']}"})


async def stream(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer each text frame with a thousand, and a last one."""
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        for _ in range(PIECES):
            await send({"type": "websocket.send", "text": _PIECE})
        await send({"type": "websocket.send", "text": _LAST})


async def room(scope: Scope, receive: Receive, send: Send) -> None:
    """Send each text frame to everybody, encoded once, in a loop."""
    await receive()
    await send({"type": "websocket.accept"})
    _readers[id(send)] = send
    try:
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return
            said = {"type": "websocket.send", "text": json.dumps({"text": event["text"]})}
            for reader in list(_readers.values()):
                await reader(said)
    finally:
        del _readers[id(send)]
