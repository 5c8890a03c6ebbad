"""The floor: applications that talk ASGI themselves, and protect nothing."""

import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime, timezone
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


def _text(text: str) -> str:
    return json.dumps({"text": text})


def _entry(text: str) -> str:
    entry = {
        "type": "entry",
        "position": time.time_ns() // 1000,
        "kind": "message",
        "id": "m-00000001",
        "author": {"id": "a-pseudonym-0001", "name": "Speaker"},
        "text": text,
        "sent_at": datetime.now(timezone.utc).isoformat().replace("+00:00", "Z"),
        "outcome": "done",
        "in_reply_to": None,
    }
    return json.dumps(entry, separators=(",", ":"))


async def room(scope: Scope, receive: Receive, send: Send) -> None:
    """Send each text frame to everybody, encoded once, in a loop.

    At `/entry` it says as much of it as a room of ours, so that the same bytes are sent.
    """
    frame = _entry if scope["path"] == "/entry" else _text
    await receive()
    await send({"type": "websocket.accept"})
    _readers[id(send)] = send
    try:
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return
            said = {"type": "websocket.send", "text": frame(event["text"])}
            for reader in list(_readers.values()):
                await reader(said)
    finally:
        del _readers[id(send)]
