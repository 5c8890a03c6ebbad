"""An application as a user would write it. Run it: `uvicorn example_host:app`.

Below is one chat after another, each taken in with one line, and each linked from the index page.
What they need of a host is in the modules beside this one: `signing_in` guards a chat, `tenants`
checks a path parameter, `pages` has the index and a page with a chat in a frame, and `rendering`
makes HTML of templates. `eliza`, `suitcase` and `concierge` are bots, each a function. `lounge` is
where people talk among themselves, and `places` says where that is kept.
"""

import os
import secrets
from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware.sessions import SessionMiddleware

from fastapi_echochat import EchoChat, Limits

from . import concierge, eliza, lounge, pages, rendering, signing_in, suitcase
from .places import place
from .tenants import known_tenant

# This host has pages only. FastAPI's own pages on an API load their scripts from another site.
app = FastAPI(openapi_url=None)

# The plain chat: the page is at /chat, its WebSocket endpoint at /chat/ws. With `debug` the page
# shows developers that address, and how long an answer took.
app.include_router(EchoChat(debug=True).router, prefix="/chat")

# Two chats side by side: each page talks with its own endpoint.
app.include_router(EchoChat(title="Sales").router, prefix="/sales/chat")
app.include_router(EchoChat(title="Support").router, prefix="/support/chat")

# One chat at two places.
help_chat = EchoChat(title="Help")
app.include_router(help_chat.router, prefix="/shop/help")
app.include_router(help_chat.router, prefix="/account/help")

# One chat for every tenant. The dependency takes the path parameter, and refuses page and
# endpoint of a tenant that there is not.
app.include_router(
    EchoChat(title="Your tenant's chat").router,
    prefix="/tenants/{tenant}/chat",
    dependencies=[Depends(known_tenant)],
)

# A chat in a sub-application, which does not know where it is mounted.
api = FastAPI(openapi_url=None)
api.include_router(EchoChat(title="Sub-application").router, prefix="/chat")
app.mount("/api", api)

# A chat behind the host's own sign-in: one dependency guards page and endpoint alike.
app.include_router(
    EchoChat(title="Members", sign_in_url="/sign-in").router,
    prefix="/members/chat",
    dependencies=[Depends(signing_in.signed_in_name)],
)
app.include_router(signing_in.router)
app.add_exception_handler(401, signing_in.ask_to_sign_in)

# A bot that streams: its answer appears while it is written.
app.include_router(
    EchoChat(eliza.listen, title="Elsie listens").router,
    prefix="/elsie",
)

# A bot with a memory. What one message puts into it has a bound.
suitcase_chat = EchoChat(
    suitcase.pack,
    title="Suitcase",
    limits=Limits(message_bytes=200),
)
app.include_router(suitcase_chat.router, prefix="/suitcase")

# A bot that knows who is signed in, and remembers what each has said, over restarts too. Its
# function takes the dependency that guards page and endpoint here.
app.include_router(
    concierge.chat.router,
    prefix="/members/concierge",
    dependencies=[Depends(signing_in.signed_in_name)],
)

# Rooms: everybody at one address talks together. The second router has the form at
# /rooms/{room}/announcements, by which the host itself says something there.
app.include_router(lounge.chat.router, prefix="/rooms/{room}")
app.include_router(lounge.router)

# A room whose members speak under the names that they signed in with. Guests choose a name, and
# nobody takes one for a member: theirs are marked.
club = EchoChat(
    reply=None,
    title="Club",
    author=signing_in.author,
    rooms=place("club"),
)
app.include_router(club.router, prefix="/club")

# A chat with this host's own template, which stands in for the packaged one, and its own colours.
app.include_router(
    EchoChat(title="Tea house", templates=rendering.TEMPLATES).router,
    prefix="/tea-house",
    dependencies=[Depends(rendering.put_root_into_state)],
)

# Who is signed in stands in a cookie that this secret signs. One made up at the start is good for
# trying things out: every restart signs everybody out, and of several workers (`uvicorn --workers
# 4`) each makes up its own and takes no other's cookies. Then SESSION_SECRET has to be set, to
# what `python -c "import secrets; print(secrets.token_urlsafe(32))"` prints.
app.add_middleware(
    SessionMiddleware,
    secret_key=os.environ.get("SESSION_SECRET") or secrets.token_urlsafe(32),
    session_cookie="example_host_session",
    max_age=8 * 60 * 60,  # seconds
    same_site="lax",
    # Set it wherever visitors come over HTTPS: then the cookie never travels without.
    https_only=os.environ.get("SESSION_HTTPS_ONLY") == "1",
)

# The index, and a page that shows the plain chat in a frame.
app.include_router(pages.router)
app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
