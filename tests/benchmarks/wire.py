"""Bytes that a client sends and gets, made before anything is measured."""

import json
import socket
import struct
from collections.abc import Iterator

# A fixed mask and key: RFC 6455 asks for random ones against proxies that are not here.
_MASK = b"\x1d\x2c\x3b\x4a"
_KEY = "AAECAwQFBgcICQoLDA0ODw=="
TEXT, CLOSE, PING = 0x1, 0x8, 0x9

NBA = "What do you think of the NBA today?"
"""The message that is echoed."""

RING = 64
"""How many frames with different ids are made; they are sent round and round."""


def handshake(path: str, subprotocol: str | None = None, *, compress: bool = False) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {_KEY}",
        "Sec-WebSocket-Version: 13",
    ]
    if subprotocol is not None:
        lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
    if compress:
        lines.append("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
    return "\r\n".join([*lines, "", ""]).encode()


def get(path: str, **headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return a masked frame."""
    size = len(payload)
    if size < 126:
        header = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 65536:
        header = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        header = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
    key = (_MASK * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
    return header + _MASK + masked


def close() -> bytes:
    return frame(struct.pack("!H", 1000), CLOSE)


def message(text: str, number: int = 1) -> bytes:
    """Return a message of `echochat.v1`."""
    said = {"type": "message", "id": f"m-{number:08}", "text": text}
    return frame(json.dumps(said, separators=(",", ":")).encode())


def plain_ring(text: str = NBA) -> list[bytes]:
    return [frame(text.encode())] * RING


def echochat_v1_ring(text: str = NBA) -> list[bytes]:
    return [message(text, number) for number in range(RING)]


def split(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield opcode and payload of the whole frames at the front of what a server sent."""
    at = 0
    while len(data) >= at + 2:
        size = data[at + 1]
        start = at + 2
        if size == 126:
            start += 2
            size = int.from_bytes(data[at + 2 : start], "big")
        elif size == 127:
            start += 8
            size = int.from_bytes(data[at + 2 : start], "big")
        if len(data) < start + size:
            return
        yield data[at] & 0xF, data[start : start + size]
        at = start + size


class Trial:
    """One connection that learns how many bytes a server answers with, before it is measured."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 20)

    def answer(self, request: bytes, frames: int, *, head: bool = False) -> bytes:
        """Send something and return the answer, whole: a head, where one comes, and frames."""
        self._socket.sendall(request)
        data = b""
        while True:
            rest = data.partition(b"\r\n\r\n")[2] if head else data
            is_begun = not head or b"\r\n\r\n" in data
            if is_begun and len(list(split(rest))) >= frames:
                return data
            data += self._read()

    def body(self, request: bytes) -> bytes:
        """Send an HTTP request and return the answer, whole."""
        self._socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._read()
        head = data.partition(b"\r\n\r\n")[0]
        size = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                size = int(line.partition(b":")[2])
        if head.split(b" ", 2)[1] == b"304":
            size = 0
        while len(data) < len(head) + 4 + size:
            data += self._read()
        return data

    def _read(self) -> bytes:
        data = self._socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the server hung up")
        return data

    def close(self) -> None:
        self._socket.close()
