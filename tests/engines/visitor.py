"""What somebody does with a chat page in any browser, and what they read on it."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.engines.tab import ENTER, Tab
from tests.waiting import PATIENCE, wait_until

_VISIBLE = """selector => Array.from(document.querySelectorAll(selector))
    .filter(element => element.checkVisibility({ visibilityProperty: true }))
    .map(element => element.textContent)"""


class Visitor:
    """Somebody in front of a page that is a chat, or before a frame that shows one.

    Args:
        tab: What they see.
    """

    def __init__(self, tab: Tab) -> None:
        self.tab = tab

    def is_connected(self) -> None:
        """Wait for it."""
        self.sees_of("document.querySelector('#echochat')?.dataset.state", "open")

    def types(self, text: str) -> None:
        """Write it at the end of what is in the field, key by key."""
        # A second click in a short time would select what is there.
        if self.tab.evaluate("() => document.activeElement.id") != "echochat-field":
            self.tab.click("#echochat-field")
        self.tab.press(text)

    def says(self, text: str) -> None:
        self.types(f"{text}{ENTER}")

    def joins(self, name: str) -> None:
        """Say what one is called, and be let in."""
        self.sees("#echochat-name", "")
        self.tab.click("#echochat-name")
        self.tab.press(f"{name}{ENTER}")
        self.sees("#echochat-field", "")

    def reads(self, *texts: str) -> None:
        """Wait until these are all the messages that are seen, in this order."""
        self.sees("#echochat-log li:not(.mark) p", *texts)

    def sees(self, selector: str, *texts: str) -> None:
        """Wait until of all the elements that are meant those are visible that have these texts."""
        self._waits(lambda: self.tab.evaluate(_VISIBLE, selector), list(texts), PATIENCE)

    def sees_of(self, expression: str, value: object, seconds: float = PATIENCE) -> None:
        """Wait until an expression has a value."""
        self._waits(lambda: self.tab.evaluate(f"() => {expression}"), value, seconds)

    @staticmethod
    def _waits(look: Callable[[], Any], expected: object, seconds: float) -> None:
        seen: list[object] = [None]

        def is_there() -> bool:
            seen[0] = look()
            return seen[0] == expected

        with contextlib.suppress(pytest.fail.Exception):
            wait_until(is_there, "", seconds)
        if seen[0] != expected:
            pytest.fail(f"{expected!r} was not seen for {seconds} s, and at last {seen[0]!r}")
