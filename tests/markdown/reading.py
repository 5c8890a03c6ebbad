"""Trees of texts in Markdown: the page's own, and what markdown-it-py makes of the same."""

import json
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.token import Token

from tests.servers import find_program

Node = str | dict[str, Any]

_SCRIPT = Path(__file__).with_name("reading.js")
_ALLOWED = re.compile(r"(?:https?://|mailto:)[^\s]", re.IGNORECASE)
_TAGS = {"s": "del"}


class Reader:
    """A process that reads Markdown with the page's own modules."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [find_program("node"), _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def read(self, *pieces: str) -> list[Node]:
        """Return the tree of a text that comes in pieces."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(pieces)}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the process ended: its error is on standard error"
        tree: list[Node] = json.loads(line)
        return tree

    def close(self) -> None:
        self._process.communicate()


def without_levels(nodes: list[Node]) -> list[Node]:
    """Return a tree without the levels that headings have on the page."""
    return [
        node
        if isinstance(node, str)
        else {
            name: without_levels(value) if name == "children" else value
            for name, value in node.items()
            if name != "level"
        }
        for node in nodes
    ]


def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "linkify": True})
    reader.enable(["table", "strikethrough", "linkify"])
    # What may be a link is the same for both; how an address is encoded is the browser's affair.
    reader.validateLink = lambda url: bool(_ALLOWED.match(url))  # type: ignore[method-assign]  # as its documentation says
    reader.normalizeLink = lambda url: url  # type: ignore[method-assign]  # as its documentation says
    reader.normalizeLinkText = lambda link: link  # type: ignore[method-assign]  # as its documentation says
    return reader


_READER = _reader()


def read_theirs(text: str) -> list[Node]:
    """Return the tree that markdown-it-py makes of a text, in the page's form."""
    # The last line of a code block ends like the others, as it does in CommonMark's reference.
    return _nest(_READER.parse(text if text.endswith("\n") else f"{text}\n"))


def _nest(tokens: Iterable[Token]) -> list[Node]:
    """Return flat tokens as a tree."""
    path: list[list[Node]] = [[]]
    for token in tokens:
        if token.type == "inline":
            _extend(path[-1], _nest(token.children or []))
        elif token.hidden:
            continue  # The paragraph of an item in a list without empty lines.
        elif token.nesting == 1:
            children: list[Node] = []
            path[-1].append(_node(token, children))
            path.append(children)
        elif token.nesting == -1:
            path.pop()
        else:
            _extend(path[-1], [_leaf(token)])
    return path[0]


def _extend(nodes: list[Node], more: Iterable[Node]) -> None:
    for node in more:
        if isinstance(node, str) and nodes and isinstance(last := nodes[-1], str):
            nodes[-1] = last + node
        elif node != "":
            nodes.append(node)


def _node(token: Token, children: list[Node]) -> dict[str, Any]:
    node: dict[str, Any] = {"tag": _TAGS.get(token.tag, token.tag), "children": children}
    if token.tag == "ol":
        node["start"] = token.attrs.get("start", 1)
    for name in ("href", "title"):
        if token.attrs.get(name):
            node[name] = token.attrs[name]
    if style := token.attrs.get("style"):
        node["align"] = str(style).removeprefix("text-align:")
    return node


def _leaf(token: Token) -> Node:
    if token.type in ("fence", "code_block"):
        words = unescapeAll(token.info).split()
        language = {"language": words[0]} if words else {}
        return {"tag": "pre", **language, "children": [token.content] if token.content else []}
    if token.type == "image":
        source = str(token.attrs["src"])
        node = _node(token, [_words(_nest(token.children or [])) or source])
        return {**node, "tag": "a", "href": source}
    leaves: dict[str, Node] = {
        "code_inline": {"tag": "code", "children": [token.content]},
        "hr": {"tag": "hr", "children": []},
        "hardbreak": {"tag": "br"},
        "softbreak": "\n",
    }
    return leaves.get(token.type, token.content)


def _words(nodes: Iterable[Node]) -> str:
    return "".join(node if isinstance(node, str) else _words(node["children"]) for node in nodes)
