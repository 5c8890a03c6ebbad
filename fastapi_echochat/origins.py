"""Which web pages may connect: the same-origin rule of WebSocket handshakes."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from .urls import AUTHORITY

# RFC 6454, section 6.2: scheme, host and port, without a path.
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/?#@\s]+)", re.ASCII | re.IGNORECASE
)
_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}


class Origin(NamedTuple):
    """The origin of a web page (RFC 6454), in lower case, without a default port."""

    scheme: str
    host: str
    port: str

    @classmethod
    def parse(cls, origin: str) -> "Origin | None":
        """Return the origin in an `Origin` header, or `None` if the header is not valid."""
        match = _ORIGIN.fullmatch(origin)
        where = match and AUTHORITY.fullmatch(match["authority"])
        if not match or not where:
            return None
        scheme = match["scheme"].lower()
        port = where["port"] or _DEFAULT_PORTS.get(scheme, "")
        return cls(scheme, where["name"].lower(), port)


class OriginRule:
    """Which web pages may open a WebSocket: those of the same host, and those listed.

    A browser lets any page open a WebSocket to any host, and sends that host's cookies with the
    handshake. It also sends the page's `Origin`, which no page can forge. Comparing that with the
    host of the handshake keeps other sites from acting in a visitor's name.

    Args:
        allowed: Origins that are allowed beside those of the same host: exact ones such as
            `https://example.org`, `"null"` for pages without an origin (a sandboxed frame), `"*"`
            for all.

    Raises:
        ValueError: One of them is not an origin.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        if isinstance(allowed, str):
            raise ValueError(f"allowed_origins= takes a list of origins; write [{allowed!r}]")
        self._any = False
        self._null = False
        self._allowed: set[Origin] = set()
        for origin in allowed:
            parsed = Origin.parse(origin) if isinstance(origin, str) else None
            if origin == "*":
                self._any = True
            elif origin == "null":
                self._null = True
            elif parsed is None:
                raise ValueError(
                    f"allowed_origins= has {origin!r}, which is not an origin: write scheme and "
                    "host without a path, such as 'https://example.org', or 'null', or '*'"
                )
            else:
                self._allowed.add(parsed)

    def allows(self, origin: str | None, hosts: Iterable[str], *, is_secure: bool = False) -> bool:
        """Tell whether a handshake may go on.

        Args:
            origin: The `Origin` header. Without one (`None`) the client is not a browser.
            hosts: The `Host` and `X-Forwarded-Host` headers, each as it is: the latter may be a
                list. Names are compared without the port, as ports share their cookies too.
            is_secure: Whether the handshake came by TLS. Then pages that did not are of another
                site, though of the same host: anybody on the way may have written them.
        """
        if origin is None or self._any:
            return True
        if origin == "null":
            return self._null
        parsed = Origin.parse(origin)
        if parsed is None:
            return False
        if parsed in self._allowed:
            return True
        names = {
            match["name"].lower()
            for header in hosts
            for host in header.split(",")
            if (match := AUTHORITY.fullmatch(host.strip()))
        }
        schemes = ("https",) if is_secure else ("http", "https")
        return parsed.scheme in schemes and parsed.host in names
