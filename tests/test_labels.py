"""The page's words: every language has all of them, and the visitor's browser chooses."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_echochat import EchoChat
from fastapi_echochat.page.languages import (
    CHINESE,
    ENGLISH,
    LANGUAGES,
    choose_language,
    replace_labels,
)
from tests.apps import make_client
from tests.pages import ChatPage


def placeholders(words: Mapping[str, str]) -> dict[str, set[str]]:
    return {name: set(re.findall(r"\{(\w+)\}", text)) for name, text in words.items()}


@pytest.mark.parametrize("tag", LANGUAGES)
def test_languages_are_complete(tag: str) -> None:
    """Every language has every label, with the same values to fill in, and none is empty."""
    words = LANGUAGES[tag]

    assert list(words) == list(ENGLISH)
    assert placeholders(words) == placeholders(ENGLISH)
    assert all(text.strip() == text != "" for text in words.values())


@pytest.mark.parametrize("tag", LANGUAGES)
def test_rooms_and_buttons_have_labels_of_their_own(tag: str) -> None:
    """In every language the labels of rooms, and of buttons, are those of pages that have them."""
    neither, both = (
        replace_labels(None, title="Ada", with_rooms=having, with_buttons=having)
        for having in (False, True)
    )
    buttons = replace_labels(None, title="Ada", with_rooms=False, with_buttons=True)

    assert both[tag] == {"answer": "Ada", **LANGUAGES[tag]}
    assert list(neither[tag]) == list(neither["en"])
    assert "send" in neither[tag]
    assert "rename" not in neither[tag]
    assert buttons[tag].keys() - neither[tag].keys() == {
        "answer_again", "helpful", "unhelpful", "judged", "unknown_answer", "feedback_failed"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("", "en"),
        ("en", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-Hans-CN", "zh"),
        ("ZH-cn", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("de-DE, de;q=0.9", "en"),
        ("de-DE, zh;q=0.1", "zh"),
        ("en;q=0.5, zh;q=0.7", "zh"),
        ("en;q=0.7 , zh ; q=0.5", "en"),
        ("zh, en", "zh"),
        ("en, zh", "en"),
        ("*", "en"),
        ("*;q=0.8, zh;q=0.5", "en"),
        ("zh, *;q=0.5", "zh"),
        ("zh;q=0", "en"),
        ("zh;q=0, en;q=0", "en"),
        ("en;q=0, *", "zh"),
        ("zh-TW;q=0.2, en;q=0.5, zh-CN;q=0.8", "zh"),
        ("zh;q=2, en;q=0.1", "en"),
        ("zhuang", "en"),
        ("<script>", "en"),
    ],
)
def test_browser_chooses_the_language(accepted: str, tag: str) -> None:
    """The language is the one that `Accept-Language` weighs most (RFC 9110, section 12.5.4)."""
    response = make_client().get("/chat", headers={"accept-language": accepted})

    assert f'<html lang="{tag}">' in response.text
    assert response.headers["vary"] == "accept-language, accept-encoding"
    assert LANGUAGES[tag]["send"] in ChatPage(response.text).words


@given(st.text(max_size=200))
def test_any_header_chooses_a_language(accepted: str) -> None:
    """Whatever the header holds, the page has a language."""
    assert choose_language(accepted) in LANGUAGES


def test_each_language_is_a_page_of_its_own() -> None:
    """A page that is known in one language is sent in another one, and 304 says it varies."""
    client = make_client()
    english, chinese = (
        client.get("/chat", headers={"accept-language": tag}).headers["etag"] for tag in LANGUAGES
    )
    known = {"if-none-match": english}

    again = client.get("/chat", headers={**known, "accept-language": "en"})
    assert english != chinese
    assert again.status_code == 304
    assert again.headers["vary"] == "accept-language, accept-encoding"
    assert client.get("/chat", headers={**known, "accept-language": "zh"}).status_code == 200


@pytest.mark.parametrize("tag", LANGUAGES)
def test_words_of_the_host(tag: str) -> None:
    """`labels=` replaces words in every language, leaves the others, and is no markup."""
    client = make_client(labels={"send": "Ask <b>", "hint": "'\"&"})

    page = ChatPage(client.get("/chat", headers={"accept-language": tag}).text)

    assert "Ask <b>" in page.words
    assert "'\"&" in page.words
    assert LANGUAGES[tag]["message"] in page.words
    assert "b" not in page.tags


def test_words_of_one_chat_are_its_own() -> None:
    """The labels of one chat are not those of the next, and the packaged ones stay."""
    make_client(labels={"send": "Ask"})

    assert "Send" in ChatPage(make_client().get("/chat").text).words
    assert (ENGLISH["send"], CHINESE["send"]) == ("Send", "发送")


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ({"sned": "Ask"}, r"labels= has 'sned', .*'send'"),
        ({"conected": "Here"}, r"labels= has 'conected', .*'connected'"),
        ({"qqq": "x"}, r"labels= has 'qqq', .*'address', .*'you'"),
        ({7: "Ask"}, r"labels= has 7, "),
        ({"send": 7}, r"labels= has 7 for 'send'"),
        ({"send": None}, r"labels= has None for 'send'"),
        ({"en": {"send": "Ask"}}, r"labels= has 'en', "),
        ("send", "labels= takes a mapping"),
        (["send"], "labels= takes a mapping"),
    ],
)
def test_labels_that_cannot_be(labels: Any, sentence: str) -> None:
    """A label that is none, or no text, is refused when the chat is made, by name."""
    with pytest.raises(ValueError, match=sentence):
        EchoChat(labels=labels)
