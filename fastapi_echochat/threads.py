"""Threads for reply functions that block."""

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Seconds after which a thread without work ends.
_IDLE_SECONDS = 10.0


class Threads:
    """Daemon threads, at most so many at a time.

    Python waits at its exit for the threads of anyio and of `concurrent.futures`, so a reply
    function that blocks its thread would hold up the end of the server; and a thread of theirs
    whose caller was cancelled no longer counts, so clients that leave could have any number of
    them. Here a thread counts until its function has returned, and none is waited for at exit.

    Args:
        most: How many functions run at a time; others wait their turn.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._work: deque[Callable[[], None]] = deque()
        self._has_work = threading.Condition()
        self._threads = 0
        self._idle = 0

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns, called in a thread, in the caller's context.

        Where the caller is cancelled, a function that waits for a thread is not called any more,
        and one that runs is left alone.

        Raises:
            Exception: Whatever the function raises; what is no `Exception` (`SystemExit`) or ends
                a coroutine (`StopIteration`) comes as a `RuntimeError`.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        context = contextvars.copy_context()

        def work() -> None:
            if future.cancelled():
                return
            try:
                result = context.run(function, *args, **kwargs)
            except BaseException as exc:
                _tell(loop, future, future.set_exception, _raisable(exc))
            else:
                _tell(loop, future, future.set_result, result)

        self.start(work)
        return await future

    def start(self, work: Callable[[], None]) -> None:
        """Have a function called in a thread, when one is free; nobody learns how it ends."""
        with self._has_work:
            self._work.append(work)
            if self._idle >= len(self._work):
                self._has_work.notify()
            elif self._threads < self._most:
                self._threads += 1
                threading.Thread(target=self._run, name="echochat reply", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._has_work:
                self._idle += 1
                has_work = self._has_work.wait_for(lambda: self._work, _IDLE_SECONDS)
                self._idle -= 1
                if not has_work:
                    self._threads -= 1
                    return
                work = self._work.popleft()
            work()
            # What the work held on to, a generator or a message, is not kept until the next one.
            del work


def _raisable(exc: BaseException) -> Exception:
    if isinstance(exc, Exception) and not isinstance(exc, StopIteration):
        return exc
    raised = RuntimeError(f"the function raised {type(exc).__name__}")
    raised.__cause__ = exc
    return raised


def _tell(
    loop: asyncio.AbstractEventLoop,
    future: "asyncio.Future[Any]",
    tell: Callable[[Any], None],
    outcome: object,
) -> None:
    def tell_if_awaited() -> None:
        if not future.done():
            tell(outcome)

    try:
        loop.call_soon_threadsafe(tell_if_awaited)
    except RuntimeError:
        # The loop was closed meanwhile: there is nobody left to be told.
        return
