"""Where the page of somebody who is signed out leads to."""

from urllib.parse import parse_qsl, urlsplit

from ..urls import route_path

RETURN_PARAMETER = "next"
"""The query parameter in which the host's sign-in is told the path to come back to."""


def check_sign_in_url(url: object) -> str:
    """Return what `sign_in_url=` may be: a path of the application, or an http(s) URL.

    Raises:
        ValueError: It is something else; the message says what to write.
    """
    if isinstance(url, str) and url.isascii() and url.isprintable() and not set(' "<>\\') & {*url}:
        try:
            parts = urlsplit(url)
            is_path = url.startswith("/") and not url.startswith("//")
            is_url = parts.scheme in ("http", "https") and bool(parts.hostname)
            is_free = RETURN_PARAMETER not in dict(parse_qsl(parts.query, keep_blank_values=True))
            if (is_path or is_url) and is_free and not parts.fragment:
                return url
        except ValueError:
            pass
    raise ValueError(
        "sign_in_url= takes a path of the application such as '/sign-in', or an address such as "
        "'https://accounts.example.org/', escaped (RFC 3986), without a fragment and without "
        f"{RETURN_PARAMETER!r} in its query, which the page adds; this is {url!r}"
    )


def sign_in_link(url: str, *, path: str, root_path: str) -> str:
    """Return the link from a page to the sign-in.

    Args:
        url: As `check_sign_in_url` returns it.
        path: ASGI's `path` of the page, decoded.
        root_path: ASGI's `root_path`, decoded.

    Returns:
        An absolute URL as it is. A path relative to the page, so that it holds behind a proxy that
        strips a prefix and tells nobody.
    """
    if not url.startswith("/"):
        return url
    page = route_path(path, root_path.rstrip("/"))
    # "./" keeps a colon in the first segment from being a scheme (RFC 3986, section 4.2).
    return ("../" * (page.count("/") - 1) or "./") + url[1:]
