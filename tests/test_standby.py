"""A session reads on while a message takes long, and that costs nothing while none does."""

import asyncio
import contextvars
import gc
import weakref

import pytest
from websockets.sync.client import connect

from fastapi_echochat import Limits, Message
from fastapi_echochat.standby import Reader, Standby, running_standby
from tests.apps import make_app
from tests.clients import Client
from tests.conftest import Serve
from tests.waiting import PATIENCE, in_loop, until

SPAN: contextvars.ContextVar[str] = contextvars.ContextVar("SPAN", default="nothing")


class Session(Reader):
    """Counts how often it was told to read on."""

    def __init__(self) -> None:
        self.relieved = 0

    def read_on(self) -> None:
        self.relieved += 1


def begin(standby: Standby, reader: Reader) -> None:
    standby.at_work[reader] = False
    if standby.timer is None:
        standby.start_timer()


@in_loop
async def test_one_whose_message_takes_long_reads_on_once() -> None:
    """Of two at work, the one that is at the same message still is relieved, and that once."""
    standby, slow, quick = Standby(), Session(), Session()
    begin(standby, slow)
    for _ in range(10):
        begin(standby, quick)
        await asyncio.sleep(0.01)
        standby.at_work.pop(quick, None)
    await until(lambda: slow.relieved == 1, "the slow one is relieved")
    await asyncio.sleep(0.1)
    assert (slow.relieved, quick.relieved) == (1, 0)
    assert standby.timer is None


@in_loop
async def test_one_that_ends_is_not_relieved() -> None:
    """A session that ends in the midst of a message leaves no timer behind."""
    standby, session = Standby(), Session()
    begin(standby, session)
    standby.remove(session)
    assert standby.timer is None
    await asyncio.sleep(0.1)
    assert session.relieved == 0


def test_loop_that_is_closed_is_freed() -> None:
    """An event loop has one standby, which does not keep the loop in memory."""

    async def use() -> Standby:
        assert running_standby() is running_standby()
        session = Session()
        begin(running_standby(), session)
        running_standby().remove(session)
        return running_standby()

    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    assert first.run_until_complete(use()) is not second.run_until_complete(use())
    freed = weakref.ref(first)
    first.close()
    second.close()
    del first
    gc.collect()
    assert freed() is None


async def count_tasks(message: Message) -> str:
    await asyncio.sleep(float(message.text))
    return str(len(asyncio.all_tasks()))


def test_function_that_waits_for_a_moment_costs_no_task(serve: Serve) -> None:
    """While a function waits for a millisecond no task is made; if it waits for long, one is."""
    with connect(serve(make_app(count_tasks)).ws()) as websocket:

        def ask(text: str) -> str | bytes:
            websocket.send(text)
            return websocket.recv(PATIENCE)

        at_once, in_a_moment, long, again = map(ask, ("0", "0.001", "0.2", "0.001"))
    assert at_once == in_a_moment == again
    assert int(long) == int(at_once) + 1


async def trace(message: Message) -> str:
    outer = SPAN.get()
    token = SPAN.set(f"{outer}/{message.text}")
    await asyncio.sleep(float(message.text))
    SPAN.reset(token)
    return f"of {outer}"


@pytest.mark.parametrize("seconds", ["0", "0.2"])
def test_span_of_a_message_ends_with_it(serve: Serve, seconds: str) -> None:
    """A context variable that a function sets and resets, as tracers do, is not the next one's."""
    with connect(serve(make_app(trace)).ws()) as websocket:
        for _ in range(3):
            websocket.send(seconds)
            assert websocket.recv(PATIENCE) == "of nothing"


async def wait_long(message: Message) -> str:
    await asyncio.sleep(30)
    return "too late"


def test_answer_that_is_overdue_before_another_reads(serve: Serve) -> None:
    """A time-out that is shorter than that moment ends an answer, and the next is answered."""
    server = serve(make_app(wait_long, limits=Limits(reply_seconds=0.005)))
    with Client(server.ws(), enters=False) as ada:
        for number in "123":
            ada.say("wait", number)
            error = ada.hear("error")
            assert (error["code"], error["in_reply_to"]) == ("reply_failed", number)
        assert ada.is_alive()
