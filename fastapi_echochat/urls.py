"""From a request to public URLs.

Nothing here looks up a route by its name: that finds the first route of this name, so a second
mount would get the address of the first. The path that a page was asked for is where the page is,
and its endpoint is beside it.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote

ENDPOINT = "ws"
"""The last segment of the endpoint's path. The rest is the path of the page."""

# RFC 3986, section 3.2.2, as far as browsers use it: a registered name in ASCII (international
# names arrive as punycode), an IPv4 address, or an IPv6 address in brackets.
AUTHORITY = re.compile(
    r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{0,5}))?", re.ASCII | re.IGNORECASE
)
"""Host name and port, as in a `Host` header."""

# RFC 3986, section 3.3: what a path may contain unescaped, but for the quotation mark, which would
# end an attribute in HTML.
_PATH_SAFE = "/:@!$&()*+,;=~"
# Section 3.4, and "%" because a query string arrives escaped.
_QUERY_SAFE = _PATH_SAFE + "?%"


def route_path(path: str, root_path: str) -> str:
    """Return the part of ASGI's `path` that is below `root_path`.

    Servers differ on whether `path` starts with `root_path`: uvicorn's does, as the ASGI
    specification requires. That of a server that leaves it out does not, nor that of
    `FastAPI(root_path=…)` behind a proxy that strips the prefix. This is the rule by which
    Starlette matches routes.
    """
    if path.startswith(root_path) and path[len(root_path) :][:1] in ("", "/"):
        return path[len(root_path) :]
    return path


def endpoint_url(
    *, scheme: str, authority: str, path: str, root_path: str = "", query: str = ""
) -> str:
    """Return the absolute WebSocket URL of the endpoint beside a page.

    Args:
        scheme: The scheme of the request for the page, `http` or `https`.
        authority: Host name and port, as `authority()` returns it.
        path: ASGI's `path` of the page, decoded, with or without the trailing slash.
        root_path: ASGI's `root_path`, decoded.
        query: The page's query string, escaped. When a host's guard reads a token from it, the
            endpoint's guard needs it too.

    Returns:
        The URL, escaped as RFC 3986 requires, such as `wss://example.org/support/chat/ws`.
    """
    root_path = root_path.rstrip("/")
    page = (root_path + route_path(path, root_path)).removesuffix("/")
    url = f"{'wss' if scheme == 'https' else 'ws'}://{authority}"
    url += quote(f"{page}/{ENDPOINT}", safe=_PATH_SAFE, errors="replace")
    return f"{url}?{query}" if query else url


def carried_query(query: bytes, *, without: Iterable[bytes]) -> str:
    """Return a query string for another URL of the same mount.

    Args:
        query: ASGI's `query_string` of the request for the page.
        without: The names of the parameters to leave out.

    Returns:
        The rest, escaped, without the question mark.
    """
    dropped = set(without)
    kept = [pair for pair in query.split(b"&") if pair and pair.partition(b"=")[0] not in dropped]
    return quote(b"&".join(kept), safe=_QUERY_SAFE)


def authority(host: str | None, server: tuple[str, int | None] | None) -> str:
    """Return the host name and port that a request was sent to.

    Args:
        host: The `Host` header. It is ignored when it is not valid (RFC 9110, section 7.2), so
            nothing that a client makes up gets into a page.
        server: ASGI's `server`: the address that the server listens on.
    """
    if host is not None and AUTHORITY.fullmatch(host):
        return host
    name, port = server or ("localhost", None)
    if ":" in name:
        name = f"[{name}]"
    if not AUTHORITY.fullmatch(name):  # The name of a Unix domain socket is a path.
        name = "localhost"
    return f"{name}:{port}" if port else name
