"""Measure, and print a table: `python -m tests.benchmarks`. `--help` lists its options."""

import argparse
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks import report
from tests.benchmarks.contest import Effort
from tests.benchmarks.process import DEFAULT_LOOP
from tests.benchmarks.report import Row
from tests.benchmarks.rows import (
    browser,
    connect,
    echo,
    functions,
    idle,
    imports,
    in_process,
    markdown,
    memory,
    page,
    protections,
    room,
    settings,
    storm,
    stream,
)

ROWS: dict[str, Callable[[Effort], Iterator[Row]]] = {
    "in-process": in_process.rows,
    "protections": protections.rows,
    "import": imports.rows,
    "echo": echo.rows,
    "functions": functions.rows,
    "stream": stream.rows,
    "connect": connect.rows,
    "page": page.page_rows,
    "asset": page.asset_rows,
    "room": room.rows,
    "memory": memory.rows,
    "idle": idle.rows,
    "storm": storm.rows,
    "settings": settings.rows,
    "browser": browser.rows,
    "markdown": markdown.rows,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 short rounds instead of 7")
    parser.add_argument("--only", action="append", choices=ROWS, help="may be given again")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each comparison")
    parser.add_argument("--seconds", type=float, metavar="S", help="length of one measurement")
    parser.add_argument("--loop", action="append", choices=("uvloop", "asyncio"))
    for package in ("gradio", "chainlit"):
        parser.add_argument(
            f"--{package}",
            default=sys.executable,
            metavar="PYTHON",
            help=f"an interpreter that has {package}, default this one",
        )
    options = parser.parse_args()
    raise_descriptors()
    quick = options.quick
    effort = Effort(
        rounds=options.rounds or (3 if quick else 7),
        seconds=options.seconds or (0.25 if quick else 0.8),
        connections=(1, 64) if quick else (1, 64, 512),
        idle=(500, 1000) if quick else (2000, 10_000),
        readers=200 if quick else 1000,
        storm=500 if quick else 5000,
        loops=tuple(
            options.loop or dict.fromkeys([DEFAULT_LOOP] if quick else [DEFAULT_LOOP, "asyncio"])
        ),
        gradio=options.gradio,
        chainlit=options.chainlit,
        tell=_tell,
    )
    found = []
    for name in options.only or ROWS:
        found += list(ROWS[name](effort))
    _tell("")
    print(report.markdown(found))
    if options.json is not None:
        report.write_json(found, options.json)


def raise_descriptors() -> None:
    """Let this process and its servers have as many sockets as they are allowed to."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
