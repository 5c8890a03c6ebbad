"""What a deployment may set, and what each of it is worth."""

import importlib.util
import random
from collections.abc import Iterator

from tests.benchmarks import wire
from tests.benchmarks.apps import ours
from tests.benchmarks.collector import Crowd, Script
from tests.benchmarks.contest import AGAIN, Contest, Effort, Entrant
from tests.benchmarks.process import Server
from tests.benchmarks.report import Row
from tests.benchmarks.rows.echo import asking
from tests.benchmarks.rows.in_process import TURNS_A_ROUND, least_ratio, measure, run
from tests.benchmarks.rows.memory import COMPRESSED, idle_rows
from tests.benchmarks.rows.page import getting

_CONNECTIONS = 64
# A message near the default bound, of words that compress as a text does.
_WORDS = ("chat", "room", "answer", "people", "said", "before", "anybody", "sees", "it", "again")
_LONG = " ".join(random.Random(1).choices(_WORDS, k=10_000))
_LONG_CONNECTIONS = 8


def rows(effort: Effort) -> Iterator[Row]:
    """Compare the chat with itself under another setting."""
    echoing = asking(
        wire.handshake("/chat/ws"),
        wire.plain_ring(),
        connections=_CONNECTIONS,
        in_flight=1,
        seconds=effort.seconds,
    )
    loops = {name: Entrant("ours", echoing, name) for name in ("asyncio", "uvloop")}
    yield from _compare(loops, "uvloop", f"plain echo, {_CONNECTIONS} connections", effort)
    page = getting(wire.get("/chat"), effort.seconds)
    parsers = {"h11": Entrant("ours", page, options=("--h11",)), "httptools": Entrant("ours", page)}
    yield from _compare(parsers, "httptools", "page GET", effort)
    yield from idle_rows(effort, "settings", [(COMPRESSED, "plain", None)])
    yield from _long_messages(effort)
    with Server("ours") as server:
        what = "memory of a process, with what it shares divided among those that share it"
        note = f"{server.memory() / 2**20:.0f} MiB"
        yield Row(name="settings", what=what, note=note)


def _long_messages(effort: Effort) -> Iterator[Row]:
    def crowd(*, compress: bool) -> Crowd:
        opening = [(wire.handshake("/chat/ws", compress=compress), b" 101 ")]
        script = Script(opening, [wire.frame(_LONG.encode())], b"")
        return Crowd(ours.app, script, _LONG_CONNECTIONS, compress=compress)

    def crowds() -> dict[str, Crowd]:
        return {
            "plain": crowd(compress=False),
            COMPRESSED: crowd(compress=True),
            AGAIN: crowd(compress=False),
        }

    found = run(effort.loops[0], measure(crowds, 2, effort.rounds * TURNS_A_ROUND))
    what = f"plain echo of {len(_LONG):,} characters, compressed, in process, {effort.loops[0]}"
    yield Row(
        name="settings",
        what=what,
        against="plain",
        ratio=least_ratio(found[COMPRESSED], found["plain"]),
        ours=f"{min(found[COMPRESSED]) * 1e6:.0f} µs",
        theirs=f"{min(found['plain']) * 1e6:.0f} µs",
        control=least_ratio(found[AGAIN], found["plain"]),
        samples=dict(found),
    )


def _compare(
    entrants: dict[str, Entrant], package: str, what: str, effort: Effort
) -> Iterator[Row]:
    other = next(iter(entrants))
    if importlib.util.find_spec(package) is None:
        note = f"{package} is not installed"
        yield Row(name="settings", what=f"{what}, {package}", against=other, note=note)
    else:
        contest = Contest("settings", entrants, effort)
        yield contest.row(package, other, f"{what}, {package}")
