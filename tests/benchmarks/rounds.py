"""Rounds: what is compared is measured in turn, and compared within a round."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")

NOISE = 0.10
"""How far the quartiles of a thing beside itself may be apart before a run counts as noisy."""


def in_turn(
    measures: Mapping[str, Callable[[], T]], rounds: int, tell: Callable[[str], None]
) -> dict[str, list[T]]:
    """Measure each once a round, forwards and backwards by turns (A B B A)."""
    samples: dict[str, list[T]] = {name: [] for name in measures}
    names = list(measures)
    for number in range(rounds):
        for name in names:
            tell(f"round {number + 1} of {rounds}: {name}")
            samples[name].append(measures[name]())
        names.reverse()
    return samples


class Ratio(NamedTuple):
    """The median of the ratios of the rounds, their quartiles, and the least by the least."""

    median: float
    low: float
    high: float
    least: float

    @property
    def spread(self) -> float:
        return self.high / self.low - 1


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Compare what was measured in the same rounds."""
    ratios = [own / their for own, their in zip(ours, theirs, strict=True)]
    low, median, high = quartiles(ratios)
    return Ratio(median, low, high, min(ours) / min(theirs))


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, median, high
