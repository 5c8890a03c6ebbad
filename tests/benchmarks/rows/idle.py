"""Rooms in which somebody is and nobody says anything: what they cost, and coming into them."""

import contextlib
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks import wire
from tests.benchmarks.contest import AGAIN, Effort
from tests.benchmarks.load import connect
from tests.benchmarks.process import Server
from tests.benchmarks.report import Row
from tests.benchmarks.rounds import in_turn, quartiles, ratio
from tests.benchmarks.rows.echo import V1
from tests.servers import redis_process

_WARM_UP = 200
_AT_A_TIME = 64
_PATIENCE = 20.0
# Until comings are told, and what they leave behind is done.
_SETTLING_SECONDS = 3.0
_ENTER = wire.frame(b'{"type":"enter","after":null,"name":"Guest"}')


class _Found(NamedTuple):
    """What one server was found to take: per connection bytes and seconds, and seconds a second."""

    memory: float
    coming: float
    idle: float


def rows(effort: Effort) -> Iterator[Row]:
    """Compare rooms of one participant each with as many connections of the echo."""
    with stores() as addresses:

        def measure(store: str | None, number: int) -> Callable[[], _Found]:
            return lambda: _measure(store, number, effort.seconds)

        for number in effort.idle:
            samples = in_turn(
                {
                    "echo": measure(None, number),
                    **{name: measure(address, number) for name, address in addresses.items()},
                    AGAIN: measure(None, number),
                },
                effort.rounds,
                lambda what: effort.tell(f"idle, {what}"),
            )
            for store in addresses:
                yield from _rows(samples, store, number)


def _rows(samples: dict[str, list[_Found]], store: str, number: int) -> Iterator[Row]:
    def values(who: str, field: str) -> list[float]:
        return [getattr(found, field) for found in samples[who]]

    units: dict[str, tuple[str, Callable[[float], str]]] = {
        "memory": ("memory of a room with one participant", lambda v: f"{v / 1024:.1f} KiB"),
        "coming": ("coming into a room that is not open", lambda v: f"{v * 1e3:.2f} ms"),
        "idle": ("a second of saying nothing", lambda v: f"{v:.1%} of a processor"),
    }
    for field, (what, show) in units.items():
        ours, theirs = values(store, field), values("echo", field)
        yield Row(
            name="idle",
            what=f"{what}, {number:,} of them, {store}",
            against="connections of the echo",
            ratio=ratio(ours, theirs),
            ours=show(quartiles(ours)[1]),
            theirs=show(quartiles(theirs)[1]),
            control=ratio(values(AGAIN, field), theirs),
            samples={store: ours, "echo": theirs},
        )


@contextlib.contextmanager
def stores() -> Iterator[dict[str, str]]:
    """Give the address of a store of each kind, by its name."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        redis = redis_process(Path(folder))
        stack.callback(redis.stop)
        yield {
            "memory": "",
            "sqlite": str(Path(folder, "rooms.db")),
            "redis": redis.url(scheme="redis"),
        }


def _measure(store: str | None, number: int, seconds: float) -> _Found:
    name = "ours" if store is None else "ours-room"
    env = {} if store is None else {"ECHOCHAT_STORE": store}
    with Server(name, "--no-pings", env=env) as server, contextlib.ExitStack() as stack:
        crowd = stack.enter_context(contextlib.closing(_Crowd(server.port, is_echo=store is None)))
        crowd.come(_WARM_UP)
        crowd.go()
        time.sleep(_SETTLING_SECONDS)
        memory, begun = server.memory(), server.seconds()
        crowd.come(number)
        time.sleep(_SETTLING_SECONDS)
        came = server.seconds() - begun
        grown = server.memory() - memory
        begun = server.seconds()
        time.sleep(10 * seconds)
        idle = (server.seconds() - begun) / (10 * seconds)
        if server.descriptors() < number:
            raise RuntimeError("connections are gone that were to be idle")
        return _Found(grown / number, (came - idle * _SETTLING_SECONDS) / number, idle)


class _Crowd:
    """Connections that come and say nothing: of the echo, or each alone in a room of its own."""

    def __init__(self, port: int, *, is_echo: bool) -> None:
        self._port = port
        self._is_echo = is_echo
        self._came = 0
        self._sockets: list[socket.socket] = []

    def come(self, number: int) -> None:
        for begin in range(0, number, _AT_A_TIME):
            fresh = [self._connect() for _ in range(min(_AT_A_TIME, number - begin))]
            if not self._is_echo:
                for sock in fresh:
                    _hear(sock, b"\r\n\r\n")
                    sock.sendall(_ENTER)
            for sock in fresh:
                _hear(sock, b'"welcome"')
            self._sockets += fresh

    def _connect(self) -> socket.socket:
        self._came += 1
        path = "/chat/ws" if self._is_echo else f"/rooms/room{self._came:06}/ws"
        sock = connect(self._port, self._came)
        sock.settimeout(_PATIENCE)
        sock.sendall(wire.handshake(path, V1))
        return sock

    def go(self) -> None:
        for sock in self._sockets:
            sock.close()
        self._sockets.clear()

    close = go


def _hear(sock: socket.socket, mark: bytes) -> None:
    heard = b""
    while mark not in heard:
        data = sock.recv(65536)
        if not data:
            raise ConnectionError("the server hung up")
        heard += data
