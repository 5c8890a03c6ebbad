"""A warning where several workers of one server each keep rooms of their own."""

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

_claimed: set[tuple[int, str]] = set()


def warn_of_other_workers(resource: str, warning: str) -> None:
    """Log a warning, once, if another living process has called this for the same resource.

    Args:
        resource: Names what only one process should use.
        warning: Says what is wrong, and what to do.
    """
    claim = (os.getpid(), resource)
    if fcntl is None or claim in _claimed:
        return
    _claimed.add(claim)
    if (file := _open_lock_file(os.getpid())) is None:
        return
    # A record lock belongs to one process: a child does not inherit it, a second call in this
    # process does not meet it, and it ends with the process, even with one that was killed.
    digest = hashlib.blake2b(resource.encode(errors="surrogateescape"), digest_size=7).digest()
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int.from_bytes(digest, "big"))
    except OSError:
        logger.warning(warning)


@functools.cache
def _open_lock_file(pid: int) -> int | None:
    # One file, in which a byte is locked for each resource: servers leave no files behind. It is
    # never closed, which would free all its locks, and opened anew after a fork.
    path = Path(tempfile.gettempdir()) / f"fastapi-echochat-{os.getuid()}.lock"
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
