"""Servers that are killed again and again, while people talk in rooms that they share.

`python -m tests.benchmarks.kills [--seconds 60]`, where the tests can be run (`.[test]`).
Nothing that was acknowledged may be lost, and nothing may be there twice; else it exits with
status 1.
"""

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

from tests.rooms.kills import Scene, kill_servers
from tests.servers import Process


def table(scenes: list[Scene]) -> str:
    """Return what came of it, as Markdown."""
    columns = ["store", "seconds", "kills", "messages acknowledged", "lost", "twice"]
    rows = [columns, ["---"] * len(columns)]
    for scene in scenes:
        crowd = scene.crowd
        numbers = [len(found) for found in (crowd.acknowledged, crowd.lost, crowd.twice)]
        cells = [f"{number:,}" for number in (scene.kills, *numbers)]
        rows.append([scene.name, f"{scene.seconds:g}", *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.kills", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long, default 60")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as processes:

        def keep(process: Process) -> Process:
            processes.callback(process.stop)
            return process

        scenes = kill_servers(options.seconds, Path(folder), keep)
    print(table(scenes))
    try:
        for scene in scenes:
            scene.check()
    except AssertionError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
