"""One chat for each protection, with that one on and the others off."""

from dataclasses import replace

from fastapi import FastAPI

from fastapi_echochat import EchoChat, Limits

OFF = Limits(message_bytes=None, connections=None, send_seconds=None)
LIMITS = {
    "none": OFF,
    "message_bytes": replace(OFF, message_bytes=65_536),
    "connections": replace(OFF, connections=10_000),
    "send_seconds": replace(OFF, send_seconds=20.0),
    "messages_per_second": replace(OFF, messages_per_second=1e9, burst=1_000_000),
    "all by default": Limits(),
}
"""The bounds of a chat, by the protection that they leave on."""

app = FastAPI()
for number, limits in enumerate(LIMITS.values()):
    app.include_router(EchoChat(limits=limits).router, prefix=f"/{number}")
