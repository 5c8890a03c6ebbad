"""uvicorn's protocol objects without a network: connections whose transports only collect."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import uvicorn
from uvicorn.server import ServerState


class Collector(asyncio.Transport):
    """A transport that counts the writes which have a mark, and sends nothing."""

    def __init__(self, number: int) -> None:
        super().__init__({"peername": ("127.0.0.1", number), "sockname": ("127.0.0.1", 80)})
        self._mark = b""
        self._kept: bytes | None = b""
        self._missing = 0
        self._arrived: asyncio.Future[None] | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._kept is not None:
            self._kept += data
        if self._mark in bytes(data) and self._missing:
            self._missing -= 1
            if not self._missing and self._arrived is not None:
                self._arrived.set_result(None)

    async def read(self, mark: bytes) -> None:
        """Wait until something with a mark was written, since the start."""
        assert self._kept is not None
        if mark not in self._kept:
            self.expect(mark, 1)
            await self.wait()

    def forget(self) -> None:
        """Keep nothing from now on of what is written."""
        self._kept = None

    def expect(self, mark: bytes, writes: int) -> None:
        """Wait from now on for some writes that have a mark."""
        self._mark = mark
        self._missing = writes
        self._arrived = None

    async def wait(self) -> None:
        if self._missing:
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived

    def pause_reading(self) -> None:
        """Go on: the next request comes when this one is answered."""

    def resume_reading(self) -> None:
        """Go on."""

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Do nothing: the end is not measured."""


class Script(NamedTuple):
    """What is said on each connection, and a mark of what comes back.

    Attributes:
        opening: Said once, in turn: the handshake, and a first frame where there is one.
        requests: Said again and again, in turn.
        mark: What an answer has in it.
        answers: How many writes with the mark answer one request.
        speakers: How many of the connections ask, all of them by default; all are answered.
    """

    opening: Sequence[tuple[bytes, bytes]]
    requests: Sequence[bytes]
    mark: bytes
    answers: int = 1
    speakers: int | None = None


class Crowd:
    """Open connections of one application.

    Args:
        app: An ASGI application.
        script: What is said on each.
        connections: How many there are.
        compress: Whether uvicorn negotiates compression.
    """

    def __init__(
        self, app: Any, script: Script, connections: int, *, compress: bool = False
    ) -> None:
        config = _config(app, compress=compress)
        make: Callable[..., asyncio.Protocol] = config.ws_protocol_class  # type: ignore[assignment]  # a class, once it is loaded
        state = ServerState()
        self._script = script
        self._asked = 0
        self._transports = [Collector(number) for number in range(connections)]
        self._protocols = [
            make(config=config, server_state=state, app_state={}) for _ in self._transports
        ]

    async def open(self) -> None:
        for protocol, transport in zip(self._protocols, self._transports, strict=True):
            protocol.connection_made(transport)
            for said, mark in self._script.opening:
                protocol.data_received(said)
                await transport.read(mark)
            transport.forget()

    async def measure(self, requests: int) -> float:
        """Return the processor time of one answer."""
        script = self._script
        speakers = self._protocols[: script.speakers]
        begun = time.thread_time()
        for _ in range(requests):
            said = script.requests[self._asked % len(script.requests)]
            self._asked += 1
            for transport in self._transports:
                transport.expect(script.mark, script.answers)
            for protocol in speakers:
                protocol.data_received(said)
            for transport in self._transports:
                await transport.wait()
        return (time.thread_time() - begun) / requests / len(self._transports)

    async def close(self) -> None:
        for protocol in self._protocols:
            protocol.connection_lost(None)
        # As often as a task needs to come to its end.
        for _ in range(20):
            await asyncio.sleep(0)


class Visits:
    """Connections of one application that come, ask once and go, one after the other.

    Args:
        app: An ASGI application.
        hello: The handshake.
        welcome: What the last thing that is said before a request has in it.
        request: What is asked.
        mark: What the answer has in it.
        goodbye: A close frame.
    """

    def __init__(
        self, app: Any, hello: bytes, welcome: bytes, request: bytes, mark: bytes, goodbye: bytes
    ) -> None:
        self._config = _config(app)
        self._state = ServerState()
        self._hello, self._welcome = hello, welcome
        self._request, self._mark, self._goodbye = request, mark, goodbye

    async def open(self) -> None:
        """Do nothing: each visit connects by itself."""

    async def measure(self, requests: int) -> float:
        """Return the processor time of one visit."""
        begun = time.thread_time()
        for number in range(requests):
            await self._visit(number)
        return (time.thread_time() - begun) / requests

    async def _visit(self, number: int) -> None:
        make: Callable[..., asyncio.Protocol] = self._config.ws_protocol_class  # type: ignore[assignment]  # a class, once it is loaded
        protocol = make(config=self._config, server_state=self._state, app_state={})
        transport = Collector(number)
        protocol.connection_made(transport)
        protocol.data_received(self._hello)
        await transport.read(self._welcome)
        transport.expect(self._mark, 1)
        protocol.data_received(self._request)
        await transport.wait()
        protocol.data_received(self._goodbye)
        protocol.connection_lost(None)
        # As often as its tasks need to come to their end.
        for _ in range(4):
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Do nothing: each visit has ended."""


class Requests:
    """One HTTP request of one application, again and again over a connection that stays open.

    Args:
        app: An ASGI application.
        request: What is asked.
    """

    def __init__(self, app: Any, request: bytes) -> None:
        config = _config(app)
        make: Callable[..., asyncio.Protocol] = config.http_protocol_class
        self._transport = Collector(0)
        self._protocol = make(config=config, server_state=ServerState(), app_state={})
        self._request = request

    async def open(self) -> None:
        self._protocol.connection_made(self._transport)
        self._protocol.data_received(self._request)
        await self._transport.read(b" 200 OK")
        self._transport.forget()

    async def measure(self, requests: int) -> float:
        """Return the processor time of one answer."""
        begun = time.thread_time()
        for _ in range(requests):
            self._transport.expect(b" 200 OK", 1)
            self._protocol.data_received(self._request)
            await self._transport.wait()
        return (time.thread_time() - begun) / requests

    async def close(self) -> None:
        self._protocol.connection_lost(None)


def _config(app: Any, *, compress: bool = False) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        ws_per_message_deflate=compress,
        ws_ping_interval=None,  # Nobody is there to answer.
        log_level="critical",
        access_log=False,
        lifespan="off",
    )
    config.load()
    return config
