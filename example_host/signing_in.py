"""The sign-in of the host: who is signed in, the guard of a chat, the pages to sign in and out."""

from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.requests import HTTPConnection
from fastapi.responses import JSONResponse, RedirectResponse

from fastapi_echochat import Author

from .rendering import own_path, render, way_to_root

router = APIRouter()

NAME_LENGTH = 40
"""Longest name, in characters."""


def name_if_signed_in(connection: HTTPConnection) -> str | None:
    """Return the name of the person who is signed in, `None` for a guest."""
    name = connection.session.get("name")
    return name if isinstance(name, str) else None


def signed_in_name(name: Annotated[str | None, Depends(name_if_signed_in)]) -> str:
    """Return the name of the person who is signed in; the guard of what is for them only.

    The dependency behind it takes an `HTTPConnection`, which a request is and a WebSocket is too:
    so this one guards the page and the endpoint of a chat. It is asked once for each connection,
    and one that is open outlives the sign-out.
    """
    if name is None:
        raise HTTPException(401, "Sign in first.")
    return name


def author(name: Annotated[str | None, Depends(name_if_signed_in)]) -> Author | None:
    """Return who is signed in, `None` for a guest: a chat's `author=`.

    In this host a name is an account. A real one has a primary key for the id, which stays when
    somebody takes another name.
    """
    return None if name is None else Author(id=name, name=name)


async def ask_to_sign_in(request: Request, exc: Exception) -> Response:
    """Send a person who opens a guarded page to the sign-in, and answer everything else with 401.

    A browser asks for HTML when it opens a page. A script does not, nor does the page of a chat
    when its endpoint refused it and it asks whether somebody is still signed in.
    """
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": "Sign in first."}, 401)
    query = urlencode({"return_to": own_path(request)})
    return RedirectResponse(f"{way_to_root(request)}sign-in?{query}", 303)


def refuse_other_sites(request: Request) -> None:
    """Refuse a form that another site's page sent, which would sign a visitor in as somebody else.

    The browser says where a form comes from, and no page can change what it says. Browsers from
    before 2023 and plain HTTP go without.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "This form was sent by another site.")


@router.get("/sign-in")
def show_sign_in(
    request: Request,
    return_to: str = "/",
    next_path: Annotated[str, Query(alias="next")] = "",
) -> Response:
    """Ask for a name."""
    return render(
        request,
        "sign_in.html",
        return_to=return_to,
        next_path=next_path,
        name_length=NAME_LENGTH,
    )


@router.post("/sign-in", dependencies=[Depends(refuse_other_sites)])
def sign_in(
    request: Request,
    name: Annotated[str, Form()] = "",
    return_to: Annotated[str, Form()] = "/",
    next_path: Annotated[str, Form(alias="next")] = "",
) -> Response:
    """Sign a person in, and go back to the page that they wanted to see.

    Args:
        request: The form's.
        name: Who they are.
        return_to: The page as this application's routes have it, from `ask_to_sign_in`.
        next_path: The page as the browser has it, from a chat's `sign_in_url=`.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME_LENGTH:
        return render(
            request,
            "sign_in.html",
            status_code=422,
            return_to=return_to,
            next_path=next_path,
            name_length=NAME_LENGTH,
            problem=f"A name has 1 to {NAME_LENGTH} characters.",
        )
    # Here a real host checks a password, or whatever else proves that this is who they say.
    request.session.clear()
    request.session["name"] = name
    return RedirectResponse(_on_this_host(next_path) if next_path else _link_to(return_to), 303)


@router.post("/sign-out", dependencies=[Depends(refuse_other_sites)])
def sign_out(request: Request) -> Response:
    """Sign a person out: a form, since a link could be followed by a prefetching browser."""
    # The browser forgets its cookie; a copy of it holds until `max_age`. A host that must not
    # have that keeps its sessions in a database.
    request.session.clear()
    return RedirectResponse("./", 303)


def _on_this_host(path: str) -> str:
    """Return a path and query on this host, whatever somebody made up.

    With one slash in front and no backslash it names no other host.
    """
    return "/" + quote(path.lstrip("/"), safe="/?=&%")


def _link_to(path: str) -> str:
    """Return the link from `/sign-in` to another path of this application.

    The path comes from the address, so anybody can make it up. With a dot before its slash it is
    relative whatever follows: `.//example.org` is a path of this host, not another host.
    """
    if not path.startswith("/") or ".." in path.split("/"):
        return "./"
    return "." + quote(path)
