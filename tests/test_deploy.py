"""Behind each proxy of `example_host/deploy`, set up as its file there says, a chat works."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import trustme
from websockets.exceptions import InvalidStatus

from tests.apps import make_app
from tests.clients import echo_at
from tests.conftest import Keep, Serve
from tests.deploy import (
    BACKEND,
    CERTIFICATE,
    FOLDER,
    configure,
    nginx_arguments,
    nginx_changes,
)
from tests.pages import ChatPage
from tests.servers import Command, Process, find_program, free_port
from tests.waiting import PATIENCE

NAME = "chat.localhost"


class Site(NamedTuple):
    """What a test has of its own: where the public comes in, the application, a certificate."""

    port: int
    backend: str
    certificate: Path
    folder: Path


def nginx(site: Site) -> list[str]:
    changes = nginx_changes(site.port, site.certificate, site.backend)
    return nginx_arguments(configure("nginx.conf", site.folder, changes))


def caddy(site: Site) -> list[str]:
    # Otherwise it asks an authority on the internet for a certificate.
    site_block = (
        "{\nadmin off\nauto_https off\n}\n"
        f"https://{NAME}:{site.port} {{\nbind 127.0.0.1\ntls {site.certificate} {site.certificate}"
    )
    changes = {"www.example.org {": site_block, BACKEND: site.backend}
    path = configure("Caddyfile", site.folder, changes)
    return ["run", "--config", str(path), "--adapter", "caddyfile"]


def haproxy(site: Site) -> list[str]:
    changes = {
        "bind :443": f"bind 127.0.0.1:{site.port}",
        CERTIFICATE: str(site.certificate),
        BACKEND: site.backend,
    }
    return ["-db", "-f", str(configure("haproxy.cfg", site.folder, changes))]


def apache2(site: Site) -> list[str]:
    changes = {
        "Listen 443": f"Listen 127.0.0.1:{site.port}",
        "*:443": f"127.0.0.1:{site.port}",
        "/run/apache2-chat.pid": f"{site.folder}/pid",
        "/var/log/apache2/chat.log": "/dev/stderr",
        CERTIFICATE: str(site.certificate),
        BACKEND: site.backend,
    }
    path = configure("apache.conf", site.folder, changes)
    return ["-D", "FOREGROUND", "-C", f"DefaultRuntimeDir {site.folder}", "-f", str(path)]


PROXIES: dict[str, Callable[[Site], list[str]]] = {
    "nginx.conf": nginx,
    "Caddyfile": caddy,
    "haproxy.cfg": haproxy,
    "apache.conf": apache2,
}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(params=PROXIES)
def proxy(
    request: pytest.FixtureRequest,
    authority: trustme.CA,
    serve: Serve,
    keep: Keep,
    tmp_path: Path,
) -> Process:
    """Start a proxy in front of a chat."""
    prepare = PROXIES[request.param]
    program = find_program(prepare.__name__)
    certificate = tmp_path / "certificate.pem"
    authority.issue_cert(NAME).private_key_and_cert_chain_pem.write_to_path(certificate)
    backend = serve(make_app(prefix="/support/chat")).authority
    site = Site(free_port(), backend, certificate, tmp_path)
    environment = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    command = [program, *prepare(site)]
    return keep(Command(command, port=site.port, folder=tmp_path, env=environment))


def test_every_file_is_tested() -> None:
    """Each configuration is started by a test, and named in the document beside it."""
    files = {path.name for path in FOLDER.iterdir()} - {"README.md"}
    document = (FOLDER / "README.md").read_text()

    assert files == set(PROXIES)
    for name in files:
        assert f"[{name}]({name})" in document


def test_chat_behind_a_proxy(proxy: Process, authority: trustme.CA) -> None:
    """The page knows its public address, and a handshake of that page, with TLS, gets through."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    public = f"{NAME}:{proxy.port}"

    with httpx.Client(verify=context, timeout=PATIENCE) as browser:
        response = browser.get(
            proxy.url("/support/chat", "https"),
            headers={"Host": public},
            extensions={"sni_hostname": NAME},
        )

    page = ChatPage(response.text)
    assert page.endpoint == f"wss://{public}/support/chat/ws"
    origin = f"https://{public}"
    assert echo_at(page.endpoint, proxy.port, context, Origin=origin) == "Message text was: NBA"
    with pytest.raises(InvalidStatus) as refused:
        echo_at(page.endpoint, proxy.port, context, Origin=f"http://{public}")
    assert refused.value.response.status_code == 403
