"""What one client thinks of answers, on its way to the function of the host's."""

import asyncio
from collections.abc import Coroutine
from time import monotonic
from typing import Any, Protocol

from .exchanges import Exchange
from .feedback import Judge
from .limits import Limits
from .protocol.frames import ErrorFrame, FeedbackFrame, JudgedFrame, ServerFrame, Verdict
from .rate import Rate
from .sender import EndedError
from .session_log import SessionLog

# More than anybody presses while one is being passed on.
_MOST_WAITING = 16
# Who gives a verdict and leaves has given it: so long it is passed on without a session.
_LAST_SECONDS = 10.0
_NO_FEEDBACK = ErrorFrame(code="bad_frame", detail="this chat asks for no feedback")


class ExchangeUnavailableError(Exception):
    """Nobody can say now whether there is such an answer; ask again."""


class Judging(Protocol):
    """A session, as what is judged in it knows it."""

    @property
    def log(self) -> SessionLog:
        """The package's logger, in this session's name."""

    async def find_exchange(self, answer_id: str | int) -> Exchange | None:
        """Return a message and its answer, if the client may see one of this id.

        Raises:
            ExchangeUnavailableError: Ask again.
        """

    async def tell(self, frame: ServerFrame) -> None:
        """Send a frame."""

    def start_task(self, coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Return a new task, in the session's context."""


class Verdicts:
    """Passes a client's verdicts on, one at a time and no faster than messages.

    Of two on the same answer that wait the later counts.

    Args:
        judge: The host's function, if there is one.
        limits: Says how fast.
        session: The client's.
    """

    __slots__ = ("_is_finishing", "_judge", "_rate", "_session", "_task", "_waiting")

    def __init__(self, judge: Judge | None, limits: Limits, session: Judging) -> None:
        self._judge = judge
        self._session = session
        self._rate: Rate | None = None
        if limits.messages_per_second is not None:
            self._rate = Rate(limits.messages_per_second, limits.burst)
        self._waiting: dict[str | int, Verdict] = {}
        self._is_finishing = False
        self._task: asyncio.Task[None] | None = None

    async def add(self, frame: FeedbackFrame) -> None:
        """Have a verdict passed on, or tell why that cannot be."""
        if self._judge is None:
            await self._session.tell(_NO_FEEDBACK)
        elif frame.id not in self._waiting and len(self._waiting) >= _MOST_WAITING:
            detail = f"{_MOST_WAITING} verdicts wait already: wait until one is acknowledged"
            await self._session.tell(
                ErrorFrame(code="too_many_verdicts", detail=detail, in_reply_to=frame.id)
            )
        else:
            self._waiting[frame.id] = frame.verdict
            if self._task is None:
                self._task = self._session.start_task(self._work(self._judge))

    def finish(self) -> None:
        """Pass on what waits, if that is soon done: the session is over."""
        self._is_finishing = True
        if self._task is not None:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(_LAST_SECONDS, self._task.cancel)
            self._task.add_done_callback(lambda _: timer.cancel())

    async def _work(self, judge: Judge) -> None:
        while self._waiting:
            if self._rate is not None:
                due = self._rate.admit(monotonic())
                await asyncio.sleep(max(0.0, due - monotonic()))
            answer_id = next(iter(self._waiting))
            answered = await self._pass_on(judge, answer_id, self._waiting.pop(answer_id))
            try:
                await self._session.tell(answered)
            except EndedError:
                continue  # Nobody hears of it, and the host's function does all the same.
        self._task = None

    async def _pass_on(
        self, judge: Judge, answer_id: str | int, verdict: Verdict
    ) -> JudgedFrame | ErrorFrame:
        failed = ErrorFrame(
            code="feedback_failed", detail="the verdict was not taken", in_reply_to=answer_id
        )
        try:
            exchange = await self._session.find_exchange(answer_id)
            if exchange is None:
                return ErrorFrame(
                    code="unknown_answer", detail="there is no such answer", in_reply_to=answer_id
                )
            await judge(exchange.message, exchange.answer, verdict)
        except ExchangeUnavailableError:
            return failed
        except (Exception, asyncio.CancelledError) as exc:
            # A cancellation that is not ours is one of the function's own.
            if self._is_finishing and isinstance(exc, asyncio.CancelledError):
                raise
            self._session.log.error("the function of feedback= failed", exc_info=exc)
            return failed
        return JudgedFrame(id=answer_id, verdict=verdict)
