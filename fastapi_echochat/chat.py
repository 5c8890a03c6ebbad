"""A chat: options in, a router out."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone

from .conversation import Conversations
from .dependencies import check_author, collector
from .endpoint import Endpoint, Sessions
from .feedback import Feedback, FeedbackFunction
from .identity import Author, given_author
from .limits import Limits
from .names import shown_author
from .origins import OriginRule
from .page.greeting import Greeting, Suggestions, Welcome
from .page.page import Page, WebsocketURL
from .page.view import Features, Templates, View
from .protocol.frames import ID_LENGTH
from .protocol.messages import Message
from .replies import Replier, Reply, echo
from .rooms.lobby import Lobby
from .rooms.naming import ROOM_LENGTH, room_name
from .rooms.stores.contract import Entry, Rooms
from .router import make_router


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
        feedback: A function that is told what somebody thinks of an answer, `def` (called in a
            thread) or `async def`. It takes the `Message`, the text of its answer and the verdict,
            `"up"` or `"down"`; what it takes besides are dependencies, as of `reply`.
        websocket_url: The endpoint's address where it is not beside the page: a `ws://` or
            `wss://` URL, or a function from the page's request to one.
        sign_in_url: Where the page of somebody whom a guard refuses leads to, and back: a path of
            the application, or an `http(s)` URL. It gets the page's path as `next`.
        name: What the names of its routes begin with, for `url_for`: that of the page is
            `echochat_page`, that of the endpoint `echochat_endpoint`.
        debug: Whether the page shows developers the endpoint's address, and how long answers took.

    Attributes:
        router: Page and endpoint. Prefix, tags and dependencies are given where they always are,
            to `include_router`; dependencies guard page and endpoint alike.

    Raises:
        TypeError: `reply` is no reply function, or it or `feedback` has a parameter that cannot be
            solved, or another option is of the wrong type.
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
        feedback: FeedbackFunction | None = None,
        websocket_url: WebsocketURL | None = None,
        sign_in_url: str | None = None,
        name: str = "echochat",
        debug: bool = False,
    ) -> None:
        if not isinstance(limits, Limits):
            raise TypeError(f"limits= takes Limits(…), not {limits!r}")
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"name= takes an identifier such as 'support', not {name!r}")
        if author is not None:
            check_author(author)
        if markdown is not None and not isinstance(markdown, bool):
            raise TypeError(f"markdown= takes True, False or None, not {markdown!r}")
        if rooms is None and private:
            raise ValueError("private=True keeps conversations: say where, with rooms=")
        if reply is None and (rooms is None or private):
            raise ValueError("reply=None is for people among themselves: it takes rooms=")
        if feedback is not None and reply is None:
            raise ValueError("feedback= is about answers: it takes a reply function")
        is_bot = reply is not None and reply is not echo
        has_markdown = {
            "answer": reply is not None and (is_bot if markdown is None else markdown),
            "notice": rooms is not None and markdown is not False,
        }
        has_button = {"again": is_bot, "verdict": feedback is not None}
        view = View(
            title=title,
            greeting=Greeting(welcome, suggestions, limits.message_bytes),
            limits=limits,
            features=Features(
                rooms=None if rooms is None else "private" if private else "shared",
                markdown=tuple(kind for kind, is_set in has_markdown.items() if is_set),
                buttons=tuple(name for name, is_set in has_button.items() if is_set),
                debug=debug,
            ),
            templates=templates,
            labels=labels,
        )
        page = Page(
            view,
            frame_ancestors=frame_ancestors,
            websocket_url=websocket_url,
            sign_in_url=sign_in_url,
        )
        self._rooms = rooms
        self._limits = limits
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
        judging = None if feedback is None else Feedback(feedback, limits.reply_threads)
        self.router = make_router(
            page,
            Endpoint(sessions, limits, OriginRule(allowed_origins), judging),
            name=name,
            reply=reply,
            author=author,
            feedback=feedback,
            is_there=lambda values: rooms is None or room_name(values) is not None,
            has_endpoint=websocket_url is None,
            share_rooms=rooms is not None and not private,
        )

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
