"""One answer, without a session: how it ends, and what that ends."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from fastapi_echochat import Message
from fastapi_echochat.answer import Answer
from tests.waiting import in_loop

ENDS: dict[str, Callable[[Answer], object]] = {
    "returned": lambda answer: answer.settle("text"),
    "raised": lambda answer: answer.fail(ValueError()),
    "stopped": lambda answer: answer.decide("stopped"),
}


@pytest.mark.parametrize("how", ENDS)
def test_timer_ends_with_the_answer(how: str) -> None:
    """Of an answer that has ended no timer is left, which would keep it for as long as it runs."""

    @in_loop
    async def check() -> None:
        answer = Answer(Message("1", "hello", None, datetime.now(timezone.utc)))
        timer = answer.timer = asyncio.get_running_loop().call_later(60, print)
        ENDS[how](answer)
        assert timer.cancelled()

    check()
