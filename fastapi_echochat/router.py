"""The routes of a chat: its page, and its WebSocket endpoint."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIWebSocketRoute

from .dependencies import AUTHOR, FEEDBACK, Held, check, collector, unresolvable
from .endpoint import Endpoint
from .feedback import FeedbackFunction
from .guards import Guards
from .mount import MOUNT_PATH
from .page.page import Page
from .replies import Reply
from .urls import ENDPOINT

_ENDPOINT_PATH = f"/{ENDPOINT}"
_GUARDS_DIFFER = (
    "This chat is closed: its mounts have different guards. The log of the server says which, and "
    "what to do.\n"
)
_GUARD_FAILS = (
    "This chat cannot connect: a dependency that guards it takes a Request, and so fails on a "
    "WebSocket. The log of the server says which, and what to write.\n"
)


def make_router(
    page: Page,
    endpoint: Endpoint,
    *,
    name: str,
    reply: Reply | None,
    author: Callable[..., object] | None,
    feedback: FeedbackFunction | None,
    is_there: Callable[[Mapping[str, object]], bool],
    has_endpoint: bool,
    share_rooms: bool,
) -> APIRouter:
    """Return the router that a host includes.

    Args:
        page: Answers requests.
        endpoint: Serves WebSockets.
        name: What the names of the routes begin with.
        reply: Has dependencies, if there is one; so have the next two.
        author: Says who is signed in.
        feedback: Is told what people think of answers.
        is_there: Tells whether there is a chat where the path parameters of the mount have these
            values.
        has_endpoint: Whether a page's endpoint is the one beside it.
        share_rooms: Whether people in one mount meet those in another.

    Raises:
        TypeError: A function has a parameter that cannot be solved.
    """
    collect = collector(reply, author, feedback)

    async def echochat_page(request: Request, response: Response) -> Response:
        if guards.conflict(request.scope["app"]) is not None:
            return PlainTextResponse(_GUARDS_DIFFER, status_code=500)
        if has_endpoint and guards.fail_beside(request):
            return PlainTextResponse(_GUARD_FAILS, status_code=500)
        if not is_there(request.path_params):
            return PlainTextResponse("There is no room of this name.\n", status_code=404)
        return page.respond(request, response.raw_headers)

    # Both return the coroutine of another: one of their own would stay around it for as long
    # as a connection is open, 300 bytes each.
    def echochat_endpoint(websocket: WebSocket) -> Awaitable[None]:
        if guards.conflict(websocket.scope.get("app")) is not None:
            return websocket.close()
        return endpoint.serve(websocket, {}, None, {}, keeps_open=False)

    def echochat_endpoint_with_dependencies(
        websocket: WebSocket, values: Annotated[dict[str, Any], Depends(collect)]
    ) -> Awaitable[None]:
        if guards.conflict(websocket.scope.get("app")) is not None:
            return websocket.close()
        given = values.pop(AUTHOR, None), values.pop(FEEDBACK, {})
        keeps_open = held.are_open_in(websocket.scope.get("app"))
        return endpoint.serve(websocket, values, *given, keeps_open=keeps_open)

    async def echochat_upgrade_required() -> Response:
        return PlainTextResponse(
            "This is the WebSocket endpoint of a chat; its page is one level up. If a "
            "WebSocket client got this answer, a proxy took its Upgrade header away.\n",
            status_code=426,  # RFC 9110, section 15.5.22
            headers={"upgrade": "websocket", "connection": "upgrade"},
        )

    @contextlib.asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        if (why := guards.conflict(app)) is not None:
            raise ValueError(why)
        yield
        # Where it runs (not in a mounted sub-application) other processes take up at once
        # what is answered here; elsewhere they wait until a lease has ended.
        await endpoint.close()

    serve = echochat_endpoint_with_dependencies if collect else echochat_endpoint
    guards = Guards(serve, share_rooms=share_rooms)
    # Whose parameters are solved, for what is said of them.
    solved = reply if reply is not None else author or echochat_endpoint
    router = APIRouter(lifespan=lifespan)
    try:
        router.add_api_websocket_route(
            _ENDPOINT_PATH,
            serve,
            name=f"{name}_endpoint",
        )
    except NameError as exc:  # Of pydantic's older releases; `check` finds it with newer ones.
        raise unresolvable(solved, exc) from None
    held = Held()
    if collect is not None:
        (route,) = (r for r in router.routes if isinstance(r, APIWebSocketRoute))
        (dependant,) = route.dependant.dependencies
        check(solved, dependant, author=author, feedback=feedback)
        held = Held(dependant)
    # FastAPI answers HEAD with 405 where it is not listed. These come second: a route is tried
    # after those before it, and a request is told from a WebSocket sooner than from a request.
    # With an `operation_id` a host's `generate_unique_id_function` is not called for a route:
    # FastAPI calls it for hidden ones too, and one such as `route.tags[0]` fails without tags.
    for path, answer, route_name in (
        (MOUNT_PATH, echochat_page, f"{name}_page"),
        # Not by a redirect, which is built from the Host header and could leave the prefix or the
        # scheme of a proxy.
        ("/", echochat_page, f"{name}_page_slash"),
        (_ENDPOINT_PATH, echochat_upgrade_required, f"{name}_upgrade_required"),
    ):
        router.add_api_route(
            path,
            answer,
            methods=["GET", "HEAD"],
            name=route_name,
            include_in_schema=False,
            operation_id=route_name,
        )
    return router
