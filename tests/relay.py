"""A wire that can be broken: a TCP relay on loopback."""

import contextlib
import select
import socket
import socketserver
import threading


class _Connection:
    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self._client = client
        self._server = server
        self.swallows_questions = False
        self.swallows_answers = False

    def pump(self) -> None:
        """Carry bytes both ways until either side hangs up."""
        while True:
            readable, _, _ = select.select([self._client, self._server], [], [])
            for side in readable:
                data = side.recv(65536)
                if not data:
                    return
                if side is self._client and not self.swallows_questions:
                    self._server.sendall(data)
                if side is self._server and not self.swallows_answers:
                    self._client.sendall(data)

    def cut(self) -> None:
        for side in (self._client, self._server):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


class Relay:
    """Passes connections on to a port, and can lose what is said over them.

    What was lost on a connection stays lost, as it does where a phone leaves its network:
    `pass_on` is about the connections that come after it.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._connections: set[_Connection] = set()
        self._swallows_questions = False
        self._swallows_answers = False
        self._is_over = False
        relay = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                relay._carry(self.request)

        self._listener = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._listener.server_address[1]
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,))
        self._thread.start()

    def url(self, path: str = "", scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def _carry(self, client: socket.socket) -> None:
        # When one side hangs up, the other is hung up on; a reset is one way to do it.
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self._target)) as server,
        ):
            connection = _Connection(client, server)
            connection.swallows_questions = self._swallows_questions
            connection.swallows_answers = self._swallows_answers
            self._connections.add(connection)
            if self._is_over:
                connection.cut()  # It was accepted before, and came too late to be cut with others.
            try:
                connection.pump()
            finally:
                self._connections.discard(connection)

    def swallow(self) -> None:
        """Lose everything from now on, and tell nobody: the connections are half open."""
        self._swallows_questions = True
        self.swallow_answers()
        for connection in list(self._connections):
            connection.swallows_questions = True

    def swallow_answers(self) -> None:
        """Lose what the server says from now on."""
        self._swallows_answers = True
        for connection in list(self._connections):
            connection.swallows_answers = True

    def lead_to(self, port: int) -> None:
        """Carry the connections that come from now on to another port; the others stay."""
        self._target = port

    def pass_on(self) -> None:
        """Carry the connections that come from now on."""
        self._swallows_questions = self._swallows_answers = False

    def cut(self) -> None:
        """Hang up on both sides of every connection there is."""
        for connection in list(self._connections):
            connection.cut()

    def mend(self) -> None:
        """Hang up, and carry the connections that come then."""
        self.pass_on()
        self.cut()

    def stop(self) -> None:
        self._listener.shutdown()
        self._thread.join()
        self._is_over = True
        self.cut()
        self._listener.server_close()
