"""Whose turn it is with the bot of a room."""

from datetime import datetime, timedelta, timezone

from fastapi_echochat import Author, Entry
from fastapi_echochat.rooms.questions import Questions

ADA, BOB = Author("1", "Ada"), Author("2", "Bob")
NOW = datetime.now(timezone.utc)


def question(position: int, author: Author, *, sent_at: datetime = NOW) -> Entry:
    return Entry(
        kind="message",
        id=f"id-{position}",
        author=author,
        text="?",
        sent_at=sent_at,
        position=position,
    )


def test_authors_take_turns() -> None:
    """When one message of an author is done, everybody else's come before the next of theirs."""
    questions = Questions(10)
    for position, author in enumerate([ADA, ADA, BOB, ADA, BOB], 1):
        questions.add(question(position, author))

    turns = []
    while waiting := questions.first_of_each():
        turns.append(waiting[0].position)
        questions.remove(waiting[0].position)
    assert turns == [1, 3, 2, 5, 4]


def test_what_is_removed_while_others_are_looked_at() -> None:
    """Messages that are answered elsewhere while one looks whose turn it is do no harm."""
    questions = Questions(10)
    questions.add(question(1, ADA))
    questions.add(question(2, BOB))

    for entry in questions.first_of_each():
        assert entry.position in (1, 2)
        for position in (1, 2):
            questions.remove(position)
    assert questions.first_of_each() == []


def test_messages_sent_earlier_come_first() -> None:
    """What a restarted process finds in the history comes before what it has seen since."""
    questions = Questions(10)
    questions.add(question(5, ADA))
    questions.add_earlier([question(3, ADA), question(1, ADA)])

    assert questions.first_of_each()[0].position == 1
    assert questions.count(ADA.key) == 3
    old = question(6, BOB, sent_at=NOW - timedelta(seconds=60))
    questions.add(old)
    assert questions.waiting_since(NOW - timedelta(seconds=30)) == [old]
