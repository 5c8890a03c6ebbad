"""Whose turn it is with the bot of a room."""

from datetime import datetime, timedelta, timezone

from fastapi_echochat import Author, Entry
from fastapi_echochat.rooms.questions import Questions

ADA, BOB = Author("1", "Ada"), Author("2", "Bob")
NOW = datetime.now(timezone.utc)
AGE = timedelta(seconds=30)


def question(position: int, author: Author, *, sent_at: datetime = NOW, text: str = "?") -> Entry:
    return Entry(
        kind="message",
        id=f"id-{position}",
        author=author,
        text=text,
        sent_at=sent_at,
        position=position,
    )


def test_authors_take_turns() -> None:
    """When one message of an author is done, everybody else's come before the next of theirs."""
    questions = Questions(10, 1000)
    for position, author in enumerate([ADA, ADA, BOB, ADA, BOB], 1):
        questions.add(question(position, author))

    turns = []
    while waiting := questions.first_of_each():
        turns.append(waiting[0].position)
        questions.remove(waiting[0].position)
    assert turns == [1, 3, 2, 5, 4]


def test_what_is_removed_while_others_are_looked_at() -> None:
    """Messages that are answered elsewhere while one looks whose turn it is do no harm."""
    questions = Questions(10, 1000)
    questions.add(question(1, ADA))
    questions.add(question(2, BOB))

    for entry in questions.first_of_each():
        assert entry.position in (1, 2)
        for position in (1, 2):
            questions.remove(position)
    assert questions.first_of_each() == []


def test_messages_sent_earlier_come_first() -> None:
    """What a restarted process finds in the history comes before what it has seen since."""
    questions = Questions(10, 1000)
    questions.add(question(5, ADA))
    questions.add_earlier([question(3, ADA), question(1, ADA)])

    assert questions.first_of_each()[0].position == 1
    assert [entry.position for entry in questions.waiting_since(NOW + AGE)] == [1, 3, 5]
    old = question(6, BOB, sent_at=NOW - 2 * AGE)
    questions.add(old)
    assert questions.waiting_since(NOW - AGE) == [old]


def test_too_much_of_one_author_waits() -> None:
    """An author may have so many messages waiting, and so many bytes of text; others as well."""
    for most, most_bytes, texts in (
        (3, 1000, "???"),
        (10, 100, ["x" * 60] * 2),
        (10, 100, ["é" * 25]),
    ):
        questions = Questions(most, most_bytes)
        for position, text in enumerate(texts, 1):
            assert not questions.is_full(ADA.key)
            questions.add(question(position, ADA, text=text))
            questions.add(question(position, ADA, text=text))
        assert questions.is_full(ADA.key)
        assert not questions.is_full(BOB.key)
        questions.remove(1)
        assert not questions.is_full(ADA.key)
    questions = Questions(1, 1000)
    questions.expect(question(1, ADA))
    assert questions.is_full(ADA.key)


def test_stops_of_messages_that_wait_are_kept() -> None:
    """However many stops of other messages an author sends; of those the last are kept, a few."""
    questions = Questions(2000, 10_000)
    waiting = [question(position, ADA) for position in range(1, 101)]
    for entry in waiting:
        questions.add(entry)
        questions.stop(ADA.key, entry.id)
    unknown = [question(position, ADA) for position in range(200, 2200)]
    for entry in unknown:
        questions.stop(ADA.key, entry.id)
        assert questions.is_stopped(entry)
    assert all(questions.is_stopped(entry) for entry in waiting)
    assert sum(questions.is_stopped(entry) for entry in unknown) <= 33
