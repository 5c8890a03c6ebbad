"""The pages of the host: the index, and one that has a chat in a frame."""

from fastapi import APIRouter, Request, Response

from .lounge import ROOMS
from .rendering import render
from .tenants import TENANTS

router = APIRouter()


@router.get("/")
def index(request: Request) -> Response:
    """Link every chat of this host."""
    return render(request, "index.html", tenants=TENANTS, rooms=ROOMS)


@router.get("/framed")
def framed(request: Request) -> Response:
    """Show the plain chat in a frame of the host's page."""
    return render(request, "framed.html")
