"""What turns a message into an answer: echo, and one way to call any reply function."""

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
from .threads import Threads

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

    async def reply(self, message: Message, values: Values) -> str:
        """Return the whole answer to a message.

        Raises:
            TypeError: The function returned something that is no `str`.
            UnicodeEncodeError: It returned half of a surrogate pair, which no frame can carry.
            Exception: Whatever the function raises.
        """
        if self._kind is _Kind.COROUTINE:
            text = await self._reply(message, **values)  # type: ignore[misc]  # known by its kind
        else:
            text = await self._threads.call(self._reply, message, **values)
        return _check(text, "returns")

    def stream(self, message: Message, values: Values) -> AsyncGenerator[object, None]:
        """Return the pieces of an answer, each of them for `check_piece`.

        Closed early, it closes the function's generator.
        """
        pieces: Any = self._reply(message, **values)
        # An asynchronous generator of the function's own, not one around it: each piece would be
        # handed through both.
        return pieces if self._kind is _Kind.ASYNC_GENERATOR else self._step(_Steps(pieces))

    async def _step(self, steps: "_Steps") -> AsyncGenerator[object, None]:
        try:
            while (taken := await self._threads.call(steps.take)) is not None:
                yield taken
        finally:
            # Not awaited: all threads may be taken by functions that block.
            self._threads.start(steps.close)


class _Steps:
    """A generator that is stepped and closed in threads, never in two of them at a time."""

    def __init__(self, pieces: Generator[object, None, None]) -> None:
        self._pieces = pieces
        self._running = threading.Lock()
        self._is_over = False

    def take(self) -> object | None:
        """Return the next piece, `None` at the end."""
        with self._running:
            for piece in self._pieces:
                taken = piece
                break
            else:
                return None
        if self._is_over:
            self.close()
        if taken is None:
            raise TypeError("a reply function yields pieces of text, this one yielded None")
        return taken

    def close(self) -> None:
        """Close the generator, or have that done by the step that is under way."""
        self._is_over = True
        if self._running.acquire(blocking=False):
            try:
                self._pieces.close()
            except Exception:
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
