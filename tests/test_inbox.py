"""The inbox: what waits is bounded, each id is there once, and nothing is lost."""

import asyncio
from datetime import datetime, timezone

from hypothesis import given
from hypothesis import strategies as st

from fastapi_echochat import Limits, Message, testing
from fastapi_echochat.inbox import Inbox
from fastapi_echochat.protocol.frames import MessageFrame
from tests.apps import make_client
from tests.waiting import patient


def frame(message_id: str, text: str = "x") -> MessageFrame:
    return MessageFrame("message", message_id, text)


@given(st.lists(st.sampled_from("abcdef")))
def test_each_id_waits_once_and_in_order(ids: list[str]) -> None:
    """Messages are taken in the order in which their ids came first, each once."""
    inbox = Inbox(Limits())
    for message_id in ids:
        inbox.add(frame(message_id))
    taken = []
    while inbox:
        taken.append(inbox.take()[0].id)
    assert taken == list(dict.fromkeys(ids))


def test_it_is_full_by_count_and_by_bytes() -> None:
    """It is full when too many messages wait, or too many bytes, and not any more afterwards."""
    limits = Limits(waiting_messages=3, waiting_bytes=100)
    for texts in (["x"] * 3, ["x" * 60, "x" * 60], ["x" * 1000], ["é" * 30]):
        inbox = Inbox(limits)
        for number, text in enumerate(texts):
            assert not inbox.is_full
            inbox.add(frame(str(number), text))
        assert inbox.is_full
        inbox.take()
        assert not inbox.is_full


def test_what_is_removed_takes_no_space() -> None:
    """A message that is stopped before its turn takes no space, and its id is free again."""
    inbox = Inbox(Limits(waiting_bytes=100))
    assert inbox.add(frame("1", "x" * 100))
    assert not inbox.add(frame("1"))
    assert inbox.remove("1")
    assert not inbox.remove("1")
    assert not inbox.is_full
    assert inbox.add(frame("1"))


def test_messages_were_sent_when_they_came() -> None:
    """A message that waited for its turn says when the server received it, not when it began."""
    sent_at: list[datetime] = []
    ended_at: list[datetime] = []

    async def slow(message: Message) -> str:
        sent_at.append(message.sent_at)
        await asyncio.sleep(patient(0.5))
        ended_at.append(datetime.now(timezone.utc))
        return message.text

    with testing.connect(make_client(slow), "/chat", timeout=patient(5)) as chat:
        chat.send("one")
        assert chat.ask("two") == "two"
    assert sent_at[1] < ended_at[0]
