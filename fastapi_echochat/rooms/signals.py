"""What the processes of a chat tell each other about a room, and no history keeps."""

from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from .presence import Present


@dataclass(slots=True, kw_only=True)
class Hello:
    """A process has opened the room, or has missed a piece of an answer."""

    process: str
    kind: Literal["hello"] = "hello"


@dataclass(slots=True, kw_only=True)
class Here:
    """Who is in the room in one process: names by pseudonym, and how many have no name.

    With `is_first` it says hello as well.
    """

    process: str
    people: dict[str, str] = field(default_factory=dict)
    nameless: int = 0
    is_first: bool = False
    kind: Literal["here"] = "here"

    @property
    def present(self) -> Present:
        """Who that is."""
        return Present(self.people, self.nameless)


@dataclass(slots=True, kw_only=True)
class Alive:
    """A process is there, whatever rooms it has open."""

    process: str
    kind: Literal["alive"] = "alive"


@dataclass(slots=True, kw_only=True)
class Waiting:
    """Somebody in a process waits for an answer that another one gives."""

    process: str
    kind: Literal["waiting"] = "waiting"


@dataclass(slots=True, kw_only=True)
class Search:
    """A process has messages of an author whom it does not know, and looks for who does."""

    process: str
    author: str
    kind: Literal["search"] = "search"


@dataclass(slots=True, kw_only=True)
class Found:
    """The messages of an author whom a process looks for are answered in another."""

    process: str
    author: str
    kind: Literal["found"] = "found"


@dataclass(slots=True, kw_only=True)
class Piece:
    """A piece of the answer to the message at a position; `number` counts them from 1.

    With `is_whole` the text is all pieces up to this one.
    """

    in_reply_to: int
    number: int
    text: str
    is_whole: bool
    kind: Literal["piece"] = "piece"


@dataclass(slots=True, kw_only=True)
class Typing:
    """Somebody, a pseudonym and a name, is writing."""

    id: str
    name: str
    kind: Literal["typing"] = "typing"


@dataclass(slots=True, kw_only=True)
class Stop:
    """Who sent a message wants no more of its answer."""

    author: str
    id: str
    kind: Literal["stop"] = "stop"


Signal: TypeAlias = Hello | Here | Alive | Waiting | Search | Found | Piece | Typing | Stop
"""What one process tells the others."""

_signals: TypeAdapter[Signal] = TypeAdapter(Annotated[Signal, Field(discriminator="kind")])


def encode_signal(signal: Signal) -> str:
    """Return a signal as JSON."""
    return _signals.dump_json(signal).decode()


def decode_signal(text: str) -> Signal | None:
    """Return the signal that a text is.

    `None` where it is of a kind, or of a shape, that this process does not know: while a server is
    deployed anew, old and new processes share a room.
    """
    try:
        return _signals.validate_json(text)
    except ValidationError:
        return None
