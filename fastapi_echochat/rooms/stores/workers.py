"""Other processes of the same server that use the same rooms, or should."""

import functools
import hashlib
import logging
import os
import tempfile
from pathlib import Path

try:
    import fcntl
except ImportError:  # There is none on Windows, and no server there that forks workers.
    fcntl = None  # type: ignore[assignment]  # what a missing module is

logger = logging.getLogger("fastapi_echochat")

_asked: set[tuple[int, str]] = set()


def warn_of_siblings(what: str, warning: str) -> None:
    """Log a warning, once, if another process has asked about the same and still lives.

    Args:
        what: What only one process should use.
        warning: What is wrong, and what to do.
    """
    key = (os.getpid(), what)
    if fcntl is None or key in _asked:
        return
    _asked.add(key)
    if (file := _file(os.getpid())) is None:
        return
    # A record lock, for it is this process's alone: a child does not inherit it, a second asker in
    # this process does not meet it, and it ends with the process however that ends.
    digest = hashlib.blake2b(what.encode(errors="surrogateescape"), digest_size=7).digest()
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int.from_bytes(digest, "big"))
    except OSError:
        logger.warning(warning)


@functools.cache
def _file(pid: int) -> int | None:
    # One file, of which a byte is locked for each thing: nothing is left behind by each server.
    # It is never closed, which would free all its locks, and opened anew after a fork.
    path = Path(tempfile.gettempdir()) / f"fastapi-echochat-{os.getuid()}.lock"
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
