"""A message, as a reply function gets it."""

from dataclasses import dataclass
from datetime import datetime

from ..identity import Author


# Not frozen: that makes a message three times as dear, and it is its function's alone.
@dataclass(slots=True)
class Message:
    """What a person says.

    Attributes:
        id: Unique among the messages of its author in its conversation or room; over
            `echochat.v1` chosen by the client.
        text: What was said.
        author: Who says it; `None` for a guest outside of shared rooms. Its `name` is what is
            shown, its `id` says who it is: two people may have one name.
        sent_at: When the server received it, aware, in UTC.
        room: The room it was said in, `None` where there are no rooms; of a kept conversation a
            name that nobody can guess. `chat.history` and `chat.post` take it.
    """

    id: str
    text: str
    author: Author | None
    sent_at: datetime
    room: str | None = None
