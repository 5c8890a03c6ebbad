"""A contest: who is compared, and the rows that come of it."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tests.benchmarks.load import Sample
from tests.benchmarks.process import DEFAULT_LOOP, Server
from tests.benchmarks.report import Row
from tests.benchmarks.rounds import Ratio, in_turn, quartiles, ratio

Tell = Callable[[str], None]

AGAIN = "again"
"""The name under which the first entrant is measured a second time, on a server of its own."""


class Effort(NamedTuple):
    """How much is measured."""

    rounds: int
    seconds: float
    connections: tuple[int, ...]
    idle: tuple[int, ...]
    readers: int
    storm: int
    loops: tuple[str, ...]
    gradio: str
    chainlit: str
    tell: Tell


class Entrant(NamedTuple):
    """A server, and how it is measured once.

    Attributes:
        app: By its name in `servers.APPS`.
        measure: Measures it.
        loop: The event loop it runs on, where it is not the contest's.
        options: Of `python -m tests.benchmarks.servers`, beside the contest's.
    """

    app: str
    measure: Callable[[Server], Sample]
    loop: str | None = None
    options: tuple[str, ...] = ()


class Contest:
    """Some servers, measured in turn. The first is what the others are compared with.

    Args:
        name: Of the row in `--only`.
        entrants: By what they are called in the table.
        effort: How much is measured.
        loop: The event loop of the servers.
        options: Of `python -m tests.benchmarks.servers`.
        env: What their environment has beside this one's.
    """

    def __init__(
        self,
        name: str,
        entrants: Mapping[str, Entrant],
        effort: Effort,
        *,
        loop: str = DEFAULT_LOOP,
        options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._name = name
        self._first = next(iter(entrants))
        everybody = {**entrants, AGAIN: entrants[self._first]}
        with contextlib.ExitStack() as stack:
            # An app that has several entrants has one server; so differs nothing but the question.
            servers: dict[object, Server] = {}

            def measure(each: str) -> Callable[[], Sample]:
                entrant = everybody[each]
                key = each == AGAIN, entrant.app, entrant.loop, entrant.options
                if key not in servers:
                    servers[key] = stack.enter_context(
                        Server(
                            entrant.app,
                            *options,
                            *entrant.options,
                            loop=entrant.loop or loop,
                            env=env,
                        )
                    )
                server = servers[key]
                return lambda: entrant.measure(server)

            self.samples = in_turn(
                {each: measure(each) for each in everybody},
                effort.rounds,
                lambda what: effort.tell(f"{name}, {loop}, {what}"),
            )

    def costs(self, each: str) -> list[float]:
        return [sample.cost for sample in self.samples[each]]

    def row(
        self,
        ours: str,
        theirs: str,
        what: str,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        by: str = "cost",
        against: str = "",
        note: str = "",
    ) -> Row:
        """Compare two entrants by one field of their samples."""

        def values(each: str) -> list[float]:
            return [getattr(sample, by) for sample in self.samples[each]]

        return Row(
            name=self._name,
            what=what,
            against=against or theirs,
            ratio=ratio(values(ours), values(theirs)),
            at_most=at_most,
            at_least=at_least,
            ours=_with_unit(quartiles(values(ours))[1], by),
            theirs=_with_unit(quartiles(values(theirs))[1], by),
            control=self.control(by),
            note=note or self._busy(ours, theirs),
            samples={each: [s._asdict() for s in self.samples[each]] for each in (ours, theirs)},
        )

    def control(self, by: str = "cost") -> Ratio:
        """Return the first entrant by itself."""
        first = [getattr(sample, by) for sample in self.samples[self._first]]
        again = [getattr(sample, by) for sample in self.samples[AGAIN]]
        return ratio(again, first)

    def _busy(self, *names: str) -> str:
        """Say how busy both sides were: a load generator at 100 % would be what is measured."""
        shares = [
            f"{quartiles([getattr(s, side) for name in names for s in self.samples[name]])[1]:.0%}"
            for side in ("server_share", "client_share")
        ]
        return f"server {shares[0]}, client {shares[1]} busy"


def _with_unit(value: float, by: str) -> str:
    if by == "rate":
        return f"{value:,.0f}/s"
    return f"{value * 1e6:.1f} µs" if value < 1e-3 else f"{value * 1e3:.2f} ms"
