"""Drafts: answers put together from their pieces, as a process hears them."""

from hypothesis import given
from hypothesis import strategies as st

from fastapi_echochat.rooms.drafts import Drafts, News

# The position of the message that is answered.
QUESTION = 7


def add(drafts: Drafts, number: int, text: str, *, is_whole: bool = False) -> News:
    return drafts.add(QUESTION, number, text, is_whole=is_whole)


def test_pieces_in_order() -> None:
    """The first piece is a start, the others are what comes next, and all are the text so far."""
    drafts = Drafts()
    assert add(drafts, 1, "a") is News.START
    assert add(drafts, 2, "b") is News.PIECE
    assert add(drafts, 3, "c") is News.PIECE
    assert drafts.so_far() == {QUESTION: "abc"}


def test_piece_that_was_lost() -> None:
    """A piece that is not the next is a gap, told once; all there is so far mends it."""
    drafts = Drafts()
    add(drafts, 1, "a")
    assert add(drafts, 3, "c") is News.GAP
    assert add(drafts, 4, "d") is News.NOTHING
    assert drafts.so_far() == {}
    assert add(drafts, 5, "abcde", is_whole=True) is News.START
    assert add(drafts, 6, "f") is News.PIECE
    assert drafts.so_far() == {QUESTION: "abcdef"}


def test_who_comes_in_the_middle() -> None:
    """A process that opened the room in the middle of an answer asks for the whole of it."""
    drafts = Drafts()
    assert add(drafts, 7, "g") is News.GAP
    assert add(drafts, 8, "h") is News.NOTHING
    assert add(drafts, 8, "abcdefgh", is_whole=True) is News.START
    assert add(drafts, 9, "i") is News.PIECE


def test_whole_that_is_known() -> None:
    """All there is so far is nothing new to those who have it."""
    drafts = Drafts()
    add(drafts, 1, "a")
    add(drafts, 2, "b")
    assert add(drafts, 2, "ab", is_whole=True) is News.NOTHING
    assert drafts.so_far() == {QUESTION: "ab"}


def test_answer_begun_anew() -> None:
    """Where another process answers in place of one that died, its answer takes the draft's place.

    So it does where a piece of the first was lost.
    """
    for numbers in ((1, 2), (1, 3)):
        drafts = Drafts()
        for number in numbers:
            add(drafts, number, "old")
        assert add(drafts, 1, "new") is News.START
        assert drafts.so_far() == {QUESTION: "new"}


def test_answer_that_is_over() -> None:
    """Pieces that are heard after the answer's end are nothing, and nothing is left of it."""
    drafts = Drafts()
    add(drafts, 1, "a")
    drafts.end(QUESTION)
    assert drafts.so_far() == {}
    assert add(drafts, 2, "b") is News.NOTHING
    assert add(drafts, 1, "a") is News.NOTHING
    assert add(drafts, 3, "abc", is_whole=True) is News.NOTHING
    assert drafts.so_far() == {}
    assert drafts.add(QUESTION + 1, 1, "x", is_whole=False) is News.START


def test_several_answers_at_once() -> None:
    """Each answer under way is put together for itself."""
    drafts = Drafts()
    for number, text in ((1, "a"), (2, "b")):
        for in_reply_to in (1, 2):
            drafts.add(in_reply_to, number, f"{text}{in_reply_to} ", is_whole=False)
    assert drafts.so_far() == {1: "a1 b1 ", 2: "a2 b2 "}


@given(st.lists(st.sampled_from(["sent", "lost", "restated"]), max_size=40))
def test_what_is_shown_is_what_was_written(fates: list[str]) -> None:
    """Whatever pieces are lost, what is shown is always a true beginning of the answer.

    A gap is told before anything wrong is shown, and the next time the whole is told it is mended.
    """
    drafts = Drafts()
    shown = written = ""
    is_broken = False
    for number, fate in enumerate(fates, start=1):
        piece = f"{number} "
        written += piece
        if fate == "lost":
            continue
        text = written if fate == "restated" else piece
        news = add(drafts, number, text, is_whole=fate == "restated")
        if news is News.START:
            shown, is_broken = text, False
        elif news is News.PIECE:
            shown += text
        elif news is News.GAP:
            assert not is_broken
            is_broken = True
        if not is_broken:
            assert shown == written
            assert drafts.so_far() == {QUESTION: shown}
        assert written.startswith(shown)
