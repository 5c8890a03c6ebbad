"""How tests wait for what must come, and for how long."""

import asyncio
import functools
import os
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

_FACTOR = float(os.environ.get("ECHOCHAT_PATIENCE", "1"))


def patient(seconds: float) -> float:
    """Return how long something may take here: on a slow machine `ECHOCHAT_PATIENCE=3` times."""
    return seconds * _FACTOR


PATIENCE = patient(15)
"""Seconds after which a test gives up waiting for what must come."""

# One for all: each takes a twentieth of a second to make, with all the authorities in it.
get = functools.partial(httpx.get, timeout=PATIENCE, verify=ssl.create_default_context())


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain until {what}")
        time.sleep(0.02)


async def until(condition: Callable[[], bool], what: object, seconds: float = PATIENCE) -> None:
    """Wait for a condition, in an event loop."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain until {what}")
        await asyncio.sleep(0.01)


async def settle() -> None:
    """Let all that is ready in this event loop go on."""
    for _ in range(100):
        await asyncio.sleep(0)


def in_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test in an event loop, and see that it leaves no task behind in it."""

    @functools.wraps(test)
    def run(*arguments: Any, **options: Any) -> None:
        async def check() -> None:
            await test(*arguments, **options)
            await settle()
            assert len(asyncio.all_tasks()) == 1, "a task is left"

        asyncio.run(check())

    return run
