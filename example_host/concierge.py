"""A concierge who knows the guests and remembers them: a reply function with a kept conversation.

The chat is `chat`. Each guest has a conversation of their own in it, which outlives the
connection, and a restart of the host too.
"""

from typing import Annotated

from fastapi import Depends

from fastapi_echochat import EchoChat, Message

from .places import place
from .signing_in import author, signed_in_name

LOOKED_BACK = 20
"""How much of the conversation the concierge looks at: questions and answers."""


# The guard of the chat and this parameter are one dependency, so FastAPI asks it once for each
# connection. It would guard the endpoint from here as well, but not the page.
async def greet(
    message: Message,
    name: Annotated[str, Depends(signed_in_name)],
) -> str:
    """Answer a guest by name, with all that they have wished for."""
    wishes = [message.text]
    # The plain protocol has no conversation that could be kept, and so no room.
    if message.room is not None:
        entries = await chat.history(message.room, limit=LOOKED_BACK)
        # What a guest says meanwhile stands there too, and is answered next.
        said = [entry for entry in entries if entry.sent_at <= message.sent_at]
        wishes = [entry.text for entry in said if entry.kind == "message"]
    return f"At your service, {name}. On my list for you: {'; '.join(wishes)}."


chat = EchoChat(
    greet,
    title="Concierge",
    author=author,
    rooms=place("concierge"),
    private=True,
)
