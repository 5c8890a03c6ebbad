"""The leases in the file that this process has: to take one of them again needs no write."""

import os
import secrets
import threading
import time
from typing import NamedTuple

# Up to so many leases, those that have expired are left where they are.
_FEW = 1000

# As much of its time a lease in the file must have left to be taken without a write.
_PART = 2 / 3

_Answer = tuple[str, int]


class _Lease(NamedTuple):
    """Who in this process has the lease of an answer, and until when; and the process in the file.

    A message that is appended here is leased to the process together with it, and to nobody in it.
    """

    holder: str | None = None
    until: float = 0.0
    kept_until: float = 0.0


class OwnLeases:
    """What is known here of this process's leases; those in the file have the process as holder.

    Attributes:
        seconds: For how long a message that is appended is leased: for as long as the leases that
            are asked for here, 0 where none are.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._token = secrets.token_hex(8)
        self._leases: dict[_Answer, _Lease] = {}
        self._lock = threading.Lock()
        self._sweep_above = _FEW

    @property
    def process(self) -> str:
        """What these leases' holder is called in the file."""
        # Rooms that are made before a fork are in several processes.
        return f"{os.getpid()} {self._token}"

    def take(self, room: str, position: int, holder: str, seconds: float) -> bool | None:
        """Take or renew a lease, or give it up with 0 seconds.

        Returns:
            Whether the holder has it, or `None` if the file decides that, or is to be told.
        """
        now = time.monotonic()
        answer = (room, position)
        with self._lock:
            lease = self._leases.get(answer, _Lease())
            if lease.holder not in {None, holder} and now < lease.until:
                return False
            if seconds <= 0:
                self._leases.pop(answer, None)
                return None
            self.seconds = seconds
            self._leases[answer] = lease._replace(holder=holder, until=now + seconds)
            return True if lease.kept_until >= now + seconds * _PART else None

    def note_kept(self, room: str, position: int, until: float) -> None:
        """Note until when the file has a lease for this process."""
        answer = (room, position)
        with self._lock:
            lease = self._leases.get(answer, _Lease())
            self._leases[answer] = lease._replace(kept_until=until)
            if len(self._leases) > self._sweep_above:
                self._drop_expired()

    def note_answered(self, room: str, position: str) -> None:
        """Note that the message at a position, as text, is answered: nobody needs its lease."""
        if position.isdecimal():
            self._leases.pop((room, int(position)), None)

    def give_up_waiting(self, room: str) -> list[int]:
        """Return the positions in a room whose leases the process has had, and nobody in it."""
        with self._lock:
            waiting = [
                (name, position)
                for (name, position), lease in self._leases.items()
                if name == room and lease.holder is None
            ]
            for answer in waiting:
                del self._leases[answer]
        return [position for _, position in waiting]

    def forget_kept(self) -> None:
        """Note that the file may be another."""
        with self._lock:
            self._leases = {
                answer: lease._replace(kept_until=0.0) for answer, lease in self._leases.items()
            }

    def _drop_expired(self) -> None:
        now = time.monotonic()
        self._leases = {
            answer: lease
            for answer, lease in self._leases.items()
            if now < max(lease.until, lease.kept_until)
        }
        self._sweep_above = max(_FEW, 2 * len(self._leases))
