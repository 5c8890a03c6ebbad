"""Rooms over connections that break and servers that die: no gap, no double."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from fastapi_echochat import MemoryRooms
from fastapi_echochat.page.languages import ENGLISH
from tests.browser.conftest import Console, OpenRoom
from tests.browser.person import Talker, become
from tests.browser.test_room_history import PAGE, fill
from tests.conftest import Keep
from tests.servers import uvicorn_process
from tests.waiting import wait_until

IN_A_FILE = """
from fastapi import FastAPI
from fastapi_echochat import EchoChat, SQLiteRooms

app = FastAPI()
chat = EchoChat(reply=None, rooms=SQLiteRooms("rooms.db"))
app.include_router(chat.router, prefix="/rooms/{room}")
"""
IN_MEMORY = IN_A_FILE.replace('SQLiteRooms("rooms.db")', "MemoryRooms()").replace(
    "SQLiteRooms", "MemoryRooms"
)


@pytest.mark.slow
def test_killed_server_leaves_no_gap_and_no_double(
    page: Page, open_room: OpenRoom, console: Console, keep: Keep, tmp_path: Path
) -> None:
    """Killed and started again, again and again, the server has all that was said, once."""
    console.allow_failed_connections()
    server = keep(uvicorn_process(IN_A_FILE, tmp_path))
    ada, bob = open_room(server).enter_in_turn("Ada", "Bob")
    said: set[str] = set()

    def say(talker: Talker, text: str) -> None:
        talker.says(text)
        said.add(text)

    for attempt in range(2):
        say(ada, f"ada, before {attempt}")
        say(bob, f"bob, before {attempt}")
        server.kill()
        say(ada, f"ada, in between {attempt}")
        say(bob, f"bob, in between {attempt}")
        ada.reads_state("unreachable")
        server.start()
        for one in (ada, bob):
            one.reads_state("connected")
            expect(one.messages).to_have_count(len(said))
            one.has_sent_all()

    order = ada.texts.all_text_contents()
    assert sorted(order) == sorted(said)
    assert bob.texts.all_text_contents() == order
    for one in (ada, bob):
        expect(one.notes).to_have_count(0)
        expect(one.seams).to_have_count(0)
    page.reload()
    ada.reads(*order)


def test_typed_while_away_arrives_once(open_room: OpenRoom, console: Console) -> None:
    """What is typed without a connection waits in sight, and comes once, in its order."""
    console.allow_failed_connections()
    ada, bob = open_room().enter_in_turn("Ada", "Bob", wire=True)

    ada.says("here")
    bob.reads("here")
    ada.has_sent_all()
    ada.goes_offline()
    texts = [f"typed {number}" for number in range(20)]
    ada.says_at_once(texts)
    expect(ada.notes).to_have_text([ENGLISH["waiting"]] * len(texts))
    bob.says("meanwhile")
    ada.comes_online()

    for one in (ada, bob):
        one.reads("here", "meanwhile", *texts)
        expect(one.notes).to_have_count(0)
    ada.has_sent_all()


def test_lost_acknowledgement_doubles_nothing(open_room: OpenRoom) -> None:
    """A message that the room has, and whose sender does not know it, is sent again and kept once.

    Until then its sender reads that it is being sent, and no error.
    """
    ada, bob = open_room().enter_in_turn("Ada", "Bob", wire=True)

    ada.says("hello")
    ada.has_sent_all()
    ada.wire.swallow_answers()
    ada.says("did you get this?")
    bob.reads("hello", "did you get this?")
    expect(ada.notes).to_have_text([ENGLISH["sending"]])
    expect(ada.log.locator(".waiting")).to_have_count(1)
    bob.says("yes")
    ada.wire.mend()

    for one in (ada, bob):
        one.reads("hello", "did you get this?", "yes")
        expect(one.notes).to_have_count(0)
    ada.says("fine")
    for one in (ada, bob):
        one.reads("hello", "did you get this?", "yes", "fine")


def test_unsent_message_survives_a_reload(page: Page, open_room: OpenRoom) -> None:
    """What nobody has when the page is reloaded is sent by the page that comes after it."""
    ada, bob = open_room().enter_in_turn("Ada", "Bob", wire=True)

    ada.says("hello")
    ada.has_sent_all()
    ada.wire.swallow()
    ada.says("into the void")
    expect(ada.notes).to_have_text([ENGLISH["sending"]])
    bob.says("nothing here")
    # Chromium may reload over a connection that it kept, which the relay still swallows.
    ada.wire.cut()
    ada.wire.pass_on()
    page.reload()

    for one in (ada, bob):
        one.reads("hello", "nothing here", "into the void")
    expect(ada.notes).to_have_count(0)
    expect(ada.names).to_have_text([ENGLISH["you"], "Bob", ENGLISH["you"]])
    page.reload()
    ada.reads("hello", "nothing here", "into the void")
    bob.reads("hello", "nothing here", "into the void")


def test_what_was_missed_is_news(page: Page, open_room: OpenRoom) -> None:
    """What was said while one was cut off comes all, and counts as unread where nobody looks."""
    ada, bob = open_room().enter_in_turn("Ada", "Bob", wire=True)
    texts = [f"number {number}" for number in range(2 * PAGE)]

    bob.says("before")
    ada.reads("before")
    become(page, "hidden")
    ada.wire.swallow()
    bob.says_at_once(texts)
    bob.reads("before", *texts)
    ada.wire.mend()

    ada.reads("before", *texts)
    expect(page).to_have_title(f"({len(texts)}) Lounge")
    expect(ada.fresh).to_have_count(1)
    expect(ada.seams).to_have_count(0)


def test_gap_is_shown_and_filled(page: Page, open_room: OpenRoom, console: Console) -> None:
    """Where the room no longer knows what one has seen, the page says so and offers the rest."""
    console.allow_failed_connections()
    rooms = MemoryRooms(history=3 * PAGE)
    ada = open_room(rooms=rooms).enter("Ada", wire=True)

    ada.says("long forgotten")
    ada.has_sent_all()
    ada.goes_offline()
    texts = fill(rooms, 3 * PAGE)
    ada.comes_online()
    ada.reads_state("connected")
    expect(ada.texts.last).to_have_text(texts[-1])
    expect(ada.seams).to_contain_text(ENGLISH["gap"])
    expect(ada.texts.first).to_have_text("long forgotten")
    ada.log.focus()

    def has_all() -> bool:
        page.keyboard.press("Home")
        return ada.messages.count() == len(texts) + 1

    wait_until(has_all, "all that the room has has come in")
    ada.reads("long forgotten", *texts)
    # What the room has let go of nobody can offer.
    expect(ada.earlier).to_have_count(0)
    expect(ada.seams).to_have_text([ENGLISH["gap"]])


def test_room_that_was_lost_is_a_gap(
    open_room: OpenRoom, console: Console, keep: Keep, tmp_path: Path
) -> None:
    """Where a room begins anew the page keeps what it has, and says that something may be missing.

    What was not acknowledged is in the new one.
    """
    console.allow_failed_connections()
    server = keep(uvicorn_process(IN_MEMORY, tmp_path))
    ada = open_room(server).enter("Ada")

    ada.says("before")
    ada.reads("before")
    ada.has_sent_all()
    server.kill()
    ada.says("in between")
    server.start()
    ada.reads_state("connected")

    ada.reads("before", "in between")
    expect(ada.notes).to_have_count(0)
    expect(ada.seams).to_have_text([ENGLISH["gap"]])
    ada.says("after")
    ada.reads("before", "in between", "after")
    expect(ada.seams).to_have_count(1)


def has_routed(page: Page, routes: list[WebSocketRoute], count: int) -> bool:
    # Playwright calls a test back while it is itself called.
    page.evaluate("0")
    return len(routes) >= count


def test_client_that_fell_behind_comes_back_quietly(page: Page, open_room: OpenRoom) -> None:
    """Closed with 1013, the page is back at once from where it was, and nobody is bothered."""
    room = open_room()
    routes: list[WebSocketRoute] = []

    def carry(route: WebSocketRoute) -> None:
        routes.append(route)
        route.connect_to_server()

    page.route_web_socket(re.compile("/ws$"), carry)
    ada = room.enter("Ada")
    ada.says("before")
    ada.reads("before")
    ada.has_sent_all()
    ada.note_states()
    # Longer than a connection that was barely there.
    page.wait_for_function(
        "from => performance.now() - from > 600", arg=page.evaluate("performance.now()")
    )
    routes[0].close(code=1013, reason="too slow")
    wait_until(lambda: has_routed(page, routes, 2), "the page has connected again")
    ada.says("after")

    ada.reads("before", "after")
    expect(ada.notes).to_have_count(0)
    assert set(ada.has_read_states()) == {ENGLISH["connected"]}


def test_room_out_of_reach_is_waited_for(page: Page, open_room: OpenRoom) -> None:
    """A room that sends one away at the door, with 1013, is tried again, and what waits is said."""
    room = open_room()
    is_reachable = False
    tries: list[WebSocketRoute] = []

    def carry(route: WebSocketRoute) -> None:
        tries.append(route)
        if is_reachable:
            route.connect_to_server()
        else:
            route.close(code=1013, reason="out of reach")

    ada = room.enter("Ada")
    page.route_web_socket(re.compile("/ws$"), carry)
    page.reload()
    ada.reads_state("lost")
    ada.says("patience")
    expect(ada.notes).to_have_text([ENGLISH["waiting"]])
    wait_until(lambda: has_routed(page, tries, 2), "the page has tried again")
    is_reachable = True

    ada.reads_state("connected")
    ada.reads("patience")
    expect(ada.notes).to_have_count(0)


def test_renamed_while_away(open_room: OpenRoom, console: Console) -> None:
    """A name that is changed without a connection is the name one comes back with."""
    console.allow_failed_connections()
    ada, bob = open_room().enter_in_turn("Ada", "Bob", wire=True)

    ada.goes_offline()
    ada.rename.click()
    ada.joins("Countess")
    ada.says("It is me")
    ada.comes_online()

    bob.reads("It is me")
    expect(bob.names).to_have_text(["Countess"])
    expect(ada.rename).to_have_text("Countess")


def test_names_are_grey_while_disconnected(open_room: OpenRoom, console: Console) -> None:
    """While there is no connection the names of who is there are grey: nobody knows."""
    console.allow_failed_connections()
    ada = open_room().enter("Ada", wire=True)
    name = ada.here.locator("bdi")
    expect(name).to_have_text("Ada")
    colour = "part => getComputedStyle(part).color"
    assert name.evaluate(colour) != ada.here.evaluate(colour)
    ada.goes_offline()
    expect(name).to_have_css("color", ada.here.evaluate(colour))
    ada.comes_online()
    ada.reads_state("connected")

    assert name.evaluate(colour) != ada.here.evaluate(colour)
