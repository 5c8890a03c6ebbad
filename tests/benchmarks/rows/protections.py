"""What each protection costs a message, in process."""

from collections.abc import Iterator

from tests.benchmarks import wire
from tests.benchmarks.apps import protected
from tests.benchmarks.collector import Crowd, Script
from tests.benchmarks.contest import AGAIN, Effort
from tests.benchmarks.report import Row
from tests.benchmarks.rows.in_process import (
    CONNECTIONS,
    REQUESTS,
    TURNS_A_ROUND,
    least_ratio,
    measure,
    run,
)

_OFF = "none"


def _crowds() -> dict[str, Crowd]:
    def crowd(number: int) -> Crowd:
        opening = [(wire.handshake(f"/{number}/ws"), b" 101 ")]
        script = Script(opening, wire.plain_ring(), b"Message text was")
        return Crowd(protected.app, script, CONNECTIONS)

    crowds = {name: crowd(number) for number, name in enumerate(protected.LIMITS)}
    crowds[AGAIN] = crowd(list(protected.LIMITS).index(_OFF))
    return crowds


def rows(effort: Effort) -> Iterator[Row]:
    """Compare a plain echo with each protection alone to one with none."""
    for loop in effort.loops:
        effort.tell(f"protections, {loop}")
        found = run(loop, measure(_crowds, REQUESTS, effort.rounds * TURNS_A_ROUND))
        for name in protected.LIMITS:
            if name == _OFF:
                continue
            more = min(found[name]) - min(found[_OFF])
            yield Row(
                name="protections",
                what=f"plain echo, protected by {name}, in process, {loop}",
                against="no protection",
                ratio=least_ratio(found[name], found[_OFF]),
                at_most=None,
                ours=f"{min(found[name]) * 1e6:.2f} µs",
                theirs=f"{min(found[_OFF]) * 1e6:.2f} µs",
                control=least_ratio(found[AGAIN], found[_OFF]),
                note=f"{more * 1e6:+.2f} µs",
                samples={name: found[name], _OFF: found[_OFF]},
            )
