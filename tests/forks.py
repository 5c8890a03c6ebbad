"""What a forked server runs: nothing here that a server does not need.

The process that is forked imports this module, and with it all that a server imports.
"""

import os
import sys
from pathlib import Path

# What a test's application may import, once for all of them.
import fastapi.testclient  # noqa: F401
import redis.asyncio  # noqa: F401
import uvicorn
import uvicorn.lifespan.on
import uvicorn.protocols.http.h11_impl
import uvicorn.protocols.websockets.auto  # the one that this release of uvicorn prefers

import fastapi_echochat  # noqa: F401


def serve(arguments: list[str], folder: Path, env: dict[str, str], log: Path) -> None:
    """Be `python -m uvicorn` in a folder, with an environment and a log of its own."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, sys.stdout.fileno())
    os.dup2(file, sys.stderr.fileno())
    os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["uvicorn", *arguments]
    sys.path.insert(0, str(folder))
    uvicorn.main(arguments)
