"""A chat: options in, a router out."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIWebSocketRoute

from .conversation import Conversations
from .dependencies import AUTHOR, check, collector, unresolvable
from .endpoint import Endpoint, Sessions
from .identity import Author, given_author
from .limits import Limits
from .names import shown_author
from .origins import OriginRule
from .page.greeting import Greeting, Suggestions, Welcome
from .page.page import Page, Templates, WebsocketURL
from .protocol.frames import ID_LENGTH
from .protocol.messages import Message
from .replies import Replier, Reply, Values, echo
from .rooms.lobby import Lobby
from .rooms.naming import ROOM_LENGTH, room_name
from .rooms.stores.contract import Entry, Rooms
from .slash import PAGE_PATH, SLASH
from .urls import ENDPOINT

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
        title: Title and heading of the page, and the name under which the reply function answers.
        welcome: What an empty page says: a text, a mapping from language (`"en"`, `"zh"`) to text,
            or a function from the page's request to one of these.
        suggestions: At most six texts for the visitor of an empty page to send with one press; or
            a mapping from language to them.
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
        author: A dependency that returns who is signed in: an `Author`, a str that is id and name
            at once, or `None` for a guest, who chooses a name. Without it everybody is a guest.
        rooms: Where rooms live. With it, all at one address talk together: each value of the
            mount's path parameters is a room. With `reply` as well, its answers are said into the
            room; `reply=None` leaves people among themselves.
        private: With `rooms`, whether each browser has a room of its own: its conversation with
            the reply function, kept over a reload, a lost connection and a restart.
        markdown: Whether the page renders answers and notices (what `post` says) as Markdown. By
            default it does, except for answers of the built-in echo, which shows exactly what was
            typed. What people write stays text.
        websocket_url: The endpoint's address where it is not beside the page: a `ws://` or
            `wss://` URL, or a function from the page's request to one.
        sign_in_url: Where the page of somebody whom a guard refuses leads to, and back: a path of
            the application, or an `http(s)` URL. It gets the page's path as `next`.
        debug: Whether the page shows developers the endpoint's address, and how long answers took.

    Attributes:
        router: Page and endpoint. Prefix, tags and dependencies are given where they always are,
            to `include_router`; dependencies guard page and endpoint alike.

    Raises:
        TypeError: `reply` is no reply function, or has a parameter that cannot be solved, or
            another option is of the wrong type.
        ValueError: Another option cannot be; the message says which, and what it takes.
    """

    def __init__(
        self,
        reply: Reply | None = echo,
        *,
        title: str = "WebSocket Chat",
        welcome: Welcome | None = None,
        suggestions: Suggestions = (),
        limits: Limits = Limits(),  # noqa: B008 - frozen, so one serves all
        allowed_origins: Iterable[str] = (),
        frame_ancestors: Iterable[str] = (),
        templates: Templates | None = None,
        labels: Mapping[str, str] | None = None,
        author: Callable[..., object] | None = None,
        rooms: Rooms | None = None,
        private: bool = False,
        markdown: bool | None = None,
        websocket_url: WebsocketURL | None = None,
        sign_in_url: str | None = None,
        debug: bool = False,
    ) -> None:
        if not isinstance(limits, Limits):
            raise TypeError(f"limits= takes Limits(…), not {limits!r}")
        if author is not None and not callable(author):
            raise TypeError(f"author= takes a dependency, a function, not {author!r}")
        if markdown is not None and not isinstance(markdown, bool):
            raise TypeError(f"markdown= takes True, False or None, not {markdown!r}")
        if rooms is None and private:
            raise ValueError("private=True keeps conversations: say where, with rooms=")
        if reply is None and (rooms is None or private):
            raise ValueError("reply=None is for people among themselves: it takes rooms=")
        self._page = Page(
            title=title,
            greeting=Greeting(welcome, suggestions, limits.message_bytes),
            limits=limits,
            frame_ancestors=frame_ancestors,
            templates=templates,
            labels=labels,
            websocket_url=websocket_url,
            sign_in_url=sign_in_url,
            rooms=None if rooms is None else "private" if private else "shared",
            markdown={
                "answer": reply is not None
                and (reply is not echo if markdown is None else markdown),
                "notice": rooms is not None and markdown is not False,
            },
            debug=debug,
        )
        self._rooms = rooms
        self._limits = limits
        collect = collector(reply, author)
        replier = None
        if reply is not None:
            has_dependencies = collector(reply) is not None
            replier = Replier(reply, limits.reply_threads, has_dependencies=has_dependencies)
        sessions: Sessions
        if rooms is not None:
            sessions = Lobby(
                rooms, replier, limits, is_private=private, has_author=author is not None
            )
        else:
            assert replier is not None
            sessions = Conversations(replier, limits)
        self._endpoint = Endpoint(sessions, limits, OriginRule(allowed_origins))
        self.router = self._route(reply, author, collect)

    async def post(
        self,
        room: str,
        text: str,
        *,
        author: Author | str | None = None,
        message_id: str | None = None,
    ) -> Message:
        """Say something into a room, as the host.

        Args:
            room: Its name: the values of the mount's path parameters joined by `/`, `main` where
                there are none; or a `Message.room`.
            text: What to say.
            author: Who says it, as the dependency `author=` returns one; nobody in particular by
                default.
            message_id: Of 1 to 64 characters. What is posted again with the same one is said
                once.

        Returns:
            What stands in the room now.

        Raises:
            RuntimeError: The chat has no rooms.
            TypeError: `author` is neither an `Author` nor a str.
            ValueError: The room's name, the text or an id cannot be.
            RoomsUnavailableError: It may or may not have been said: post it again, with its id.
        """
        rooms = self._need_rooms(room)
        if not text:
            raise ValueError("there is nothing to say: text is empty")
        text.encode()  # Half of a surrogate pair is a UnicodeEncodeError, which is a ValueError.
        given = given_author(author)
        entry = Entry(
            kind="notice",
            id=message_id or secrets.token_hex(16),
            author=given and shown_author(given, self._limits.name_length),
            text=text,
            sent_at=datetime.now(timezone.utc),
        )
        if len(entry.id) > ID_LENGTH:
            raise ValueError(f"an id has at most {ID_LENGTH} characters, not {len(entry.id)}")
        kept = await rooms.append(room, entry)
        return Message(kept.id, kept.text, kept.author, kept.sent_at, room)

    async def history(
        self, room: str, *, before: int | None = None, limit: int = 100
    ) -> list[Entry]:
        """Return the newest entries of a room, oldest first.

        Args:
            room: As `post` takes it.
            before: A position: those before it.
            limit: How many at most.

        Raises:
            RuntimeError: The chat has no rooms.
            ValueError: The room's name cannot be.
            RoomsUnavailableError: Ask again.
        """
        return await self._need_rooms(room).read_back(room, before=before, limit=limit)

    def _need_rooms(self, room: str) -> Rooms:
        if self._rooms is None:
            raise RuntimeError("this chat has no rooms: say where they live, with rooms=")
        if not 0 < len(room) <= ROOM_LENGTH:
            raise ValueError(f"a room's name has 1 to {ROOM_LENGTH} characters, not {len(room)}")
        return self._rooms

    def _route(
        self,
        reply: Reply | None,
        author: Callable[..., object] | None,
        collect: Callable[..., Values] | None,
    ) -> APIRouter:
        page, endpoint, rooms = self._page, self._endpoint, self._rooms

        async def echochat_page(request: Request) -> Response:
            if rooms is not None and room_name(_mount_parameters(request)) is None:
                return PlainTextResponse("There is no room of this name.\n", status_code=404)
            return page.respond(request)

        # Both return the coroutine of another: one of their own would stay around it for as long
        # as a connection is open, 300 bytes each.
        def echochat_endpoint(websocket: WebSocket) -> Awaitable[None]:
            return endpoint.serve(websocket, {}, None)

        def echochat_endpoint_with_dependencies(
            websocket: WebSocket, values: Annotated[dict[str, Any], Depends(collect)]
        ) -> Awaitable[None]:
            return endpoint.serve(websocket, values, values.pop(AUTHOR, None))

        async def echochat_upgrade_required() -> Response:
            return PlainTextResponse(
                "This is the WebSocket endpoint of a chat; its page is one level up. If a "
                "WebSocket client got this answer, a proxy took its Upgrade header away.\n",
                status_code=426,  # RFC 9110, section 15.5.22
                headers={"upgrade": "websocket", "connection": "upgrade"},
            )

        @contextlib.asynccontextmanager
        async def lifespan(_: object) -> AsyncIterator[None]:
            yield
            # Where it runs (not in a mounted sub-application) other processes take up at once
            # what is answered here; elsewhere they wait until a lease has ended.
            await endpoint.close()

        # Whose parameters are solved, for what is said of them.
        solved = reply if reply is not None else author or echochat_endpoint
        router = APIRouter(lifespan=lifespan)
        try:
            router.add_api_websocket_route(
                _ENDPOINT_PATH,
                echochat_endpoint_with_dependencies if collect else echochat_endpoint,
                name=echochat_endpoint.__name__,
            )
        except NameError as exc:  # Of pydantic's older releases; `check` finds it with newer ones.
            raise unresolvable(solved, exc) from None
        if collect is not None:
            (route,) = (r for r in router.routes if isinstance(r, APIWebSocketRoute))
            (dependant,) = route.dependant.dependencies
            check(solved, dependant)
        # FastAPI answers HEAD with 405 where it is not listed. These come second: a route is tried
        # after those before it, and a request is told from a WebSocket sooner than from a request.
        methods = ["GET", "HEAD"]
        # With an `operation_id` a host's `generate_unique_id_function` is not called for a route:
        # FastAPI calls it for hidden ones too, and one such as `route.tags[0]` fails without tags.
        router.add_api_route(
            PAGE_PATH,
            echochat_page,
            methods=methods,
            include_in_schema=False,
            operation_id=echochat_page.__name__,
        )
        router.add_api_route(
            _ENDPOINT_PATH,
            echochat_upgrade_required,
            methods=methods,
            include_in_schema=False,
            operation_id=echochat_upgrade_required.__name__,
        )
        return router


def _mount_parameters(request: Request) -> dict[str, object]:
    return {name: value for name, value in request.path_params.items() if name != SLASH}
