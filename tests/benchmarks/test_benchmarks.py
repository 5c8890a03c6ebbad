"""The command runs, and says what it found. No time is asserted."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from fastapi_echochat import MemoryRooms, testing
from tests.benchmarks import kills, report
from tests.benchmarks.apps import soaked
from tests.benchmarks.report import Row
from tests.benchmarks.rounds import Ratio, in_turn, ratio
from tests.rooms.kills import Scene
from tests.waiting import patient, wait_until

_CHECKOUT = Path(__file__).parent.parent.parent


def run(module: str, *options: str, seconds: float = 100) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *options],
        cwd=_CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=patient(seconds),
    )


@pytest.mark.slow
def test_table_and_file(tmp_path: Path) -> None:
    """The command prints a row for each comparison, and writes the same with every sample."""
    file = tmp_path / "found.json"
    smallest = ("--quick", "--rounds", "1", "--seconds", "0.05", "--loop", "asyncio")

    done = run(
        "tests.benchmarks", *smallest, "--only", "connect", "--only", "import", "--json", str(file)
    )

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("| what | against | goal |")
    found = json.loads(file.read_text())
    assert found["machine"]["packages"]["fastapi-echochat"]
    assert [row["what"] for row in found["rows"]] == [
        line.split("|")[1].strip() for line in lines[2:] if line
    ]
    assert {row["name"] for row in found["rows"]} == {"connect", "import"}
    for row in found["rows"]:
        assert row["ratio"]["median"] > 0
        assert all(row["samples"].values())


@pytest.mark.slow
def test_soak_leaves_nothing() -> None:
    """Some thousand messages over connections that come and go leave no task and no descriptor."""
    done = run("tests.benchmarks.soak", "--messages", "3000", "--connections", "50")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "| tasks |" in done.stdout


def test_what_the_soak_counts() -> None:
    """Who is connected is counted by class, and with the last who leaves each is at zero again."""
    with TestClient(soaked.app) as client:

        def tally() -> dict[str, int]:
            found: dict[str, int] = client.get("/tally").json()
            return {name: number for name, number in found.items() if name != "tasks" and number}

        assert tally() == {}
        with (
            testing.connect(client, "/slow"),
            testing.enter(client, "/rooms/lobby", name="Ann"),
        ):
            assert tally() == {"Session": 2, "Sender": 2, "Inbox": 2, "Room": 1}
        wait_until(lambda: tally() == {}, "nothing of them is left")


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_kills_lose_nothing() -> None:
    """Servers that are killed for some seconds lose nothing, and a line for each store says so."""
    done = run("tests.benchmarks.kills", "--seconds", "3", seconds=220)

    assert done.returncode == 0, done.stdout + done.stderr
    header, _, *rows = done.stdout.splitlines()
    assert header == "| store | seconds | kills | messages acknowledged | lost | twice |"
    for store, row in zip(("sqlite", "redis"), rows, strict=True):
        name, seconds, kills, acknowledged, lost, twice = row.strip("| ").split(" | ")
        assert (name, seconds, lost, twice) == (store, "3", "0", "0")
        assert int(kills) > 0
        assert int(acknowledged.replace(",", "")) > 0


def test_kills_that_lose_something(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command ends with 1 if a message is lost, and says which."""
    scene = Scene("sqlite", [], MemoryRooms())
    scene.crowd.writers[0].acknowledged = {"the one": 1}
    monkeypatch.setattr(kills, "kill_servers", lambda *_: [scene])
    monkeypatch.setattr(sys, "argv", ["kills"])

    with pytest.raises(SystemExit, match=r"lost: \['the one'\]"):
        kills.main()
    assert capsys.readouterr().out.splitlines()[-1] == "| sqlite | 0 | 0 | 1 | 1 | 0 |"


def test_rounds_take_turns() -> None:
    """What is compared is measured forwards and backwards by turns."""
    order: list[str] = []

    def measure(name: str) -> int:
        order.append(name)
        return len(order)

    samples = in_turn({"a": lambda: measure("a"), "b": lambda: measure("b")}, 2, lambda what: None)

    assert order == ["a", "b", "b", "a"]
    assert samples == {"a": [1, 4], "b": [2, 3]}


def test_ratio_is_of_the_same_round() -> None:
    """The median of the ratios of the rounds, not the ratio of the medians, is compared."""
    found = ratio([1.0, 20.0, 3.0], [1.0, 10.0, 1.0])

    assert found.median == 2.0
    assert found.least == 1.0


def test_noise_is_told() -> None:
    """A row says that it is noisy where the same thing beside itself differs by a tenth."""
    steady = Row(name="", what="steady", ratio=Ratio(1, 1, 1, 1), control=Ratio(1, 0.99, 1.01, 1))
    noisy = Row(name="", what="noisy", ratio=Ratio(2, 1, 3, 1), control=Ratio(1, 0.9, 1.1, 1))

    lines = report.markdown([steady, noisy]).splitlines()

    assert "noisy:" not in lines[2]
    assert "noisy: theirs beside itself 0.90 to 1.10" in lines[3]


def test_goal_that_is_missed() -> None:
    """A goal is met by the median of the ratios alone."""
    met = Row(name="", what="", ratio=Ratio(1.05, 0.9, 1.2, 1), at_most=1.05)
    missed = Row(name="", what="", ratio=Ratio(1.2, 0.9, 1.3, 1), at_least=1.3)

    assert met.is_met is True
    assert missed.is_met is False
