"""A WebSocket client that does what a polite library does not."""

import itertools
import json
import socket
import struct
from collections.abc import Iterable
from typing import Any

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from tests.waiting import PATIENCE, patient


class RawClient:
    """A client over a bare socket: it reads only when told to, and can send any frame.

    Args:
        url: Of the endpoint.
        subprotocol: Which it asks for.
        headers: Of the handshake.
        is_small: Whether the server's kernel keeps as little for it as can be.
    """

    def __init__(
        self,
        url: str,
        *,
        subprotocol: str | None = None,
        headers: dict[str, str] | None = None,
        is_small: bool = False,
    ) -> None:
        uri = parse_uri(url)
        self.protocol = ClientProtocol(
            uri,
            subprotocols=[subprotocol] if subprotocol else None,  # type: ignore[list-item]  # a NewType of str
        )
        self.socket = socket.socket()
        if is_small:
            # The smaller its segments are the less the server's kernel keeps for it.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", uri.port))
        request = self.protocol.connect()
        for name, value in (headers or {}).items():
            request.headers[name] = value
        self.protocol.send_request(request)
        self.flush()
        self.events: list[Any] = []
        try:
            self.response = self.next_event(Response)
        except ConnectionError:
            self.socket.close()
            raise

    def flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                self.socket.sendall(data)

    def next_event(self, kind: type[Any], *, replies: bool = True) -> Any:
        while not self.events:
            data = self.socket.recv(65536)
            if data:
                self.protocol.receive_data(data)
            else:
                self.protocol.receive_eof()
            self.events += self.protocol.events_received()
            if replies:
                self.flush()
            if not data and not self.events:
                raise ConnectionError("the server hung up")
        event = self.events.pop(0)
        if isinstance(event, Frame) and event.opcode is Opcode.PING:
            # Of a server that has time for one, on a slow machine.
            return self.next_event(kind, replies=replies)
        assert isinstance(event, kind), event
        return event

    def send_text(self, data: bytes, *, fin: bool = True) -> None:
        self.protocol.send_text(data, fin=fin)
        self.flush()

    def fill(self, messages: Iterable[bytes], *, still: float = patient(1)) -> int:
        """Send messages until nothing is taken any more, and tell how many were.

        Args:
            messages: More than are ever taken.
            still: For how many seconds nothing is. On a slow machine a server that is well takes
                nothing for a moment, too.
        """
        self.socket.settimeout(still)
        for sent, data in enumerate(itertools.islice(messages, 1000)):
            try:
                self.send_text(data)
            except TimeoutError:
                self.socket.settimeout(PATIENCE)
                return sent
        pytest.fail("a thousand messages were taken of a client that reads nothing")

    def continue_text(self, data: bytes, *, fin: bool) -> None:
        self.protocol.send_continuation(data, fin)
        self.flush()

    def enter(self, name: str, after: int | None = None) -> "RawClient":
        self.send(type="enter", name=name, after=after)
        return self

    def send(self, **frame: object) -> None:
        self.send_text(json.dumps(frame).encode())

    def receive(self, kind: str) -> Any:
        """Return the next frame of a type."""
        while (frame := json.loads(self.receive_text()))["type"] != kind:
            pass
        return frame

    def receive_rest(self) -> tuple[list[Any], int]:
        """Return all frames up to the close, and its code.

        A server that has given the client up is not answered: it would reset the connection.
        """
        frames: list[Any] = []
        while (frame := self.next_event(Frame, replies=False)).opcode is Opcode.TEXT:
            frames.append(json.loads(frame.data))
        assert frame.opcode is Opcode.CLOSE, frame
        return frames, int(struct.unpack("!H", frame.data[:2])[0])

    def receive_text(self) -> str:
        frame = self.next_event(Frame)
        assert frame.opcode is Opcode.TEXT, frame
        return bytes(frame.data).decode()

    def receive_close(self) -> int:
        """Return the code that the server closes with."""
        frame = self.next_event(Frame)
        assert frame.opcode is Opcode.CLOSE, frame
        return int(struct.unpack("!H", frame.data[:2])[0])

    def reset(self) -> None:
        """Break off without a word: the server gets a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
