"""The first frame of a server, as a model."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ..limits import Limits


@dataclass(slots=True, kw_only=True)
class WelcomeLimits:
    """The bounds that a client does well to keep.

    `resume_seconds` is for how long after a message was sent an answer may still begin, where
    there are rooms.
    """

    message_bytes: int | None
    waiting_messages: int
    messages_per_second: float | None
    resume_seconds: float | None

    @classmethod
    def of(cls, limits: Limits, *, with_rooms: bool) -> "WelcomeLimits":
        """Return those of a chat, which keeps messages in rooms or keeps none."""
        return cls(
            message_bytes=limits.message_bytes,
            waiting_messages=limits.waiting_messages,
            messages_per_second=limits.messages_per_second,
            resume_seconds=limits.resume_seconds if with_rooms else None,
        )


@dataclass(slots=True, kw_only=True)
class WelcomeYou:
    """Who the client is: its own pseudonym in this room, and the name that it speaks under.

    `id` is null where there are no rooms, and for a guest in a kept conversation; `name` while it
    has none.
    """

    id: str | None
    name: str | None
    is_guest: bool


@dataclass(slots=True, kw_only=True)
class WelcomeRoom:
    """The room that the client is in.

    `position` is that of the newest entry, 0 in an empty room. Where `resumed` is true what
    follows are all entries after the position that the client named; where it is false they are
    the newest ones, and there may be a gap between what the client has seen and these.
    `has_earlier` says whether there are entries before the first of them. `time` is the server's,
    by which entries have theirs.
    """

    name: str
    position: int
    resumed: bool
    has_earlier: bool
    time: datetime


@dataclass(slots=True, kw_only=True)
class WelcomeFrame:
    """From the server: the first frame."""

    limits: WelcomeLimits
    you: WelcomeYou
    room: WelcomeRoom | None
    type: Literal["welcome"] = "welcome"
