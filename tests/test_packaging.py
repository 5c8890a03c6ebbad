"""The package as a user installs it."""

import subprocess
import sys
import venv
import zipfile
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.clients import echo_at
from tests.conftest import Keep
from tests.pages import ChatPage
from tests.servers import Command, Process, free_port
from tests.waiting import get

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "fastapi_echochat"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "build", "--wheel", "-o", folder, ROOT], check=True)
    (path,) = folder.iterdir()
    return path


def link_requirements(package: Distribution, folder: Path) -> None:
    """Give an environment what a package requires, from the one that the tests run in.

    No more than pip would: what else is installed there is not found.
    """
    for requirement in map(Requirement, package.requires or []):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            needed = distribution(requirement.name)
            assert needed.version in requirement.specifier, requirement
            tops = {file.parts[0] for file in needed.files or []} - {"..", "__pycache__"}
            new = [name for name in sorted(tops) if not (folder / name).exists()]
            for name in new:
                (folder / name).symlink_to(str(needed.locate_file(name)))
            if new:
                link_requirements(needed, folder)


@pytest.fixture
def installed_host(wheel: Path, tmp_path: Path, keep: Keep) -> Process:
    """Serve the README's first program from an environment that has the wheel alone."""
    # The pip that is there already installs into it, and compiles only what is imported.
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-compile", "--no-deps", "--no-index", wheel], check=True)
    (site_packages,) = (tmp_path / "venv").glob("lib/*/site-packages")
    (metadata,) = site_packages.glob("fastapi_echochat-*.dist-info")
    link_requirements(PathDistribution(metadata), site_packages)
    program = (ROOT / "README.md").read_text().split("```")[1].removeprefix("python\n")
    (tmp_path / "host.py").write_text(program)
    port = free_port()
    command = [str(python), "-m", "uvicorn", "host:app", "--port", str(port)]
    return keep(Command(command, port=port, folder=tmp_path, env={"PYTHONPATH": ""}))


def test_wheel_holds_what_it_needs(wheel: Path) -> None:
    """The wheel holds every file of the package but its documents, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        required = [
            line.removeprefix("Requires-Dist: ").split(">")[0]
            for line in archive.read(metadata).decode().splitlines()
            if line.startswith("Requires-Dist: ") and "extra ==" not in line
        ]

    ours = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md"
    }
    assert names == ours
    assert {
        "fastapi_echochat/py.typed",
        "fastapi_echochat/static/chat.js",
        "fastapi_echochat/static/chat.css",
        "fastapi_echochat/templates/fastapi_echochat/base.html",
    } <= names
    # The last two come with FastAPI: they add nothing to what is installed.
    assert set(required) == {"fastapi", "jinja2", "uvicorn", "websockets", "pydantic", "starlette"}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_wheel_in_an_empty_environment_serves_the_page(installed_host: Process) -> None:
    """Installed into an empty environment, the package serves page, assets and endpoint."""
    page = ChatPage(get(installed_host.url("/support/chat")).text)

    assert page.endpoint == installed_host.ws("/support/chat")
    for asset in page.assets:
        assert get(installed_host.url(f"/support/chat{asset}")).status_code == 200
    assert echo_at(page.endpoint, installed_host.port) == "Message text was: NBA"
