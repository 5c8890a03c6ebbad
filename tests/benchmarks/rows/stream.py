"""An answer of a thousand pieces."""

from collections.abc import Iterator

from tests.benchmarks import wire
from tests.benchmarks.apps.raw import PIECES
from tests.benchmarks.contest import Contest, Effort, Entrant
from tests.benchmarks.report import Row
from tests.benchmarks.rows.echo import V1, asking

_CONNECTIONS = 8


def rows(effort: Effort) -> Iterator[Row]:
    """Compare a streamed answer with as many frames of the same bytes."""

    def entrant(app: str, path: str, subprotocol: str | None = None) -> Entrant:
        measure = asking(
            wire.handshake(path, subprotocol),
            wire.echochat_v1_ring(),
            connections=_CONNECTIONS,
            in_flight=1,
            seconds=effort.seconds,
            welcomes=1 if subprotocol else 0,
            answers=PIECES + 1,
        )
        return Entrant(app, measure)

    for loop in effort.loops:
        contest = Contest(
            "stream",
            {
                "raw ASGI": entrant("raw-stream", "/"),
                V1: entrant("ours", "/stream/ws", V1),
            },
            effort,
            loop=loop,
        )
        what = f"streamed answer, {PIECES:,} pieces, {loop}"
        yield contest.row(V1, "raw ASGI", what, at_most=1.3)
