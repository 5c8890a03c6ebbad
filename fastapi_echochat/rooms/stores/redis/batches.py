"""Commands on their way to Redis: those of one moment go together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from ..outage import Outage


class Command(NamedTuple):
    """A command.

    Attributes:
        arguments: Its name, and what follows.
        refusal: Begins if Redis refuses it.
    """

    arguments: tuple[Any, ...]
    refusal: Outage


_Waiting = tuple[Command, asyncio.Future[Any]]


class Batches:
    """Sends commands together, in so many batches at a time; the others wait for one to end.

    By itself each command would take a connection from its pool and give it back, wait for its own
    answer, and be written to a socket alone: that costs several times what the command does. And a
    pool gives up after some seconds those who wait for a connection; here they wait as long as
    those before them are answered, and no longer.

    Args:
        send: Returns the answer to each of some commands, or the exception that it ends with.
        most: How many batches are under way at a time.
        longest: How many commands go together.
    """

    def __init__(
        self, send: Callable[[list[Command]], Awaitable[list[Any]]], most: int, longest: int
    ) -> None:
        self._send = send
        self._longest = longest
        self._free = most
        self._is_due = False
        self._waiting: deque[_Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, command: Command) -> Any:
        """Return the answer to a command.

        Raises:
            Exception: The one that it ends with, or that `give_up` was called with meanwhile.
        """
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        self._waiting.append((command, answer))
        if self._free and not self._is_due:
            self._is_due = True
            loop.call_soon(self._start)
        return await answer

    def give_up(self, reason: str, kind: type[Exception]) -> None:
        """Let all commands go that are not sent yet, with an exception of their own."""
        waiting, self._waiting = self._waiting, deque()
        for _, answer in waiting:
            _settle(answer, kind(reason))

    def _start(self) -> None:
        self._is_due = False
        while self._free and (batch := self._take()):
            self._free -= 1
            # In a task of its own, for redis-py (8.1) now and then loses a cancellation, and the
            # caller would not end. It also saves the connection, which redis-py closes when a
            # command is cut off.
            task = asyncio.ensure_future(self._run(batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < self._longest:
            command, answer = self._waiting.popleft()
            if not answer.done():  # And its caller has not been cancelled.
                batch.append((command, answer))
        return batch

    async def _run(self, batch: list[_Waiting]) -> None:
        try:
            settled = await self._send([command for command, _ in batch])
            for (_, answer), outcome in zip(batch, settled, strict=True):
                _settle(answer, outcome)
        except Exception as exc:  # A fault in this program.
            for _, answer in batch:
                _settle(answer, exc)
        finally:
            for _, answer in batch:
                answer.cancel()  # Where this task was: the event loop ends.
            self._free += 1
            self._start()


def _settle(answer: asyncio.Future[Any], outcome: Any) -> None:
    if answer.done():
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
