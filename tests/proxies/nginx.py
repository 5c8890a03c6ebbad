"""A real nginx with TLS, in front of the servers of a test."""

from pathlib import Path

from tests.servers import Command, Process, find_program, free_port

PUBLIC_NAME = "chat.localhost"
"""The host name that the world knows; Chromium finds names below `localhost` by itself."""

UPSTREAM = "backend"
"""What nginx calls the application's servers, and what it makes of Host where it is not told."""

UPSTREAM_OF_ITS_OWN = "conversations"
"""The same servers, which take turns here whatever was asked of the other name."""


def nginx_process(
    server_block: str, *upstreams: int, folder: Path, certificate: Path, port: int | None = None
) -> Process:
    """Start nginx.

    Args:
        server_block: What the proxy under test does: locations and headers.
        upstreams: The ports of the application's servers, taken in turn.
        folder: Where nginx keeps all that it writes.
        certificate: A private key and its certificate, in one file.
        port: The public port.
    """
    port = port or free_port()
    servers = " ".join(f"server 127.0.0.1:{upstream};" for upstream in upstreams)
    (folder / "nginx.conf").write_text(f"""
        # One process: nobody to change to where it is started by root, none left behind.
        master_process off;
        daemon off;
        pid nginx.pid;
        error_log stderr;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path client_body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
            upstream {UPSTREAM} {{ {servers} }}
            upstream {UPSTREAM_OF_ITS_OWN} {{ {servers} }}
            server {{
                listen 127.0.0.1:{port} ssl;
                ssl_certificate {certificate};
                ssl_certificate_key {certificate};
                proxy_http_version 1.1;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection $connection_upgrade;
                {server_block}
            }}
        }}
    """)
    # `-e`: before it has read its configuration nginx logs where it was built to.
    command = [find_program("nginx"), "-e", "stderr", "-p", str(folder), "-c", "nginx.conf"]
    return Command(command, port=port, folder=folder)
