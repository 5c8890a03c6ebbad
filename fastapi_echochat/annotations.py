"""What a host's function says of its parameters and of what it returns."""

import functools
import inspect
import types
from collections.abc import Callable
from typing import Annotated, Any, Union, get_args, get_origin

_NOTHING = type(None)


def module_names(function: Any) -> dict[str, Any]:
    """Return the names in the module of a function, a `functools.partial` or a callable object."""
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function) and not inspect.isclass(function):
        function = type(function).__call__
    function = inspect.unwrap(getattr(function, "__func__", function))
    names: dict[str, Any] = getattr(function, "__globals__", {})
    return names


def given(function: Callable[..., object], index: int) -> Any:
    """Return what a positional parameter is annotated with, `Any` where nothing is known of it."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # Not callable; some built-in functions have no signature.
        return Any
    if index >= len(parameters) or parameters[index].kind is inspect.Parameter.VAR_POSITIONAL:
        return Any
    return _known(function, parameters[index].annotation)


def returned(function: Callable[..., object], *, streams: bool) -> Any:
    """Return what a function says that it returns or yields, `Any` where nothing is known of it.

    Args:
        function: Not a class, which says nothing.
        streams: Whether it is a generator, of either kind.
    """
    try:
        annotation = _known(function, inspect.signature(function).return_annotation)
    except (TypeError, ValueError):
        return Any
    if not streams:
        return annotation
    yielded, *_ = get_args(annotation) or (Any,)
    return yielded


def may_be(annotation: Any, *kinds: type) -> bool:
    """Tell whether something annotated so may be of one of these kinds.

    `None` beside something else is not counted: `User | None` may be an `Author` only where `User`
    may. What cannot be told (a `TypeVar`, a `Protocol`) may be anything.
    """
    origin = get_origin(annotation)
    if origin is Annotated:
        return may_be(get_args(annotation)[0], *kinds)
    if origin in (Union, types.UnionType):
        others = [each for each in get_args(annotation) if each is not _NOTHING]
        return any(may_be(each, *kinds) for each in others)
    kind = _NOTHING if annotation is None else origin or annotation
    if annotation is Any or not isinstance(kind, type):  # `Any` is a class from Python 3.11 on.
        return True
    try:
        return any(issubclass(kind, each) or issubclass(each, kind) for each in kinds)
    except TypeError:  # A protocol that cannot be looked for at run time.
        return True


def _known(function: Callable[..., object], annotation: Any) -> Any:
    if isinstance(annotation, str):
        try:
            annotation = eval(annotation, module_names(function))
        except Exception:  # What it names is there for type checkers only.
            return Any
    return Any if annotation is inspect.Parameter.empty else annotation
