"""Somebody in a room, or in a conversation that is kept."""

import contextlib
import secrets
import time
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import timezone
from typing import TYPE_CHECKING, Any

from ..identity import Author
from ..protocol.frames import ECHOCHAT_V1, EntryFrame, server_frames
from ..rooms.stores.contract import Entry
from .wire import ChatError, NoAnswerError, Wire, open_wire

if TYPE_CHECKING:
    from starlette.testclient import TestClient

_OUTCOMES = {
    "failed": ("reply_failed", "the reply function failed, or took too long"),
    "stopped": ("stopped", "the answer was stopped"),
}


class Person:
    """Somebody in a room. `enter` makes them.

    What others say is kept for `hear`, whatever else is waited for meanwhile.

    Attributes:
        welcome: The first frame.
        history: What stood in the room when they came: its newest entries, oldest first.
        id: Their pseudonym: the `author.id` of the entries that are theirs, `None` for a guest in
            a kept conversation.
        name: The name they speak under, `None` while they have none.
        people: The names of those who are there, as far as they have been told, in order.
        guest: The secret that they are known by, as a guest.
        conversation: What their conversation is known by, where each has one of its own.
    """

    def __init__(self, wire: Wire, name: str | None, guest: str, conversation: str) -> None:
        self._wire = wire
        self._last_id = ""
        # Positions of the messages of their own, by id; 0 until they are kept.
        self._own: dict[str, int] = {}
        self._unheard: deque[Entry] = deque()
        self.conversation = conversation
        self.guest = guest
        self.people: list[str] = []
        self.history: list[Entry] = []
        wire.send_frame(
            {"type": "enter", "name": name, "guest": guest, "conversation": conversation}
        )
        self.welcome = wire.receive_frame("the welcome", wire.timeout)
        self.id: str | None = None
        self.name: str | None = None
        self._come_in()

    @property
    def timeout(self) -> float:
        """Seconds that whatever is waited for may take; it may be changed."""
        return self._wire.timeout

    @timeout.setter
    def timeout(self, seconds: float) -> None:
        self._wire.timeout = seconds

    def say(self, text: str) -> Entry:
        """Say something, and return what the room keeps of it, as soon as it does.

        Raises:
            NoAnswerError: It was not kept within the timeout.
            ChatError: It was refused, or the chat closed the connection.
        """
        deadline = time.monotonic() + self.timeout
        message_id = self.send(text)
        while True:
            frame = self._next(f"{text!r} to be kept", deadline, message_id)
            entry = _entry_of(frame)
            if entry is not None and self._is_own(entry) and entry.id == message_id:
                return entry

    def hear(self) -> Entry:
        """Return the next thing that somebody else said: a person, the bot, or the host.

        Each is returned once, in the room's order; what stood there before is in `history`.

        Raises:
            NoAnswerError: Nothing was said within the timeout.
            ChatError: The chat answered with an error, or closed the connection.
        """
        deadline = time.monotonic() + self.timeout
        while not self._unheard:
            self._next("somebody to say something", deadline)
        return self._unheard.popleft()

    def ask(self, text: str) -> str:
        """Say something and return the bot's whole answer, within the timeout.

        Raises:
            NoAnswerError: The answer did not end within the timeout.
            ChatError: The answer was stopped or failed, or the chat closed the connection.
        """
        deadline = time.monotonic() + self.timeout
        return "".join(self._answer(self.send(text), text, deadline))

    def pieces(self, text: str) -> Iterator[str]:
        """Say something at once, and yield the bot's answer as it is written.

        Each piece comes within the timeout. A room may join pieces; together they are the answer.

        Raises:
            NoAnswerError: The next piece did not come within the timeout.
            ChatError: The answer was stopped or failed, or the chat closed the connection.
        """
        return self._answer(self.send(text), text, None)

    def stop(self, message_id: str | None = None) -> None:
        """Want no more of the answer to a message, by default to the last one."""
        self.send_frame({"type": "stop", "id": message_id or self._last_id})

    def meet(self, *names: str) -> None:
        """Wait until these, and nobody else, are there; one's own name is among them.

        Raises:
            NoAnswerError: They were not within the timeout; the message says who was.
            ChatError: The chat closed the connection.
        """
        deadline = time.monotonic() + self.timeout
        expected = sorted(names)
        while self.people != expected:
            self._next(f"{expected} to be there; {self.people} are", deadline)

    def send(self, text: str) -> str:
        """Send a message without a wait, and return the `id` that it has."""
        self._last_id = secrets.token_hex(16)
        self._own[self._last_id] = 0
        self.send_frame({"type": "message", "id": self._last_id, "text": text})
        return self._last_id

    def send_frame(self, frame: Mapping[str, Any]) -> None:
        """Send a frame of `echochat.v1`, such as `{"type": "typing"}`, or one that is none."""
        self._wire.send_frame(frame)

    def receive(self) -> dict[str, Any]:
        """Return the next frame, whatever it is; `hear` does not return what is in it.

        Raises:
            NoAnswerError: None came within the timeout.
            ChatError: The chat closed the connection.
        """
        return self._wire.receive_frame("a frame", self.timeout)

    def _come_in(self) -> None:
        _raise_error(self.welcome)
        room = self.welcome["room"]
        if room is None:
            raise ValueError("this chat has no rooms: testing.connect speaks to it")
        self.id, self.name = self.welcome["you"]["id"], self.welcome["you"]["name"]
        deadline = time.monotonic() + self.timeout
        position = 0
        while position < room["position"]:
            frame = self._wire.receive_frame("what was said before", deadline - time.monotonic())
            if (entry := _entry_of(frame)) is not None:
                self.history.append(entry)
                position = entry.position

    def _answer(self, message_id: str, text: str, deadline: float | None) -> Iterator[str]:
        what = f"the answer to {text!r}"
        so_far = ""
        is_over = False
        while not is_over:
            until = time.monotonic() + self.timeout if deadline is None else deadline
            frame = self._next(what, until, message_id)
            answer = so_far
            entry = _entry_of(frame)
            position = self._own[message_id]
            if entry is not None and position and entry.in_reply_to == position:
                is_over = True
                answer = entry.text
                self._unheard.remove(entry)
                if entry.outcome != "done":
                    raise ChatError(*_OUTCOMES[entry.outcome])
            elif frame["type"] == "draft" and frame["in_reply_to"] == position:
                what = f"the rest of the answer to {text!r}"
                answer = frame["text"] if frame["is_start"] else so_far + frame["text"]
            if not answer.startswith(so_far):
                raise NoAnswerError(f"the answer to {text!r} was begun anew after {so_far!r}")
            if answer != so_far:
                yield answer[len(so_far) :]
            so_far = answer

    def _next(self, what: str, deadline: float, message_id: str | None = None) -> dict[str, Any]:
        """Take note of the next frame, and return it; an error of another message is none."""
        frame = self._wire.receive_frame(what, deadline - time.monotonic())
        if message_id is None or frame.get("in_reply_to") in (message_id, None):
            _raise_error(frame)
        if frame["type"] == "presence":
            self.people = sorted(person["name"] for person in frame["people"])
        elif frame["type"] == "named":
            self.name = frame["name"]
        entry = _entry_of(frame)
        if entry is not None and self._is_own(entry):
            self._own[entry.id] = entry.position
        elif entry is not None:
            self._unheard.append(entry)
        return frame

    def _is_own(self, entry: Entry) -> bool:
        author = None if entry.author is None else entry.author.id
        return entry.kind == "message" and author == self.id and entry.id in self._own


@contextlib.contextmanager
def enter(
    client: "TestClient",
    url: str,
    *,
    name: str | None = None,
    guest: str | None = None,
    conversation: str | None = None,
    timeout: float = 5.0,
    headers: Mapping[str, str] | None = None,
) -> Iterator[Person]:
    """Enter the room whose page is at an address, and leave it at the end of the block.

    ```python
    with testing.enter(client, "/rooms/lobby", name="Ada") as ada:
        ada.say("hello")
        assert ada.hear().text == "hello yourself"
    ```

    Those who are in a room at the same time share an event loop, as they do in a server, where
    `client` was entered: `with TestClient(app) as client:`.

    Args:
        client: Starlette's, which is also FastAPI's.
        url: Where the room's page is; a query of it is kept.
        name: What a guest wants to be called.
        guest: The secret that a guest is known by, to come back as the same person: a
            `Person.guest`. By default a new one.
        conversation: Where each has a conversation of its own (`private=True`), the one to come
            back to: a `Person.conversation`. By default a new one.
        timeout: Seconds that whatever is waited for may take.
        headers: Headers of the handshake, such as `{"Cookie": "session=…"}`.

    Raises:
        NoAnswerError: The handshake, the room's history or the end did not come within the timeout.
        WebSocketDenialResponse: The handshake was refused; Starlette's, with the `status_code`.
        ChatError: The room cannot be entered.
        ValueError: The chat has no rooms.
    """
    guest = guest or secrets.token_urlsafe(24)
    conversation = conversation or secrets.token_urlsafe(32)
    with open_wire(
        client, url, subprotocols=[ECHOCHAT_V1], timeout=timeout, headers=headers
    ) as wire:
        yield Person(wire, name, guest, conversation)


def _entry_of(frame: Mapping[str, Any]) -> Entry | None:
    if frame["type"] != "entry":
        return None
    said = server_frames.validate_python(frame)
    assert isinstance(said, EntryFrame)
    return Entry(
        kind=said.kind,
        id=said.id,
        author=None if said.author is None else Author(said.author.id, said.author.name),
        text=said.text,
        sent_at=said.sent_at.astimezone(timezone.utc),
        outcome=said.outcome,
        position=said.position,
    )


def _raise_error(frame: Mapping[str, Any]) -> None:
    if frame["type"] == "error":
        raise ChatError(frame["code"], frame["detail"])
