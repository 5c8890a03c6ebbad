"""The package's logger, in the name of one session."""

import logging
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Adapter = logging.LoggerAdapter[logging.Logger]
else:  # Python 3.10 cannot subscript it.
    Adapter = logging.LoggerAdapter

logger = logging.getLogger("fastapi_echochat")


class SessionLog(Adapter):
    """Begins each line with the session that it is about.

    Args:
        number: Of the session, in its process.
    """

    def __init__(self, number: int) -> None:
        super().__init__(logger, {})
        self._number = number

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Return the line with the session's name in front."""
        return f"session {self._number}: {msg}", kwargs
