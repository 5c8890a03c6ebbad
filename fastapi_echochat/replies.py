"""What turns a message into an answer: echo, and one way to call any reply function."""

import inspect
from collections.abc import Awaitable, Callable

from fastapi.concurrency import run_in_threadpool

from .protocol import Message

Reply = Callable[[Message], str] | Callable[[Message], Awaitable[str]]
"""A reply function: `def` (called in a thread) or `async def`, from a message to an answer."""


def echo(message: Message) -> str:
    """Answer with the message: `NBA` is answered with `Message text was: NBA`."""
    return f"Message text was: {message.text}"


class Replier:
    """One way to call any reply function; what it is gets decided here, once.

    Args:
        reply: The reply function.

    Attributes:
        at_once: The function itself where it neither waits nor works, so that it may be called
            on the event loop; `None` where it must be awaited through `reply`. Only `echo` is
            known to be like this.

    Raises:
        TypeError: It is none.
    """

    def __init__(self, reply: Reply) -> None:
        self.at_once = echo if reply is echo else None
        self._call = _caller(reply)

    async def reply(self, message: Message) -> str:
        """Return the answer to a message.

        Raises:
            TypeError: The function returned something that is no `str`.
            UnicodeEncodeError: It returned half of a surrogate pair, which no frame can carry.
            Exception: Whatever the function raises.
        """
        text = await self._call(message)
        if not isinstance(text, str):
            raise TypeError(f"a reply function returns a str, this one {type(text).__name__}")
        if not text.isascii():
            text.encode()
        return text


def _caller(reply: object) -> Callable[[Message], Awaitable[object]]:
    accepted = (
        "a reply function is `def reply(message) -> str` or `async def reply(message) -> str`"
    )
    if not callable(reply):
        raise TypeError(f"{accepted}, not {reply!r}")
    # An object with `async def __call__` is as much of a coroutine function as a function is.
    functions = (reply, getattr(reply, "__call__", None))  # noqa: B004 - looked into, not tested
    if any(map(inspect.isgeneratorfunction, functions)) or any(
        map(inspect.isasyncgenfunction, functions)
    ):
        raise TypeError(f"{accepted}; {reply!r} yields")
    try:
        inspect.signature(reply).bind(None)
    except ValueError:  # Some built-in functions have no signature.
        pass
    except TypeError as exc:
        raise TypeError(f"{accepted}; {reply!r} cannot take one message: {exc}") from None
    if any(map(inspect.iscoroutinefunction, functions)):
        return reply
    return lambda message: run_in_threadpool(reply, message)
