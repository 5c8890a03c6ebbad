"""The audience of a room: one socket that speaks, and many that read."""

import select
import socket
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

from tests.benchmarks.load import Meter, Sample, connect

MARK = b"said-"
"""What every text that is said in a room has in it, once."""

_PATIENCE = 10.0
_QUIET_SECONDS = 0.3


class StandsStillError(Exception):
    """Nobody has heard anything for a long time, and not everybody has heard everything."""


class Manners(NamedTuple):
    """How one speaks with a server.

    Attributes:
        hello: The handshake.
        enter: What a reader says after it, if anything.
        enter_speaker: What the speaker says in its place.
        welcome: What the server's last answer has in it.
        say: Returns the frame by which a text is said, given a number that is told only once.
    """

    hello: bytes
    enter: bytes
    enter_speaker: bytes
    welcome: bytes
    say: Callable[[int, str], bytes]


class Audience:
    """Readers of one room, and who speaks to them.

    Args:
        port: The server's.
        manners: How one speaks with it.
        readers: How many read.
        has_stalled: Whether there is one more, which reads nothing.
    """

    _told = 0

    def __init__(
        self, port: int, manners: Manners, readers: int, *, has_stalled: bool = False
    ) -> None:
        self._manners = manners
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._ends: dict[int, bytes] = {}
        self._stalled = _stalled(port, manners) if has_stalled else None
        for begin in range(0, readers, 50):
            self._join(
                [connect(port, number) for number in range(begin, min(begin + 50, readers))],
                manners.enter,
            )
        # It reads what it says itself, too, as one more.
        self._speaker = connect(port)
        self._join([self._speaker], manners.enter_speaker)
        self._drain()

    def _join(self, sockets: Sequence[socket.socket], enter: bytes) -> None:
        for sock in sockets:
            sock.sendall(self._manners.hello)
            sock.setblocking(False)
            self._sockets[sock.fileno()] = sock
            self._poll.register(sock, select.EPOLLIN)
        heard = self._hear([sock.fileno() for sock in sockets], b"\r\n\r\n")
        if enter:
            for sock in sockets:
                sock.send(enter)
        if self._manners.welcome:
            self._hear([d for d, data in heard.items() if self._manners.welcome not in data])

    def _hear(self, descriptors: Sequence[int], mark: bytes = b"") -> dict[int, bytes]:
        """Read until each has heard something with a mark in it, the welcome's by default."""
        heard = dict.fromkeys(descriptors, b"")
        missing = set(descriptors)
        while missing:
            for descriptor, _ in self._poll.poll(_PATIENCE) or self._give_up(len(missing)):
                data = self._read(descriptor)
                if descriptor in missing:
                    heard[descriptor] += data
                    if (mark or self._manners.welcome) in heard[descriptor]:
                        missing.remove(descriptor)
        return heard

    def _give_up(self, missing: int) -> NoReturn:
        raise StandsStillError(f"{missing} have heard nothing for {_PATIENCE} s")

    def _drain(self) -> None:
        """Read until nothing comes any more: who is there is told with a delay."""
        while events := self._poll.poll(_QUIET_SECONDS):
            for descriptor, _ in events:
                self._read(descriptor)
        self._ends = dict.fromkeys(self._sockets, b"")

    def _read(self, descriptor: int) -> bytes:
        data = self._sockets[descriptor].recv(262144)
        if not data:
            raise ConnectionError("the server hung up on a reader")
        return data

    def say(self, text: str, latencies: list[float]) -> None:
        """Say one thing, and wait until everybody has heard it: add after how many seconds."""
        Audience._told += 1
        self._speaker.send(self._manners.say(Audience._told, text))
        missing = len(self._sockets)
        begun = time.perf_counter()
        while missing > 0:
            for descriptor, _ in self._poll.poll(_PATIENCE) or self._give_up(missing):
                data = self._ends[descriptor] + self._read(descriptor)
                # The last bytes may be the first half of a mark, and are no whole one.
                self._ends[descriptor] = data[-len(MARK) + 1 :]
                heard = data.count(MARK)
                missing -= heard
                latencies.extend([time.perf_counter() - begun] * heard)

    def listen(
        self,
        text: str,
        seconds: float,
        server_seconds: Callable[[], float],
        *,
        first: int = 3,
    ) -> Sample:
        """Measure deliveries for a while, one message at a time.

        Args:
            text: What is said.
            seconds: How long to measure.
            server_seconds: The processor time that the server has used so far.
            first: How many messages are said before.
        """
        for _ in range(first):
            self.say(text, [])
        latencies: list[float] = []
        meter = Meter(server_seconds)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self.say(text, latencies)
        return meter.sample(len(latencies), latencies)

    def close(self) -> None:
        for sock in self._sockets.values():
            sock.close()
        if self._stalled is not None:
            self._stalled.close()
        self._poll.close()


def _stalled(port: int, manners: Manners) -> socket.socket:
    sock = socket.socket()
    # Small, so that the server notices early that nothing is read.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", port))
    sock.settimeout(_PATIENCE)
    sock.sendall(manners.hello)
    while b"\r\n\r\n" not in sock.recv(4096, socket.MSG_PEEK):
        pass
    sock.sendall(manners.enter)
    return sock
