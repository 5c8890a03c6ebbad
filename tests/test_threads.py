"""Threads for functions that block: bounded, shared out fairly, and nothing left behind."""

import asyncio
import contextvars
import gc
import threading
import time
import weakref
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from fastapi_echochat import Limits, MemoryRooms, Message
from fastapi_echochat.replies import Replier
from fastapi_echochat.threads import Share, Threads
from tests.apps import make_app
from tests.clients import Client
from tests.conftest import Serve
from tests.waiting import PATIENCE, in_loop, until

WHO = contextvars.ContextVar("WHO", default="nobody")


@pytest.fixture
def go_on() -> Iterator[threading.Event]:
    """Functions that wait for it end with the test, so that no thread is left."""
    event = threading.Event()
    yield event
    event.set()


def message(text: str) -> Message:
    return Message("1", text, None, datetime.now(timezone.utc))


async def stop(tasks: list["asyncio.Task[Any]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@in_loop
async def test_forty_stopped_answers_hold_up_nobody(go_on: threading.Event) -> None:
    """Who sends and stops 40 messages has ten threads blocked; another is answered at once."""
    begun: list[str] = []

    def reply(message: Message) -> str:
        begun.append(message.text)
        if message.text != "quick":
            go_on.wait(25)
        return message.text

    replier = Replier(reply, 40, has_dependencies=False)
    one, other = replier.bind({}), replier.bind({})
    for number in range(40):
        answer = asyncio.create_task(one(message(str(number))))
        await asyncio.sleep(0.01)
        await stop([answer])
    for _ in range(20):
        assert await asyncio.wait_for(other(message("quick")), 5) == "quick"
    assert len(begun) == 10 + 20


@pytest.mark.parametrize("has_rooms", [False, True])
def test_a_session_that_sends_and_stops(
    serve: Serve, go_on: threading.Event, has_rooms: bool
) -> None:
    """One client's stopped functions block a quarter of the threads; others have the rest."""

    def reply(message: Message) -> str:
        if message.text == "slow":
            go_on.wait(25)
        return message.text

    rooms = MemoryRooms() if has_rooms else None
    app = make_app(reply, prefix="/{room}", limits=Limits(reply_threads=4), rooms=rooms)
    server = serve(app)
    one, other = (
        Client(server.url(f"/{name}/ws", "ws"), name, enters=has_rooms) for name in ("one", "other")
    )
    for _ in range(10):
        stopped = one.say("slow")
        time.sleep(0.05)  # So that it has begun, if it has a thread.
        one.stop(stopped)
        if has_rooms:
            assert one.answer()["outcome"] == "stopped"
        else:
            assert one.hear("error")["code"] == "stopped"
    for _ in range(3):
        other.say("quick")
        answer = other.answer() if has_rooms else other.hear("reply")
        assert answer["text"] == "quick"
    go_on.set()
    one.leave()
    other.leave()


def test_one_share_never_has_more_than_its_part(go_on: threading.Event) -> None:
    """A share runs a quarter of the threads at a time, at least one, and the rest in order."""
    running, peak, done = 0, 0, list[int]()
    lock = threading.Lock()

    def work(number: int) -> None:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        # Each waits until as many run as may.
        together.wait(PATIENCE)
        with lock:
            running -= 1
            done.append(number)

    async def use(most: int, count: int) -> None:
        share = Threads(most).share()
        await asyncio.gather(*(share.call(work, number) for number in range(count)))

    for most, part in ((1, 1), (3, 1), (7, 1), (8, 2), (40, 10)):
        peak = 0
        done.clear()
        together = threading.Barrier(part)
        asyncio.run(use(most, 30))
        assert peak == part
        assert sorted(done) == list(range(30))
        if part == 1:
            assert done == list(range(30))


@in_loop
async def test_shares_take_turns(go_on: threading.Event) -> None:
    """One who has a thousand functions waiting lets every other one be called after one of them."""
    order: list[str] = []
    first = threading.Event()

    def block() -> None:
        first.set()
        go_on.wait(10)

    threads = Threads(1)
    shares = [threads.share() for _ in range(3)]
    calls = [asyncio.create_task(shares[0].call(block))]
    await asyncio.to_thread(first.wait)
    calls += [asyncio.create_task(shares[0].call(order.append, "a")) for _ in range(1000)]
    await asyncio.sleep(0.05)
    for share, name in zip(shares[1:], "bc", strict=True):
        calls += [asyncio.create_task(share.call(order.append, name)) for _ in range(2)]
    await asyncio.sleep(0.05)
    go_on.set()
    await asyncio.gather(*calls)

    assert sorted(order[:6]) == ["a", "a", "b", "b", "c", "c"]
    assert sorted(order[:3]) == ["a", "b", "c"]
    assert len(order) == 1004


@pytest.mark.parametrize("has_shares", [True, False])
@in_loop
async def test_cancelled_before_it_began(go_on: threading.Event, has_shares: bool) -> None:
    """Work whose caller was cancelled leaves the queue at once, with what it holds."""

    class Held:
        def use(self) -> None:
            raise AssertionError("called though cancelled")

    threads = Threads(1)
    share: Share | Threads = threads.share() if has_shares else threads
    blocked = asyncio.create_task(share.call(go_on.wait, 10))
    held = [Held() for _ in range(100)]
    references = [weakref.ref(each) for each in held]
    waiting = [asyncio.create_task(share.call(each.use)) for each in held]
    after = asyncio.create_task(share.call(lambda: "after"))
    await asyncio.sleep(0.05)
    held.clear()

    await stop(waiting)

    waiting.clear()
    await asyncio.sleep(0)  # Until then the loop holds what woke this task up.
    gc.collect()
    assert [reference() for reference in references] == [None] * 100
    assert not blocked.done()
    go_on.set()
    assert await asyncio.wait_for(after, 10) == "after"
    assert await blocked


@in_loop
async def test_threads_are_bounded_and_used_again(go_on: threading.Event) -> None:
    """However many shares there are, so many threads run at most, and all work is done."""
    names: set[str | int] = set()

    def work() -> None:
        names.add(threading.get_ident())
        time.sleep(0.001)

    threads = Threads(5)
    shares = [threads.share() for _ in range(50)]
    before = threading.active_count()
    calls = [asyncio.create_task(share.call(work)) for share in shares for _ in range(20)]
    await asyncio.sleep(0.02)
    assert threading.active_count() <= before + 5
    await asyncio.wait_for(asyncio.gather(*calls), 30)

    assert 1 < len(names) <= 5


@in_loop
async def test_any_argument_of_the_function() -> None:
    """A function's own parameters may have any name, such as those that threads have."""

    def reply(message: Message, self: str, function: str, share: str, work: str) -> str:
        return f"{message.text} {self} {function} {share} {work}"

    values = {"self": "a", "function": "b", "share": "c", "work": "d"}
    replier = Replier(reply, 1, has_dependencies=False)
    assert await replier.bind(values)(message("x")) == "x a b c d"


@in_loop
async def test_steps_of_a_generator_have_one_context() -> None:
    """What a generator's first step sets is there in its next ones and its end; not outside."""
    seen: list[str] = []

    def reply(message: Message) -> Iterator[str]:
        token = WHO.set(f"{WHO.get()} and {message.text}")
        try:
            for _ in range(3):
                yield WHO.get()
        finally:
            seen.append(WHO.get())
            WHO.reset(token)
            seen.append(WHO.get())

    replier = Replier(reply, 4, has_dependencies=False)
    WHO.set("Ada")
    answers = [replier.bind({})(message(text)) for text in "ab"]
    WHO.set("somebody else")
    for text, answer in zip("ab", answers, strict=True):
        assert await anext(answer) == f"Ada and {text}"
    for text, answer in zip("ab", answers, strict=True):
        assert await anext(answer) == f"Ada and {text}"
    assert [piece async for piece in answers[0]] == ["Ada and a"]
    assert seen == ["Ada and a", "Ada"]
    await answers[1].aclose()
    await until(lambda: len(seen) == 4, "the generator is closed")
    assert seen[2:] == ["Ada and b", "Ada"]
    assert WHO.get() == "somebody else"


@in_loop
async def test_generator_that_is_stopped_while_it_blocks(go_on: threading.Event) -> None:
    """A step that goes on after its answer was stopped closes the generator, whatever it yields."""
    begun, ended = threading.Event(), threading.Event()

    def reply(message: Message) -> Iterator[Any]:
        try:
            begun.set()
            go_on.wait(10)
            yield None
        finally:
            ended.set()

    replier = Replier(reply, 1, has_dependencies=False)
    call: Any = replier.bind({})
    answer: Any = call(message("x"))
    step = asyncio.create_task(answer.__anext__())
    await asyncio.to_thread(begun.wait)
    # Those of the same share that are stopped before they begin leave nothing to do either.
    others: list[Any] = [call(message("y")) for _ in range(5)]
    steps = [asyncio.create_task(each.__anext__()) for each in others]
    await asyncio.sleep(0.05)
    await stop([step, *steps])
    (share,) = (part for part in call.args if isinstance(part, Share))
    assert not share.work
    assert not ended.is_set()
    go_on.set()
    await until(ended.is_set, "the generator is closed")


@in_loop
async def test_what_a_function_raises() -> None:
    """An exception arrives as itself; what would end a server or a coroutine as RuntimeError."""

    def fail(exc: BaseException) -> None:
        raise exc

    share = Threads(1).share()
    with pytest.raises(KeyError):
        await share.call(fail, KeyError("x"))
    for exc in (SystemExit(3), StopIteration(), KeyboardInterrupt(), asyncio.CancelledError()):
        with pytest.raises(RuntimeError, match=type(exc).__name__) as raised:
            await share.call(fail, exc)
        assert raised.value.__cause__ is exc
    assert await share.call(lambda: "still here") == "still here"


@in_loop
async def test_no_more_threads(monkeypatch: pytest.MonkeyPatch, go_on: threading.Event) -> None:
    """A system without a thread to spare gives an error if there is none, else a later turn."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threads = Threads(4)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            await threads.share().call(print, "never printed")
    blocked = asyncio.create_task(threads.share().call(go_on.wait, 10))
    await asyncio.sleep(0.05)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        later = asyncio.create_task(threads.share().call(lambda: "later"))
        await asyncio.sleep(0.05)
    go_on.set()
    assert await asyncio.wait_for(later, 10) == "later"
    assert await blocked


@in_loop
async def test_idle_threads_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread without work ends after a while, and work that comes later has a new one."""
    monkeypatch.setattr("fastapi_echochat.threads._IDLE_SECONDS", 0.05)

    threads = Threads(2)
    for _ in range(2):
        thread = await threads.call(threading.current_thread)
        await until(lambda: not thread.is_alive(), "the thread ends")  # noqa: B023 - awaited here
