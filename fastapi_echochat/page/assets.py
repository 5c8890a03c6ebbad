"""What a page's address serves beside its HTML: scripts, styles, the icon, what describes it."""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from fastapi import Request, Response

from ..protocol.asyncapi import asyncapi
from ..protocol.schema import schema
from .responses import Prepared

_JAVASCRIPT = "text/javascript; charset=utf-8"
_CSS = "text/css; charset=utf-8"
# A page asks for one script and one style; with the first message for its controls and for what
# renders Markdown, or with the first that may hold a link for what makes links. A style is joined
# of files, a script of the modules that the first one imports.
_ASSETS = {
    "chat.js": (_JAVASCRIPT, ("chat.js",)),
    "chat.css": (_CSS, ("chat.css",)),
    "shared.js": (_JAVASCRIPT, ("shared.js",)),
    "shared.css": (_CSS, ("chat.css", "shared.css")),
    "private.js": (_JAVASCRIPT, ("private.js",)),
    "text.js": (_JAVASCRIPT, ("text.js",)),
    "markdown.js": (_JAVASCRIPT, ("markdown.js",)),
    "debug.css": (_CSS, ("debug.css",)),
    "markdown.css": (_CSS, ("markdown.css",)),
    "controls.js": (_JAVASCRIPT, ("controls.js",)),
    "buttons.css": (_CSS, ("buttons.css",)),
    "icon.svg": ("image/svg+xml", ("icon.svg",)),
    "widget.js": (_JAVASCRIPT, ("widget.js",)),
}
# JSON Schema, 2020-12, section 14.1: its media type.
_SCHEMA = ("protocol.json", "application/schema+json")
ASYNCAPI = "asyncapi.json"
"""The one asset that differs from address to address."""
# AsyncAPI 3.0, "AsyncAPI Document", section "Format": its media type.
_ASYNCAPI = "application/vnd.aai.asyncapi+json;version=3.0.0"
# What only people read. Indentation, empty lines, lines that are a comment; line breaks within a
# statement or between two. No text of ours goes over several lines.
_INDENTATION = re.compile(r"^\s*(?://.*\s*)*", re.MULTILINE)
_LINE_BREAKS = re.compile(r"(?<=[{;,(\[])\n")
# Texts, which stay as they are, or a space beside a sign. No regular expression of ours has one.
_SPACES = re.compile(r"""("[^"\n]*"|`[^`]*`)|(?<![\w$)/]) | (?=[^\w$/"`\\])""")
# Between statements and rules. A line that does not end here is one that goes on.
_ENDS = re.compile(r"(?<=[};])\n(?=.)")
_LAST_SEMICOLONS = re.compile(r";(?=\})")
_COMMENTS = re.compile(r"/\*.*?\*/\n?", re.DOTALL)
# A space before a colon means "within", one after it nothing.
_CSS_SPACES = re.compile(r"(?<=[:,>{;]) | (?=[{>}])")
# The forms of ECMAScript modules (ECMA-262, section 16.2) that are joined; others are refused.
_IMPORT = re.compile(r'^import \{ ([\w, ]+) \} from "\./(\w+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)
_DECLARED = re.compile(
    r"^(export )?(?:(?:async )?function\*?|class|const|let|var)\b ?([\w$]*)", re.MULTILINE
)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*|\bimport\(.*", re.MULTILINE)
# A year; RFC 8246 for "immutable".
_FOR_EVER = "public, max-age=31536000, immutable"
_ALWAYS_ASK = "no-cache"


class Asset(NamedTuple):
    """A file that a page is made of, as it is sent: by its version, for ever, and without."""

    version: str
    for_ever: Prepared
    for_now: Prepared


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


def describe_endpoint(endpoint: str, title: str) -> Asset:
    """Return the AsyncAPI document of a chat's endpoint, which is at this URL."""
    return _asset(json.dumps(asyncapi(endpoint, title)).encode(), _ASYNCAPI)


def respond_with_asset(request: Request, name: str, asset: Asset | None) -> Response:
    """Answer a GET or HEAD request for an asset of this name, `None` where there is none."""
    if asset is None:
        return Response(f"No asset is called {name!r}.\n", 404, media_type="text/plain")
    is_current = request.query_params.get("v") == asset.version
    return (asset.for_ever if is_current else asset.for_now).answer(request)


def _join(media_type: str, parts: tuple[str, ...]) -> bytes:
    """Return what an asset is made of as one file, without what only people read."""
    sources = {
        path.name: path.read_text(encoding="utf-8")
        for path in files("fastapi_echochat").joinpath("static").iterdir()
    }
    if media_type == _JAVASCRIPT:
        return join_modules(parts[0], sources).encode()
    text = "".join(sources[part] for part in parts)
    if media_type == _CSS:
        text = _shorten(_CSS_SPACES.sub("", _COMMENTS.sub("", text)))
    return text.encode()


def join_modules(entry: str, sources: Mapping[str, str]) -> str:
    """Return a module and all that it imports as one classic script.

    A sandboxed frame is refused modules, so browsers are given none. The script keeps its names to
    itself; among its modules a name that stands outside of functions belongs to one module.

    Args:
        entry: The name of the module that the page runs.
        sources: The text of each module, by its name.

    Raises:
        ValueError: A module cannot be joined; the message says which and why.
    """
    joined: dict[str, str] = {}
    exported: dict[str, set[str]] = {}
    owners: dict[str, str] = {}

    def add(name: str, importers: tuple[str, ...]) -> None:
        if name in importers:
            raise ValueError(f"modules import each other: {' -> '.join((*importers, name))}")
        if name in joined:
            return
        if name not in sources:
            raise ValueError(f"{importers[-1]} imports {name}, which does not exist")
        source = sources[name]
        for names, module in _IMPORT.findall(source):
            add(module, (*importers, name))
            if unknown := set(names.split(", ")) - exported[module]:
                raise ValueError(f"{module} does not export {unknown.pop()}, which {name} imports")
        exported[name] = set()
        for is_exported, declared in _DECLARED.findall(source):
            if not declared:
                raise ValueError(f"{name} declares several names at once; declare one per line")
            if declared in owners:
                raise ValueError(
                    f"{owners[declared]} and {name} both declare {declared}; rename one"
                )
            owners[declared] = name
            if is_exported:
                exported[name].add(declared)
        joined[name] = _EXPORT.sub("", _IMPORT.sub("", source))
        if left_over := _LEFT_OVER.search(joined[name]):
            raise ValueError(f"{name} has a form that is not joined: {left_over[0]}")

    add(entry, ())
    text = _SPACES.sub(r"\1", _shorten("".join(joined.values())))
    return f'(() => {{\n"use strict";\n{text.rstrip()}\n}})();\n'


def _shorten(text: str) -> str:
    text = _LINE_BREAKS.sub("", _INDENTATION.sub("", text))
    return _LAST_SEMICOLONS.sub("", _ENDS.sub("", text))


def _asset(content: bytes, media_type: str) -> Asset:
    version = hashlib.sha256(content).hexdigest()[:16]
    headers = {"content-type": media_type, "x-content-type-options": "nosniff"}
    return Asset(
        version,
        Prepared(content, version, {**headers, "cache-control": _FOR_EVER}),
        Prepared(content, version, {**headers, "cache-control": _ALWAYS_ASK}),
    )
