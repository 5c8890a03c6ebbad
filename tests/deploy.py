"""The configurations of proxies in `example_host/deploy`, at other ports and paths."""

from pathlib import Path

from tests.documents import ROOT

FOLDER = ROOT / "example_host" / "deploy"
BACKEND = "127.0.0.1:8000"
"""Where the application is, as all of the files have it."""
CERTIFICATE = "/etc/ssl/www.example.org.pem"


def configure(name: str, folder: Path, changes: dict[str, str]) -> Path:
    """Write one of the files into a folder, with other text where the keys of `changes` stand."""
    text = (FOLDER / name).read_text()
    for old, new in changes.items():
        assert old in text, f"{name} has no {old!r}"
        text = text.replace(old, new)
    path = folder / name
    path.write_text(text)
    return path


def nginx_changes(port: int, certificate: Path, *backends: str) -> dict[str, str]:
    """Return what has to be changed in the file of nginx for it to run anywhere."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{kind}_temp_path {kind};" for kind in kinds)
    return {
        "http {": f"http {{ access_log off; {paths}",
        "listen 443": f"listen 127.0.0.1:{port}",
        f"server {BACKEND};": " ".join(f"server {backend};" for backend in backends),
        CERTIFICATE: str(certificate),
    }


def nginx_arguments(path: Path) -> list[str]:
    """Return the command line of an nginx that keeps everything in the folder of its file."""
    # `-e`: before it has read its configuration nginx logs where it was built to. One process:
    # nobody to change to where it is started by root, none left behind.
    alone = "daemon off; master_process off; pid nginx.pid; error_log stderr;"
    return ["-e", "stderr", "-p", str(path.parent), "-c", path.name, "-g", alone]
