"""What was found: a table to read, and the same for a machine."""

import dataclasses
import json
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks.rounds import NOISE, Ratio

_PACKAGES = (
    "fastapi-echochat", "fastapi", "starlette", "uvicorn", "websockets", "uvloop", "httptools",
    "python-socketio", "gradio", "chainlit",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison.

    Attributes:
        name: Of the row in `--only`.
        what: What was measured, and on which loop.
        against: What it is compared with.
        ratio: Ours by theirs.
        at_most: The goal, where less is better.
        at_least: The goal, where more is better.
        ours: What ours costs, with its unit.
        theirs: What theirs costs.
        control: Theirs by theirs, in the same rounds.
        note: What else there is to know; all there is, where nothing could be measured.
        samples: All that was measured, by who it was measured of.
    """

    name: str
    what: str
    against: str = ""
    ratio: Ratio | None = None
    at_most: float | None = None
    at_least: float | None = None
    ours: str = ""
    theirs: str = ""
    control: Ratio | None = None
    note: str = ""
    samples: dict[str, object] = dataclasses.field(default_factory=dict)

    @property
    def is_met(self) -> bool | None:
        if self.ratio is None:
            return None
        if self.at_most is not None:
            return self.ratio.median <= self.at_most
        if self.at_least is not None:
            return self.ratio.median >= self.at_least
        return None

    @property
    def is_noisy(self) -> bool:
        return self.control is not None and self.control.spread > NOISE

    @property
    def goal(self) -> str:
        if self.at_most is not None:
            return f"≤ {self.at_most:.2f}"
        return "" if self.at_least is None else f"≥ {self.at_least:.2f}"


_HEAD = (
    "what", "against", "goal", "measured", "quartiles", "least", "ours", "theirs", "met", "note",
)  # fmt: skip


def markdown(rows: Iterable[Row]) -> str:
    lines = [" | ".join(["", *_HEAD, ""]).strip(), "| --- " * len(_HEAD) + "|"]
    lines += [" | ".join(["", *_cells(row), ""]).strip() for row in rows]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> Sequence[str]:
    found = row.ratio
    notes = [row.note] if row.note else []
    if row.is_noisy and row.control is not None:
        notes.append(f"noisy: theirs beside itself {row.control.low:.2f} to {row.control.high:.2f}")
    return (
        row.what,
        row.against,
        row.goal,
        f"**{found.median:.2f}**" if found else "",
        f"{found.low:.2f} to {found.high:.2f}" if found else "",
        f"{found.least:.2f}" if found else "",
        row.ours,
        row.theirs,
        {True: "yes", False: "**no**", None: ""}[row.is_met],
        "; ".join(notes),
    )


def machine() -> dict[str, object]:
    """Return what the figures depend on."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "python": platform.python_version(),
        "kernel": platform.release(),
        "processors": len(models),
        "processor": models[0] if models else platform.machine(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def write_json(rows: Iterable[Row], path: Path) -> None:
    """Write all that was measured."""
    found = [
        {**dataclasses.asdict(row), "is_met": row.is_met, "is_noisy": row.is_noisy} for row in rows
    ]
    for each, row in zip(found, rows, strict=True):
        each["ratio"] = row.ratio and row.ratio._asdict()
        each["control"] = row.control and row.control._asdict()
    path.write_text(json.dumps({"machine": machine(), "rows": found}, indent=1) + "\n")
