"""The function that is told what people think of answers: one way to call any."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from .annotations import given, may_be
from .protocol.frames import Verdict
from .protocol.messages import Message
from .replies import Kind, Values, kind_of
from .threads import Threads

FeedbackFunction = Callable[..., Any]
"""Takes message, answer and verdict first; what it takes besides are dependencies."""

Judge = Callable[[Message, str, Verdict], Awaitable[object]]
"""The function with what one session gives it besides these three."""

GIVEN = 3
"""How many parameters are given by the chat."""

_ACCEPTED = (
    "feedback= takes a function that is `def` or `async def` and takes a message, its answer and "
    "a verdict"
)


class Feedback:
    """One way to call the function of `EchoChat(feedback=)`.

    Args:
        function: A function, a bound method, a `functools.partial` or an object with `__call__`.
        threads: How many plain functions run at a time, each in a thread.

    Raises:
        TypeError: It is none, or does not take message, answer and verdict.
    """

    def __init__(self, function: FeedbackFunction, threads: int) -> None:
        if not callable(function):
            raise TypeError(f"{_ACCEPTED}; this is {function!r}")
        kind = kind_of(function)
        if kind.streams:
            raise TypeError(f"{_ACCEPTED}; {function!r} yields, so calling it would do nothing")
        _check_given_parameters(function)
        self._function = function
        self._threads = Threads(threads) if kind is Kind.FUNCTION else None

    def bind(self, values: Values) -> Judge:
        """Return the function for one session, which has a share of the threads.

        Args:
            values: What the dependencies gave for the session.
        """
        if self._threads is None:
            return functools.partial(self._function, **values)
        return functools.partial(self._threads.share().call, self._function, **values)


def _check_given_parameters(function: Callable[..., Any]) -> None:
    try:
        signature = inspect.signature(function)
    except ValueError:  # Some built-in functions have no signature.
        return
    try:
        signature.bind_partial(*range(GIVEN))
    except TypeError as exc:
        raise TypeError(f"{_ACCEPTED}; {function!r} does not: {exc}") from None
    for index, kind in enumerate((Message, str, str)):
        if not may_be(annotation := given(function, index), kind):
            raise TypeError(
                f"{_ACCEPTED}, a Message and two str; of {function!r} one is annotated with "
                f"{annotation!r}"
            )
