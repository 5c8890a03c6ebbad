"""A real nginx with TLS, in front of the servers of a test."""

import re
from pathlib import Path

from tests.deploy import FOLDER, configure, nginx_arguments, nginx_changes
from tests.servers import Command, Process, find_program, free_port

PUBLIC_NAME = "chat.localhost"
"""The host name that the world knows; Chromium finds names below `localhost` by itself."""

UPSTREAM = "backend"
"""What nginx calls the application's servers, and what it makes of Host where it is not told."""

UPSTREAM_OF_ITS_OWN = "conversations"
"""The same servers, which take turns here whatever was asked of the other name."""

_UPGRADE = """
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
"""


def nginx_process(
    server_block: str | None,
    *upstreams: int,
    folder: Path,
    certificate: Path,
    port: int | None = None,
) -> Process:
    """Start nginx as `example_host/deploy/nginx.conf` says.

    Args:
        server_block: What the proxy under test does in place of that file's location: other
            locations and headers.
        upstreams: The ports of the application's servers, taken in turn.
        folder: Where nginx keeps all that it writes.
        certificate: A private key and its certificate, in one file.
        port: The public port.
    """
    port = port or free_port()
    backends = [f"127.0.0.1:{upstream}" for upstream in upstreams]
    changes = nginx_changes(port, certificate, *backends)
    if server_block is not None:
        text = (FOLDER / "nginx.conf").read_text()
        (location,) = re.findall(
            r"^        location / {.*?^        }$", text, re.MULTILINE | re.DOTALL
        )
        servers = " ".join(f"server {backend};" for backend in backends)
        changes |= {
            location: _UPGRADE + server_block,
            f"upstream {UPSTREAM} {{": f"upstream {UPSTREAM_OF_ITS_OWN} {{ {servers} }}"
            f" upstream {UPSTREAM} {{",
        }
    path = configure("nginx.conf", folder, changes)
    return Command([find_program("nginx"), *nginx_arguments(path)], port=port, folder=folder)
