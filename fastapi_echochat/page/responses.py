"""Responses that are encoded once and sent often."""

import gzip
import re
from collections.abc import Mapping

from fastapi import Request, Response


class Prepared:
    """A body that does not change, with its headers, encoded, plain and compressed.

    Args:
        body: The body.
        version: A digest of it. Its entity tag is a weak one (RFC 9110, section 8.8.1), for the
            compressed body has the same.
        headers: The other headers; their names are in lower case.
        vary: On which request headers it depends beside `Accept-Encoding`.
    """

    __slots__ = ("_body", "_compressed", "_etag", "_headers")

    def __init__(
        self, body: bytes, version: str, headers: Mapping[str, str], vary: str = ""
    ) -> None:
        self._body = body
        # Made when it is first asked for: a page that differs each time is sent once.
        self._compressed: bytes | None = None
        self._etag = f'W/"{version}"'
        vary = f"{vary}, accept-encoding" if vary else "accept-encoding"
        self._headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in {**headers, "vary": vary, "etag": self._etag}.items()
        ]

    def answer(self, request: Request) -> Response:
        """Return the response, or 304 if the client has this body already."""
        takes_gzip = False
        for name, value in request.scope["headers"]:
            if name == b"accept-encoding":
                takes_gzip = takes_gzip or _takes_gzip(value.decode("latin-1"))
            elif name == b"if-none-match" and _is_among(self._etag, value.decode("latin-1")):
                return _PreparedResponse(304, self._headers, b"")
        if not takes_gzip:
            return _PreparedResponse(200, self._headers, self._body)
        if self._compressed is None:
            self._compressed = gzip.compress(self._body, mtime=0)
        response = _PreparedResponse(200, self._headers, self._compressed)
        response.raw_headers.append((b"content-encoding", b"gzip"))
        return response


class _PreparedResponse(Response):
    def __init__(self, status_code: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        # Starlette's own __init__ would encode the headers again: a third of the time of a page.
        self.status_code = status_code
        self.background = None
        self.body = body
        # A copy, because middleware adds headers to it.
        self.raw_headers = headers.copy()
        if status_code == 200:
            self.raw_headers.append((b"content-length", b"%d" % len(body)))


def _is_among(etag: str, known: str) -> bool:
    """Tell whether an `If-None-Match` header has a tag (RFC 9110, section 13.1.2: weakly equal)."""
    bare = etag.removeprefix("W/")
    return known == "*" or any(tag.strip().removeprefix("W/") == bare for tag in known.split(","))


def _takes_gzip(accept_encoding: str) -> bool:
    """Read an `Accept-Encoding` header (RFC 9110, section 12.5.3)."""
    for item in accept_encoding.split(","):
        coding, _, weight = item.partition(";")
        if coding.strip().lower() == "gzip":
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight, re.IGNORECASE)
    return False
