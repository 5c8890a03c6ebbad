"""What a person does with a chat page, and what they read on it."""

import contextlib
from collections.abc import Iterable

import pytest
from playwright.sync_api import FloatRect, FrameLocator, Locator, Page, expect

from fastapi_echochat.page.languages import ENGLISH
from tests.browser.witness import Asked
from tests.relay import Relay
from tests.waiting import patient, wait_until

_HAS_ALL = """() => [...document.querySelectorAll("script[src], link[rel=stylesheet]")].every(
    ({ src, href }) => performance.getEntriesByName(src || href).length)"""


class Person:
    """Somebody in front of a page that is a chat, or before a frame that shows one.

    Args:
        page: What they see.
        wire: What is between them and the server, if it can be broken.
        asked: What the server was asked for.
    """

    def __init__(
        self,
        page: Page | FrameLocator,
        *,
        wire: Relay | None = None,
        asked: list[Asked] | None = None,
    ) -> None:
        self.page = page if isinstance(page, Page) else page.owner.page
        self.asked = [] if asked is None else asked
        self._wire = wire
        self._main = page.locator("#echochat")
        self._alive = page.locator("#echochat[data-state]")
        self.field = page.get_by_role("textbox", name=ENGLISH["message"], exact=True)
        self.send = page.get_by_role("button", name=ENGLISH["send"], exact=True)
        self.log = page.get_by_role("log", name=ENGLISH["messages"])
        # What stands between messages in a room, such as the name of a day, is marked.
        self.messages = self.log.locator("li:not(.mark)")
        self.mine = self.log.locator(".mine p")
        self.answers = self.log.locator(".answer")
        self.texts = self.messages.locator("p")
        self.notes = self.messages.locator("small")
        self.newest = page.get_by_role("button", name=ENGLISH["newest"])
        self.state = page.get_by_role("status")
        self.refusal = page.get_by_role("alert")
        self.try_again = page.get_by_role("button", name=ENGLISH["try_again"])
        self.address = page.get_by_role("textbox", name=ENGLISH["address"])
        self.copy = page.locator("#echochat-copy")
        self.menu = page.locator("#echochat-menu summary")
        self.clear = page.locator("#echochat-clear")
        self.save = page.locator("#echochat-save")
        self.unkept = page.locator("#echochat-unkept")
        self.stop = page.get_by_role("button", name=ENGLISH["stop"])
        self.send_again = page.get_by_role("button", name=ENGLISH["send_again"])
        self.round_trip = page.locator("#echochat-round-trip")
        self.spoken = page.locator("#echochat-spoken")
        self.thinking = page.locator("#echochat-thinking")
        self.box = page.locator("#echochat-box")
        self.greeting = page.locator("#echochat-greeting")
        self.suggestions = self.greeting.get_by_role("button")

    @property
    def wire(self) -> Relay:
        """What is between them and the server, once what the page has asked for has come over it.

        What comes with the first message would else be broken off, and the browser says so.
        """
        assert self._wire is not None
        with contextlib.suppress(pytest.fail.Exception):
            # Of a wire that is broken already nothing comes.
            wait_until(lambda: bool(self._main.evaluate(_HAS_ALL)), "all is here", patient(1))
        return self._wire

    def says(self, text: str) -> None:
        # A frame may be there before its script is, and Enter is a line break till then.
        is_coarse = self._alive.evaluate("() => matchMedia('(pointer: coarse)').matches")
        self.field.fill(text)
        # Where there is no Shift, Enter is a line break.
        if is_coarse:
            self.send.click()
        else:
            self.field.press("Enter")

    def talks(self, text: str) -> None:
        """Say the first thing in this chat, and read it and its echo, with what comes with them."""
        self.says(text)
        self.reads(*echoed([text]))
        # The script that makes Copy is here then, whatever becomes of the wire.
        expect(self.log.locator(".copy")).to_have_count(1)

    def clears(self) -> None:
        """Clear the conversation, asked once whether to."""
        self.menu.click()
        self.clear.click()
        self.clear.click()

    def says_at_once(self, texts: list[str]) -> None:
        """Type as no hand can, but in the page's own way: one Enter for each message."""
        # By its id: among thousands of messages each would be asked for its role.
        self.page.locator("#echochat-field").evaluate(
            """(field, texts) => {
                for (const text of texts) {
                    field.value = text;
                    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
                }
            }""",
            texts,
        )

    def reads(self, *texts: str) -> None:
        """Wait until these are all the messages there are, in this order."""
        expect(self.texts).to_have_text(texts)

    def is_connected(self) -> None:
        """Wait for it, whatever the page calls it and whether it says so."""
        expect(self._main).to_have_attribute("data-state", "open")

    def waits(self) -> None:
        """Wait until an attempt to connect has failed, and the next one is some time off."""
        expect(self._main).to_have_attribute("data-state", "waiting")

    def has_stopped(self) -> None:
        """Wait until its page has given up for now; its last words stand there before, too."""
        expect(self._main).to_have_attribute("data-state", "stopped")

    def reads_state(self, label: str) -> None:
        expect(self.state).to_have_text(ENGLISH[label])

    def has_read_states(self) -> list[str]:
        """Return the words of the status line since `note_states`, in order."""
        states: list[str] = self.state.evaluate("state => state.seen")
        return states

    def note_states(self) -> None:
        self.state.evaluate(
            """state => {
                state.seen = [state.textContent];
                new MutationObserver(() => state.seen.push(state.textContent))
                    .observe(state, { childList: true });
            }"""
        )

    def goes_offline(self) -> None:
        """Have no network from now on, and see it."""
        for _ in range(3):
            # From the beginning, where the page connected again just before the browser was
            # offline, or where the browser, being offline, did not pass on that the wire was cut.
            self.page.context.set_offline(False)
            self.page.context.set_offline(True)
            self.wire.cut()
            with contextlib.suppress(AssertionError):
                expect(self.state).to_have_text(ENGLISH["unreachable"], timeout=patient(5) * 1000)
                return
        self.reads_state("unreachable")

    def comes_online(self) -> None:
        self.page.context.set_offline(False)

    def is_at_the_end(self) -> bool:
        return bool(
            self.log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight < 2")
        )


class Talker(Person):
    """Somebody in front of a page that is a room."""

    def __init__(self, page: Page | FrameLocator, *, wire: Relay | None = None) -> None:
        super().__init__(page, wire=wire)
        self.name = page.get_by_role("textbox", name=ENGLISH["your_name"], exact=True)
        self.name_refusal = page.locator("#echochat-name-refusal")
        self.join = page.get_by_role("button", name=ENGLISH["join"], exact=True)
        self.rename = page.get_by_role("button", name=ENGLISH["rename"])
        self.here = page.locator("#echochat-here")
        self.writing = page.locator("#echochat-writing")
        self.names = self.messages.locator("b")
        self.days = self.log.locator(".day")
        self.fresh = self.log.locator(".fresh")
        self.seams = self.log.locator(".seam")
        self.earlier = page.get_by_role("button", name=ENGLISH["earlier"], exact=True)

    def has_sent_all(self) -> None:
        """Wait until the room has what was said: it is in the log as soon as it is typed."""
        expect(self.log.locator(".waiting")).to_have_count(0)

    def joins(self, name: str) -> None:
        """Say what one is called, and be let in."""
        self.name.fill(name)
        self.name.press("Enter")
        expect(self.field).to_be_visible()


def become(page: Page, visibility: str) -> None:
    """Tell the page that its tab is hidden or visible: a browser without windows hides none."""
    page.evaluate(
        """visibility => {
            Object.defineProperty(document, "hidden", {
                configurable: true, get: () => visibility === "hidden",
            });
            Object.defineProperty(document, "visibilityState", {
                configurable: true, get: () => visibility,
            });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        visibility,
    )


def box_of(part: Locator) -> FloatRect:
    """Return where something is on its page."""
    box = part.bounding_box()
    assert box is not None
    return box


def words(*labels: str) -> list[str]:
    return [ENGLISH[label] for label in labels]


def echoed(texts: Iterable[str]) -> list[str]:
    """Return what a page shows of a conversation in which each text was answered in its turn."""
    return [line for text in texts for line in (text, f"Message text was: {text}")]
