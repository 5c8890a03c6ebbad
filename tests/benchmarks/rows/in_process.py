"""The same without a network, for differences below 15 %.

Over the network a shared machine moves a single cell by a third. Here nothing but Python runs:
the variants come in random order, many times, and the least of each is what it costs.
"""

import asyncio
import importlib.util
import itertools
import random
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, Protocol

from tests.benchmarks import wire
from tests.benchmarks.apps import ours, ours_room, pages, raw, tutorial
from tests.benchmarks.apps.raw import PIECES
from tests.benchmarks.collector import Crowd, Requests, Script, Visits
from tests.benchmarks.contest import AGAIN, Effort
from tests.benchmarks.report import Row
from tests.benchmarks.rounds import Ratio, quartiles
from tests.benchmarks.rows.connect import INCLUDED
from tests.benchmarks.rows.echo import V1

CONNECTIONS = 64
REQUESTS = 16
_STREAMING = 2
_COMPRESSED = "plain, compressed"
_SAID = 2
_ONE_AFTER_THE_OTHER = 20
_MESSAGES = 4096
_room_numbers = itertools.count(1)
# For each round of the other rows: a turn takes milliseconds.
TURNS_A_ROUND = 20


def _script(path: str, subprotocol: str | None = None) -> Script:
    opening = [(wire.handshake(path, subprotocol), b"welcome" if subprotocol else b" 101 ")]
    ring = wire.echochat_v1_ring() if subprotocol else wire.plain_ring()
    return Script(opening, ring, b"Message text was")


def _compressed(path: str) -> Script:
    # What comes back cannot be read: any write is an answer.
    opening = [(wire.handshake(path, compress=True), b"permessage-deflate")]
    return Script(opening, wire.plain_ring(), b"")


def _streaming(path: str, subprotocol: str | None = None) -> Script:
    opening = [(wire.handshake(path, subprotocol), b"welcome" if subprotocol else b" 101 ")]
    return Script(opening, wire.echochat_v1_ring(), b"reply", PIECES + 1)


def _echoes() -> dict[str, Crowd]:
    return {
        "raw ASGI": Crowd(raw.echo, _script("/"), CONNECTIONS),
        "tutorial": Crowd(tutorial.app, _script("/ws"), CONNECTIONS),
        "plain": Crowd(ours.app, _script("/chat/ws"), CONNECTIONS),
        V1: Crowd(ours.app, _script("/chat/ws", V1), CONNECTIONS),
        _COMPRESSED: Crowd(ours.app, _compressed("/chat/ws"), CONNECTIONS, compress=True),
        AGAIN: Crowd(raw.echo, _script("/"), CONNECTIONS),
    }


def _streams() -> dict[str, Crowd]:
    return {
        "raw ASGI": Crowd(raw.stream, _streaming("/"), _STREAMING),
        V1: Crowd(ours.app, _streaming("/stream/ws", V1), _STREAMING),
        AGAIN: Crowd(raw.stream, _streaming("/"), _STREAMING),
    }


def _rooms(readers: int) -> dict[str, Crowd]:
    said = [wire.frame(b"said-")]
    raw_script = Script([(wire.handshake("/entry"), b" 101 ")], said, b"said-", speakers=1)
    tutorial_script = raw_script._replace(opening=[(wire.handshake("/room"), b" 101 ")])
    # What is said twice with the same id is said once.
    messages = [wire.message("said-", number) for number in range(_MESSAGES)]

    def our_script() -> Script:
        # A room of its own on each loop: what was said in another's stays said.
        room = f"room{next(_room_numbers)}"
        enter = wire.frame(b'{"type":"enter","after":null,"name":"Reader"}')
        opening = [(wire.handshake(f"/rooms/{room}/ws", V1), b" 101 "), (enter, b'"welcome"')]
        return Script(opening, messages, b'"said-"', speakers=1)

    return {
        "raw ASGI loop": Crowd(raw.room, raw_script, readers),
        "tutorial's manager": Crowd(tutorial.app, tutorial_script, readers),
        V1: Crowd(ours_room.app, our_script(), readers),
        AGAIN: Crowd(ours_room.app, our_script(), readers),
    }


def _visits() -> dict[str, Visits]:
    def visits(app: Any, path: str, subprotocol: str | None = None) -> Visits:
        request = wire.message(wire.NBA) if subprotocol else wire.frame(wire.NBA.encode())
        return Visits(
            app,
            wire.handshake(path, subprotocol),
            b"welcome" if subprotocol else b" 101 ",
            request,
            b"Message text was",
            wire.close(),
        )

    return {
        "raw ASGI": visits(raw.echo, "/"),
        "tutorial": visits(tutorial.app, "/ws"),
        INCLUDED: visits(tutorial.app, "/included/ws"),
        "plain": visits(ours.app, "/chat/ws"),
        V1: visits(ours.app, "/chat/ws", V1),
        AGAIN: visits(raw.echo, "/"),
    }


def _pages() -> dict[str, Requests]:
    return {
        "constant": Requests(pages.app, wire.get("/constant")),
        "included": Requests(pages.app, wire.get("/included")),
        "page": Requests(ours.app, wire.get("/chat")),
        AGAIN: Requests(pages.app, wire.get("/constant")),
    }


def rows(effort: Effort) -> Iterator[Row]:
    """Compare in this process what is compared over the network."""
    turns = effort.rounds * TURNS_A_ROUND
    for loop in effort.loops:
        effort.tell(f"in-process, {loop}")
        found = run(loop, measure(_echoes, REQUESTS, turns))
        where = f"in process, {loop}"
        yield _row(found, "plain", "raw ASGI", f"plain echo, {where}", 1.05)
        yield _row(found, "plain", "tutorial", f"plain echo, {where}", 1.0)
        yield _row(found, V1, "raw ASGI", f"{V1} echo, {where}", 1.4)
        yield _row(found, _COMPRESSED, "plain", f"compressed plain echo, {where}", None)
        yield _row(found, "tutorial", "raw ASGI", f"the tutorial's echo, {where}", None)
        found = run(loop, measure(_streams, 1, turns))
        yield _row(found, V1, "raw ASGI", f"streamed answer, {PIECES:,} pieces, {where}", 1.3)
        found = run(loop, measure(_visits, _ONE_AFTER_THE_OTHER, turns))
        yield _row(found, "plain", "tutorial", f"connect, one echo, close, {where}", 1.0)
        yield _row(found, "plain", INCLUDED, f"connect, one echo, close, {where}", None)
        yield _row(found, V1, "tutorial", f"connect, one echo, close, {where}, {V1}", None)
        found = run(loop, measure(_pages, _ONE_AFTER_THE_OTHER, turns))
        yield _row(found, "page", "constant", f"page GET, {where}", 1 / 1.3)
        yield _row(found, "page", "included", f"page GET, {where}", None)
        found = run(loop, measure(lambda: _rooms(effort.readers), _SAID, turns))
        room = f"a delivery in a room of {effort.readers:,} readers, {where}"
        yield _row(found, V1, "raw ASGI loop", room, 1.15)
        yield _row(found, V1, "tutorial's manager", room, None)


def run(loop: str, main: Coroutine[Any, Any, dict[str, list[float]]]) -> dict[str, list[float]]:
    found: dict[str, list[float]]
    if loop == "uvloop" and importlib.util.find_spec("uvloop") is not None:
        found = importlib.import_module("uvloop").run(main)
    else:
        found = asyncio.run(main)
    return found


class Measured(Protocol):
    """Something that is opened once and measured again and again."""

    async def open(self) -> None: ...
    async def measure(self, requests: int) -> float: ...
    async def close(self) -> None: ...


async def measure(
    make: Callable[[], Mapping[str, Measured]], requests: int, turns: int
) -> dict[str, list[float]]:
    crowds = make()  # Here, where the loop runs that uvicorn's protocol takes.
    for crowd in crowds.values():
        await crowd.open()
        await crowd.measure(requests)
    found: dict[str, list[float]] = {name: [] for name in crowds}
    names = list(crowds)
    for _ in range(turns):
        random.shuffle(names)
        for name in names:
            found[name].append(await crowds[name].measure(requests))
    for crowd in crowds.values():
        await crowd.close()
    return found


def _row(
    found: dict[str, list[float]], ours: str, theirs: str, what: str, at_most: float | None
) -> Row:
    # What was measured a second time.
    control = V1 if "raw ASGI loop" in found else next(iter(found))
    return Row(
        name="in-process",
        what=what,
        against=theirs,
        ratio=least_ratio(found[ours], found[theirs]),
        at_most=at_most,
        ours=f"{min(found[ours]) * 1e6:.2f} µs",
        theirs=f"{min(found[theirs]) * 1e6:.2f} µs",
        control=least_ratio(found[AGAIN], found[control]),
        note="the least of many",
        samples={ours: found[ours], theirs: found[theirs]},
    )


def least_ratio(ours: list[float], theirs: list[float]) -> Ratio:
    """Return the least by the least, and the quartiles of the same in parts of the run."""
    parts = 8
    ratios = [min(ours[part::parts]) / min(theirs[part::parts]) for part in range(parts)]
    low, _, high = quartiles(ratios)
    least = min(ours) / min(theirs)
    return Ratio(least, low, high, least)
