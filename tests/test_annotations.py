"""What functions of a host are annotated with, when the chat is made."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Annotated, Any, Literal, NewType, Protocol, TypeVar

import pytest
from pydantic import BaseModel

from fastapi_echochat import Author, EchoChat, Message
from fastapi_echochat.annotations import may_be

T = TypeVar("T", bound=str)
Name = NewType("Name", str)


class Speaks(Protocol):
    def speak(self) -> str: ...


class User(BaseModel):
    name: str


class Member(Author):
    pass


@pytest.mark.parametrize(
    "annotation",
    [
        *(str, Any, object, T, Name, Speaks, Literal["a", "b"], Sequence[str], str | None),
        *(Annotated[str, "a"], str | int, "not resolved"),
    ],
)
def test_what_may_be_text(annotation: Any) -> None:
    """What is text, or may be for all that can be told, is let through."""
    assert may_be(annotation, str)


@pytest.mark.parametrize(
    "annotation",
    [dict, dict[str, str], list[str], bytes, int, User, None, int | None, Annotated[int, "a"]],
)
def test_what_is_no_text(annotation: Any) -> None:
    """What cannot be text is told from it, `None` beside it or not."""
    assert not may_be(annotation, str)


def annotated(returns: Any, first: Any = Message) -> Callable[..., Any]:
    """Make a function with annotations."""

    def function(message: Any) -> Any: ...

    function.__annotations__ = {"message": first, "return": returns}
    return function


async def coroutine(message: Message) -> dict[str, str]:
    return {}


def generator(message: Message) -> Iterator[bytes]:
    yield b""


async def async_generator(message: Message) -> AsyncIterator[int]:
    yield 0


class Bot:
    def __call__(self, message: Message) -> list[str]:
        return []

    def answer(self, text: str) -> str:
        return text


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (annotated(dict), "is annotated with <class 'dict'>"),
        (annotated("dict[str, str]"), r"is annotated with dict\[str, str\]"),
        (annotated(None), "is annotated with None"),
        (annotated(Awaitable[str]), "is annotated with .*Awaitable"),
        (coroutine, "is annotated with dict"),
        (generator, "is annotated with <class 'bytes'>"),
        (async_generator, "is annotated with <class 'int'>"),
        (Bot(), "is annotated with list"),
        (annotated(str, first=str), "'message' .* annotated with <class 'str'>: write `message"),
        (annotated(str, first="str"), "'message' .* annotated with <class 'str'>"),
        (Bot().answer, "'text' .* annotated with <class 'str'>"),
        (functools.partial(Bot().answer), "'text' .* annotated with <class 'str'>"),
        (annotated(str, first=User), "'message' .* annotated with .*User"),
    ],
)
def test_reply_functions_that_cannot_answer(reply: Any, why: str) -> None:
    """One that takes no message, or returns no text, is refused when the chat is made."""
    with pytest.raises(TypeError, match=f"a reply function takes a message .*{why}"):
        EchoChat(reply)


@pytest.mark.parametrize(
    "reply",
    [
        annotated(str), annotated(Any, first=Any), annotated(str | None), annotated("Missing"),
        annotated(str, first="Missing"), annotated(str, first=Message | None), lambda message: "",
        annotated(T, first=object),
    ],
)  # fmt: skip
def test_reply_functions_that_may(reply: Any) -> None:
    """One that may take a message and return text is taken, and so is one that tells nothing."""
    EchoChat(reply)


def yields_user() -> Iterator[User]:
    yield User(name="ada")


async def gives_user() -> User | None:
    return None


def yields_author() -> Iterator[Author | None]:
    yield None


@pytest.mark.parametrize("author", [annotated(User), yields_user, gives_user, User])
def test_authors_that_are_none(author: Any) -> None:
    """A dependency that gives an object of the host's is refused, and it is said what to give."""
    if author is not User:
        author.__annotations__.pop("message", None)
    with pytest.raises(TypeError, match=r"author= returns Author\(id=…, name=…\).*User"):
        EchoChat(author=author)


@pytest.mark.parametrize("returns", [Author, Member, str, None, Author | None, str | None, Any, T])
def test_authors_that_may_be(returns: Any) -> None:
    """A dependency that may give an author is taken."""

    def author() -> Any: ...

    author.__annotations__ = {"return": returns}
    EchoChat(author=author)
    EchoChat(author=yields_author)


def test_feedback_that_cannot_be_called() -> None:
    """Its function gets a message, text and a verdict, and is refused if it takes others."""

    def wrong(message: Message, answer: dict[str, str], verdict: str) -> None: ...

    def right(message: Message, answer: str, verdict: Literal["up", "down"]) -> None: ...

    with pytest.raises(TypeError, match=r"feedback= takes .* annotated with dict"):
        EchoChat(feedback=wrong)
    EchoChat(feedback=right)
