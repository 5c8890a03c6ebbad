"""What a deployment may set, and what each of it is worth."""

import importlib.util
from collections.abc import Iterator

from tests.benchmarks import wire
from tests.benchmarks.contest import Contest, Effort, Entrant
from tests.benchmarks.report import Row
from tests.benchmarks.rows.echo import asking
from tests.benchmarks.rows.memory import COMPRESSED, idle_rows
from tests.benchmarks.rows.page import getting

_CONNECTIONS = 64


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
