"""The page of a chat: its template, its assets, its headers."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from fastapi import Request, Response
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
)

from ..limits import Limits
from ..urls import authority, carried_query, endpoint_url
from .assets import assets, respond_with_asset
from .greeting import Greeting
from .languages import choose_language, labels_of_script, replace_labels
from .policy import Policy
from .responses import Prepared
from .signing_in import check_sign_in_url, sign_in_link

Templates = str | os.PathLike[str] | BaseLoader
WebsocketURL = str | Callable[[Request], str]

_TEMPLATE = "fastapi_echochat/chat.html"
# The query parameters by which a page's own address serves its assets.
_OWN_PARAMETERS = (b"asset", b"v")
# How many addresses and languages a page is kept rendered for. Each takes a few kilobytes.
_KEPT_PAGES = 256


class _Asked(NamedTuple):
    """What a page depends on: where it was asked for, and by whom."""

    scheme: str
    host: bytes | None
    server: tuple[str, int | None] | None
    path: str
    root_path: str
    query_string: bytes
    accept_language: bytes


class Page:
    """The HTTP side of a chat, whichever of its mounts it is asked for.

    All its work is done at start-up and at the first request of each address and language; then a
    request is one look-up.

    Args:
        title: Title and heading, and the name of who answers.
        greeting: What an empty page says.
        limits: What the page needs of the chat's bounds.
        frame_ancestors: Who may frame the page beside its own host: sources of the
            `frame-ancestors` directive (CSP Level 3, section 6.4.2).
        templates: Where templates are looked for before the packaged ones.
        labels: Words in the place of the packaged ones, by the name of the label.
        websocket_url: Where the endpoint is, if not beside the page.
        sign_in_url: Where somebody who is signed out goes.
        rooms: Whether people talk among each other, or each conversation is kept.
        markdown: Whether entries are rendered as Markdown, by their kind.
        buttons: Those under answers: `again`, `verdict`.
        debug: Whether it has a row for developers.

    Raises:
        ValueError: One of them cannot be.
    """

    def __init__(
        self,
        *,
        title: str,
        greeting: Greeting,
        limits: Limits,
        frame_ancestors: Iterable[str],
        templates: Templates | None,
        labels: Mapping[str, str] | None,
        websocket_url: WebsocketURL | None,
        sign_in_url: str | None = None,
        rooms: Literal["shared", "private"] | None = None,
        markdown: Mapping[str, bool],
        buttons: Mapping[str, bool],
        debug: bool = False,
    ) -> None:
        if not isinstance(title, str) or not title.strip():
            raise ValueError(f"title= takes the page's title, a text, not {title!r}")
        if websocket_url is not None and not callable(websocket_url):
            _check_websocket_url(websocket_url)
        self._title = title
        self._greeting = greeting
        self._debug = debug
        self._limits = limits
        self._labels = replace_labels(
            labels,
            title=title,
            with_rooms=rooms is not None,
            with_buttons=any(buttons.values()),
        )
        self._websocket_url = websocket_url
        self._sign_in_url = None if sign_in_url is None else check_sign_in_url(sign_in_url)
        self._rooms = rooms
        self._markdown = _join_true(markdown)
        self._buttons = _join_true(buttons)
        self._policy = Policy(frame_ancestors)
        self._template = _environment(templates).get_template(_TEMPLATE)
        self._is_ours = templates is None
        self._is_same_for_all = not callable(websocket_url) and not callable(greeting.welcome)
        self._render_kept = lru_cache(_KEPT_PAGES)(self._render)
        self._find_kept = lru_cache(_KEPT_PAGES)(self._find)

    def respond(self, request: Request) -> Response:
        """Answer a GET or HEAD request for the page, or for an asset of it."""
        scope = request.scope
        if b"asset=" in scope["query_string"]:
            name = request.query_params.get("asset")
            if name is not None:
                return respond_with_asset(request, name)
        headers = dict(scope["headers"])
        server = scope.get("server")
        asked = _Asked(
            scope["scheme"],
            headers.get(b"host"),
            server and tuple(server),
            scope["path"],
            scope.get("root_path", ""),
            scope["query_string"],
            headers.get(b"accept-language", b""),
        )
        if self._is_ours and self._is_same_for_all:
            return self._find_kept(asked).answer(request)
        return self._find(asked, request).answer(request)

    def _find(self, asked: _Asked, request: Request | None = None) -> Prepared:
        """Return the page for an address; for a request where it may differ each time."""
        query = carried_query(asked.query_string, without=_OWN_PARAMETERS)
        host = None if asked.host is None else asked.host.decode("latin-1")
        endpoint, elsewhere = self._endpoint(asked, host, query, request)
        policy = self._policy.header(asked.scheme, host, endpoint if elsewhere else None)
        lang = choose_language(asked.accept_language.decode("latin-1"))
        welcome = self._greeting.welcome_in(lang, request)
        sign_in = self._sign_in_url and sign_in_link(
            self._sign_in_url, path=asked.path, root_path=asked.root_path
        )
        if self._is_ours:
            return self._render_kept(endpoint, elsewhere, policy, query, lang, welcome, sign_in)
        return self._render(
            endpoint, elsewhere, policy, query, lang, welcome, sign_in, request=request
        )

    def _endpoint(
        self, asked: _Asked, host: str | None, query: str, request: Request | None
    ) -> tuple[str, bool]:
        """Return the endpoint's URL, and whether it is elsewhere than beside the page."""
        if callable(self._websocket_url) and request is not None:
            return _check_websocket_url(self._websocket_url(request)), True
        if isinstance(self._websocket_url, str):
            return self._websocket_url, True
        url = endpoint_url(
            scheme=asked.scheme,
            authority=authority(host, asked.server),
            path=asked.path,
            root_path=asked.root_path,
            query=query,
        )
        return url, False

    def _render(
        self,
        endpoint: str,
        elsewhere: bool,
        policy: str,
        query: str,
        lang: str,
        welcome: str | None,
        sign_in: str | None,
        **context: Any,
    ) -> Prepared:
        def asset(name: str) -> str:
            # Relative to the page: the browser adds it to the address that it has the page from.
            own = f"asset={name}&v={assets()[name].version}"
            return f"?{query}&{own}" if query else f"?{own}"

        html = self._template.render(
            title=self._title,
            endpoint=endpoint,
            elsewhere=elsewhere,
            asset=asset,
            labels=self._labels[lang],
            script_labels=labels_of_script(
                self._labels[lang], is_shared=self._rooms == "shared", debug=self._debug
            ),
            welcome=welcome or self._labels[lang]["welcome"],
            suggestions=self._greeting.suggestions_in(lang),
            lang=lang,
            limits=self._limits,
            rooms=self._rooms,
            markdown=self._markdown,
            buttons=self._buttons,
            debug=self._debug,
            sign_in=sign_in,
            **context,
        ).encode()
        headers = {
            "content-type": "text/html; charset=utf-8",
            "cache-control": "no-cache",
            "content-security-policy": policy,
            "referrer-policy": "same-origin",
            "x-content-type-options": "nosniff",
        }
        version = hashlib.sha256(html).hexdigest()[:32]
        return Prepared(html, version, headers, vary="accept-language")


def _join_true(flags: Mapping[str, bool]) -> str:
    return " ".join(name for name, is_set in flags.items() if is_set)


def _environment(templates: Templates | None) -> Environment:
    packaged: BaseLoader = PackageLoader("fastapi_echochat")
    if templates is None:
        loader = packaged
    elif isinstance(templates, BaseLoader):
        loader = ChoiceLoader([templates, packaged])
    elif not isinstance(templates, str | os.PathLike):
        raise ValueError(f"templates= takes a folder or a Jinja2 loader, not {templates!r}")
    elif not Path(templates).is_dir():
        raise ValueError(f"templates= names {os.fspath(templates)!r}, which is no folder")
    else:
        loader = ChoiceLoader([FileSystemLoader(templates), packaged])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    # Jinja's own default escapes each Chinese character of `tojson` into six.
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    return environment


def _check_websocket_url(url: object) -> str:
    if isinstance(url, str):
        try:
            parts = urlsplit(url)
            if parts.scheme in ("ws", "wss") and parts.hostname and not parts.fragment:
                return url
        except ValueError:
            pass
    raise ValueError(
        "websocket_url= takes an address such as 'wss://chat.example.org/ws', or a function from "
        f"the request to one; this is {url!r}"
    )
