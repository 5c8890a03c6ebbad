"""The tables of the README and its companions: they have what the code has, and all of it."""

import ast
import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import jinja2
import pytest

import fastapi_echochat
from fastapi_echochat import EchoChat, Limits, MemoryRooms, Rooms, echo
from tests.apps import make_client
from tests.documents import MANUAL, named_in, table
from tests.pages import sent_size

PACKAGE = Path(fastapi_echochat.__file__).parent


def test_options() -> None:
    """The table has every option of a chat, in order, with its default."""
    options = inspect.signature(EchoChat).parameters
    names = {"echo": echo, "Limits": Limits}

    assert [name.rstrip("=") for name in named_in("`EchoChat(…)`")] == list(options)
    for name, default, _ in table("`EchoChat(…)`"):
        option = options[name.strip("`=")]
        assert eval(default.strip("`"), names) == option.default
        assert name.endswith("=`") == (option.kind is inspect.Parameter.KEYWORD_ONLY)


def test_limits() -> None:
    """The table has every bound, in order, with its default, and says which cannot be None."""
    bounds: dict[str, Any] = {field.name: field.default for field in fields(Limits)}
    (required,) = re.findall(r"`None` removes a limit \((.*) need a number\)", MANUAL)

    assert [name.rstrip("=") for name in named_in("`Limits(…)`")] == list(bounds)
    for name, default, _ in table("`Limits(…)`"):
        (number,) = re.findall(r"^[\d,]+|^no limit", default)
        written = None if number == "no limit" else float(number.replace(",", ""))
        assert written == bounds[name.strip("`=")], name
    for name in bounds:
        none: dict[str, Any] = {name: None}
        if f"`{name}`" in required:
            with pytest.raises(ValueError, match=name):
                Limits(**none)
        else:
            Limits(**none)


def test_stores() -> None:
    """The table of stores has the options of each, with their defaults."""
    for call in named_in("`rooms=`"):
        made = ast.parse(call, mode="eval").body
        assert isinstance(made, ast.Call)
        assert isinstance(made.func, ast.Name)
        options = inspect.signature(getattr(fastapi_echochat, made.func.id)).parameters
        shown = {argument.id for argument in made.args if isinstance(argument, ast.Name)}
        defaults = {str(word.arg): ast.literal_eval(word.value) for word in made.keywords}
        assert shown | defaults.keys() == set(options)
        for name, default in defaults.items():
            assert default == options[name].default


def test_methods_of_a_store() -> None:
    """The table has every method of `Rooms`, with its parameters."""
    methods = [name for name in vars(Rooms) if not name.startswith("_")]
    shown = {}
    for call in named_in("method"):
        name, brace, parameters = call.removeprefix("await ").partition("(")
        shown[name] = f"{brace}{parameters}"

    assert list(shown) == methods
    for name, parameters in shown.items():
        signature = inspect.signature(getattr(Rooms, name))
        bare = [
            parameter.replace(annotation=inspect.Parameter.empty)
            for parameter in list(signature.parameters.values())[1:]
        ]
        assert parameters == str(inspect.Signature(bare))


def test_blocks() -> None:
    """The table has every block of the packaged template, in its order."""
    template = PACKAGE / "templates" / "fastapi_echochat" / "base.html"

    blocks = re.findall(r"{% block (\w+)", template.read_text())
    assert named_in("block") == blocks


def test_context() -> None:
    """A template of the host's has all that the table names."""
    names = [name.partition("(")[0] for name in named_in("context")]
    source = " ".join(f"{{{{ '{name}' if {name} is defined }}}}" for name in names)
    browser = make_client(templates=jinja2.DictLoader({"fastapi_echochat/chat.html": source}))

    assert browser.get("/chat").text.split() == names


def test_custom_properties() -> None:
    """The table has every custom property of the stylesheet, with both its values."""
    style = (PACKAGE / "static" / "chat.css").read_text()
    light, dark = (
        dict(re.findall(r"(--echochat-[\w-]+): ([^;]+);", rules))
        for rules in re.findall(r":where\(:root\) {(.*?)}", style, re.DOTALL)
    )

    assert named_in("custom property") == list(light)
    for name, _, day, night in table("custom property"):
        assert day.strip("`") == light[name.strip("`")]
        if night != "the same":
            assert night.strip("`") == dark[name.strip("`")]
    used = "".join(path.read_text() for path in (PACKAGE / "static").glob("*.css"))
    assert set(re.findall(r"var\((--echochat-[\w-]+)", used)) == set(light)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (0, {}),
        (1, {"rooms": MemoryRooms(), "private": True}),
        (2, {"rooms": MemoryRooms()}),
    ],
    ids=["chat", "kept", "room"],
)
def test_sizes(kind: int, options: dict[str, Any]) -> None:
    """Page and assets are not larger, compressed, than it is said, and not by much smaller."""
    said = r"first view of a page is (\d+) kilobytes, of a kept conversation (\d+), of a room (\d+)"
    (sizes,) = re.findall(said, MANUAL)
    assert f"{sizes[0]} KB for the first page" in MANUAL

    size = sent_size(make_client(**options), "zh") / 1000

    assert 0.7 < size / int(sizes[kind]) < 1
