"""The example host in a real browser: its chats, bots and rooms, its look, its sign-in."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from example_host import eliza
from tests.browser.axe import violations
from tests.browser.conftest import Console, OpenPage, OpenRoom, TakePicture
from tests.browser.person import Person, Talker
from tests.servers import Fork, Process, free_port

ROOMS = ("Lobby", "Garden", "Club")
"""Links of the index that lead to people, not to a bot."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Process]:
    """Serve the example host until the test ends."""
    # A secret that outlives a restart, so that nobody is signed out by it.
    env = {"SESSION_SECRET": "the secret of this test", "REDIS_URL": ""}
    process = Fork(["example_host:app"], port=free_port(), folder=tmp_path, env=env)
    yield process
    process.stop()


def sign_in(page: Page, name: str) -> None:
    form = page.get_by_role("main")
    form.get_by_label("Name").fill(name)
    form.get_by_role("button", name="Sign in").click()


def announce(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Announcement").fill(text)
    page.get_by_role("button", name="Announce").click()


def any_of(texts: list[str]) -> re.Pattern[str]:
    return re.compile(f"^({'|'.join(map(re.escape, texts))})$")


def answers(name: str) -> list[str]:
    """Return what a chat of the index may answer when it is told its name."""
    bots = {
        "Elsie": eliza.answers("Elsie"),
        "Suitcase": ["I pack my suitcase and take with me: Suitcase."],
        "Concierge": ["At your service, Ada. On my list for you: Concierge."],
    }
    rooms = {name: [name] for name in ROOMS}
    return {**bots, **rooms}.get(name, [f"Message text was: {name}"])


@pytest.mark.slow
def test_every_chat_of_the_index(page: Page, host: Process) -> None:
    """A visitor who follows each link of the index, and signs in on the way, reads every answer."""
    page.goto(host.url("/"))
    names = page.locator(".links a").all_inner_texts()
    assert len(names) == 19
    addresses: list[str] = []
    for name in names:
        link = page.get_by_role("main").get_by_role("link", name=name, exact=True)
        # All but the press, after which the index would have to be opened again.
        link.click(trial=True)
        addresses.append(link.evaluate("link => link.href"))

    for name, address in zip(names, addresses, strict=True):
        page.goto(address)
        if name == "Members":
            sign_in(page, "Ada")
        if name == "Announce":
            announce(page, name)
            expect(page).to_have_url(host.url("/rooms/lobby"))
            expect(Person(page).texts.last).to_have_text(name)
            continue
        if name == "Lobby":
            Talker(page).joins("Ada Guest")
        is_framed = page.locator("iframe").count() == 1
        person = Person(page.frame_locator("iframe") if is_framed else page)
        person.says(name)
        expect(person.texts.last).to_have_text(any_of(answers(name)))

    assert "ERROR" not in host.log()
    assert "Traceback" not in host.log()


def test_answer_appears_while_it_is_written(
    page: Page, host: Process, take_picture: TakePicture
) -> None:
    """Elsie's answer grows on the page, each text that is seen being the beginning of the next."""
    page.goto(host.url("/elsie"))
    person = Person(page)
    person.reads_state("connected")
    person.log.evaluate(
        """log => {
            log.seen = [];
            new MutationObserver(() => {
                const text = log.querySelector("li:not(.mine) p")?.textContent.trim();
                if (text && text !== log.seen.at(-1)) log.seen.push(text);
            }).observe(log, { childList: true, characterData: true, subtree: true });
        }"""
    )

    said = "I need my umbrella."
    person.says(said)
    expect(person.texts).to_have_count(2)
    take_picture(page, "elsie-answers")
    expect(person.texts.last).to_have_text(any_of(eliza.answers(said)))

    seen: list[str] = person.log.evaluate("log => log.seen")
    assert len(seen) > 2
    for shorter, longer in pairwise(seen):
        assert longer.startswith(shorter)


def test_two_people_in_the_lounge(
    page: Page, open_room: OpenRoom, host: Process, take_picture: TakePicture
) -> None:
    """Two people talk in a room, read what the host announces, and find it all there later."""
    room = open_room(host)
    ada, grace = room.enter("Ada"), room.enter("Grace")
    expect(ada.here).to_contain_text("Grace")
    ada.says("Is anybody here?")
    grace.reads("Is anybody here?")
    grace.says("Always.")
    ada.reads("Is anybody here?", "Always.")

    window = grace.page.context.new_page()
    window.goto(host.url("/rooms/lobby/announcements"))
    sign_in(window, "Alan")
    announce(window, "Tea is served.")
    said = ["Is anybody here?", "Always.", "Tea is served."]
    for talker in (ada, grace, Person(window)):
        talker.reads(*said)
    take_picture(page, "lounge-ada")
    take_picture(grace.page, "lounge-grace")

    page.reload()
    ada.reads(*said)
    assert "ERROR" not in host.log()


def test_concierge_remembers(page: Page, host: Process, console: Console) -> None:
    """The conversation with the concierge is there after a reload and a restart of the host."""
    person = Person(page)
    page.goto(host.url("/members/concierge"))
    sign_in(page, "Ada")
    person.says("tea")
    said = ["tea", "At your service, Ada. On my list for you: tea."]
    person.reads(*said)

    page.reload()
    person.reads(*said)
    console.allow_failed_connections()
    host.kill()
    host.start()

    person.says("milk")
    person.reads(*said, "milk", "At your service, Ada. On my list for you: tea; milk.")


@pytest.mark.parametrize(
    ("scheme", "background", "accent"),
    [
        ("light", "rgb(253, 246, 233)", "rgb(138, 58, 18)"),
        ("dark", "rgb(31, 23, 18)", "rgb(240, 179, 126)"),
    ],
)
def test_look_of_the_host(
    *,
    scheme: str,
    background: str,
    accent: str,
    host: Process,
    open_page: OpenPage,
    take_picture: TakePicture,
) -> None:
    """The chat has the host's colours and link, in light and dark, and no barrier in them."""
    page = open_page(color_scheme=scheme, viewport={"width": 900, "height": 700})
    page.goto(host.url("/tea-house"))
    person = Person(page)
    person.talks("One pot of green tea, please")
    take_picture(page, f"tea-house-{scheme}")

    expect(page.locator("body")).to_have_css("background-color", background)
    expect(person.messages.first).to_have_css("background-color", accent)
    # With nothing to send it is quiet.
    person.field.fill("And a cup")
    expect(person.send).to_have_css("background-color", accent)
    assert violations(page) == []

    page.get_by_role("link", name="Every chat").click()
    expect(page).to_have_url(host.url("/"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_widget_on_the_index(
    scheme: str, host: Process, open_page: OpenPage, take_picture: TakePicture
) -> None:
    """The button in the corner of the index has its colours, and opens a chat that echoes."""
    page = open_page(color_scheme=scheme, viewport={"width": 1000, "height": 800})
    page.goto(host.url("/"))
    button = page.get_by_role("button", name="Ask us")
    link = page.get_by_role("link", name="Plain chat")
    colour = link.evaluate("link => getComputedStyle(link).backgroundColor")
    expect(button).to_have_css("background-color", colour)
    take_picture(page, f"index-{scheme}")

    button.click()
    person = Person(page.frame_locator("iframe[title='Ask us']"))
    person.talks("NBA")
    take_picture(page, f"index-widget-{scheme}")
    assert violations(page) == []
    assert "ERROR" not in host.log()


def test_sign_out_in_another_window(page: Page, console: Console, host: Process) -> None:
    """Signed out elsewhere, the guarded page says so when it connects again, and lets in later."""
    other = page.context.new_page()
    person = Person(page)
    page.goto(host.url("/members/chat"))
    sign_in(page, "Ada")
    person.reads_state("connected")

    other.goto(host.url("/"))
    expect(other.get_by_role("banner")).to_contain_text("Signed in as Ada")
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("link", name="Sign in")).to_be_visible()
    console.allow_failed_connections()
    host.kill()
    host.start()
    person.reads_state("signed_out")

    other.goto(host.url("/sign-in"))
    sign_in(other, "Ada")
    expect(other).to_have_url(re.compile("/$"))
    person.try_again.click()
    person.reads_state("connected")
