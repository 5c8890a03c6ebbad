"""A WebSocket chat that any FastAPI application takes in with one line."""

from . import testing
from .chat import EchoChat
from .limits import Limits
from .protocol import Message
from .replies import echo

__all__ = ["EchoChat", "Limits", "Message", "echo", "testing"]
