"""The user's own function, behind the chat and behind the tutorial's endpoint that calls it too."""

from collections.abc import Iterator

from tests.benchmarks import wire
from tests.benchmarks.contest import Contest, Effort, Entrant
from tests.benchmarks.report import Row
from tests.benchmarks.rows.echo import asking

# What each is, and the goal for it.
FUNCTIONS = {
    "at-once": ("async def that waits for nothing", 1.0),
    "waits-once": ("async def that waits once", 1.1),
    "in-a-thread": ("def", 1.0),
    "in-pieces": ("async generator", None),
}
_CONNECTIONS = (1, 64)


def rows(effort: Effort) -> Iterator[Row]:
    """Compare server processor time for one message and its answer, in the plain protocol."""

    def entrant(app: str, path: str, connections: int) -> Entrant:
        measure = asking(
            wire.handshake(f"/{path}/ws"),
            wire.plain_ring(),
            connections=connections,
            in_flight=1,
            seconds=effort.seconds,
        )
        return Entrant(app, measure)

    for loop in effort.loops:
        for connections in _CONNECTIONS:
            for path, (what, goal) in FUNCTIONS.items():
                contest = Contest(
                    "functions",
                    {
                        "tutorial": entrant("tutorial-functions", path, connections),
                        "ours": entrant("ours-functions", path, connections),
                    },
                    effort,
                    loop=loop,
                )
                where = f"{connections} connections, {loop}"
                yield contest.row("ours", "tutorial", f"{what}, {where}", at_most=goal)
