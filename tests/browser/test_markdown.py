"""Markdown in answers and notices, links in everybody's words, and nothing of either as markup."""

from collections.abc import AsyncIterator

import pytest
from playwright.sync_api import Page, expect

from fastapi_echochat import Message
from fastapi_echochat.page.languages import ENGLISH
from tests.browser.axe import violations
from tests.browser.conftest import Console, OpenChat, OpenRoom, TakePicture
from tests.browser.gate import Gate, Held
from tests.browser.person import box_of, words

ANSWER = """\
### Oat bread

Mix **all** of it, *slowly*, with `knead()` or ~~by hand~~:

1. Oats
   - rolled
   - cut
2. Water, see [the list](https://example.org/a_(b) "Where from")

> Let it rest.

| what | grams |
|:-----|------:|
| oats | 500 |

```python
def knead(dough: str) -> str:
    return dough * 2
```

---
Ask https://example.org/more.
"""


def answer(message: Message) -> str:
    return ANSWER


def test_answer_is_rendered(page: Page, open_chat: OpenChat, take_picture: TakePicture) -> None:
    """An answer in Markdown has headings, emphasis, lists, a quote, a table, code and links."""
    person = open_chat(answer)
    person.says("bread?")
    shown = person.answers.locator(".markdown")

    expect(shown.get_by_role("heading", name="Oat bread", level=2)).to_be_visible()
    assert shown.locator("strong, em, del, p code").all_text_contents() == [
        *("all", "slowly", "knead()", "by hand")
    ]
    assert shown.locator("ol > li").count() == 2
    assert shown.locator("ol ul > li").all_text_contents() == ["rolled", "cut"]
    expect(shown.locator("blockquote")).to_have_text("Let it rest.")
    assert shown.get_by_role("row").all_inner_texts() == ["what\tgrams", "oats\t500"]
    expect(shown.locator("td").last).to_have_css("text-align", "right")
    expect(shown.locator("pre code.language-python")).to_contain_text("return dough * 2")
    expect(shown.locator("hr")).to_have_count(1)
    links = shown.get_by_role("link")
    addresses = links.evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    assert addresses == ["https://example.org/a_(b)", "https://example.org/more"]
    for link in links.all():
        expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
        expect(link).to_have_attribute("target", "_blank")
    assert violations(page) == []
    take_picture(page, "markdown")


def test_copies(page: Page, open_chat: OpenChat) -> None:
    """Copy code copies the code alone, Copy the answer as it was written; arrows lead to both."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    person = open_chat(answer)
    person.says("bread?")
    code = person.answers.get_by_role("button", name=ENGLISH["copy_code"])
    whole = person.answers.get_by_role("button", name=ENGLISH["copy_answer"], exact=True)

    code.locator("..").hover()
    code.click()
    expect(person.answers.get_by_role("button", name=ENGLISH["copied"])).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "def knead(dough: str) -> str:\n    return dough * 2\n"

    whole.focus()
    page.keyboard.press("ArrowUp")
    expect(person.answers.locator(".code button")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "text => navigator.clipboard.readText().then((copied) => copied === text)",
        arg=ANSWER,
    )


def test_only_the_last_block_is_made_again(page: Page, open_chat: OpenChat) -> None:
    """While an answer comes in pieces, what is before its last block stays the same elements."""
    gate = Gate()

    async def slowly(message: Message) -> AsyncIterator[str]:
        for piece in ("# On", "e\n\ntwo *th", "ree*\n\n- fo", "ur\n- five\n\n```\nsi", "x\n```\n"):
            yield piece
            await gate.passed()

    person = open_chat(slowly)
    person.says("count")
    shown = person.answers.locator(".markdown")
    expect(shown.locator("h2")).to_have_text("On")
    gate.open()
    expect(shown.locator("p")).to_have_text("two *th")
    shown.locator("h2").evaluate("heading => { heading.mark = 1; }")
    gate.open()
    expect(shown.locator("li")).to_have_text(["fo"])
    shown.locator("p").evaluate("paragraph => { paragraph.mark = 2; }")
    gate.open()
    expect(shown.locator("code")).to_have_text("si\n")
    shown.locator("code").evaluate("code => { code.mark = 3; }")
    gate.open(2)
    expect(person.notes).to_have_count(0)

    marks = shown.evaluate(
        "shown => ['h2', 'p', 'code'].map((tag) => shown.querySelector(tag).mark)"
    )
    assert marks == [1, 2, 3]
    assert shown.locator("p em, li, code").all_text_contents() == ["three", "four", "five", "six\n"]
    expect(person.spoken).to_have_text("WebSocket Chat: One two three four five six")


def test_each_block_has_its_own_direction(open_chat: OpenChat) -> None:
    """Lists, quotes and tables of Arabic are set from right to left, and English is not."""
    blocks = ["- واحد\n\n  - اثنان", "> اقتباس", "| أ |\n|---|\n| ب |", "three", "```\nأربعة\n```"]
    person = open_chat(lambda message: "\n\n".join(blocks))
    person.says("directions?")
    expect(person.answers.locator("pre")).to_have_count(1)

    directions = person.answers.locator(".markdown").evaluate(
        """shown => [...shown.querySelectorAll("li, blockquote, td, .markdown > p, pre")]
            .map((block) => getComputedStyle(block).direction)"""
    )
    assert directions == ["rtl", "rtl", "rtl", "rtl", "ltr", "ltr"]


def test_in_a_sandboxed_frame(open_chat: OpenChat) -> None:
    """In a frame without an origin of its own answers are rendered as well."""
    person = open_chat(answer, frame="allow-scripts", allowed_origins=["null"])
    person.says("bread?")

    expect(person.answers.locator("strong")).to_have_text("all")


HARMFUL = """\
<img src=x onerror="window.hacked = 1"> <script>window.hacked = 2</script>

[a](javascript:window.hacked=3) [b](data:text/html,x) [c](/relative) ![d](x "onerror=1")
<javascript:window.hacked=4> [e]

<div onclick="window.hacked = 5">f</div>

[e]: javascript:window.hacked=6

```"><img/src=x/onerror=window.hacked=7>
</code><img src=x onerror="window.hacked = 8">
```
"""


def test_nothing_is_markup(page: Page, open_chat: OpenChat) -> None:
    """HTML is text, and what leads elsewhere than to pages and mail is no link."""
    person = open_chat(lambda message: HARMFUL)
    person.says("hack")
    shown = person.answers.locator(".markdown")

    expect(shown.locator("p").first).to_have_text(HARMFUL.splitlines()[0])
    assert shown.locator("a, img, script, div > div:not(.code)").count() == 0
    expect(shown).to_contain_text("[a](javascript:window.hacked=3) [b](data:text/html,x)")
    expect(shown).to_contain_text("<javascript:window.hacked=4> [e]")
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("text", ["*a* `b`\n\n- c\n# d", "1) x\n   y", "~~a~~ | b\n--|--"])
def test_echo_shows_what_was_typed(open_chat: OpenChat, text: str) -> None:
    """The built-in echo is not rendered, and nor is what a person writes."""
    person = open_chat()
    person.says(text)

    person.reads(text, f"Message text was: {text}")
    assert person.texts.nth(0).text_content() == text
    assert person.texts.nth(1).text_content() == f"Message text was: {text}"
    assert person.messages.locator(".markdown, em, ul").count() == 0


@pytest.mark.parametrize(("markdown", "count"), [(None, 1), (True, 1), (False, 0)])
def test_option(open_chat: OpenChat, markdown: bool | None, count: int) -> None:
    """`markdown=` switches rendering on or off; it is on for a function of the host's own."""
    person = open_chat(lambda message: "*a*", markdown=markdown)
    person.says("*b*")
    expect(person.answers).to_have_count(1)

    expect(person.answers.locator("em")).to_have_count(count)
    expect(person.mine).to_have_text("*b*")


def test_echo_is_rendered_where_asked(open_chat: OpenChat) -> None:
    """With `markdown=True` the built-in echo is rendered as well."""
    person = open_chat(markdown=True)
    person.says("*a*")

    expect(person.answers.locator("em")).to_have_text("a")


def test_links_in_words(page: Page, open_chat: OpenChat) -> None:
    """An address that a person writes is a link, without the sentence's punctuation; it wraps."""
    long = f"https://example.org/{'a' * 300}"
    person = open_chat()
    person.says(f"see https://example.org/a_(b), {long}")
    links = person.log.locator(".mine a")

    expect(links).to_have_text(["https://example.org/a_(b)", long])
    expect(links.first).to_have_attribute("href", "https://example.org/a_(b)")
    expect(links.first).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(links.first).to_have_attribute("target", "_blank")
    expect(person.answers.locator("a")).to_have_count(2)
    bubble = box_of(person.messages.first)
    assert box_of(links.last)["width"] <= bubble["width"]
    assert person.log.evaluate("log => log.scrollWidth === log.clientWidth")
    assert violations(page) == []


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_links_in_streamed_text(open_chat: OpenChat, size: int) -> None:
    """An address that comes in pieces, in text that is not Markdown, is a link once it is whole."""
    text = (
        f"see https://example.org/a, www.b.example. {'x' * 3000}https://no.example then a@b.example"
    )

    async def slowly(message: Message) -> AsyncIterator[str]:
        for start in range(0, len(text), size):
            yield text[start : start + size]

    person = open_chat(slowly, markdown=False)
    person.says("links?")
    expect(person.notes).to_have_count(0)
    expect(person.texts.last).to_have_text(text)

    # What looks for them comes with the first message, perhaps after the text is shown.
    expect(person.answers.locator("a")).to_have_text(
        ["https://example.org/a", "www.b.example", "a@b.example"]
    )


def test_notice_is_rendered(open_room: OpenRoom) -> None:
    """In a room what the host says is Markdown, and what people say is text with links."""
    room = open_room()
    ada = room.enter("Ada")
    ada.says("*hello* https://example.org")
    room.announce("*closing* at https://b.example")

    notice = ada.log.locator(".notice")
    expect(notice.locator("em")).to_have_text("closing")
    expect(notice.locator("a")).to_have_text("https://b.example")
    expect(ada.mine).to_have_text("*hello* https://example.org")
    expect(ada.mine.locator("a")).to_have_text("https://example.org")
    expect(ada.mine.locator("em")).to_have_count(0)


def test_markdown_comes_with_its_style(page: Page, open_chat: OpenChat) -> None:
    """Until the style is here an answer is its text as it was written, and then Markdown."""
    style = Held()
    page.route("**asset=markdown.css**", style)
    person = open_chat(lambda message: "`a`")
    with page.expect_response("**asset=markdown.js**"):
        person.says("one")
    expect(person.answers.locator("p")).to_have_text("`a`")

    style.let_go()
    expect(person.answers.locator("code")).to_have_css("border-radius", "4.2px")
    expect(person.answers.locator("p")).to_have_text("a")


def test_without_the_renderer(page: Page, open_chat: OpenChat, console: Console) -> None:
    """Without the script that renders the text is shown, and the next message asks again."""
    console.allow_failed_connections()
    page.route("**asset=markdown.js**", lambda route: route.abort())
    person = open_chat(lambda message: "*a* https://example.org")
    person.says("one")
    expect(person.answers.locator("p")).to_have_text("*a* https://example.org")
    page.unroute("**asset=markdown.js**")
    person.says("two")

    expect(person.answers.locator("em")).to_have_text(["a", "a"])
    expect(person.answers.locator("a")).to_have_count(2)
    expect(person.notes).to_have_text(words())
