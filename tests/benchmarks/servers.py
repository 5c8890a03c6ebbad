"""One application under uvicorn: `python -m tests.benchmarks.servers NAME --loop uvloop`.

It prints its port, and ends when its standard input does.
"""

import argparse
import importlib
import importlib.util
import logging
import socket
import sys
import threading

import uvicorn

APPS = {
    "raw": "raw:echo",
    "raw-stream": "raw:stream",
    "raw-room": "raw:room",
    "tutorial": "tutorial:app",
    "tutorial-functions": "functions:tutorial",
    "ours": "ours:app",
    "ours-functions": "functions:app",
    "ours-room": "ours_room:app",
    "soak": "soaked:app",
    "pages": "pages:app",
    "answers": "answers:app",
    "socketio": "socketio_room:app",
}
"""Where each application is: a module of `tests.benchmarks.apps` and a name in it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=APPS)
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--h11", action="store_true", help="parse HTTP in Python")
    parser.add_argument("--compress", action="store_true", help="negotiate compression")
    parser.add_argument(
        "--no-pings",
        action="store_true",
        help="send no WebSocket pings: who does not answer them is let go after 40 seconds",
    )
    parser.add_argument(
        "--small-buffers",
        action="store_true",
        help="let the operating system take little of what a client does not read",
    )
    options = parser.parse_args()
    module, attribute = APPS[options.name].split(":")
    app = getattr(importlib.import_module(f"tests.benchmarks.apps.{module}"), attribute)
    # Servers of one parent look like workers of one server, and what is under way at the end of a
    # row is sent to nobody.
    for name in ("fastapi_echochat", "asyncio"):
        logging.getLogger(name).setLevel(logging.ERROR)
    config = uvicorn.Config(
        app,
        loop=options.loop,
        http="h11" if options.h11 else "auto",
        ws_per_message_deflate=options.compress,
        ws_ping_interval=None if options.no_pings else 20.0,
        log_level="warning",
        access_log=False,
        lifespan="off",
        # A row lets its connections go at its end; nobody waits for them.
        timeout_graceful_shutdown=1,
    )
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    if options.small_buffers:
        # tcp(7): inherited by what is accepted; otherwise it grows to megabytes.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
    listener.listen(config.backlog)
    print(listener.getsockname()[1], flush=True)
    server = uvicorn.Server(config)
    threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
    server.run(sockets=[listener])


def _end_with_stdin(server: uvicorn.Server) -> None:
    sys.stdin.read()
    server.should_exit = True


if __name__ == "__main__":
    main()
