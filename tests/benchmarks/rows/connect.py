"""A visit: connect, one echo, close."""

from collections.abc import Callable, Iterator

from tests.benchmarks import wire
from tests.benchmarks.contest import Contest, Effort, Entrant
from tests.benchmarks.load import Sample, visit_again
from tests.benchmarks.process import Server
from tests.benchmarks.report import Row
from tests.benchmarks.rows.echo import V1

_VISITORS = 16
INCLUDED = "tutorial, included"
"""Its endpoint in a router that is included: what FastAPI takes for any that has a prefix."""


def rows(effort: Effort) -> Iterator[Row]:
    """Compare visits, sixteen at a time."""

    def visiting(path: str, subprotocol: str | None) -> Callable[[Server], Sample]:
        hello = wire.handshake(path, subprotocol)
        said = wire.message(wire.NBA) if subprotocol else wire.frame(wire.NBA.encode())

        def measure(server: Server) -> Sample:
            trial = wire.Trial(server.port)
            welcome = trial.answer(hello, 1 if subprotocol else 0, head=True)
            answer = trial.answer(said, 1)
            trial.close()
            return visit_again(
                server.port,
                [(hello, len(welcome)), (said, len(answer)), (wire.close(), 0)],
                visitors=_VISITORS,
                seconds=effort.seconds,
                server_seconds=server.seconds,
            )

        return measure

    for loop in effort.loops:
        contest = Contest(
            "connect",
            {
                "raw ASGI": Entrant("raw", visiting("/", None)),
                "tutorial": Entrant("tutorial", visiting("/ws", None)),
                INCLUDED: Entrant("tutorial", visiting("/included/ws", None)),
                "plain": Entrant("ours", visiting("/chat/ws", None)),
                V1: Entrant("ours", visiting("/chat/ws", V1)),
            },
            effort,
            loop=loop,
        )
        what = f"connect, one echo, close, {loop}"
        yield contest.row("plain", "tutorial", what, at_most=1.0)
        yield contest.row("plain", INCLUDED, what)
        yield contest.row("plain", "raw ASGI", what)
        yield contest.row(V1, "tutorial", f"{what}, {V1}")
