"""The load: many sockets that ask, get an answer of a known length, and ask again.

Nothing is parsed while it is measured: `wire.Trial` has learned how long each answer is.
"""

import contextlib
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

# Loopback has a source address for every 28,000 connections, and as many more as one likes.
_ADDRESSES = 16
_AT_A_TIME = 64
_PATIENCE = 20.0


class Sample(NamedTuple):
    """What one run of a load has measured; times in seconds, costs per unit of work.

    `client_share` is the load generator's processor time per second: well below 1, it waited for
    the server and not the other way round.
    """

    cost: float
    rate: float
    p50: float
    p99: float
    client_cost: float
    client_share: float
    server_share: float


class Meter:
    """Measures between its start and its end what both sides have used.

    Args:
        server_seconds: The processor time that the server has used so far.
    """

    def __init__(self, server_seconds: Callable[[], float]) -> None:
        self._server_seconds = server_seconds
        self._server = server_seconds()
        self._client = time.process_time()
        self._begun = time.perf_counter()

    def sample(self, units: int, latencies: list[float]) -> Sample:
        seconds = time.perf_counter() - self._begun
        server = self._server_seconds() - self._server
        client = time.process_time() - self._client
        latencies.sort()
        return Sample(
            cost=server / units,
            rate=units / seconds,
            p50=latencies[len(latencies) // 2],
            p99=latencies[len(latencies) * 99 // 100],
            client_cost=client / units,
            client_share=client / seconds,
            server_share=server / seconds,
        )


def source_address(number: int) -> str:
    """Return one of several addresses of this machine, in turn."""
    return f"127.0.0.{2 + number % _ADDRESSES}"


def connect(port: int, number: int = 0) -> socket.socket:
    """Return a socket that is connected, from one of several addresses of this machine."""
    sock = socket.socket()
    # ip(7), IP_BIND_ADDRESS_NO_PORT (24): the port is chosen with the destination known.
    sock.setsockopt(socket.IPPROTO_IP, 24, 1)
    sock.bind((source_address(number), 0))
    sock.connect(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def connect_many(
    port: int, number: int, hello: bytes = b"", welcome_size: int = 0
) -> list[socket.socket]:
    """Return sockets that have said hello and read a welcome of a known length."""
    sockets: list[socket.socket] = []
    while len(sockets) < number:
        fresh = [connect(port, n) for n in range(min(_AT_A_TIME, number - len(sockets)))]
        for sock in fresh:
            sock.settimeout(_PATIENCE)
            sock.sendall(hello)
        for sock in fresh:
            missing = welcome_size
            while missing > 0:
                got = len(sock.recv(65536))
                if not got:
                    raise ConnectionError("the server hung up")
                missing -= got
            if missing < 0:
                raise ConnectionError("the server said more than it had been tried with")
        sockets += fresh
    return sockets


class _Client:
    __slots__ = ("asked", "missing", "next", "sock")

    def __init__(self, sock: socket.socket, first: int) -> None:
        self.sock = sock
        self.missing = 0
        self.next = first
        self.asked: deque[float] = deque()


def ask_again(
    sockets: Sequence[socket.socket],
    requests: Sequence[bytes],
    answer_size: int,
    *,
    in_flight: int,
    seconds: float,
    server_seconds: Callable[[], float],
) -> Sample:
    """Keep a number of requests under way on each socket, for a while, and close them all.

    Args:
        sockets: Connected.
        requests: All of one length. Each socket sends them in turn.
        answer_size: How many bytes answer one.
        in_flight: How many are under way on each.
        seconds: How long to measure. The first quarter as long again is not measured.
        server_seconds: The processor time that the server has used so far.
    """
    size = len(requests[0])
    # Twice round, so that the next few are one slice wherever they begin.
    ring = b"".join(requests) * 2
    clients = {}
    poll = select.epoll()
    now = time.perf_counter
    for number, sock in enumerate(sockets):
        sock.setblocking(False)
        client = _Client(sock, number % len(requests))
        clients[sock.fileno()] = client
        poll.register(sock, select.EPOLLIN)

    def ask(client: _Client, number: int, at: float) -> None:
        begin = client.next * size
        client.sock.send(ring[begin : begin + number * size])
        client.next = (client.next + number) % len(requests)
        client.missing += number * answer_size
        client.asked.extend([at] * number)

    def take(until: float) -> tuple[int, list[float]]:
        answered = 0
        latencies: list[float] = []
        while now() < until:
            for descriptor, _ in poll.poll(_PATIENCE) or _hung():
                client = clients[descriptor]
                got = len(client.sock.recv(262144)) or _hung()
                at = now()
                client.missing -= got
                whole = in_flight - -(-client.missing // answer_size)
                latencies.extend([at - client.asked.popleft() for _ in range(whole)])
                answered += whole
                if whole:
                    ask(client, whole, at)
        return answered, latencies

    with contextlib.ExitStack() as stack:
        stack.callback(poll.close)
        for sock in sockets:
            stack.callback(sock.close)
        for client in clients.values():
            ask(client, in_flight, now())
        take(now() + seconds / 4)
        meter = Meter(server_seconds)
        answered, latencies = take(now() + seconds)
        return meter.sample(answered, latencies)


def _hung() -> NoReturn:
    raise ConnectionError("the server hung up, or says nothing any more")


def visit_again(
    port: int,
    script: Sequence[tuple[bytes, int]],
    *,
    visitors: int,
    seconds: float,
    server_seconds: Callable[[], float],
) -> Sample:
    """Come, say what a script says, wait until the server hangs up, and come again.

    Args:
        port: The server's.
        script: What is sent, and how many bytes answer it; the last is answered by hanging up.
        visitors: How many come at a time.
        seconds: How long to measure. The first quarter as long again is not measured.
        server_seconds: The processor time that the server has used so far.
    """
    poll = select.epoll()
    now = time.perf_counter
    visits: dict[int, _Client] = {}
    came = 0

    def come() -> None:
        nonlocal came
        sock = connect(port, came)
        came += 1
        visit = _Client(sock, 0)
        visit.asked.append(now())
        visits[sock.fileno()] = visit
        poll.register(sock, select.EPOLLIN)
        say(visit)

    def say(visit: _Client) -> None:
        request, visit.missing = script[visit.next]
        visit.next += 1
        visit.sock.send(request)

    def take(until: float) -> tuple[int, list[float]]:
        gone = 0
        latencies: list[float] = []
        # One at least: on a busy machine the first may take longer than all were to.
        while now() < until or not gone:
            for descriptor, _ in poll.poll(_PATIENCE) or _hung():
                visit = visits[descriptor]
                got = len(visit.sock.recv(262144))
                visit.missing -= got
                if got and visit.missing == 0 and visit.next < len(script):
                    say(visit)
                elif not got:
                    if visit.next < len(script):
                        _hung()
                    latencies.append(now() - visit.asked[0])
                    gone += 1
                    del visits[descriptor]
                    visit.sock.close()
                    come()
        return gone, latencies

    for _ in range(visitors):
        come()
    take(now() + seconds / 4)
    meter = Meter(server_seconds)
    gone, latencies = take(now() + seconds)
    sample = meter.sample(gone, latencies)
    for visit in visits.values():
        visit.sock.close()
    poll.close()
    return sample
