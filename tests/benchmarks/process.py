"""A server in a process of its own, and what the operating system says about it."""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

DEFAULT_LOOP = "uvloop" if importlib.util.find_spec("uvloop") else "asyncio"
"""What uvicorn takes by itself."""

_CHECKOUT = Path(__file__).parent.parent.parent
_PATIENCE = 20.0


def processor_seconds(pid: int) -> float:
    """Return the processor time that all threads of another process have used."""
    # clock_getcpuclockid(3): that process's clock, exact to the nanosecond.
    return time.clock_gettime((~pid << 3) | 2)


class Server:
    """One application of `servers.APPS`, listening.

    Args:
        name: Which.
        loop: The event loop that uvicorn runs on.
        env: What its environment has beside this one's.
        options: Of `python -m tests.benchmarks.servers`.
    """

    def __init__(
        self,
        name: str,
        *options: str,
        loop: str = DEFAULT_LOOP,
        env: Mapping[str, str] | None = None,
    ) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.servers", name, "--loop", loop]
        self._popen = subprocess.Popen(
            [*command, *options],
            cwd=_CHECKOUT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline()
        if not line:
            raise RuntimeError(f"the server {name!r} did not start")
        self.pid = self._popen.pid
        self.port = int(line)

    def seconds(self) -> float:
        """Return the processor time that all its threads have used."""
        return processor_seconds(self.pid)

    def memory(self) -> int:
        """Return how many bytes it has of its own, and its share of what it shares."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("smaps_rollup has no line Pss")

    def descriptors(self) -> int:
        """Return how many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def kill(self) -> None:
        """End it as a crash would, at once."""
        self._popen.kill()
        self._popen.wait(_PATIENCE)

    def stop(self) -> None:
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._popen.stdin.close()
        try:
            self._popen.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait(_PATIENCE)
        self._popen.stdout.close()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
