"""The guards of a chat's mounts: dependencies that its host has given to a router, or to itself."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import fastapi.routing
from fastapi import Request
from starlette.routing import Match

from .dependencies import needs
from .urls import ENDPOINT

logger = logging.getLogger("fastapi_echochat")


class _Failure(NamedTuple):
    """A guard that fails on each connection of one kind.

    Attributes:
        route: The WebSocket's, with the guards of its mount.
        calls: The guard, its dependency, and so on, to the one that fails.
        parameter: Which it cannot be given.
        takes: What that takes, and a WebSocket or a request is not.
    """

    route: Any
    calls: tuple[Callable[..., object], ...]
    parameter: str
    takes: str

    def is_overridden(self, app: Any) -> bool:
        """Tell whether an application has others in their place, as in tests."""
        return any(call in getattr(app, "dependency_overrides", ()) for call in self.calls)


class Guards:
    """Finds guards that take a `Request` or a `WebSocket`, and so fail on the other.

    FastAPI 0.165 calls such a function without its parameter: a TypeError, at each handshake.
    Which guards a mount has is not known before it is included, and nothing runs before them. So
    they are looked for when the application starts or, where nobody runs the lifespan, with the
    first page.

    Mounts of one chat share its rooms. So what is said behind one guard would be read in the mount
    that another guards, or none: such a chat serves nobody.

    Args:
        endpoint: The function of the WebSocket's route, whatever it is included in.
        share_rooms: Whether people in one mount meet those in another.
    """

    def __init__(self, endpoint: Callable[..., object], *, share_rooms: bool) -> None:
        self._endpoint = endpoint
        self._share_rooms = share_rooms
        self._failures: WeakKeyDictionary[Any, list[_Failure]] = WeakKeyDictionary()
        self._conflicts: WeakKeyDictionary[Any, str] = WeakKeyDictionary()

    def conflict(self, app: Any) -> str | None:
        """Return why an application must not serve the chat as it has mounted it, if that is so."""
        self._check(app)
        return None if app is None else self._conflicts.get(app)

    def _check(self, app: Any) -> None:
        """Log once what is wrong with the guards of the chat's mounts in an application."""
        if app is None or app in self._failures:
            return
        routes = list(self._routes_in(app))
        self._failures[app] = failures = [
            failure for route in routes for failure in _find(route, route.dependant)
        ]
        by_guards = {_guards_of(route): route for route in routes}
        if self._share_rooms and len(by_guards) > 1:
            first, second = (_mount_of(route) for route in list(by_guards.values())[:2])
            self._conflicts[app] = (
                f"the mounts of one chat at {first!r} and {second!r} share its rooms and have "
                "different guards: make an EchoChat for each, with a store of its own"
            )
            logger.error("%s", self._conflicts[app])
        for failure in failures:
            if failure.is_overridden(app):
                continue
            route, calls, parameter, takes = failure
            logger.error(
                "the guard %s of the chat at %r fails on each %s: its parameter %r takes a %s. "
                "Write fastapi.requests.HTTPConnection, which is both a Request and a WebSocket; "
                "where the guard cannot be changed, the README has an adapter",
                " > ".join(getattr(call, "__qualname__", None) or repr(call) for call in calls),
                _mount_of(route),
                "request" if takes == "WebSocket" else "WebSocket",
                parameter,
                takes,
            )

    def fail_beside(self, page: Request) -> bool:
        """Tell whether no WebSocket gets past the guards of the mount that a page is in."""
        app = page.scope["app"]
        self._check(app)
        failures = self._failures[app]
        if not failures:
            return False
        path = page.scope["path"].removesuffix("/") + f"/{ENDPOINT}"
        scope = {**page.scope, "type": "websocket", "path": path}
        return any(
            each.takes == "Request"
            and not each.is_overridden(app)
            and each.route.matches(scope)[0] is not Match.NONE
            for each in failures
        )

    def _routes_in(self, app: Any) -> Iterator[Any]:
        # From FastAPI 0.137 on, which keeps included routers as they are.
        contexts: Any = getattr(fastapi.routing, "iter_route_contexts", iter)
        for route in contexts(getattr(app, "routes", ())):
            if getattr(route, "endpoint", None) is self._endpoint:
                yield route


def _mount_of(route: Any) -> str:
    path: str = route.path
    return path.removesuffix(f"/{ENDPOINT}") or "/"


def _guards_of(route: Any) -> frozenset[tuple[object, ...]]:
    """Return the guards of a mount, each with the scopes that it is to look for."""

    def scopes(guard: Any) -> Any:
        name = "own_oauth_scopes" if hasattr(guard, "own_oauth_scopes") else "security_scopes"
        return getattr(guard, name) or ()

    guards = (each for each in route.dependant.dependencies if each.name is None)
    return frozenset((guard.call, *scopes(guard)) for guard in guards)


def _find(route: Any, dependant: Any, *calls: Callable[..., object]) -> Iterator[_Failure]:
    for dependency in dependant.dependencies:
        if dependency.name is not None and not calls:
            continue  # The chat's own, which is checked when that is made.
        for parameter, takes in (
            (dependency.request_param_name, "Request"),
            (dependency.websocket_param_name, "WebSocket"),
        ):
            if parameter is not None and needs(dependency.call, parameter):
                yield _Failure(route, (*calls, dependency.call), parameter, takes)
        yield from _find(route, dependency, *calls, dependency.call)
