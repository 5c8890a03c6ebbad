"""The page's Content-Security-Policy (CSP Level 3): it may use what it has itself, and no more."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

# Section 2.3.1: what a host source is made of, and no separator of the header.
_FRAME_ANCESTOR = re.compile(
    r"\*|'self'|https?:|[a-z0-9+.*:/\[\]_-]*[a-z0-9*\]]", re.ASCII | re.IGNORECASE
)
# What browsers take for a host there: an IPv6 address is none.
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)


class Policy:
    """What the policy of every page of a chat has in common.

    Args:
        frame_ancestors: Who may frame the page beside its own host: sources of the
            `frame-ancestors` directive (section 6.4.2).

    Raises:
        ValueError: One of them is not a source.
    """

    def __init__(self, frame_ancestors: Iterable[str]) -> None:
        self._frame_ancestors = _join_frame_ancestors(frame_ancestors)

    def header(self, scheme: str, host: str | None, endpoint: str | None) -> str:
        """Return the policy of a page.

        The page's own origin stands beside `'self'`: in a frame without an origin WebKit takes
        `'self'` for that of the frame, which is no address's. A source with `http` or `ws` covers
        `https` and `wss` too (section 6.7.2.7), where a proxy hides them.

        Args:
            scheme: The scheme of the request for the page, `http` or `https`.
            host: The `Host` header of the request. It is left out if it is not valid.
            endpoint: The WebSocket's URL, if it is elsewhere than beside the page.
        """
        own = connect = "'self'"
        if host is not None and _HOST.fullmatch(host):
            own += f" {scheme}://{host}"
            connect = own if endpoint else f"{own} {'wss' if scheme == 'https' else 'ws'}://{host}"
        if endpoint is not None:
            url = urlsplit(endpoint)
            connect += f" {url.scheme}://{url.netloc}"
        return (
            f"default-src 'none'; script-src {own}; style-src {own}; img-src {own}; "
            f"connect-src {connect}; base-uri 'none'; form-action 'none'; "
            f"frame-ancestors {self._frame_ancestors}"
        )


def _join_frame_ancestors(sources: Iterable[str]) -> str:
    if isinstance(sources, str):
        raise ValueError(f"frame_ancestors= takes a list of sources; write [{sources!r}]")
    joined = ["'self'"]
    for source in sources:
        if not isinstance(source, str) or not _FRAME_ANCESTOR.fullmatch(source):
            raise ValueError(
                f"frame_ancestors= has {source!r}, which is no source: write scheme and host, "
                "such as 'https://example.org' or 'https://*.example.org', or '*'"
            )
        joined.append(source)
    return " ".join(joined)
