"""Threads for functions that block, shared out fairly."""

import asyncio
import contextlib
import contextvars
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Seconds after which a thread without work ends.
_IDLE_SECONDS = 10.0
# One share never has more than one thread in so many.
_SHARES = 4


class Threads:
    """Daemon threads, a bounded number at a time, that take turns between shares.

    Python waits at its exit for the threads of anyio and of `concurrent.futures`, so a reply
    function that blocks its thread would hold up the end of the server; and a thread of theirs
    whose caller was cancelled no longer counts, so clients that leave could have any number of
    them. Here a thread counts until its function has returned, and none is waited for at exit.

    Args:
        most: How many functions run at a time; others wait their turn.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # The shares that have work and may have another thread, each of them once.
        self._line: deque[Share] = deque()
        self._has_work = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._everything = Share(self, most)

    def share(self) -> "Share":
        """Return a share for one of those who use these threads: a quarter, but one at least."""
        return Share(self, max(1, self._most // _SHARES))

    async def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns, called in any of the threads; as `Share.call`."""
        return await self._everything.call(function, *args, **kwargs)

    def start(self, work: Callable[[], None]) -> None:
        """Have a function called in any of the threads; as `Share.start`."""
        self._everything.start(work)

    def add(self, share: "Share", work: Callable[[], None]) -> None:
        """Have work done when it is its share's turn.

        Raises:
            RuntimeError: The system has no thread for it, and there is none here.
        """
        with self._has_work:
            share.work.append(work)
            try:
                self._line_up(share)
            except RuntimeError:
                share.work.remove(work)
                raise

    def remove(self, share: "Share", work: Callable[[], None]) -> None:
        """Take work back that has not begun."""
        with self._has_work, contextlib.suppress(ValueError):
            share.work.remove(work)

    def _line_up(self, share: "Share") -> None:
        if share.is_in_line or not share.work or share.running >= share.most:
            return
        if self._idle > len(self._line):
            self._has_work.notify()
        elif self._threads < self._most:
            thread = threading.Thread(target=self._run, name="echochat reply", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # The system has no more; those that run will come to it.
                if not self._threads:
                    raise
            else:
                self._threads += 1
        share.is_in_line = True
        self._line.append(share)

    def _run(self) -> None:
        share: Share | None = None
        while True:
            with self._has_work:
                self._idle += 1
                if share is not None:
                    share.running -= 1
                    self._line_up(share)
                    # What a share or its work holds, such as a message, is not kept while idle.
                    share = None
                has_work = self._has_work.wait_for(lambda: self._line, _IDLE_SECONDS)
                self._idle -= 1
                if not has_work:
                    self._threads -= 1
                    return
                share = self._line.popleft()
                share.is_in_line = False
                share.running += 1
                # There is none when its callers were cancelled.
                work = share.work.pop(0) if share.work else _do_nothing
                self._line_up(share)
            work()
            del work


class Share:
    """What one of several users of the same threads may have of them at a time.

    Work beyond that waits until a function of the same share has returned, and holds up nobody
    else's.

    Args:
        threads: The threads.
        most: How many of them.
    """

    __slots__ = ("_threads", "is_in_line", "most", "running", "work")

    def __init__(self, threads: Threads, most: int) -> None:
        self._threads = threads
        self.most = most
        # The rest is the threads', which change it under their lock. An empty list is a tenth of an
        # empty deque, and each session has a share.
        self.work: list[Callable[[], None]] = []
        self.running = 0
        self.is_in_line = False

    async def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns, called in a thread, in a copy of the caller's context.

        When the caller is cancelled, a function that waits for a thread is forgotten at once, and
        one that runs is left alone.

        Raises:
            RuntimeError: The function raised what is not an `Exception` (`SystemExit`) or would
                end a coroutine (`StopIteration`); or the system has no thread for it.
            Exception: Anything else that the function raises.
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
                _settle(loop, future, future.set_exception, _raisable(exc))
            else:
                _settle(loop, future, future.set_result, result)

        self._threads.add(self, work)
        try:
            return await future
        finally:
            if future.cancelled():
                self._threads.remove(self, work)

    def start(self, work: Callable[[], None]) -> None:
        """Have a function called in a thread, when there is one; nobody learns how it ends.

        Args:
            work: The function. It raises nothing.
        """
        self._threads.add(self, work)


def _do_nothing() -> None:
    pass


def _raisable(exc: BaseException) -> Exception:
    if isinstance(exc, Exception) and not isinstance(exc, StopIteration):
        return exc
    raised = RuntimeError(f"the function raised {type(exc).__name__}")
    raised.__cause__ = exc
    return raised


def _settle(
    loop: asyncio.AbstractEventLoop,
    future: "asyncio.Future[Any]",
    settle: Callable[[Any], None],
    outcome: object,
) -> None:
    def settle_if_awaited() -> None:
        if not future.done():
            settle(outcome)

    try:
        loop.call_soon_threadsafe(settle_if_awaited)
    except RuntimeError:
        # The loop was closed meanwhile: there is nobody left to be told.
        return
