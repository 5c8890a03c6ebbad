"""The example host in a real browser: every chat of it, and the way through its sign-in."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Console
from tests.browser.person import Person, echoed
from tests.servers import Process, free_port


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Process]:
    """Start `uvicorn example_host:app` until the test ends."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "example_host:app", "--port", str(port)]
    # One that outlives a restart, so that nobody is signed out by it.
    env = {"SESSION_SECRET": "the secret of this test"}
    process = Process(command, port=port, folder=tmp_path, env=env)
    yield process
    process.stop()


def sign_in(page: Page, name: str) -> None:
    form = page.get_by_role("main")
    form.get_by_label("Name").fill(name)
    form.get_by_role("button", name="Sign in").click()


def test_every_chat_of_the_index(page: Page, host: Process) -> None:
    """Whoever follows each link of the index, and signs in on the way, reads every chat's echo."""
    page.goto(host.url("/"))
    names = page.locator(".links a").all_inner_texts()
    assert len(names) == 11

    for name in names:
        page.goto(host.url("/"))
        page.get_by_role("main").get_by_role("link", name=name, exact=True).click()
        if name == "Members":
            sign_in(page, "Ada")
        is_framed = page.locator("iframe").count() == 1
        person = Person(page.frame_locator("iframe") if is_framed else page)
        person.says(name)
        person.reads(*echoed([name]))

    assert "ERROR" not in host.log()
    assert "Traceback" not in host.log()


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
