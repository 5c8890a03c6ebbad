"""The parameters of a host's function that are dependencies, as FastAPI is to see them."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, ForwardRef, get_args, get_origin

from fastapi import Depends

from .annotations import may_be, module_names, returned
from .feedback import GIVEN
from .identity import Author
from .replies import kind_of

AUTHOR = "echochat_author"
"""The name of the value of `EchoChat(author=)` among those of the reply function's."""

FEEDBACK = "echochat_feedback"
"""The name there of the values of the dependencies of `EchoChat(feedback=)`."""

_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def collector(
    reply: Callable[..., object] | None,
    author: Callable[..., object] | None = None,
    feedback: Callable[..., object] | None = None,
) -> Callable[..., dict[str, Any]] | None:
    """Return a dependency that has a reply function's dependencies as its own.

    FastAPI solves it like any other, and it returns the values by name. `None` where there is
    nothing to solve.

    Args:
        reply: The reply function, if there is one.
        author: One more dependency, if there is one; its value has the name `AUTHOR`.
        feedback: One more function, if there is one; its values have the name `FEEDBACK`.

    Raises:
        TypeError: A parameter cannot be solved; the message says which and why.
    """
    parameters = [] if reply is None else _parameters(reply, given=1)
    if author is not None:
        parameters.append(
            inspect.Parameter(
                AUTHOR,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=Annotated[object, Depends(author)],
            )
        )
    # Collected apart: two functions may have a parameter of the same name.
    collect_feedback = None if feedback is None else _collect(_parameters(feedback, given=GIVEN))
    if collect_feedback is not None:
        parameters.append(
            inspect.Parameter(
                FEEDBACK,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=Annotated[dict[str, Any], Depends(collect_feedback)],
            )
        )
    return _collect(parameters)


def check_author(author: object) -> None:
    """Refuse what cannot be `EchoChat(author=)`.

    Raises:
        TypeError: It is no function, or is annotated with what no author can be.
    """
    if not callable(author):
        raise TypeError(f"author= takes a dependency, a function, not {author!r}")
    is_class = isinstance(author, type)
    annotation = author if is_class else returned(author, streams=kind_of(author).streams)
    if not may_be(annotation, Author, str, type(None)):
        raise TypeError(
            f"author= returns Author(id=…, name=…), a str, or None for a guest; {author!r} is "
            f"annotated with {annotation!r}"
        )


def _collect(parameters: list[inspect.Parameter]) -> Callable[..., dict[str, Any]] | None:
    if not parameters:
        return None

    def collect(**values: Any) -> dict[str, Any]:
        return values

    collect.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # PEP 362
    return collect


def _parameters(reply: Callable[..., object], *, given: int) -> list[inspect.Parameter]:
    try:
        signature = inspect.signature(reply)
    except (TypeError, ValueError):  # Not callable, which is refused elsewhere; some built-ins.
        return []
    bound = reply.keywords if isinstance(reply, functools.partial) else {}
    names = module_names(reply)
    parameters = []
    for parameter in list(signature.parameters.values())[given:]:
        if parameter.kind in _VARIABLE or parameter.name in bound:
            continue
        if parameter.annotation is inspect.Parameter.empty:
            if parameter.default is not inspect.Parameter.empty and not _is_marker(
                parameter.default
            ):
                continue  # A default that only the function itself knows of.
            if parameter.default is inspect.Parameter.empty:
                raise _unsolvable(reply, parameter.name, "has neither an annotation nor a default")
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise _unsolvable(reply, parameter.name, "cannot be given by its name")
        annotation = _resolve(reply, parameter, names)
        parameters.append(
            parameter.replace(annotation=annotation, kind=inspect.Parameter.KEYWORD_ONLY)
        )
    return parameters


def _is_marker(default: object) -> bool:
    return type(default).__module__.startswith("fastapi.")


def _resolve(
    reply: Callable[..., object], parameter: inspect.Parameter, names: dict[str, Any]
) -> Any:
    annotation = parameter.annotation
    if isinstance(annotation, str):
        try:
            # As `inspect.signature(eval_str=True)`, which does not say whose annotation it is.
            annotation = eval(annotation, names)
        except NameError:
            raise _unsolvable(reply, parameter.name, _is_nowhere(annotation)) from None
        except Exception as exc:
            raise _unsolvable(
                reply, parameter.name, f"is annotated with {annotation!r}: {exc}"
            ) from None
    if get_origin(annotation) is Annotated:
        kind, *metadata = get_args(annotation)
        annotation = Annotated[(kind, *map(_without_positional_arguments, metadata))]
    return annotation


def _without_positional_arguments(marker: object) -> object:
    """Let `Depends(list)` be what it looks like.

    FastAPI 0.165 calls a dependency with keyword arguments, and takes the positional-only
    parameter of `list` for a query parameter.
    """
    dependency = getattr(marker, "dependency", None)
    if not isinstance(dependency, type) or dependency.__module__ != "builtins":
        return marker
    return Depends(_make(dependency))


@functools.lru_cache
def _make(builtin: type) -> Callable[[], object]:
    def make() -> object:
        return builtin()

    return make


def check(
    reply: Callable[..., object],
    dependant: Any,
    of: str = "",
    *,
    author: Callable[..., object] | None = None,
    feedback: Callable[..., object] | None = None,
) -> None:
    """Refuse what FastAPI would find out at the first visitor only.

    Args:
        reply: The reply function, or another one that has dependencies.
        dependant: What FastAPI made of its collector, a tree: `route.dependant.dependencies`.
        of: Says whose parameters they are, where they are a dependency's.
        author: The dependency `EchoChat(author=)`, if there is one.
        feedback: The function of `EchoChat(feedback=)`, if there is one.

    Raises:
        TypeError: A parameter in it cannot be solved on a WebSocket.
    """
    if needs(dependant.call, dependant.request_param_name):
        why = "takes a Request, which a WebSocket is not: take fastapi.requests.HTTPConnection"
        raise _unsolvable(reply, dependant.request_param_name, why, of)
    # What FastAPI gives, and nobody looks at afterwards. A dependency may set a cookie for the page
    # all the same: it can have that from the page's own request.
    if not of and dependant.response_param_name is not None:
        why = "takes a Response, which a WebSocket has not"
        raise _unsolvable(reply, dependant.response_param_name, why)
    if dependant.background_tasks_param_name is not None:
        why = "takes BackgroundTasks, which nobody would run: there is no response to run after"
        raise _unsolvable(reply, dependant.background_tasks_param_name, why, of)
    for field in dependant.body_params:
        why = "would come from a request's body, which a handshake has not"
        raise _unsolvable(reply, field.name, why, of)
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, ForwardRef):
            raise _unsolvable(reply, field.name, _is_nowhere(annotation.__forward_arg__), of)
    for dependency in dependant.dependencies:
        if dependency.name == FEEDBACK and feedback is not None:
            check(feedback, dependency)
            continue
        if dependency.name == AUTHOR and author is not None:
            check(author, dependency, " of author=")
            continue
        name = getattr(dependency.call, "__qualname__", repr(dependency.call))
        check(reply, dependency, f" of its dependency {name}")


def needs(function: Callable[..., object], parameter: str | None) -> bool:
    """Tell whether a function cannot be called without a parameter.

    `request: Request = None, websocket: WebSocket = None` is a common way to take both.
    """
    found = inspect.signature(function).parameters.get(parameter or "")
    return found is not None and found.default is inspect.Parameter.empty


class Held:
    """Those dependencies whose values a session has to the end: the reply function's, feedback's.

    Args:
        dependant: What FastAPI made of their collector, if there is anything to solve.
    """

    def __init__(self, dependant: Any = None) -> None:
        self._calls: set[Any] = set()
        for dependency in dependant.dependencies if dependant is not None else ():
            if dependency.name != AUTHOR:  # Of that, an `Author` is left.
                self._add(dependency)
        # FastAPI looks through decorators for a `yield`, too.
        self._has_yield = any(
            kind_of(function).streams
            for call in self._calls
            for function in (call, inspect.unwrap(call))
        )

    def are_open_in(self, app: Any) -> bool:
        """Tell whether one of them has code after a `yield`, or may have in an application."""
        return self._has_yield or not self._calls.isdisjoint(
            getattr(app, "dependency_overrides", ())
        )

    def _add(self, dependant: Any) -> None:
        self._calls.add(dependant.call)
        for dependency in dependant.dependencies:
            self._add(dependency)


def _is_nowhere(annotation: str) -> str:
    return (
        f"is annotated with {annotation!r}, which is found in no module: move what it names to the "
        "top of one"
    )


def _unsolvable(reply: Callable[..., object], parameter: str, why: str, of: str = "") -> TypeError:
    return TypeError(
        f"the function {getattr(reply, '__qualname__', reply)!s} cannot be called: the parameter "
        f"{parameter!r}{of} {why}. After what the chat gives it, such a function takes what a "
        "FastAPI endpoint takes, such as Annotated[User, Depends(current_user)]"
    )


def unresolvable(reply: Callable[..., object], exc: NameError) -> TypeError:
    """Return what to raise where an annotation of a dependency names what no module has."""
    first_line = str(exc).splitlines()[0]  # What follows in Pydantic's own is a link.
    return TypeError(
        f"the function {getattr(reply, '__qualname__', reply)!s} cannot be called: an "
        f"annotation of one of its dependencies is found in no module ({first_line}): move what "
        "it names to the top of one"
    )
