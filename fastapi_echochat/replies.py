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

from .annotations import given, may_be, returned
from .protocol.messages import Message
from .threads import Share, Threads

logger = logging.getLogger("fastapi_echochat")

Reply = Callable[..., str | Awaitable[str] | AsyncIterator[str] | Iterator[str]]
"""A reply function. It takes the message first; what it takes besides are dependencies."""

Values = Mapping[str, Any]
"""What a session's dependencies gave, by the names of the reply function's parameters."""

Call = Callable[[Message], Any]
"""A reply function with what one session gives it besides a message."""

_ACCEPTED = (
    "a reply function takes a message and is `def` or `async def`, and returns a str or yields "
    "pieces of one"
)


async def echo(message: Message) -> str:
    """Answer with the message: `NBA` is answered with `Message text was: NBA`."""
    return f"Message text was: {message.text}"


class Kind(enum.Enum):
    """How a function is called."""

    FUNCTION = enum.auto()
    GENERATOR = enum.auto()
    COROUTINE = enum.auto()
    ASYNC_GENERATOR = enum.auto()

    @property
    def streams(self) -> bool:
        """Whether it yields."""
        return self in (Kind.GENERATOR, Kind.ASYNC_GENERATOR)


class Replier:
    """One way to call any reply function; what it is gets decided here, once.

    Args:
        reply: A function, a bound method, a `functools.partial` or an object with `__call__`.
        threads: How many plain functions run at a time, each in a thread.
        has_dependencies: Whether the function has any, so that nobody but the sender of a message
            may have it answered.

    Attributes:
        has_dependencies: As given.
        streams: Whether an answer comes in pieces, or whole.

    Raises:
        TypeError: It is none.
    """

    def __init__(self, reply: Reply, threads: int, *, has_dependencies: bool) -> None:
        if not callable(reply):
            raise TypeError(f"{_ACCEPTED}; this is {reply!r}")
        _check_first_parameter(reply)
        self.has_dependencies = has_dependencies
        self._reply = reply
        self._kind = kind_of(reply)
        self._threads = Threads(threads)
        self.streams = self._kind.streams
        answer = returned(reply, streams=self.streams)
        if not may_be(answer, str):
            raise TypeError(f"{_ACCEPTED}; {reply!r} is annotated with {answer!r}")

    def bind(self, values: Values) -> Call:
        """Return the function for one session.

        Called with a message it gives what `await` turns into the whole answer or, where it
        streams, an asynchronous generator of its pieces; either for `check_text`. Closed early,
        that closes the function's generator. What runs in threads has a share of them.

        Args:
            values: What the dependencies gave for the session.
        """
        if self._kind is Kind.FUNCTION:
            return functools.partial(self._threads.share().call, self._reply, **values)
        if self._kind is Kind.GENERATOR:
            return functools.partial(_step, self._threads.share(), self._reply, dict(values))
        # The function's own coroutine or generator, not one around it, which every answer or piece
        # would be handed through.
        return functools.partial(self._reply, **values) if values else self._reply


def _step(
    threads: Share, reply: Callable[..., Any], values: Values, message: Message
) -> AsyncGenerator[object, None]:
    return _Steps(reply(message, **values), threads).pieces()


class _Steps:
    """A generator that is stepped and closed in threads, never in two of them at a time.

    All its steps run in one context, as those of any generator do, so that a context variable
    that one of them sets is there in the next.
    """

    def __init__(self, generator: Generator[object, None, None], threads: Share) -> None:
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


def check_text(text: object) -> str:
    """Return what a function gave, if it is an answer or a piece of one.

    Raises:
        TypeError: It is no `str`.
        UnicodeEncodeError: It has half of a surrogate pair, which no frame can carry.
    """
    if not isinstance(text, str):
        raise TypeError(
            f"a reply function returns or yields text, this one gave {type(text).__name__}"
        )
    if not text.isascii():
        text.encode()
    return text


def kind_of(reply: Callable[..., object]) -> Kind:
    """Return how a function, a `functools.partial` or an object with `__call__` is called."""
    while isinstance(reply, functools.partial):
        reply = reply.func
    # An object with `async def __call__` is as much of a coroutine function as a function is.
    function = reply if inspect.isroutine(reply) else type(reply).__call__
    if inspect.isasyncgenfunction(function):
        return Kind.ASYNC_GENERATOR
    if inspect.iscoroutinefunction(function):
        return Kind.COROUTINE
    if inspect.isgeneratorfunction(function):
        return Kind.GENERATOR
    return Kind.FUNCTION


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
    if not may_be(annotation := given(reply, 0), Message):
        raise TypeError(
            f"{_ACCEPTED}; the parameter {parameters[0].name!r} of {reply!r} is annotated with "
            f"{annotation!r}: write `message: Message`, whose `text` is what was written"
        )
