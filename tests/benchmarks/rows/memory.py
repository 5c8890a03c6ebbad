"""What a server keeps for connections that say nothing."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tests.benchmarks import wire
from tests.benchmarks.contest import AGAIN, Effort
from tests.benchmarks.load import connect_many
from tests.benchmarks.process import Server
from tests.benchmarks.report import Row
from tests.benchmarks.rounds import Ratio, in_turn, quartiles, ratio
from tests.benchmarks.rows.connect import INCLUDED
from tests.benchmarks.rows.echo import V1

# Opened and closed again before anything is counted: what a server needs once.
_WARM_UP = 200


COMPRESSED = "plain, compressed"


class _Entrant(NamedTuple):
    app: str
    path: str
    subprotocol: str | None = None
    compress: bool = False


_ENTRANTS = {
    "tutorial": _Entrant("tutorial", "/ws"),
    INCLUDED: _Entrant("tutorial", "/included/ws"),
    "raw ASGI": _Entrant("raw", "/"),
    "plain": _Entrant("ours", "/chat/ws"),
    V1: _Entrant("ours", "/chat/ws", V1),
    COMPRESSED: _Entrant("ours", "/chat/ws", compress=True),
}


def rows(effort: Effort) -> Iterator[Row]:
    """Compare bytes per idle connection, compression off."""
    compared = [
        ("plain", "tutorial", 0.9),
        (V1, "tutorial", 1.15),
        ("plain", INCLUDED, None),
        ("plain", "raw ASGI", None),
    ]
    return idle_rows(effort, "memory", compared)


def idle_rows(
    effort: Effort, row: str, compared: Sequence[tuple[str, str, float | None]]
) -> Iterator[Row]:
    """Compare bytes per idle connection: who, to whom, and at most how many times as many."""
    first = compared[0][1]
    names = dict.fromkeys([first, *(name for pair in compared for name in pair[:2])])

    def measure(entrant: _Entrant) -> Callable[[], dict[int, float]]:
        return lambda: _bytes_each(entrant, effort.idle)

    samples = in_turn(
        {name: measure(_ENTRANTS[name]) for name in names} | {AGAIN: measure(_ENTRANTS[first])},
        effort.rounds,
        lambda what: effort.tell(f"{row}, {what}"),
    )
    for number in effort.idle:
        found = {name: [each[number] for each in samples[name]] for name in samples}
        control = ratio(found[AGAIN], found[first])
        for ours, theirs, at_most in compared:
            yield _row(row, found, ours, theirs, number, at_most, control)


def _bytes_each(entrant: _Entrant, numbers: tuple[int, ...]) -> dict[int, float]:
    """Return, for each number of connections, how many bytes each of them takes."""
    hello = wire.handshake(entrant.path, entrant.subprotocol, compress=entrant.compress)
    options = ["--compress"] if entrant.compress else []
    found: dict[int, float] = {}
    with Server(entrant.app, *options) as server, contextlib.ExitStack() as stack:
        trial = wire.Trial(server.port)
        size = len(trial.answer(hello, 1 if entrant.subprotocol else 0, head=True))
        trial.close()
        for sock in connect_many(server.port, _WARM_UP, hello, size):
            sock.close()
        before = server.memory()
        is_open = 0
        for number in sorted(numbers):
            for sock in connect_many(server.port, number - is_open, hello, size):
                stack.callback(sock.close)
            is_open = number
            found[number] = (server.memory() - before) / number
    return found


def _row(
    row: str,
    found: Mapping[str, list[float]],
    ours: str,
    theirs: str,
    number: int,
    at_most: float | None,
    control: Ratio,
) -> Row:
    def kibibytes(name: str) -> str:
        return f"{quartiles(found[name])[1] / 1024:.1f} KiB"

    return Row(
        name=row,
        what=f"memory per idle connection, {number:,} of them, {ours}",
        against=theirs,
        ratio=ratio(found[ours], found[theirs]),
        at_most=at_most,
        ours=kibibytes(ours),
        theirs=kibibytes(theirs),
        control=control,
        samples={name: list(found[name]) for name in (ours, theirs)},
    )
