"""What was said in a room before: after a reload, further up, on other days."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from functools import partial

from playwright.sync_api import Page, expect

from fastapi_echochat import Author, Entry, MemoryRooms
from fastapi_echochat.page.languages import ENGLISH
from tests.browser.conftest import OpenPage, OpenRoom
from tests.browser.person import Talker
from tests.waiting import patient, wait_until

# What a client gets of a room at a time.
PAGE = 50


def keep(rooms: MemoryRooms, said: dict[str, datetime]) -> None:
    """Let somebody have said these things in the lobby."""

    async def append() -> None:
        for text, sent_at in said.items():
            entry = Entry(
                kind="message", id=text, author=Author("cy", "Cy"), text=text, sent_at=sent_at
            )
            await rooms.append("lobby", entry)

    # Playwright keeps an event loop running in this thread.
    with ThreadPoolExecutor() as threads:
        threads.submit(asyncio.run, append()).result()


def fill(rooms: MemoryRooms, count: int) -> list[str]:
    """Let somebody have said this many things in the lobby just now, and return them."""
    texts = [f"number {number}" for number in range(count)]
    keep(rooms, dict.fromkeys(texts, datetime.now(timezone.utc)))
    return texts


def offset_of(talker: Talker, text: str) -> float:
    """Return how far from the top of the log a message is."""
    offset: float = talker.log.evaluate(
        """(log, text) => {
            const item = [...log.querySelectorAll("li")]
                .find((item) => item.querySelector("p")?.textContent === text);
            return item.getBoundingClientRect().top - log.getBoundingClientRect().top;
        }""",
        text,
    )
    return offset


def test_history_on_reload(page: Page, open_room: OpenRoom) -> None:
    """Who reloads or comes later reads what was said before, at its end, and goes on."""
    room = open_room()
    ada = room.enter("Ada")

    for text in ("one", "two"):
        ada.says(text)
    ada.reads("one", "two")
    bob = room.enter("Bob")
    bob.reads("one", "two")
    bob.says("three")
    ada.reads("one", "two", "three")
    page.reload()

    ada.reads("one", "two", "three")
    expect(ada.names).to_have_text([ENGLISH["you"], ENGLISH["you"], "Bob"])
    expect(page).to_have_title("Lounge")
    expect(ada.fresh).to_have_count(0)
    ada.says("four")
    for one in (ada, bob):
        one.reads("one", "two", "three", "four")


def test_earlier_messages_on_scrolling_up(page: Page, open_room: OpenRoom) -> None:
    """Who scrolls up gets what was said before, in its place, and stays where they read."""
    rooms = MemoryRooms()
    texts = fill(rooms, 3 * PAGE - 10)
    talker = open_room(rooms=rooms).visit()
    talker.reads(*texts[-PAGE:])
    expect(talker.messages.last).to_be_in_viewport(ratio=1)
    talker.log.hover()
    for known in (2 * PAGE, len(texts)):
        # Not the first one: it no longer needs to name its author once others stand before it.
        second = texts[1 - talker.messages.count()]
        pixels = talker.log.evaluate("log => log.scrollTop")
        offset = offset_of(talker, second) + pixels
        page.mouse.wheel(0, -pixels)
        talker.reads(*texts[-known:])
        stays = partial(lambda text, at: abs(offset_of(talker, text) - at) < 3, second, offset)
        wait_until(stays, "what was read is where it was")
        assert talker.log.evaluate("log => log.scrollTop") > 500

    expect(talker.earlier).to_have_count(0)
    expect(talker.seams).to_have_count(0)
    expect(talker.days).to_have_count(1)
    expect(talker.newest).to_be_hidden()


def test_earlier_messages_by_keyboard(page: Page, open_room: OpenRoom) -> None:
    """By keyboard one comes to the earlier messages as well, and is not left nowhere.

    A screen reader hears what is new, not what somebody who scrolls up gets.
    """
    rooms = MemoryRooms()
    texts = fill(rooms, PAGE + 10)
    talker = open_room(rooms=rooms).visit()
    talker.reads(*texts[-PAGE:])
    expect(talker.earlier).to_have_count(1)
    expect(talker.log).not_to_have_attribute("aria-live", "off")
    talker.log.focus()
    page.keyboard.press("Tab")
    talker.reads(*texts)
    expect(talker.log).to_be_focused()
    expect(talker.log.locator("li[aria-live=off] p")).to_have_text(texts[:-PAGE])
    page.keyboard.press("Home")

    expect(talker.messages.first).to_be_in_viewport(ratio=1)


def test_short_room_has_nothing_earlier(open_room: OpenRoom) -> None:
    """Where all there is has come there is nothing to ask for."""
    rooms = MemoryRooms()
    texts = fill(rooms, PAGE)
    talker = open_room(rooms=rooms).visit()
    talker.reads(*texts)
    expect(talker.name).to_be_visible()

    expect(talker.seams).to_have_count(0)


def test_page_does_not_grow_for_ever(page: Page, open_room: OpenRoom) -> None:
    """Of thousands of messages a page keeps the newest, and gets the others for who scrolls up."""
    rooms = MemoryRooms(history=10_000)
    talker = open_room(rooms=rooms).enter("Ada")
    # By its id: to find elements by their role, all the thousands are asked for theirs.
    items = page.locator("#echochat-log li:not(.mark)")

    talker.says("the first")
    talker.reads("the first")
    texts = fill(rooms, 3050)
    expect(items.last).to_have_text(re.compile(re.escape(texts[-1])), timeout=1000 * patient(60))
    kept = items.count()
    assert kept < 2000
    assert items.locator("p").all_text_contents() == texts[-kept:]
    expect(talker.earlier).to_have_count(1)
    talker.log.focus()
    page.keyboard.press("Home")

    expect(items).to_have_count(kept + PAGE)
    assert items.locator("p").all_text_contents() == texts[-kept - PAGE :]


def test_days_are_apart(open_room: OpenRoom, open_page: OpenPage) -> None:
    """Each day begins under its name, in words where it is near."""
    rooms = MemoryRooms()
    today = datetime.now(timezone.utc).replace(hour=12, minute=0, second=0, microsecond=0)
    yesterday = today - timedelta(days=1)
    leap_day = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)
    said = {
        "long ago": leap_day,
        "the same day": leap_day + timedelta(hours=1),
        "the day before": yesterday,
        "on this day": today,
    }
    keep(rooms, said)
    page = open_page(timezone_id="UTC", locale="en-US")
    page.clock.install(time=today + timedelta(hours=1))
    talker = open_room(rooms=rooms).visit(page=page)
    talker.reads(*said)
    expect(talker.days).to_have_text(["Thursday, February 29, 2024", "Yesterday", "Today"])
    assert talker.log.locator("li").all_inner_texts()[0] == "Thursday, February 29, 2024"
    page.clock.fast_forward("12:00:00")

    name = f"{yesterday:%A, %B} {yesterday.day}, {yesterday.year}"
    expect(talker.days).to_have_text(["Thursday, February 29, 2024", name, "Yesterday"])


def test_conversation_of_a_room_is_saved(page: Page, open_room: OpenRoom) -> None:
    """Saved is what is on the page, with the names it was said under."""
    ada, bob = open_room().enter_in_turn("Ada", "Bob")

    ada.says("one")
    bob.reads("one")
    bob.says("two")
    ada.reads("one", "two")
    ada.menu.click()
    with page.expect_download() as download:
        page.locator("#echochat-save").click()

    text = download.value.path().read_text(encoding="utf-8")
    assert [line for line in text.split("\n") if "[" not in line] == ["one", "", "two", ""]
    assert [line.split(" [")[0] for line in text.split("\n") if "[" in line] == ["You", "Bob"]
    expect(page.locator("#echochat-clear")).to_have_count(0)
