"""A million messages over a thousand connections that come and go.

`python -m tests.benchmarks.soak [--messages 1000000] [--connections 1000]`.
At the end no task, no descriptor and no memory may be left behind; else it exits with status 1.
"""

import argparse
import json
import random
import select
import socket
import struct
import sys
import time
from typing import NamedTuple

from fastapi_echochat.rooms.processes import HEARTBEAT_SECONDS
from tests.benchmarks import wire
from tests.benchmarks.__main__ import raise_descriptors
from tests.benchmarks.load import connect
from tests.benchmarks.process import Server
from tests.benchmarks.rows.echo import V1

# At most so many messages are said over a connection before it goes.
_MESSAGES_A_VISIT = 100
_PATIENCE = 20.0
# The heartbeat of the rooms' process goes on until its next beat after the last room was closed.
_ENDING_SECONDS = HEARTBEAT_SECONDS + 1.0
_ROOMS = 20
_ENTER = wire.frame(b'{"type":"enter","after":null,"name":"Visitor"}')
_NBA = wire.frame(wire.NBA.encode())
# What the allocator keeps of its own accord: 8 bytes a message, of a million.
_MEMORY = 4 * 2**20


class _Way(NamedTuple):
    """One way to speak with the server.

    Attributes:
        path: Of the endpoint.
        subprotocol: Asked for.
        mark: What an answer has in it, once. In a room it is the id that the message had.
        is_room: Whether one has to enter first.
    """

    path: str
    subprotocol: str | None
    mark: bytes
    is_room: bool = False


_WAYS = [
    _Way("/chat/ws", None, b"Message text was"),
    _Way("/chat/ws", V1, b'"reply"'),
    _Way("/slow/ws", None, b"Message text was"),
    _Way("/slow/ws", V1, b'"done":true'),
    *(_Way(f"/rooms/room{number}/ws", V1, b"", is_room=True) for number in range(_ROOMS)),
]
_WEIGHTS = [_ROOMS * 4] * 4 + [1] * _ROOMS


class _Visit:
    """A connection that says some messages, one at a time, and goes."""

    _said = 0

    def __init__(self, port: int, number: int) -> None:
        (self._way,) = random.choices(_WAYS, _WEIGHTS)
        self.sock = connect(port, number)
        self.sock.setblocking(False)
        self.is_over = False
        self._left = random.randint(1, _MESSAGES_A_VISIT)
        self._heard = b""
        self._mark = b"\r\n\r\n"
        self.sock.send(wire.handshake(self._way.path, self._way.subprotocol))

    def take(self, data: bytes) -> int:
        """Take what the server says, say the next thing, and tell how many answers it was."""
        self._heard += data
        if self._mark not in self._heard:
            return 0
        is_answer = self._mark not in (b"\r\n\r\n", b'"welcome"')
        if self._mark == b"\r\n\r\n" and self._way.is_room:
            self._mark = b'"welcome"'
            self.sock.send(_ENTER)
        else:
            self._left -= is_answer
            if self._left > 0:
                self._say()
            else:
                self._leave()
        self._heard = b""
        return int(is_answer)

    def _say(self) -> None:
        _Visit._said += 1
        if self._way.subprotocol is None:
            self.sock.send(_NBA)
        else:
            self.sock.send(wire.message(wire.NBA, _Visit._said))
        self._mark = self._way.mark or f'"m-{_Visit._said:08}"'.encode()

    def _leave(self) -> None:
        """Go: with a close, without a word, or with a reset and a question under way."""
        manner = random.random()
        if manner < 0.5:
            self.sock.send(wire.close())
            return
        if manner < 0.75:
            self._say()
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.is_over = True


def soak(server: Server, messages: int, connections: int) -> None:
    """Send messages over connections, each of which is replaced by another when it goes."""
    poll = select.epoll()
    visits: dict[int, _Visit] = {}
    answered = came = 0

    def come() -> None:
        nonlocal came
        visit = _Visit(server.port, came)
        came += 1
        visits[visit.sock.fileno()] = visit
        poll.register(visit.sock, select.EPOLLIN)

    for _ in range(connections):
        come()
    while answered < messages:
        events = poll.poll(_PATIENCE)
        if not events:
            raise ConnectionError("the server says nothing any more")
        for descriptor, _ in events:
            visit = visits[descriptor]
            try:
                data = visit.sock.recv(65536)
            except ConnectionError:
                data = b""
            if data:
                answered += visit.take(data)
            if not data or visit.is_over:
                del visits[descriptor]
                visit.sock.close()
                come()
    for visit in visits.values():
        visit.sock.close()
    poll.close()
    print(f"{answered:,} messages over {came:,} connections", flush=True)


def tally(server: Server) -> dict[str, int]:
    """Count what is alive when no connection is, and return the least of each.

    What is left behind stays; what ends by itself, such as the connection by which this is asked
    or a heartbeat, does not.
    """
    least: dict[str, int] = {}
    deadline = time.monotonic() + _PATIENCE
    has_gone = False
    while time.monotonic() < deadline:
        trial = wire.Trial(server.port)
        answer = trial.body(wire.get("/tally", Connection="close"))
        trial.close()
        time.sleep(0.2)
        found: dict[str, int] = json.loads(answer.partition(b"\r\n\r\n")[2])
        if not (has_gone or found["Session"]):
            has_gone = True
            deadline = time.monotonic() + _ENDING_SECONDS
        found |= {"descriptors": server.descriptors(), "memory": server.memory()}
        least = {name: min(found[name], least.get(name, found[name])) for name in found}
    return least


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.soak", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, default=1000)
    options = parser.parse_args()
    raise_descriptors()
    with Server("soak") as server:
        # The second half is what counts: the first makes what is made once, and the allocator
        # keeps what the fullest moment took.
        soak(server, options.messages // 2, options.connections)
        before = tally(server)
        soak(server, options.messages // 2, options.connections)
        after = tally(server)
    # Of a class nothing may be left, for nobody is connected.
    allowed = dict.fromkeys(after, 0)
    allowed |= {name: before[name] for name in ("tasks", "descriptors")}
    allowed["memory"] = before["memory"] + _MEMORY
    left = [name for name in after if after[name] > allowed[name]]
    print("| | after one half | at the end |\n| --- | --- | --- |")
    for name, number in after.items():
        print(f"| {name} | {before[name]:,} | {number:,} |")
    if left:
        print(f"left behind: {', '.join(left)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
