"""The lounge, where people talk among themselves, and the announcements that the host makes there.

The chat is `chat`, and every address under its mount is a room of its own.
"""

import secrets
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from fastapi_echochat import EchoChat, Limits, RoomsUnavailableError

from .places import place
from .rendering import render
from .signing_in import refuse_other_sites, signed_in_name

ROOMS = ("lobby", "garden")
"""The rooms that the index links. There is any other as soon as somebody opens its address."""

TEXT_LENGTH = 500
"""Longest announcement, in characters."""

chat = EchoChat(
    reply=None,
    title="Lounge",
    rooms=place("lounge"),
    limits=Limits(message_bytes=4000),
)

router = APIRouter()


@router.get("/rooms/{room}/announcements", dependencies=[Depends(signed_in_name)])
def show_form(request: Request, room: str) -> Response:
    """Ask what is to be announced."""
    return _render_form(request, room)


@router.post("/rooms/{room}/announcements", dependencies=[Depends(refuse_other_sites)])
async def announce(
    request: Request,
    room: str,
    name: Annotated[str, Depends(signed_in_name)],
    text: Annotated[str, Form()] = "",
    message_id: Annotated[str | None, Form()] = None,
) -> Response:
    """Say something into a room as the host, and go there.

    A form that is sent twice has the same id, and is said once.
    """
    text = text.strip()
    if not 0 < len(text) <= TEXT_LENGTH:
        return _render_form(
            request,
            room,
            status_code=422,
            text=text,
            problem=f"An announcement has 1 to {TEXT_LENGTH} characters.",
        )
    try:
        await chat.post(room, text, author=f"Announced by {name}", message_id=message_id or None)
    except RoomsUnavailableError as exc:
        raise HTTPException(503, "The lounge is out of reach. Send it again.") from exc
    except ValueError as exc:
        raise HTTPException(422, str(exc)) from exc
    return RedirectResponse(f"../{quote(room, safe='')}", 303)


def _render_form(
    request: Request, room: str, *, status_code: int = 200, **context: object
) -> Response:
    return render(
        request,
        "announce.html",
        status_code=status_code,
        room=room,
        message_id=secrets.token_urlsafe(),
        text_length=TEXT_LENGTH,
        **context,
    )
