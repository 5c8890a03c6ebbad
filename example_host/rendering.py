"""HTML of templates, with links that hold behind every proxy."""

from pathlib import Path

from fastapi import Request, Response
from fastapi.requests import HTTPConnection
from fastapi.templating import Jinja2Templates

TEMPLATES = Path(__file__).parent / "templates"
"""The folder of this host's templates, the one of a chat among them."""

_HEADERS = {
    # Everything that a page loads comes from this host, and nothing of it stands in the page.
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    # The pages show who is signed in.
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


def own_path(connection: HTTPConnection) -> str:
    """Return the path that was asked for, as this application's routes have it.

    ASGI's `path` starts with `root_path` where the server was told of a proxy's prefix
    (`uvicorn --root-path /prefix`).
    """
    path: str = connection.scope["path"]
    root_path: str = connection.scope.get("root_path", "").rstrip("/")
    return path[len(root_path) :] if path.startswith(f"{root_path}/") else path


def way_to_root(connection: HTTPConnection) -> str:
    """Return the relative link from the address asked for to this application's `/`.

    A link that starts with it names neither host nor prefix, so it holds even behind a proxy that
    strips a prefix and tells nobody.
    """
    return "../" * (own_path(connection).count("/") - 1) or "./"


def put_root_into_state(connection: HTTPConnection) -> None:
    """Give a chat's template the link to this application's `/`, as `request.state.root`.

    A chat renders its templates itself, with the request in their context. This is a dependency
    of its mount, so it runs before that; it does nothing for the endpoint.
    """
    connection.state.root = way_to_root(connection)


def render(
    request: Request, template: str, *, status_code: int = 200, **context: object
) -> Response:
    """Return a page."""
    return _templates.TemplateResponse(request, template, context, status_code, _HEADERS)


def _in_every_template(request: Request) -> dict[str, object]:
    return {"root": way_to_root(request), "signed_in_as": request.session.get("name")}


# It escapes whatever is put into a template.
_templates = Jinja2Templates(TEMPLATES, context_processors=[_in_every_template])
