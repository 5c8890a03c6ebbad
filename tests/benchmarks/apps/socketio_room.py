"""A room of python-socketio, as its documentation has it."""

import importlib
from typing import Any

# Imported by name: it has no types, and need not be installed.
socketio: Any = importlib.import_module("socketio")

sio = socketio.AsyncServer(async_mode="asgi")
app = socketio.ASGIApp(sio)


@sio.event  # type: ignore[untyped-decorator]  # see above
async def connect(sid: str, environ: object) -> None:
    await sio.enter_room(sid, "lobby")


@sio.event  # type: ignore[untyped-decorator]  # see above
async def say(sid: str, text: str) -> None:
    await sio.emit("said", text, room="lobby")


@sio.event  # type: ignore[untyped-decorator]  # see above
async def echo(sid: str, text: str) -> None:
    await sio.emit("echo", f"Message text was: {text}", to=sid)
