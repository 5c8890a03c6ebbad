"""A chat: options in, a router out."""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIWebSocketRoute
from starlette.convertors import Convertor, register_url_convertor

from .addresses import ENDPOINT, OriginRule
from .dependencies import caller_names, check, collector, unresolvable
from .endpoint import Endpoint
from .limits import Limits
from .page import Page, Templates, WebsocketURL
from .replies import Replier, Reply, Values, echo


class _OptionalSlash(Convertor[str]):
    """A slash or nothing, at the end of a path.

    A page answers at its mount with and without the trailing slash, in one route: a redirect from
    one to the other would be built from the Host header and could leave the proxy's prefix or
    scheme, and FastAPI refuses a route whose path is empty in a mount whose prefix is empty.
    """

    regex = "/?"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("echochat_optional_slash", _OptionalSlash())
_PAGE_PATH = "{echochat_slash:echochat_optional_slash}"
_ENDPOINT_PATH = f"/{ENDPOINT}"


class EchoChat:
    """A chat that a FastAPI application takes in with one line.

    ```python
    app.include_router(EchoChat().router, prefix="/support/chat")
    ```

    The page is then at `/support/chat`, its WebSocket endpoint at `/support/chat/ws`.

    Args:
        reply: What turns a message into an answer: a function of a `Message` that is `def`
            (called in a thread) or `async def`, and returns a str or yields pieces of one. What
            it takes after the message are dependencies, as of any FastAPI endpoint, solved once
            per connection.
        title: Title and heading of the page.
        limits: The bounds of the chat.
        allowed_origins: Origins of pages on other hosts that may open its WebSocket, such as
            `"https://example.org"`; `"null"` for pages without an origin, `"*"` for all. Pages of
            the same host always may.
        frame_ancestors: Who may show the page in a frame beside its own host: sources such as
            `"https://example.org"` (CSP Level 3, `frame-ancestors`).
        templates: A folder or a Jinja2 loader. A template `fastapi_echochat/chat.html` found
            there stands in for the packaged one, and may extend `fastapi_echochat/base.html`.
        labels: Words of the page in the place of the packaged ones, by the name of the label, such
            as `{"send": "Ask"}`; for visitors of every language.
        websocket_url: The endpoint's address where it is not beside the page: a `ws://` or
            `wss://` URL, or a function from the page's request to one.

    Attributes:
        router: Page and endpoint. Prefix, tags and dependencies are given where they always are,
            to `include_router`; dependencies guard page and endpoint alike.

    Raises:
        TypeError: `reply` is no reply function, or has a parameter that cannot be solved, or
            `limits` is no `Limits`.
        ValueError: Another option cannot be; the message says which, and what it takes.
    """

    def __init__(
        self,
        reply: Reply = echo,
        *,
        title: str = "WebSocket Chat",
        limits: Limits = Limits(),  # noqa: B008 - frozen, so one serves all
        allowed_origins: Iterable[str] = (),
        frame_ancestors: Iterable[str] = (),
        templates: Templates | None = None,
        labels: Mapping[str, str] | None = None,
        websocket_url: WebsocketURL | None = None,
    ) -> None:
        if not isinstance(limits, Limits):
            raise TypeError(f"limits= takes Limits(…), not {limits!r}")
        self._page = Page(
            title=title,
            limits=limits,
            frame_ancestors=frame_ancestors,
            templates=templates,
            labels=labels,
            websocket_url=websocket_url,
        )
        replier = Replier(reply, limits.reply_threads)
        self._endpoint = Endpoint(replier, limits, OriginRule(allowed_origins))
        self.router = self._route(reply, collector(reply, caller_names()))

    def _route(self, reply: Reply, collect: Callable[..., Values] | None) -> APIRouter:
        page, endpoint = self._page, self._endpoint

        async def echochat_page(request: Request) -> Response:
            return page.respond(request)

        async def echochat_endpoint(websocket: WebSocket) -> None:
            await endpoint.serve(websocket, {})

        async def echochat_endpoint_with_dependencies(
            websocket: WebSocket, values: Annotated[Values, Depends(collect)]
        ) -> None:
            await endpoint.serve(websocket, values)

        async def echochat_upgrade_required() -> Response:
            return PlainTextResponse(
                "This is the WebSocket endpoint of a chat; its page is one level up. If a "
                "WebSocket client got this answer, a proxy took its Upgrade header away.\n",
                status_code=426,  # RFC 9110, section 15.5.22
                headers={"upgrade": "websocket", "connection": "upgrade"},
            )

        router = APIRouter()
        # FastAPI answers HEAD with 405 where it is not listed.
        methods = ["GET", "HEAD"]
        router.add_api_route(_PAGE_PATH, echochat_page, methods=methods, include_in_schema=False)
        try:
            router.add_api_websocket_route(
                _ENDPOINT_PATH,
                echochat_endpoint_with_dependencies if collect else echochat_endpoint,
                name=echochat_endpoint.__name__,
            )
        except NameError as exc:  # Of pydantic's older releases; `check` finds it with newer ones.
            raise unresolvable(reply, exc) from None
        if collect is not None:
            (route,) = (r for r in router.routes if isinstance(r, APIWebSocketRoute))
            (dependant,) = route.dependant.dependencies
            check(reply, dependant)
        router.add_api_route(
            _ENDPOINT_PATH, echochat_upgrade_required, methods=methods, include_in_schema=False
        )
        return router
