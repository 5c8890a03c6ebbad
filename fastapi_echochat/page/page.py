"""The page of a chat, at whatever address it is asked for: its headers, and what is kept of it."""

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from fastapi import Request, Response

from ..urls import AUTHORITY, authority, carried_query, endpoint_url
from .assets import ASYNCAPI, assets, describe_endpoint, respond_with_asset
from .languages import choose_language
from .policy import Policy
from .responses import Prepared
from .signing_in import check_sign_in_url, sign_in_link
from .view import Addresses, View

WebsocketURL = str | Callable[[Request], str]

# The query parameters by which a page's own address serves its assets.
_OWN_PARAMETERS = (b"asset", b"v")
# How many addresses and languages a page is kept rendered for, and how long such an address may be,
# in bytes: it is in the page several times, escaped.
_KEPT_PAGES = 256
_KEPT_LENGTH = 512
# So much is read of an `Accept-Language` header: browsers send a fraction of it.
_ACCEPT_LENGTH = 256


class _Asked(NamedTuple):
    """What a page depends on: where it was asked for, and by whom."""

    scheme: str
    host: bytes | None
    server: tuple[str, int | None] | None
    path: str
    root_path: str
    query_string: bytes
    accept_language: bytes

    def is_short(self) -> bool:
        """Tell whether the address is no longer than those that a page is kept for."""
        length = len(self.host or b"") + len(self.path) + len(self.root_path)
        return length + len(self.query_string) <= _KEPT_LENGTH

    def host_name(self) -> str | None:
        """Return the `Host` header."""
        return None if self.host is None else self.host.decode("latin-1")

    def carried_query(self) -> str:
        """Return the query that goes along to the endpoint and to assets."""
        return carried_query(self.query_string, without=_OWN_PARAMETERS)


class Page:
    """The HTTP side of a chat, whichever of its mounts it is asked for.

    All its work is done at start-up and at the first request of each address and language; then a
    request is one look-up. For a long address the page is rendered each time, so that what is kept
    stays small whatever addresses are made up.

    Args:
        view: Renders it.
        frame_ancestors: Who may frame the page beside its own host: sources of the
            `frame-ancestors` directive (CSP Level 3, section 6.4.2).
        websocket_url: Where the endpoint is, if not beside the page.
        sign_in_url: Where somebody who is signed out goes.

    Raises:
        ValueError: One of them cannot be.
    """

    def __init__(
        self,
        view: View,
        *,
        frame_ancestors: Iterable[str],
        websocket_url: WebsocketURL | None,
        sign_in_url: str | None,
    ) -> None:
        if websocket_url is not None and not callable(websocket_url):
            _check_websocket_url(websocket_url)
        self._view = view
        self._websocket_url = websocket_url
        self._sign_in_url = None if sign_in_url is None else check_sign_in_url(sign_in_url)
        self._policy = Policy(frame_ancestors)
        differs = callable(websocket_url) or callable(view.greeting.welcome)
        self._is_same_for_all = view.is_ours and not differs
        self._render_kept = lru_cache(_KEPT_PAGES)(self._render)
        self._find_kept = lru_cache(_KEPT_PAGES)(self._find)

    def respond(self, request: Request, given: list[tuple[bytes, bytes]]) -> Response:
        """Answer a GET or HEAD request for the page, or for an asset of it.

        Args:
            request: The request.
            given: The headers that guards have set on their `Response`, such as a cookie. FastAPI
                drops them where a route returns a response of its own. Only the page has them: its
                assets may be kept by caches that many people share.
        """
        scope = request.scope
        name = request.query_params.get("asset") if b"asset=" in scope["query_string"] else None
        if name is not None and name != ASYNCAPI:
            return respond_with_asset(request, name, assets().get(name))
        headers = dict(scope["headers"])
        server = scope.get("server")
        asked = _Asked(
            scope.get("scheme", "http"),
            headers.get(b"host"),
            server and tuple(server),
            scope["path"],
            scope.get("root_path", ""),
            scope["query_string"],
            headers.get(b"accept-language", b"")[:_ACCEPT_LENGTH],
        )
        if name is not None:
            endpoint, _ = self._endpoint(asked, request)
            asset = describe_endpoint(endpoint, self._view.title)
            return respond_with_asset(request, name, asset)
        if self._is_same_for_all and asked.is_short():
            response = self._find_kept(asked).answer(request)
        else:
            response = self._find(asked, request).answer(request)
        response.raw_headers.extend(given)
        return response

    def _find(self, asked: _Asked, request: Request | None = None) -> Prepared:
        """Return the page for an address; for a request where it may differ each time."""
        endpoint, elsewhere = self._endpoint(asked, request)
        policy = self._policy.header(
            asked.scheme, asked.host_name(), endpoint if elsewhere else None
        )
        lang = choose_language(asked.accept_language.decode("latin-1"))
        welcome = self._view.greeting.welcome_in(lang, request)
        sign_in = self._sign_in_url and sign_in_link(
            self._sign_in_url, path=asked.path, root_path=asked.root_path
        )
        addresses = Addresses(endpoint, elsewhere, asked.carried_query(), sign_in)
        if self._view.is_ours and asked.is_short():
            return self._render_kept(addresses, policy, lang, welcome)
        return self._render(addresses, policy, lang, welcome, request=request)

    def _endpoint(self, asked: _Asked, request: Request | None) -> tuple[str, bool]:
        """Return the endpoint's URL, and whether it is elsewhere than beside the page."""
        if callable(self._websocket_url) and request is not None:
            return _check_websocket_url(self._websocket_url(request)), True
        if isinstance(self._websocket_url, str):
            return self._websocket_url, True
        url = endpoint_url(
            scheme=asked.scheme,
            authority=authority(asked.host_name(), asked.server),
            path=asked.path,
            root_path=asked.root_path,
            query=asked.carried_query(),
        )
        return url, False

    def _render(
        self, addresses: Addresses, policy: str, lang: str, welcome: str | None, **context: Any
    ) -> Prepared:
        html = self._view.render(addresses, lang, welcome, **context)
        headers = {
            "content-type": "text/html; charset=utf-8",
            "cache-control": "no-cache",
            "content-security-policy": policy,
            "referrer-policy": "same-origin",
            "x-content-type-options": "nosniff",
        }
        version = hashlib.sha256(html).hexdigest()[:32]
        return Prepared(html, version, headers, vary="accept-language")


def _check_websocket_url(url: object) -> str:
    # In the page's policy stands what is before the path: characters of a header, no separator.
    if isinstance(url, str) and url.isascii() and url.isprintable() and " " not in url:
        try:
            parts = urlsplit(url)
            is_host = parts.port != 0 and AUTHORITY.fullmatch(parts.netloc)
            if parts.scheme in ("ws", "wss") and is_host and not parts.fragment:
                return url
        except ValueError:
            pass
    raise ValueError(
        "websocket_url= takes an address such as 'wss://chat.example.org/ws', in ASCII (RFC 3986; "
        f"of a host, punycode), or a function from the request to one; this is {url!r}"
    )
