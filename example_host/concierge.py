"""A concierge who knows the guests: a reply function that takes the signed-in user."""

from typing import Annotated

from fastapi import Depends

from fastapi_echochat import Message

from .signing_in import signed_in_name


# The guard of the chat and this parameter are one dependency, so FastAPI asks it once for each
# connection. It would guard the endpoint from here as well, but not the page.
async def greet(
    message: Message,
    name: Annotated[str, Depends(signed_in_name)],
) -> str:
    """Answer a guest by name."""
    return f"At your service, {name}. You said: {message.text}"
