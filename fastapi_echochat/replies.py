"""What turns a message into an answer: echo, and one way to call any reply function."""

import contextvars
import enum
import functools
import inspect
import logging
import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterator,
    Mapping,
)
from typing import Any

from .protocol.messages import Message
from .threads import Share, Threads

logger = logging.getLogger("fastapi_echochat")

Reply = Callable[..., str | Awaitable[str] | AsyncIterator[str] | Iterator[str]]
"""A reply function. It takes the message first; what it takes besides are dependencies."""

Values = Mapping[str, Any]
"""What a connection's dependencies gave, by the names of the reply function's parameters."""

_ACCEPTED = (
    "a reply function takes a message and is `def` or `async def`, and returns a str or yields "
    "pieces of one"
)


async def echo(message: Message) -> str:
    """Answer with the message: `NBA` is answered with `Message text was: NBA`."""
    return f"Message text was: {message.text}"


class _Kind(enum.Enum):
    FUNCTION = enum.auto()
    GENERATOR = enum.auto()
    COROUTINE = enum.auto()
    ASYNC_GENERATOR = enum.auto()


class Replier:
    """One way to call any reply function; what it is gets decided here, once.

    Args:
        reply: A function, a bound method, a `functools.partial` or an object with `__call__`.
        threads: How many plain functions run at a time, each in a thread.
        has_dependencies: Whether the function has any, so that nobody but the sender of a message
            may have it answered.

    Attributes:
        has_dependencies: As given.
        streams: Whether an answer comes in pieces, through `stream`, or whole, through `reply`.

    Raises:
        TypeError: It is none.
    """

    def __init__(self, reply: Reply, threads: int, *, has_dependencies: bool) -> None:
        if not callable(reply):
            raise TypeError(f"{_ACCEPTED}; this is {reply!r}")
        _check_first_parameter(reply)
        self.has_dependencies = has_dependencies
        self._reply = reply
        self._kind = _kind(reply)
        self._threads = Threads(threads)
        self.streams = self._kind in (_Kind.GENERATOR, _Kind.ASYNC_GENERATOR)

    def share(self) -> Share | None:
        """Return what one session may have of the threads, `None` if the function needs none."""
        needs_none = self._kind in (_Kind.COROUTINE, _Kind.ASYNC_GENERATOR)
        return None if needs_none else self._threads.share()

    async def reply(self, message: Message, values: Values, share: Share | None = None) -> str:
        """Return the whole answer to a message.

        Args:
            message: The message.
            values: What the dependencies gave.
            share: The session's; without one the function may have all threads.

        Raises:
            TypeError: The function returned something that is no `str`.
            UnicodeEncodeError: It returned half of a surrogate pair, which no frame can carry.
            Exception: Whatever the function raises.
        """
        if self._kind is _Kind.COROUTINE:
            text = await self._reply(message, **values)  # type: ignore[misc]  # known by its kind
        else:
            text = await (share or self._threads).call(self._reply, message, **values)
        return _check(text, "returns")

    def stream(
        self, message: Message, values: Values, share: Share | None = None
    ) -> AsyncGenerator[object, None]:
        """Return the pieces of an answer, each of them for `check_piece`.

        Closed early, it closes the function's generator. The arguments are those of `reply`.
        """
        pieces: Any = self._reply(message, **values)
        if self._kind is _Kind.ASYNC_GENERATOR:
            # The function's own generator, not one around it: each piece would be handed through
            # both.
            return pieces  # type: ignore[no-any-return]  # known by its kind
        return _Steps(pieces, share or self._threads).pieces()


class _Steps:
    """A generator that is stepped and closed in threads, never in two of them at a time.

    All its steps run in one context, as those of any generator do, so that a context variable
    that one of them sets is there in the next.
    """

    def __init__(self, generator: Generator[object, None, None], threads: Threads | Share) -> None:
        self._generator = generator
        self._threads = threads
        self._context = contextvars.copy_context()
        self._running = threading.Lock()
        self._has_begun = False
        self._is_over = False

    async def pieces(self) -> AsyncGenerator[object, None]:
        """Yield what the generator yields."""
        try:
            while (taken := await self._threads.call(self._take)) is not None:
                yield taken
        finally:
            self._is_over = True
            # A generator that has not begun has nothing to close, and a step under way closes it.
            # Not awaited: all threads may be taken by functions that block.
            if self._has_begun and not self._running.locked():
                self._threads.start(self._close)

    def _take(self) -> object | None:
        try:
            with self._running:
                self._has_begun = True
                return self._context.run(self._step)
        finally:
            if self._is_over:
                self._close()

    def _step(self) -> object | None:
        for piece in self._generator:
            if piece is None:
                raise TypeError("a reply function yields pieces of text, this one yielded None")
            return piece
        return None

    def _close(self) -> None:
        if self._running.acquire(blocking=False):
            try:
                self._context.run(self._generator.close)
            except BaseException:
                logger.exception("a reply function failed at its end")
            finally:
                self._running.release()


def check_piece(piece: object) -> str:
    """Return a piece of an answer, if it is one.

    Raises:
        TypeError: The function yielded something that is no `str`.
        UnicodeEncodeError: It yielded half of a surrogate pair, which no frame can carry.
    """
    return _check(piece, "yields")


def _check(text: object, does: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"a reply function {does} text, this one {type(text).__name__}")
    if not text.isascii():
        text.encode()
    return text


def _kind(reply: Callable[..., object]) -> _Kind:
    while isinstance(reply, functools.partial):
        reply = reply.func
    # An object with `async def __call__` is as much of a coroutine function as a function is.
    function = reply if inspect.isroutine(reply) else type(reply).__call__
    if inspect.isasyncgenfunction(function):
        return _Kind.ASYNC_GENERATOR
    if inspect.iscoroutinefunction(function):
        return _Kind.COROUTINE
    if inspect.isgeneratorfunction(function):
        return _Kind.GENERATOR
    return _Kind.FUNCTION


def _check_first_parameter(reply: Callable[..., object]) -> None:
    try:
        parameters = list(inspect.signature(reply).parameters.values())
    except ValueError:  # Some built-in functions have no signature.
        return
    if not parameters or parameters[0].kind in (
        inspect.Parameter.KEYWORD_ONLY,
        inspect.Parameter.VAR_KEYWORD,
    ):
        raise TypeError(f"{_ACCEPTED}; {reply!r} takes no message")
