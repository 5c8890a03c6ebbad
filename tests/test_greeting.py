"""What an empty page says: the welcome and the suggestions, in each language."""

import re
from typing import Any

import pytest
from fastapi import Request
from jinja2 import DictLoader

from fastapi_echochat import EchoChat, Limits, MemoryRooms
from fastapi_echochat.page.languages import CHINESE, ENGLISH
from tests.apps import make_client
from tests.pages import ChatPage

BOTH = {"welcome": {"zh": "您好"}, "suggestions": {"zh": ["你好", "再见"]}}


def words(accepted: str = "en", **options: Any) -> list[str]:
    client = make_client(**options)
    return ChatPage(client.get("/chat", headers={"accept-language": accepted}).text).words


def test_welcome_and_suggestions_are_text() -> None:
    """Welcome and suggestions stand in the page as they were given, and are no markup."""
    client = make_client(welcome="Hello <b>", suggestions=['Say "<i>"', "Bye"])

    page = ChatPage(client.get("/chat").text)

    assert {"Hello <b>", 'Say "<i>"', "Bye"} <= set(page.words)
    assert not {"b"} & set(page.tags)
    assert 'data-text="Say &#34;&lt;i&gt;&#34;"' in client.get("/chat").text


def test_page_without_a_greeting_has_the_packaged_one() -> None:
    """Without `welcome=` a page says the label `welcome`, and suggests nothing."""
    assert ENGLISH["welcome"] in words()
    assert CHINESE["welcome"] in words("zh")
    assert "Good day" in words(labels={"welcome": "Good day"})
    assert "data-text" not in make_client().get("/chat").text


def test_greeting_is_in_the_language_of_the_visitor() -> None:
    """What is given by language is for visitors of that language; others have the packaged one."""
    assert {"您好", "你好", "再见"} <= set(words("zh", **BOTH))
    assert not {"您好", "你好", "再见"} & set(words("en", **BOTH))
    assert ENGLISH["welcome"] in words("en", **BOTH)


def test_welcome_of_the_request() -> None:
    """A function is asked with each request, and may answer by language."""
    asked: list[str] = []

    def greet(request: Request) -> dict[str, str]:
        asked.append(request.url.path)
        return {"en": f"Hello {request.query_params['name']}"}

    client = make_client(welcome=greet)
    for name in ("Ada", "Bob", "Ada"):
        assert f"Hello {name}" in ChatPage(client.get("/chat", params={"name": name}).text).words
    assert asked == ["/chat"] * 3
    chinese = client.get("/chat?name=Ada", headers={"accept-language": "zh"}).text
    assert CHINESE["welcome"] in ChatPage(chinese).words


def test_welcome_of_the_request_in_a_template_of_the_host() -> None:
    """A template of the host's has the welcome of this request, and the suggestions."""
    source = "{{ welcome }} {{ suggestions|join('/') }} {{ debug }}"
    client = make_client(
        welcome=lambda request: request.method,
        suggestions=("a", "b"),
        debug=True,
        templates=DictLoader({"fastapi_echochat/chat.html": source}),
    )

    assert client.get("/chat").text == "GET a/b True"


def test_welcome_of_the_request_that_is_no_text() -> None:
    """A function that returns something else than a text is told so when it is called."""
    client = make_client(welcome=lambda request: 7)

    with pytest.raises(ValueError, match=r"welcome= takes a text, .* this is 7"):
        client.get("/chat")


async def greet_later(request: Request) -> str:
    raise AssertionError(request)


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"welcome": 7}, ValueError, "welcome= takes a text, .* this is 7"),
        ({"welcome": " "}, ValueError, "welcome= takes a text, .* this is ' '"),
        ({"welcome": {"en": None}}, ValueError, "welcome= takes a text, .* this is None"),
        ({"welcome": {"zn": "您好"}}, ValueError, "welcome= has the language 'zn', .* 'zh'"),
        ({"welcome": {"de": "Hallo"}}, ValueError, "welcome= has the language 'de', .* 'en', 'zh'"),
        ({"welcome": greet_later}, TypeError, "welcome= takes a text, or a function .*`def`"),
        ({"suggestions": "Hi"}, ValueError, r"suggestions= takes a list of texts; write \['Hi'\]"),
        ({"suggestions": None}, ValueError, "suggestions= takes a list of texts, not None"),
        ({"suggestions": {"Hi"}}, ValueError, "suggestions= takes a list of texts, not {'Hi'}"),
        ({"suggestions": {"fr": ["Salut"]}}, ValueError, "suggestions= has the language 'fr'"),
        ({"suggestions": {"en": "Hi"}}, ValueError, r"write \['Hi'\]"),
        ({"suggestions": ["Hi"] * 7}, ValueError, "suggestions= takes at most 6 texts, not 7"),
        ({"suggestions": ["Hi", ""]}, ValueError, "suggestions= has '', which is no text"),
        ({"suggestions": [7]}, ValueError, "suggestions= has 7, which is no text"),
        (
            {"suggestions": ["你好"], "limits": Limits(message_bytes=5)},
            ValueError,
            r"'你好', which is longer than Limits\(message_bytes=5\)",
        ),
    ],
)
def test_greetings_that_cannot_be(
    options: dict[str, Any], kind: type[Exception], sentence: str
) -> None:
    """A wrong greeting is refused when the chat is made, and it is said what is taken."""
    with pytest.raises(kind, match=sentence):
        EchoChat(**options)


def test_six_suggestions() -> None:
    """Six suggestions, of any length that may be sent, are taken."""
    texts = [str(number) * 6 for number in range(6)]

    page = make_client(suggestions=texts, limits=Limits(message_bytes=6)).get("/chat").text

    assert re.findall(r'data-text="(\d+)"', page) == texts


def test_who_answers_is_called_what_the_title_says() -> None:
    """The page's name for who answers is the title, or the label `answer` where there is one."""
    for rooms in (None, MemoryRooms()):
        titled = make_client(title="Ada & Co", rooms=rooms).get("/chat").text
        named = make_client(title="Help", labels={"answer": "Ada"}, rooms=rooms).get("/chat").text
        assert '"answer":"Ada \\u0026 Co"' in titled
        assert "data-named" not in titled
        assert '"answer":"Ada"' in named
        assert "data-named" in named


def test_row_of_the_developers() -> None:
    """The endpoint's address and the times are in the page with `debug=True` only."""
    plain, debug = (make_client(debug=debug).get("/chat").text for debug in (False, True))

    for part in ("echochat-address", "echochat-copy", "echochat-round-trip"):
        assert part not in plain
        assert part in debug
