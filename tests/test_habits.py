"""What a repository says of itself: its documents, its checks and its workflows agree."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())

RUN = (ROOT / ".ci" / "run").read_text()
CI = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
CONTRIBUTING = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
PYPROJECT = (ROOT / "pyproject.toml").read_text()


def steps_called(text: str) -> set[str]:
    """Return the steps of `.ci/run` that a text calls by name."""
    return set(" ".join(re.findall(r"\.ci/run((?: \w+)+)", text)).split())


def test_files_that_contributing_names() -> None:
    """Each file and folder that CONTRIBUTING.md names is there."""
    named = re.findall(r"`(\S+(?:/\w+|\.(?:json|md|py|toml)))`", CONTRIBUTING)

    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_commands_of_contributing() -> None:
    """CONTRIBUTING.md has every step of `.ci/run`, no other, and the README's command."""
    steps = set(re.findall(r"^((?:check|find|prepare|report|run|test)_\w+)\(\)", RUN, re.MULTILINE))
    (pattern,) = re.findall(r"grep -E '(\S.*)' README\.md", RUN)
    (command,) = re.findall(pattern, (ROOT / "README.md").read_text(), re.MULTILINE)

    assert steps_called(CONTRIBUTING) == steps - {"test_with"}
    assert f"```bash\n{command}\n```" in CONTRIBUTING


def test_steps_of_the_workflow() -> None:
    """The workflow runs every check of `.ci/run`; the newest versions are its matrix's."""
    checks = set(re.findall(r"^((?:check|report|run|test)_\w+)\(\)", RUN, re.MULTILINE))

    assert steps_called(CI) - checks <= steps_called(CONTRIBUTING)
    assert steps_called(CI) & checks == checks - {"test_with", "test_newest"}


def test_pythons() -> None:
    """What the package promises, what the workflow runs and what `.ci/run` looks for agree."""
    promised = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PYPROJECT)
    (matrix,) = re.findall(r"^ +python: (\[.*\])$", CI, re.MULTILINE)
    following = re.findall(r'- python: "(3\.\d+)"\n +is_next: true', CI)
    (pythons,) = re.findall(r"^pythons=\((.*)\)$", RUN, re.MULTILINE)
    (lowest,) = re.findall(r"lowest-versions:\n.*\n +container: python:([\d.]+)-", CI)

    assert re.findall(r'"([\d.]+)"', matrix) == promised
    assert pythons.split() == promised + following
    assert f'requires-python = ">={promised[0]}"' in PYPROJECT
    assert lowest == promised[0]
    assert f"Supported are Python {promised[0]} to {promised[-1]}." in CONTRIBUTING
    assert all(f"and on {version}, which may fail" in CONTRIBUTING for version in following)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_may_do_little(workflow: Path) -> None:
    """A workflow reads the repository; only what publishes may do more, which is to sign."""
    text = workflow.read_text()
    granted = re.findall(r"^ +([\w-]+): (?:read|write)$", text, re.MULTILINE)

    assert "\npermissions:\n  contents: read\n" in text
    assert granted == ["contents", "id-token"][: 1 + (workflow.name == "publish.yml")]
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned(workflow: Path) -> None:
    """Each action of others is pinned to a major version."""
    for action in re.findall(r"uses: (\S+)", workflow.read_text()):
        assert re.fullmatch(r"\./\S+|actions/\S+@v\d+|pypa/\S+@release/v\d+", action), action


def test_tools_of_the_hooks() -> None:
    """What pre-commit calls is what the README's command installs."""
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    tools = set(re.findall(r"entry: \.venv/bin/(\S+)", hooks))

    assert tools >= {"ruff", "typos"}
    assert [tool for tool in tools if not (Path(sys.executable).parent / tool).exists()] == []
    assert re.findall(r"entry: \.ci/run (.*)", hooks) == ["check_javascript"]


def test_changelog() -> None:
    """The version has a dated release in the changelog, below what is not released yet."""
    (version,) = re.findall(r'^version = "(.*)"$', PYPROJECT, re.MULTILINE)
    changelog = (ROOT / "CHANGELOG.md").read_text()
    first, *releases = re.findall(r"^## (.*)$", changelog, re.MULTILINE)

    assert first == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d", releases[0])
    # Nothing was out before the first one, so nothing of it can have changed.
    oldest = changelog[changelog.index(f"## {releases[-1]}") :]
    assert re.findall(r"^### (.*)$", oldest, re.MULTILINE) == ["Added"]
