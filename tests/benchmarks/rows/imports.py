"""What an import costs that a FastAPI application with templates has not paid for already."""

import functools
import json
import subprocess
import sys
from collections.abc import Iterator

from tests.benchmarks.contest import Effort
from tests.benchmarks.report import Row
from tests.benchmarks.rounds import Ratio, in_turn, quartiles

_GOAL_SECONDS = 0.040
_EXTRAS = ("redis", "aiosqlite", "sqlite3")
_SCRIPT = """
import json, sys, time
import fastapi, jinja2
before = set(sys.modules)
begun = time.perf_counter()
import {module}
seconds = time.perf_counter() - begun
print(json.dumps([seconds, sorted(set(sys.modules) - before)]))
"""


def rows(effort: Effort) -> Iterator[Row]:
    """Compare the import, in fresh processes, with 40 ms."""
    modules: set[str] = set()

    def measure(module: str) -> float:
        command = [sys.executable, "-c", _SCRIPT.format(module=module)]
        seconds, found = json.loads(subprocess.check_output(command))
        if module == "fastapi_echochat":
            modules.update(found)
        return float(seconds)

    # The control is a package of a known size: how steady the machine is.
    names = ("fastapi_echochat", "unittest.mock")
    measure(names[0])  # Compiled once.
    samples = in_turn(
        {name: functools.partial(measure, name) for name in names},
        effort.rounds,
        lambda what: effort.tell(f"import, {what}"),
    )
    ours = samples["fastapi_echochat"]
    low, median, high = (value / _GOAL_SECONDS for value in quartiles(ours))
    mock_low, mock_median, mock_high = quartiles(samples["unittest.mock"])
    extras = sorted(modules.intersection(_EXTRAS))
    yield Row(
        name="import",
        what="import fastapi_echochat, after fastapi and jinja2",
        against="40 ms",
        ratio=Ratio(median, low, high, min(ours) / _GOAL_SECONDS),
        at_most=1.0,
        ours=f"{median * _GOAL_SECONDS * 1e3:.1f} ms",
        theirs="40.0 ms",
        control=Ratio(1.0, mock_low / mock_median, mock_high / mock_median, 1.0),
        note=f"modules of extras: {', '.join(extras) or 'none'}; {len(modules)} modules in all",
        samples={name: list(values) for name, values in samples.items()},
    )
