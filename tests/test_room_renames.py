"""One who is renamed as fast as can be, in a room full of people."""

import asyncio
import json
from typing import Any

from fastapi import FastAPI

from fastapi_echochat import Limits
from tests.apps import make_app
from tests.waiting import in_loop, until

PEOPLE = 400
RENAMES = 250
SECONDS_BETWEEN = 0.01


class Participant:
    """A session of an application in this event loop, without a socket.

    Attributes:
        people: How many the newest presence frame has, named or not.
        names: Those of them that it names.
        presences: How many presence frames came.
        named: What it is called.
    """

    def __init__(self, app: FastAPI, name: str) -> None:
        self.people = self.presences = 0
        self.names: set[str] = set()
        self.named = ""
        self._app = app
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._events.put_nowait({"type": "websocket.connect"})
        self.send(type="enter", name=name)

    async def run(self) -> None:
        """Be there until it leaves."""
        scope = {
            "type": "websocket", "path": "/chat/ws", "headers": [], "query_string": b"",
            "scheme": "ws", "subprotocols": ["echochat.v1"], "asgi": {"version": "3.0"},
        }  # fmt: skip
        await self._app(scope, self._events.get, self._take)

    def send(self, **frame: object) -> None:
        self._events.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})

    def leave(self) -> None:
        self._events.put_nowait({"type": "websocket.disconnect", "code": 1000})

    async def _take(self, event: Any) -> None:
        frame = json.loads(event.get("text", "{}"))
        if frame.get("type") == "presence":
            self.names = {person["name"] for person in frame["people"]}
            self.people = len(frame["people"]) + frame["others"]
            self.presences += 1
        elif frame.get("type") == "named":
            self.named = frame["name"]


@in_loop
async def test_renames_reach_a_full_room_once_a_second() -> None:
    """Of 400 people one is renamed a hundred times a second: the others hear of it once a second.

    All hear of the last name. Nothing bounds its frames, which by default are ten a second.
    """
    app = make_app(None, limits=Limits(frames_per_second=None))
    people = [Participant(app, f"Guest {number:03}") for number in range(PEOPLE)]
    renamer, *others = people
    running = [asyncio.ensure_future(each.run()) for each in people]
    await until(lambda: all(each.people == PEOPLE for each in people), "all see all")

    loop = asyncio.get_running_loop()
    before = [each.presences for each in others]
    begun = loop.time()
    # In the order of the alphabet before all others, of whom only some are named.
    for number in range(RENAMES):
        renamer.send(type="name", name=f"Ann {number}")
        await asyncio.sleep(SECONDS_BETWEEN)
    last = f"Ann {RENAMES - 1}"
    await until(lambda: all(last in each.names for each in others), "all see the last name")
    seconds = loop.time() - begun
    frames = {each.presences - old for each, old in zip(others, before, strict=True)}

    assert renamer.named == last
    assert min(frames) >= 2
    assert max(frames) <= seconds + 1
    for each in people:
        each.leave()
    await asyncio.gather(*running)
    await until(lambda: len(asyncio.all_tasks()) == 1, "the last heartbeat is over")
