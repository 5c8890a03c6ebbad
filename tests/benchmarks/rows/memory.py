"""What a server keeps for connections that say nothing."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from tests.benchmarks import wire
from tests.benchmarks.contest import AGAIN, Effort
from tests.benchmarks.load import connect_many
from tests.benchmarks.process import Server
from tests.benchmarks.report import Row
from tests.benchmarks.rounds import in_turn, quartiles, ratio
from tests.benchmarks.rows.connect import INCLUDED
from tests.benchmarks.rows.echo import V1

# Opened and closed again before anything is counted: what a server needs once.
_WARM_UP = 200


class _Entrant(NamedTuple):
    app: str
    path: str
    subprotocol: str | None = None


_ENTRANTS = {
    "tutorial": _Entrant("tutorial", "/ws"),
    INCLUDED: _Entrant("tutorial", "/included/ws"),
    "raw ASGI": _Entrant("raw", "/"),
    "plain": _Entrant("ours", "/chat/ws"),
    V1: _Entrant("ours", "/chat/ws", V1),
    AGAIN: _Entrant("tutorial", "/ws"),
}


def rows(effort: Effort) -> Iterator[Row]:
    """Compare bytes per idle connection, compression off."""

    def measure(entrant: _Entrant) -> Callable[[], dict[int, float]]:
        return lambda: _bytes_each(entrant, effort.idle)

    samples = in_turn(
        {name: measure(entrant) for name, entrant in _ENTRANTS.items()},
        effort.rounds,
        lambda what: effort.tell(f"memory, {what}"),
    )
    for number in effort.idle:
        found = {name: [each[number] for each in samples[name]] for name in samples}
        yield _row(found, "plain", "tutorial", number, 0.9)
        yield _row(found, V1, "tutorial", number, 1.15)
        yield _row(found, "plain", INCLUDED, number, None)
        yield _row(found, "plain", "raw ASGI", number, None)


def _bytes_each(entrant: _Entrant, numbers: tuple[int, ...]) -> dict[int, float]:
    """Return, for each number of connections, how many bytes each of them takes."""
    hello = wire.handshake(entrant.path, entrant.subprotocol)
    found: dict[int, float] = {}
    with Server(entrant.app) as server, contextlib.ExitStack() as stack:
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
    found: Mapping[str, list[float]],
    ours: str,
    theirs: str,
    number: int,
    at_most: float | None,
) -> Row:
    def kibibytes(name: str) -> str:
        return f"{quartiles(found[name])[1] / 1024:.1f} KiB"

    return Row(
        name="memory",
        what=f"memory per idle connection, {number:,} of them, {ours}",
        against=theirs,
        ratio=ratio(found[ours], found[theirs]),
        at_most=at_most,
        ours=kibibytes(ours),
        theirs=kibibytes(theirs),
        control=ratio(found[AGAIN], found["tutorial"]),
        samples={name: list(found[name]) for name in (ours, theirs)},
    )
