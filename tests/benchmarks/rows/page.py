"""The page, and the files that it asks for."""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.benchmarks import wire
from tests.benchmarks.apps.pages import PAGE_BYTES, STATIC_FOLDER
from tests.benchmarks.contest import Contest, Effort, Entrant
from tests.benchmarks.load import Sample, ask_again, connect_many
from tests.benchmarks.process import Server
from tests.benchmarks.report import Row

_CONNECTIONS = 16
_ASSET = "chat.js"


def getting(request: bytes, seconds: float) -> Callable[[Server], Sample]:
    """Return a measure of what one request costs, over connections that stay open."""

    def measure(server: Server) -> Sample:
        size = len(_body(server, request))
        sockets = connect_many(server.port, _CONNECTIONS)
        return ask_again(
            sockets,
            [request],
            size,
            in_flight=1,
            seconds=seconds,
            server_seconds=server.seconds,
        )

    return measure


def _body(server: Server, request: bytes) -> bytes:
    trial = wire.Trial(server.port)
    answer = trial.body(request)
    trial.close()
    return answer


def _ask(app: str, request: bytes, *, env: Mapping[str, str] | None = None) -> bytes:
    with Server(app, env=env) as server:
        return _body(server, request)


def _etag(answer: bytes) -> str:
    found = re.search(rb"(?i)\r\netag: ([^\r]+)\r\n", answer)
    assert found is not None, answer[:400]
    return found[1].decode()


def page_rows(effort: Effort) -> Iterator[Row]:
    """Compare the page with pages of the same size."""
    size = len(_ask("ours", wire.get("/chat")).partition(b"\r\n\r\n")[2])

    def entrant(app: str, path: str) -> Entrant:
        return Entrant(app, getting(wire.get(path), effort.seconds))

    contest = Contest(
        "page",
        {
            "a constant HTMLResponse": entrant("pages", "/constant"),
            "a constant HTMLResponse, included": entrant("pages", "/included"),
            "a Jinja2Templates page": entrant("pages", "/jinja2"),
            "page": entrant("ours", "/chat"),
        },
        effort,
        env={PAGE_BYTES: str(size)},
    )
    what = f"page GET ({size:,} bytes), rate"
    yield contest.row("page", "a constant HTMLResponse", what, at_least=1.3, by="rate")
    yield contest.row("page", "a constant HTMLResponse, included", what, by="rate")
    yield contest.row("page", "a Jinja2Templates page", what, by="rate")


def asset_rows(effort: Effort) -> Iterator[Row]:
    """Compare an asset with the same file, whole and unchanged since."""
    page = _ask("ours", wire.get("/chat"))
    found = re.search(rf"\?asset={re.escape(_ASSET)}&(?:amp;)?v=(\w+)".encode(), page)
    assert found is not None, page[:400]
    ours = f"/chat?asset={_ASSET}&v={found[1].decode()}"
    theirs = f"/static/{_ASSET}"
    whole = _ask("ours", wire.get(ours))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, _ASSET).write_bytes(whole.partition(b"\r\n\r\n")[2])
        env = {STATIC_FOLDER: folder}
        known = {
            "ours": wire.get(ours, If_None_Match=_etag(whole)),
            "theirs": wire.get(
                theirs, If_None_Match=_etag(_ask("pages", wire.get(theirs), env=env))
            ),
        }
        contest = Contest(
            "asset",
            {
                "StaticFiles": Entrant("pages", getting(wire.get(theirs), effort.seconds)),
                "asset": Entrant("ours", getting(wire.get(ours), effort.seconds)),
                "StaticFiles, conditional": Entrant(
                    "pages", getting(known["theirs"], effort.seconds)
                ),
                "asset, conditional": Entrant("ours", getting(known["ours"], effort.seconds)),
            },
            effort,
            env=env,
        )
    yield contest.row("asset", "StaticFiles", "asset GET, rate", at_least=1.0, by="rate")
    yield contest.row(
        "asset, conditional",
        "StaticFiles, conditional",
        "conditional asset GET, rate",
        at_least=1.0,
        by="rate",
        against="StaticFiles",
    )
