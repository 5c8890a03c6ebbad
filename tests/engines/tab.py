"""A tab of a browser that speaks WebDriver, and a frame in it.

The protocols are few commands here, and two libraries that all the tests have anyway speak them.
"""

import abc
import json
from collections.abc import Callable
from typing import Any

# WebDriver, section 17.4.2: the code points that stand for keys without a character.
ENTER = "\ue007"
ESCAPE = "\ue00c"


class Tab(abc.ABC):
    """What one can do with a page, or with a frame of it, in any engine."""

    @abc.abstractmethod
    def go(self, url: str) -> None:
        """Load an address, and wait until it is loaded."""

    @abc.abstractmethod
    def travel(self, step: int) -> None:
        """Go to the page before this one (-1) or after it (1)."""

    @abc.abstractmethod
    def frame(self) -> "Tab":
        """Return the first frame of this page, wherever in it that is."""

    @abc.abstractmethod
    def picture(self) -> bytes:
        """Return what is seen of the page, as PNG."""

    def print(self) -> bytes:
        """Return the page as it is on paper, as PDF, where the browser can be asked for it."""
        raise NotImplementedError

    @abc.abstractmethod
    def close(self) -> None:
        """Close it."""

    @abc.abstractmethod
    def release(self) -> None:
        """Release the keys that are still pressed."""

    @abc.abstractmethod
    def _run(self, script: str) -> str:
        """Run the body of an asynchronous function, and return the text that it returns."""

    @abc.abstractmethod
    def _act(self, actions: list[dict[str, Any]]) -> None:
        """Perform actions of keys and pointers (WebDriver, section 17.5)."""

    def _corner(self) -> tuple[int, int]:
        """Return where this begins, as the browser counts for pointers."""
        return 0, 0

    def evaluate(self, function: str, *arguments: object) -> Any:
        """Call a function of JavaScript in the page with what JSON can say, and return the like."""
        call = f"({function})(...{json.dumps(arguments)})"
        return json.loads(self._run(f"return JSON.stringify(await {call}) ?? 'null'"))

    def press(self, keys: str, *, release: bool = True) -> None:
        """Press and release keys, one by one, where the focus is.

        Args:
            keys: They, by the characters that they write.
            release: Not where a frame goes away as soon as a key is pressed in it. Its page is then
                told to release it.
        """
        ways = ("keyDown", "keyUp") if release else ("keyDown",)
        strokes = [{"type": how, "value": key} for key in keys for how in ways]
        self._act([{"type": "key", "id": "keyboard", "actions": strokes}])

    def click(self, selector: str) -> None:
        """Move the mouse to the middle of an element, and press its button.

        Args:
            selector: Of the element; what follows ` >>> ` is in its shadow tree.
        """
        x, y = self.evaluate(
            """selector => {
                const box = selector.split(" >>> ").reduce((root, part) => {
                    const found = root.querySelector(part);
                    return found.shadowRoot ?? found;
                }, document).getBoundingClientRect();
                return [box.x + box.width / 2, box.y + box.height / 2].map(Math.round);
            }""",
            selector,
        )
        left, top = self._corner()
        strokes: list[dict[str, object]] = [
            {"type": "pointerMove", "x": left + x, "y": top + y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._act([{"type": "pointer", "id": "mouse", "actions": strokes}])


class Engine(abc.ABC):
    """A browser that runs until it is told to quit."""

    quit: Callable[[], None]
    prints: bool

    @abc.abstractmethod
    def open(self) -> Tab:
        """Open a tab of 900 by about 700 pixels, in a window that is seen."""

    def errors(self) -> list[str]:
        """Return what pages have said on the console, as errors, since this was last asked."""
        return []
