"""A client of `echochat.v1` over a real socket."""

import contextlib
import json
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response
from websockets.sync.client import ClientConnection, connect

from tests.waiting import PATIENCE

# Frames: a client takes everything at once. `None`, no bound, fails in websockets 14.0.
MUCH = 100_000

V1: Any = ["echochat.v1"]
Frame = dict[str, Any]

# A conversation's identifier as a page makes it: 22 characters, 132 bits.
CONVERSATION = "c" * 22


def echo_at(
    url: str, port: int, context: ssl.SSLContext | None = None, **headers: str
) -> str | bytes:
    """Say NBA at a URL, whatever its host name, at a port of this machine."""
    sock = socket.create_connection(("127.0.0.1", port))
    with connect(url, sock=sock, ssl=context, additional_headers=headers, proxy=None) as websocket:
        websocket.send("NBA")
        return websocket.recv(PATIENCE)


def receive(websocket: ClientConnection) -> Any:
    """Return the next frame of `echochat.v1`."""
    return json.loads(websocket.recv(PATIENCE))


def ask(url: str, text: str = "NBA", **headers: str) -> str | bytes:
    """Say something in the plain protocol, and return what comes first."""
    with connect(url, additional_headers=headers) as websocket:
        websocket.send(text)
        return websocket.recv(PATIENCE)


def refusal(url: str, subprotocols: Any = None, **headers: str) -> Response:
    """Return the response that a handshake is refused with."""
    with pytest.raises(InvalidStatus) as refused:
        connect(url, subprotocols=subprotocols, additional_headers=headers)
    return refused.value.response


def is_free(url: str) -> bool:
    """Tell whether one more connection may be opened."""
    with contextlib.suppress(InvalidStatus), connect(url, subprotocols=V1):
        return True
    return False


class Client:
    """One connection of `echochat.v1`, which keeps what it hears until it is asked for.

    Args:
        url: Of the endpoint.
        enters: Whether it does so at once, as in a room or a kept conversation.
        name: What it wants to be called.
        after: The position that it has seen the room up to.
        conversation: Which one, in a chat that keeps them.
        guest: The secret that it is known by as a guest; by default one of its own, with which it
            comes back too.
        headers: Of the handshake.

    Attributes:
        guest: As given, or made.
        welcome: The first frame.
        position: Of the latest entry that it heard.
    """

    def __init__(
        self,
        url: str,
        name: str | None = None,
        *,
        enters: bool = True,
        after: int | None = None,
        conversation: str | None = None,
        guest: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._url = url
        self.guest = guest or secrets.token_urlsafe(24)
        self._entered: Frame = {"name": name, "conversation": conversation, "guest": self.guest}
        self._headers = headers
        self._heard: list[Frame] = []
        self._said = 0
        # Of messages that it has heard, by position.
        self._ids: dict[int, str] = {}
        self.position = after
        self._connection = contextlib.ExitStack()
        # Without a bound, so that it can be closed with frames unread: else it waits for a close
        # frame that is behind them.
        self.websocket = self._connection.enter_context(
            connect(url, subprotocols=V1, additional_headers=headers, max_queue=MUCH)
        )
        if enters:
            self.send(type="enter", after=after, **self._entered)
        self.welcome: Frame = self.hear("welcome")

    @property
    def id(self) -> Any:
        """Its pseudonym."""
        return self.welcome["you"]["id"]

    @property
    def name(self) -> Any:
        """What it was called when it came in."""
        return self.welcome["you"]["name"]

    @property
    def room(self) -> Any:
        return self.welcome["room"]

    def send(self, **frame: object) -> None:
        self.websocket.send(json.dumps(frame))

    def say(self, text: str, message_id: str | None = None) -> str:
        """Send a message, and return its id."""
        self._said += 1
        message_id = message_id or f"{secrets.token_hex(8)}-{self._said}"
        self.send(type="message", id=message_id, text=text)
        return message_id

    def tell(self, text: str, message_id: str | None = None) -> Frame:
        """Send a message, and return its entry; other entries stay to be heard."""
        message_id = self.say(text, message_id)

        def is_own(frame: Frame) -> bool:
            return (
                _is(frame, "entry", kind="message", id=message_id) and author_id(frame) == self.id
            )

        return self._find(f"the entry of {text!r}", is_own)

    def meet(self, *names: str) -> Frame:
        """Return the next frame that says that these are there and nobody else, in this order."""
        return self._find(
            f"{names} to be there",
            lambda frame: frame["type"] == "presence" and names_in(frame) == list(names),
            drops="presence",
        )

    def hear(self, kind: str, /, **fields: object) -> Frame:
        """Return the next frame of a type, with these fields.

        Those of the type that come before are dropped, those of other types stay to be heard.
        """
        what = f"{kind} {fields or ''}"
        return self._find(what, lambda frame: _is(frame, kind, **fields), drops=kind)

    def receive(self) -> Frame:
        """Return the next frame, whatever it is."""
        if not self._heard:
            self._receive(PATIENCE)
        return self._heard.pop(0)

    def answer(self) -> Frame:
        """Return the next answer in the room."""
        return self.hear("entry", kind="answer")

    def asked_in(self, answer: Frame) -> str:
        """Return the id of the message that an answer, or a draft of one, is to."""
        return self._ids[answer["in_reply_to"]]

    def answer_frames(self) -> list[Frame]:
        """Return all frames up to the one that ends an answer to this client alone."""
        frames = [self.receive()]
        while frames[-1]["type"] != "error" and not frames[-1].get("done"):
            frames.append(self.receive())
        return frames

    def is_alive(self) -> bool:
        """Tell whether a ping is answered, and nothing else has come."""
        self.send(type="ping")
        return self.receive() == {"type": "pong"}

    def stop(self, message_id: str = "1") -> None:
        self.send(type="stop", id=message_id)

    def entries(self, count: int) -> list[Frame]:
        """Return the next entries."""
        return [self.hear("entry") for _ in range(count)]

    def texts(self, count: int) -> list[str]:
        """Return the texts of the next entries."""
        return [entry["text"] for entry in self.entries(count)]

    def heard_so_far(self, kind: str) -> list[Frame]:
        """Return what came of a type until a ping that is sent now was answered."""
        self.send(type="ping")
        self.hear("pong")
        heard = [frame for frame in self._heard if frame["type"] == kind]
        self._heard = [frame for frame in self._heard if frame["type"] != kind]
        return heard

    def close_code(self) -> int:
        """Wait until the server closes, and return its code; what came before is dropped."""
        return close_code(self.websocket)

    def leave(self) -> None:
        self._connection.close()

    def come_back(self, *, after: int | None = None, url: str | None = None) -> "Client":
        """Connect anew, with the position of the latest entry heard, or another one."""
        self.leave()
        after = self.position if after is None else after
        back = Client(url or self._url, after=after, headers=self._headers, **self._entered)
        back._ids.update(self._ids)
        return back

    def _find(self, what: str, is_it: Callable[[Frame], bool], drops: str | None = None) -> Frame:
        deadline = time.monotonic() + PATIENCE
        index = 0
        while True:
            while index == len(self._heard):
                try:
                    self._receive(deadline - time.monotonic())
                except TimeoutError:
                    pytest.fail(f"waited {PATIENCE} s in vain for {what}; heard {self._heard}")
            if is_it(self._heard[index]):
                found = self._heard.pop(index)
                before = [frame for frame in self._heard[:index] if frame["type"] != drops]
                self._heard[:index] = before
                return found
            index += 1

    def _receive(self, seconds: float) -> None:
        frame = json.loads(self.websocket.recv(max(0, seconds)))
        if frame["type"] == "entry":
            self.position = max(self.position or 0, frame["position"])
            if frame["kind"] == "message":
                self._ids[frame["position"]] = frame["id"]
        self._heard.append(frame)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


def author_id(entry: Frame) -> Any:
    """Return the pseudonym of an entry's author, `None` where it has none."""
    return entry["author"] and entry["author"]["id"]


def name_of(entry: Frame) -> Any:
    """Return the name that an entry's author is shown under, `None` where it has none."""
    return entry["author"] and entry["author"]["name"]


def names_in(presence: Frame) -> list[str]:
    """Return the names of the people in a frame."""
    return [person["name"] for person in presence["people"]]


def _is(frame: Frame, kind: str, /, **fields: object) -> bool:
    return frame["type"] == kind and all(frame[name] == value for name, value in fields.items())


def close_code(websocket: ClientConnection) -> int:
    """Wait until the server closes, and return its code."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            websocket.recv(PATIENCE)
    assert websocket.protocol.close_code is not None
    return websocket.protocol.close_code
