"""Sessions that lose their server and come back to another, all at once."""

import contextlib
import errno
import importlib.util
import json
import re
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tests.benchmarks import wire
from tests.benchmarks.contest import AGAIN, Effort
from tests.benchmarks.load import source_address
from tests.benchmarks.process import Server
from tests.benchmarks.report import Row
from tests.benchmarks.rounds import in_turn, quartiles, ratio
from tests.benchmarks.rows.echo import V1
from tests.benchmarks.rows.idle import stores

_A_ROOM = 10
"""So many are in each room."""

_PATIENCE = 60.0
_HEAD_END = b"\r\n\r\n"


class _Step(NamedTuple):
    """What a session says, and what the answer to it has in it."""

    said: bytes
    mark: bytes


class _Found(NamedTuple):
    """What a storm took: seconds until all were back, and processor seconds for each of them."""

    seconds: float
    cost: float


def rows(effort: Effort) -> Iterator[Row]:
    """Compare how long it takes until everybody is back."""
    sessions = effort.storm
    with stores() as addresses:
        entrants: dict[str, Callable[[], _Found]] = {
            store: _coming_back(sessions, addresses[store]) for store in ("sqlite", "redis")
        }
        theirs = "python-socketio"
        if importlib.util.find_spec("socketio") is None:
            yield Row(name="storm", what="coming back", against=theirs, note="not installed")
            return
        samples = in_turn(
            {theirs: _coming_again(sessions), **entrants, AGAIN: _coming_again(sessions)},
            effort.rounds,
            lambda what: effort.tell(f"storm, {what}"),
        )
    for store in entrants:
        for field, what in (("seconds", "until all are back"), ("cost", "for each of them")):
            ours, others, again = (
                [getattr(found, field) for found in samples[name]]
                for name in (store, theirs, AGAIN)
            )
            yield Row(
                name="storm",
                what=f"{sessions:,} sessions come back at once, {store}, {what}",
                against=theirs,
                ratio=ratio(ours, others),
                ours=_shown(quartiles(ours)[1]),
                theirs=_shown(quartiles(others)[1]),
                control=ratio(again, others),
                samples={store: ours, theirs: others},
            )


def _shown(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds > 0.1 else f"{seconds * 1e3:.2f} ms"


def _coming_back(sessions: int, store: str) -> Callable[[], _Found]:
    """Measure sessions in rooms of a store that resume in another process."""

    def measure() -> _Found:
        env = {"ECHOCHAT_STORE": store}
        with Server("ours-room", env=env) as first, Server("ours-room", env=env) as second:
            rooms = [f"{time.time_ns()}-{number}" for number in range(sessions // _A_ROOM)]
            hellos = {room: wire.handshake(f"/rooms/{room}/ws", V1) for room in rooms}
            positions = _speak(first.port, hellos)
            scripts = {
                after: [
                    [_Step(hellos[room], _HEAD_END), _enter(positions[room] if after else None)]
                    for room in rooms
                    for _ in range(_A_ROOM)
                ]
                for after in (False, True)
            }
            return _lose_and_come_back(first, second, scripts[False], scripts[True])

    return measure


def _coming_again(sessions: int) -> Callable[[], _Found]:
    """Measure as many clients of python-socketio, which keeps nothing to resume."""

    def measure() -> _Found:
        hello = wire.handshake("/socket.io/?EIO=4&transport=websocket")
        script = [[_Step(hello, _HEAD_END), _Step(wire.frame(b"40"), b'40{"sid"')]] * sessions
        with Server("socketio") as first, Server("socketio") as second:
            return _lose_and_come_back(first, second, script, script)

    return measure


def _enter(after: int | None) -> _Step:
    frame = {"type": "enter", "after": after, "name": "Guest"}
    return _Step(wire.frame(json.dumps(frame).encode()), b'"resumed":true' if after else b"welcome")


def _speak(port: int, hellos: dict[str, bytes]) -> dict[str, int]:
    """Say something in each room, and return the positions."""
    positions = {}
    for room, hello in hellos.items():
        trial = wire.Trial(port)
        trial.answer(hello, 0, head=True)
        trial.answer(_enter(None).said, 1)
        heard = b""
        while not (found := re.search(rb'"entry","position":(\d+)|"position":(\d+),"kind"', heard)):
            heard += trial.answer(b"" if heard else wire.message(wire.NBA), 1)
        positions[room] = int(found.group(1) or found.group(2))
        trial.close()
    return positions


def _lose_and_come_back(
    first: Server,
    second: Server,
    coming: Sequence[Sequence[_Step]],
    coming_back: Sequence[Sequence[_Step]],
) -> _Found:
    with contextlib.ExitStack() as stack:
        for begin in range(0, len(coming), 64):
            for sock in _come(first.port, coming[begin : begin + 64]):
                stack.callback(sock.close)
        first.kill()
        used, begun = second.seconds(), time.perf_counter()
        for sock in _come(second.port, coming_back):
            stack.callback(sock.close)
        seconds = time.perf_counter() - begun
        return _Found(seconds, (second.seconds() - used) / len(coming_back))


def _come(port: int, scripts: Sequence[Sequence[_Step]]) -> list[socket.socket]:
    """Open a connection for each script, all at once, and go through it; return them open.

    Raises:
        ConnectionError: One of them was refused, or closed.
    """
    poll = select.epoll()
    waiting: dict[int, tuple[socket.socket, Iterator[_Step]]] = {}
    marks: dict[int, bytes] = {}
    heard: dict[int, bytes] = {}
    sockets = []
    for number, script in enumerate(scripts):
        sock = socket.socket()
        sock.setblocking(False)
        sock.bind((source_address(number), 0))
        if sock.connect_ex(("127.0.0.1", port)) not in (0, errno.EINPROGRESS):
            raise ConnectionError("the server takes no connection")
        sockets.append(sock)
        waiting[sock.fileno()] = sock, iter(script)
        poll.register(sock, select.EPOLLOUT)
    while waiting:
        events = poll.poll(_PATIENCE)
        if not events:
            raise ConnectionError(f"{len(waiting)} of {len(scripts)} wait in vain")
        for descriptor, event in events:
            sock, steps = waiting[descriptor]
            if event & select.EPOLLOUT:
                poll.modify(descriptor, select.EPOLLIN)
            else:
                data = sock.recv(262144)
                if not data:
                    raise ConnectionError(f"refused: {heard[descriptor]!r}")
                heard[descriptor] += data
                if marks[descriptor] not in heard[descriptor]:
                    continue
            step = next(steps, None)
            if step is None:
                poll.unregister(descriptor)
                del waiting[descriptor]
                continue
            sock.sendall(step.said)
            marks[descriptor], heard[descriptor] = step.mark, b""
    poll.close()
    return sockets
