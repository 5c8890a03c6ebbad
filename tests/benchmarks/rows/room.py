"""A room of many readers: what one delivery costs."""

import importlib.util
import itertools
import json
from collections.abc import Callable, Iterator

from tests.benchmarks import wire
from tests.benchmarks.audience import MARK, Audience, Manners, StandsStillError
from tests.benchmarks.contest import Contest, Effort, Entrant
from tests.benchmarks.load import Sample
from tests.benchmarks.process import Server
from tests.benchmarks.report import Row
from tests.benchmarks.rounds import NOISE
from tests.benchmarks.rows.echo import V1

_TEXT = MARK.decode() + "What do you think of the NBA today?"
# A reader that never reads is noticed when what it has not read fills the buffers.
_LONG_TEXT = MARK.decode() + "." * 4096
_FILLING = 100
_SMALL_BUFFERS = "--small-buffers"
_rooms = itertools.count(1)


def _text_manners(path: str) -> Manners:
    hello = wire.handshake(path)
    return Manners(hello, b"", b"", b"", lambda _, text: wire.frame(text.encode()))


def _new_room() -> str:
    # A room of its own for each run: nobody is sent what was said in another.
    return f"/rooms/room{next(_rooms)}/ws"


def our_manners(path: str) -> Manners:
    """Return how one speaks in a room of ours: readers have no name."""

    def enter(name: str | None) -> bytes:
        said = {"type": "enter", "after": None, "name": name}
        return wire.frame(json.dumps(said).encode())

    return Manners(
        wire.handshake(path, V1),
        enter(None),
        enter("Speaker"),
        b'"welcome"',
        lambda number, text: wire.message(text, number),
    )


def _socketio_manners() -> Manners:
    enter = wire.frame(b"40")
    return Manners(
        wire.handshake("/socket.io/?EIO=4&transport=websocket"),
        enter,
        enter,
        b'40{"sid"',
        lambda _, text: wire.frame(f"42{json.dumps(['say', text])}".encode()),
    )


def _listening(
    make: Callable[[], Manners], effort: Effort, text: str = _TEXT, *, has_stalled: bool = False
) -> Callable[[Server], Sample]:
    def measure(server: Server) -> Sample:
        audience = Audience(server.port, make(), effort.readers, has_stalled=has_stalled)
        try:
            first = 3 if text is _TEXT else _FILLING
            return audience.listen(text, effort.seconds, server.seconds, first=first)
        finally:
            audience.close()

    return measure


def rows(effort: Effort) -> Iterator[Row]:
    """Compare deliveries, and what one reader does who never reads."""
    for loop in effort.loops:
        yield from _deliveries(effort, loop)
    yield from _stalled_rows(effort)


def _deliveries(effort: Effort, loop: str) -> Iterator[Row]:
    entrants = {
        "raw ASGI loop": Entrant("raw-room", _listening(lambda: _text_manners("/entry"), effort)),
        "raw ASGI loop, text only": Entrant(
            "raw-room", _listening(lambda: _text_manners("/"), effort)
        ),
        "tutorial's manager": Entrant(
            "tutorial", _listening(lambda: _text_manners("/room"), effort)
        ),
        V1: Entrant("ours-room", _listening(lambda: our_manners(_new_room()), effort)),
        # Readers without a subprotocol; who speaks has none, either.
        "plain": Entrant("ours-room", _listening(lambda: _text_manners(_new_room()), effort)),
    }
    has_socketio = importlib.util.find_spec("socketio") is not None
    if has_socketio:
        entrants["python-socketio"] = Entrant("socketio", _listening(_socketio_manners, effort))
    contest = Contest("room", entrants, effort, loop=loop)
    what = f"a delivery in a room of {effort.readers:,} readers, {loop}"
    yield contest.row(V1, "raw ASGI loop", what, at_most=1.15)
    yield contest.row(V1, "raw ASGI loop", f"{what}, p99", by="p99")
    yield contest.row(V1, "tutorial's manager", what)
    yield contest.row("plain", "raw ASGI loop, text only", f"{what}, plain protocol")
    if has_socketio:
        # Four times as fast: a quarter of the time.
        yield contest.row(V1, "python-socketio", what, at_most=0.25)
    else:
        yield Row(name="room", what=what, against="python-socketio", note="not installed")


def _stalled_rows(effort: Effort) -> Iterator[Row]:
    growth: dict[str, list[int]] = {"all read": [], "one never reads": []}

    def listening(who: str) -> Callable[[Server], Sample]:
        measure = _listening(
            lambda: our_manners(_new_room()),
            effort,
            _LONG_TEXT,
            has_stalled=who == "one never reads",
        )

        def measure_both(server: Server) -> Sample:
            before = server.memory()
            sample = measure(server)
            growth[who].append(server.memory() - before)
            return sample

        return measure_both

    contest = Contest(
        "room",
        {who: Entrant("ours-room", listening(who)) for who in growth},
        effort,
        options=[_SMALL_BUFFERS],
    )
    what = f"a delivery in a room of {effort.readers:,} readers, one of whom never reads"
    most, without = (max(growth[who]) / 2**20 for who in ("one never reads", "all read"))
    note = f"the server grew by {most:.1f} MiB at most, {without:.1f} without"
    for by, suffix in (("cost", ""), ("p99", ", p99")):
        yield contest.row(
            "one never reads",
            "all read",
            what + suffix,
            at_most=1 + NOISE,
            by=by,
            against="all read",
            note=note,
        )
    yield Row(
        name="room",
        what=f"the raw ASGI loop, {effort.readers:,} readers, one of whom never reads",
        note=_raw_loop_with_a_stalled_reader(effort),
    )


def _raw_loop_with_a_stalled_reader(effort: Effort) -> str:
    with Server("raw-room", _SMALL_BUFFERS) as server:
        audience = Audience(server.port, _text_manners("/"), effort.readers, has_stalled=True)
        try:
            audience.listen(_LONG_TEXT, effort.seconds, server.seconds, first=_FILLING)
        except StandsStillError:
            return "stands still for everybody"
        finally:
            audience.close()
    return "was not stopped"
