"""What the page of a chat shows: its template, and all that this gets."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
)

from ..limits import Limits
from .assets import assets
from .greeting import Greeting
from .languages import labels_of_script, replace_labels
from .texts import is_text

Templates = str | os.PathLike[str] | BaseLoader

_TEMPLATE = "fastapi_echochat/chat.html"


class Features(NamedTuple):
    """What a page has, or not.

    Attributes:
        rooms: Whether people talk among each other, or each conversation is kept.
        markdown: The kinds of entries that are rendered as Markdown: `answer`, `notice`.
        buttons: Those under answers: `again`, `verdict`.
        debug: Whether it has a row for developers.
    """

    rooms: Literal["shared", "private"] | None
    markdown: tuple[str, ...]
    buttons: tuple[str, ...]
    debug: bool


class Addresses(NamedTuple):
    """The addresses in a page.

    Attributes:
        endpoint: The endpoint's URL.
        elsewhere: Whether that is somewhere else than beside the page.
        query: What its own addresses carry on.
        sign_in: Where somebody who is signed out goes, if there is a link.
    """

    endpoint: str
    elsewhere: bool
    query: str
    sign_in: str | None


class View:
    """Renders the pages of a chat.

    Args:
        title: Title and heading, and the name of who answers.
        greeting: What an empty page says.
        limits: What the page needs of the chat's bounds.
        features: What it has.
        templates: Where templates are looked for before the packaged ones.
        labels: Words in the place of the packaged ones, by the name of the label.

    Attributes:
        title: As given.
        greeting: As given.
        is_ours: Whether the template is the packaged one, which does not depend on the request.

    Raises:
        ValueError: One of them cannot be.
    """

    def __init__(
        self,
        *,
        title: str,
        greeting: Greeting,
        limits: Limits,
        features: Features,
        templates: Templates | None,
        labels: Mapping[str, str] | None,
    ) -> None:
        if not is_text(title) or not title.strip():
            raise ValueError(f"title= takes the page's title, a text, not {title!r}")
        self.greeting = greeting
        self.is_ours = templates is None
        self.title = title
        self._limits = limits
        self._features = features
        with_rooms, with_buttons = features.rooms is not None, bool(features.buttons)
        self._labels = replace_labels(
            labels, title=title, with_rooms=with_rooms, with_buttons=with_buttons
        )
        self._template = _environment(templates).get_template(_TEMPLATE)

    def render(self, addresses: Addresses, lang: str, welcome: str | None, **context: Any) -> bytes:
        """Return the HTML of a page, in a language.

        Args:
            addresses: Those in it.
            lang: The language.
            welcome: What it says while it is empty; the language's own words without.
            context: What the template gets besides.
        """
        labels = self._labels[lang]
        rooms, markdown, buttons, debug = self._features

        def asset(name: str) -> str:
            # Relative to the page: the browser adds it to the address that it has the page from.
            own = f"asset={name}&v={assets()[name].version}"
            return f"?{addresses.query}&{own}" if addresses.query else f"?{own}"

        return self._template.render(
            title=self.title,
            endpoint=addresses.endpoint,
            elsewhere=addresses.elsewhere,
            asset=asset,
            labels=labels,
            script_labels=labels_of_script(labels, is_shared=rooms == "shared", debug=debug),
            welcome=welcome or labels["welcome"],
            suggestions=self.greeting.suggestions_in(lang),
            lang=lang,
            limits=self._limits,
            rooms=rooms,
            markdown=" ".join(markdown),
            buttons=" ".join(buttons),
            debug=debug,
            sign_in=addresses.sign_in,
            **context,
        ).encode()


def _environment(templates: Templates | None) -> Environment:
    packaged: BaseLoader = PackageLoader("fastapi_echochat")
    if templates is None:
        loader = packaged
    elif isinstance(templates, BaseLoader):
        loader = ChoiceLoader([templates, packaged])
    elif not isinstance(templates, str | os.PathLike):
        raise ValueError(f"templates= takes a folder or a Jinja2 loader, not {templates!r}")
    elif not Path(templates).is_dir():
        raise ValueError(f"templates= names {os.fspath(templates)!r}, which is no folder")
    else:
        loader = ChoiceLoader([FileSystemLoader(templates), packaged])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    # Jinja's own default escapes each Chinese character of `tojson` into six.
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    return environment
