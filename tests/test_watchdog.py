"""Clients that take nothing are noticed, and nobody else is."""

import asyncio
import gc
import weakref
from functools import partial
from typing import Any

from fastapi_echochat.sender import Sender
from fastapi_echochat.watchdog import Watchdog
from tests.waiting import in_loop, until


async def take_nothing(_: Any) -> None:
    await asyncio.Event().wait()


async def take_in_a_moment(_: Any) -> None:
    await asyncio.sleep(0)


@in_loop
async def test_who_takes_nothing_is_given_up_once() -> None:
    """Of clients that take nothing, take something now and then, or are sent nothing, the first."""
    given_up: list[str] = []

    async def talk(sender: Sender) -> None:
        while True:
            await sender.send("word")

    watchdog = Watchdog(0.02)
    deaf, slow, idle = Sender(take_nothing), Sender(take_in_a_moment), Sender(take_nothing)
    for name, sender in {"deaf": deaf, "slow": slow, "idle": idle}.items():
        watchdog.add(sender, partial(given_up.append, name))
    tasks = [asyncio.create_task(talk(deaf)), asyncio.create_task(talk(slow))]
    await until(lambda: bool(given_up), "one is given up")
    await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)

    assert given_up == ["deaf"]


@in_loop
async def test_who_comes_later_is_watched_too() -> None:
    """After the last has left, the next who takes nothing is noticed as well."""
    given_up: list[str] = []

    watchdog = Watchdog(0.02)
    for name in ("first", "second"):
        sender = Sender(take_nothing)
        watchdog.add(sender, partial(given_up.append, name))
        sending = asyncio.create_task(sender.send("word"))
        await until(partial(given_up.__contains__, name), "it is given up")
        sending.cancel()
        await asyncio.wait([sending])
        watchdog.remove(sender)

    assert given_up == ["first", "second"]


def test_a_loop_that_has_ended_is_forgotten() -> None:
    """A watchdog of an event loop keeps nothing of it when they have left."""
    watchdog, loop = Watchdog(20.0), asyncio.new_event_loop()

    async def visit() -> None:
        sender = Sender(take_in_a_moment)
        watchdog.add(sender, lambda: None)
        await sender.send("word")
        watchdog.remove(sender)

    loop.run_until_complete(visit())
    loop.close()
    ended = weakref.ref(loop)
    del loop
    gc.collect()

    assert ended() is None
