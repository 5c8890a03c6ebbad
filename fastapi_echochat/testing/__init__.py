"""For the host's own tests: a chat as its clients speak it, and no test that waits for ever."""

from .chat import Chat, connect
from .person import Person, enter
from .wire import ChatError, NoAnswerError

__all__ = ["Chat", "ChatError", "NoAnswerError", "Person", "connect", "enter"]
