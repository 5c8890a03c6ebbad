"""The exit code of the dependencies of a WebSocket: what they do after their `yield`."""

import contextlib
import contextvars

from fastapi import WebSocket

# Under these FastAPI keeps what it will exit when the endpoint has returned. They are in no
# documentation, but there is no other way to it: FastAPI 0.165 exits at the end of the socket what
# has `scope="function"` too. The last is of releases before 0.118. Where a release has others,
# dependencies are exited when FastAPI does it.
_STACKS = ("fastapi_function_astack", "fastapi_inner_astack", "fastapi_astack")


async def exit_dependencies(websocket: WebSocket) -> None:
    """Run the exit code of a WebSocket's dependencies now, and not when it is closed.

    What they have put into context variables stays there for the session.

    Raises:
        Exception: What a dependency raises.
    """
    context = contextvars.copy_context()
    for name in _STACKS:
        stack = websocket.scope.get(name)
        if isinstance(stack, contextlib.AsyncExitStack):
            await stack.aclose()
    for variable, value in context.items():
        if variable.get(None) is not value:
            variable.set(value)
