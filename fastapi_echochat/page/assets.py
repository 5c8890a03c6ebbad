"""What a page is made of beside its HTML: scripts, styles, the icon, the protocol's schema."""

import gzip
import hashlib
import json
import re
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from fastapi import Request, Response

from ..protocol.frames import schema
from .responses import Prepared

_JAVASCRIPT = "text/javascript; charset=utf-8"
_CSS = "text/css; charset=utf-8"
# Shared by both kinds of page, in the order in which they need each other.
_COMMON = ("wire.js", "outbox.js", "log.js", "page.js")
_ROOMS = ("storage.js", "history.js", "people.js", "kept.js", "earlier.js", "room.js")
# A page asks for one script and one style, which people read and change as several files.
_ASSETS = {
    "chat.js": (_JAVASCRIPT, (*_COMMON, "conversation.js", "chat.js")),
    "chat.css": (_CSS, ("chat.css",)),
    "room.js": (_JAVASCRIPT, (*_COMMON, *_ROOMS)),
    "room.css": (_CSS, ("chat.css", "room.css")),
    "icon.svg": ("image/svg+xml", ("icon.svg",)),
    "widget.js": (_JAVASCRIPT, ("widget.js",)),
}
# JSON Schema, 2020-12, section 14.1: its media type.
_SCHEMA = ("protocol.json", "application/schema+json")
# Indentation, empty lines, lines that are a comment. No text of ours goes over several lines, in
# which something else could look like one.
_FOR_PEOPLE = re.compile(r"^\s*(?://.*\s*)*", re.MULTILINE)
_COMMENTS = re.compile(r"/\*.*?\*/\n?", re.DOTALL)
# A year; RFC 8246 for "immutable".
_FOR_EVER = "public, max-age=31536000, immutable"
_ALWAYS_ASK = "no-cache"


class Asset(NamedTuple):
    """A file that a page is made of, as it is sent: plain or compressed, for ever or for now."""

    version: str
    responses: dict[tuple[bool, bool], Prepared]


@lru_cache(1)
def assets() -> dict[str, Asset]:
    """Return every asset, by its name."""
    made = {
        name: _asset(_join(media_type, parts), media_type)
        for name, (media_type, parts) in _ASSETS.items()
    }
    name, media_type = _SCHEMA
    made[name] = _asset(json.dumps(schema(), indent=2).encode(), media_type)
    return made


def respond_with_asset(request: Request, name: str) -> Response:
    """Answer a GET or HEAD request for an asset."""
    asset = assets().get(name)
    if asset is None:
        return Response(f"No asset is called {name!r}.\n", 404, media_type="text/plain")
    is_current = request.query_params.get("v") == asset.version
    is_compressed = _takes_gzip(request.headers.get("accept-encoding", ""))
    return asset.responses[is_current, is_compressed].answer(request)


def _join(media_type: str, parts: tuple[str, ...]) -> bytes:
    """Return several files as one, without what only people read."""
    folder = files("fastapi_echochat").joinpath("static")
    text = "".join(folder.joinpath(part).read_text(encoding="utf-8") for part in parts)
    if len(parts) > 1 and media_type == _JAVASCRIPT:
        # A classic script: a module is refused in a sandboxed frame. So its names are kept in.
        text = f'(() => {{\n"use strict";\n{_FOR_PEOPLE.sub("", text)}}})();\n'
    elif media_type == _CSS:
        text = _COMMENTS.sub("", text)
    return text.encode()


def _asset(content: bytes, media_type: str) -> Asset:
    version = hashlib.sha256(content).hexdigest()[:16]
    compressed = gzip.compress(content, mtime=0)
    responses = {}
    for is_current in (False, True):
        headers = {
            "content-type": media_type,
            "vary": "accept-encoding",
            "x-content-type-options": "nosniff",
            "cache-control": _FOR_EVER if is_current else _ALWAYS_ASK,
        }
        etag = f'W/"{version}"'
        responses[is_current, False] = Prepared(content, etag, headers)
        headers["content-encoding"] = "gzip"
        responses[is_current, True] = Prepared(compressed, etag, headers)
    return Asset(version, responses)


def _takes_gzip(accept_encoding: str) -> bool:
    """Read an `Accept-Encoding` header (RFC 9110, section 12.5.3)."""
    for item in accept_encoding.split(","):
        coding, _, weight = item.partition(";")
        if coding.strip().lower() == "gzip":
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight, re.IGNORECASE)
    return False
