"""A message and its answer, over connections that stay open."""

from collections.abc import Callable, Iterator, Sequence

from tests.benchmarks import wire
from tests.benchmarks.contest import Contest, Effort, Entrant
from tests.benchmarks.load import Sample, ask_again, connect_many
from tests.benchmarks.process import Server
from tests.benchmarks.report import Row

_IN_FLIGHT = (1, 16)
V1 = "echochat.v1"


def asking(
    hello: bytes,
    requests: Sequence[bytes],
    *,
    connections: int,
    in_flight: int,
    seconds: float,
    welcomes: int = 0,
    answers: int = 1,
) -> Callable[[Server], Sample]:
    """Return a measure of what one request and its answer cost.

    Args:
        hello: The handshake.
        requests: What is sent, in turn.
        connections: How many send.
        in_flight: How many requests are under way on each.
        seconds: How long to measure.
        welcomes: How many frames the server sends unasked.
        answers: How many frames answer one request.
    """

    def measure(server: Server) -> Sample:
        trial = wire.Trial(server.port)
        welcome = trial.answer(hello, welcomes, head=True)
        answer = trial.answer(requests[0], answers)
        trial.close()
        sockets = connect_many(server.port, connections, hello, len(welcome))
        return ask_again(
            sockets,
            requests,
            len(answer),
            in_flight=in_flight,
            seconds=seconds,
            server_seconds=server.seconds,
        )

    return measure


def rows(effort: Effort) -> Iterator[Row]:
    """Compare echoes: a cell for each loop, number of connections and number in flight."""
    for loop in effort.loops:
        for connections in effort.connections:
            for in_flight in _IN_FLIGHT:
                yield from _cell(effort, loop, connections, in_flight)


def _cell(effort: Effort, loop: str, connections: int, in_flight: int) -> Iterator[Row]:
    def entrant(app: str, path: str, subprotocol: str | None = None) -> Entrant:
        measure = asking(
            wire.handshake(path, subprotocol),
            wire.echochat_v1_ring() if subprotocol else wire.plain_ring(),
            connections=connections,
            in_flight=in_flight,
            seconds=effort.seconds,
            welcomes=1 if subprotocol else 0,
        )
        return Entrant(app, measure)

    contest = Contest(
        "echo",
        {
            "raw ASGI": entrant("raw", "/"),
            "plain": entrant("ours", "/chat/ws"),
            V1: entrant("ours", "/chat/ws", V1),
            "tutorial": entrant("tutorial", "/ws"),
        },
        effort,
        loop=loop,
    )
    where = f"{connections} connections, {in_flight} in flight, {loop}"
    yield contest.row("plain", "raw ASGI", f"plain echo, {where}", at_most=1.05)
    yield contest.row("plain", "raw ASGI", f"plain echo, p99, {where}", at_most=1.1, by="p99")
    yield contest.row("plain", "tutorial", f"plain echo, {where}", at_most=1.0)
    yield contest.row("plain", "tutorial", f"plain echo, rate, {where}", at_least=1.0, by="rate")
    yield contest.row(V1, "raw ASGI", f"{V1} echo, {where}", at_most=1.4)
