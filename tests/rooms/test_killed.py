"""Servers that are killed again and again, while people talk: nothing said is lost."""

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from fastapi_echochat import Entry, MemoryRooms
from tests.conftest import Keep
from tests.rooms.crowd import Crowd
from tests.rooms.kills import kill_servers

SECONDS = 10
"""How long servers are killed; `python -m tests.benchmarks.kills` takes a minute."""


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 240)
def test_nothing_is_lost_when_servers_are_killed(
    keep: Keep,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """What was acknowledged is in the history once, and every reader saw all of it in order."""
    for scene in kill_servers(SECONDS, tmp_path, keep):
        figures = scene.check()
        record_property("figures", figures)
        print(figures)


def test_what_is_lost_and_what_is_twice() -> None:
    """The crowd tells what is missing from the history or a reader, and what is in one twice."""
    crowd = Crowd([], MemoryRooms())

    def take(*numbers: int) -> None:
        now = datetime.now(timezone.utc)
        crowd.history = [
            Entry(kind="message", id=f"{number}", author=None, text="", sent_at=now, position=place)
            for place, number in enumerate(numbers, 1)
        ]
        for reader in crowd.readers:
            reader.seen = [entry.id for entry in crowd.history]

    crowd.writers[0].acknowledged = {"1": 1, "2": 2}
    take(1, 2, 3)
    assert (crowd.lost, crowd.twice) == ([], [])
    take(1, 3)
    assert (crowd.lost, crowd.twice) == (["2"], [])
    take(1, 3, 2)
    assert (crowd.lost, crowd.twice) == (["2"], []), "it is elsewhere than it was acknowledged"
    take(1, 2, 2, 3)
    for reader in crowd.readers[1:]:
        reader.seen = ["1", "2", "3"]
    assert (crowd.lost, crowd.twice) == (["2"], ["2", "2"])
    take(1, 2, 3)
    crowd.readers[0].seen = ["1", "2"]
    crowd.readers[1].seen = ["1", "2", "3", "3"]
    assert (crowd.lost, crowd.twice) == (["3"], ["3"])
