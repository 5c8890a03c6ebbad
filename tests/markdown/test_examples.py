"""The page's Markdown beside markdown-it-py's, example by example, and on texts made up."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.markdown.examples import DEVIATIONS, EXAMPLES
from tests.markdown.reading import Reader, read_theirs, without_levels

TEXTS = [text for texts in EXAMPLES.values() for text in texts]
# What Markdown is made of, so that a text made up of it means something.
SIGNS = st.sampled_from(
    [
        *"*_~`[]()<>!|#-+=:\\&;.\"'\n\t a1你😀",
        *("\n\n", "    ", "  \n", "- ", "1. ", "> ", "```\n", "**", "](", "[a]: https://a.b\n"),
        *("https://a.b/", "www.a.b", "a@b.cd", "|-|-|\n", "a|b\n", "---\n", "\r\n", "\r", "\0"),
    ]
)
TEXT = st.lists(SIGNS, max_size=60).map("".join)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


@pytest.mark.parametrize("section", EXAMPLES)
def test_examples_are_read_alike(reader: Reader, section: str) -> None:
    """A text has the tree that markdown-it-py gives it, unless a reason is listed why not."""
    for text in EXAMPLES[section]:
        ours, theirs = without_levels(reader.read(text)), read_theirs(text)
        if text in DEVIATIONS:
            assert ours != theirs, f"{text!r} deviates no longer"
        else:
            assert ours == theirs, text


def test_every_deviation_is_of_an_example() -> None:
    """No reason is listed for a text that is never read, and no text is listed twice."""
    assert set(DEVIATIONS) <= set(TEXTS)
    assert len(TEXTS) == len(set(TEXTS))
    assert all(DEVIATIONS.values())


@settings(
    max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.one_of(TEXT, st.text(), st.sampled_from(TEXTS)), data=st.data())
def test_pieces_make_the_same_tree(reader: Reader, text: str, data: st.DataObject) -> None:
    """However a text is cut into pieces, its tree is that of the whole."""
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=20).map(sorted))
    edges = [0, *cuts, len(text)]

    pieces = [text[start:end] for start, end in itertools.pairwise(edges)]

    assert "".join(pieces) == text
    assert reader.read(*pieces) == reader.read(text)


@pytest.mark.parametrize("section", EXAMPLES)
def test_characters_make_the_same_tree(reader: Reader, section: str) -> None:
    """A text that comes character by character has the tree of the whole, and so have two."""
    for text in [*EXAMPLES[section], "\n\n".join(EXAMPLES[section])]:
        assert reader.read(*text) == reader.read(text), text


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=TEXT)
def test_nothing_but_links_leads_anywhere(reader: Reader, text: str) -> None:
    """Any text is a tree of the elements that the page knows, with addresses that are allowed."""
    nodes = reader.read(text.replace("https", "javascript"), text)
    while nodes:
        node = nodes.pop()
        if isinstance(node, str):
            continue
        assert node["tag"] in TAGS
        assert set(node) <= {
            "tag",
            "children",
            "href",
            "title",
            "start",
            "align",
            "language",
            "level",
        }
        assert ("href" in node) == (node["tag"] == "a")
        assert node.get("href", "http://").lower().startswith(("http://", "https://", "mailto:"))
        nodes += node.get("children", [])


TAGS = {
    *("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "hr"),
    *("table", "thead", "tbody", "tr", "th", "td", "a", "em", "strong", "del", "code", "br"),
}
