"""One call of the reply function, and how it ends."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from .protocol.messages import Message
from .replies import Call, check_text
from .sender import EndedError

Outcome = Literal["done", "stopped", "failed"]
"""How an answer ended."""

Emit = Callable[[str], Awaitable[None]]
"""Passes a piece of an answer on."""


class Answer:
    """The answer to one message.

    How it ends is decided once: by the function, by a Stop, by the clock or by the end of its
    session. What the function does after that is nobody's business, whether it notices its
    cancellation or, as a library below it may, swallows that and goes on.

    Args:
        message: What is answered.
        task: In which `run` is called, if not in one of its own.

    Attributes:
        message: What is answered.
        outcome: How it ended, `None` while it has not.
        error: What the function raised, if that is how it ended.
        task: In which it runs; `decide` cancels it.
        timer: Ends an answer that takes too long, if anything does; cancelled when it has ended.
    """

    __slots__ = ("error", "message", "outcome", "task", "timer")

    def __init__(self, message: Message, task: "asyncio.Task[Any] | None" = None) -> None:
        self.message = message
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None
        self.task = task
        self.timer: asyncio.TimerHandle | None = None

    def decide(self, outcome: Outcome) -> bool:
        """End the answer from outside, and tell whether it had not ended before."""
        if self.outcome is not None:
            return False
        self._end(outcome)
        if self.task is not None:
            self.task.cancel()
        return True

    async def run(self, call: Call) -> str:
        """Call a function that returns its answer, and return that; "" if there is none.

        Args:
            call: The function, as its session has it.
        """
        try:
            return self.settle(await call(self.message))
        except (Exception, asyncio.CancelledError) as exc:
            return self.fail(exc)

    def settle(self, text: object) -> str:
        """Return what a function has returned, which ends the answer unless it had ended before.

        Raises:
            TypeError: It is no text.
            UnicodeEncodeError: It is text that cannot be sent.
        """
        checked = check_text(text)
        if self.outcome is None:
            self._end("done")
        return checked

    async def stream(self, call: Call, emit: Emit | None) -> str:
        """Call a function that yields pieces of its answer, and return what was not passed on.

        Args:
            call: The function, as its session has it.
            emit: Called with each piece; without it the pieces are returned together.

        Raises:
            EndedError: Of `emit`.
        """
        kept: list[str] = []
        try:
            async with contextlib.aclosing(call(self.message)) as pieces:
                async for piece in pieces:
                    text = check_text(piece)
                    if self.outcome is not None:
                        break
                    if emit is None:
                        kept.append(text)
                    else:
                        await emit(text)
        except EndedError:
            raise
        except (Exception, asyncio.CancelledError) as exc:
            return self.fail(exc)
        return self.settle("".join(kept))

    def fail(self, exc: BaseException) -> str:
        """Return the answer of a function that has raised: none."""
        # A cancellation that nobody here has decided on is one of the function's own.
        if self.outcome is None:
            self._end("failed")
            self.error = exc
        return ""

    def _end(self, outcome: Outcome) -> None:
        self.outcome = outcome
        if self.timer is not None:
            self.timer.cancel()
