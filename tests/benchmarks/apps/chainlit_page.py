"""The echo as Chainlit's chat: `python -m chainlit run chainlit_page.py`."""

import importlib
from typing import Any

# Imported by name: it need not be installed.
chainlit: Any = importlib.import_module("chainlit")


@chainlit.on_message  # type: ignore[untyped-decorator]  # see above
async def echo(message: Any) -> None:
    await chainlit.Message(content=f"Message text was: {message.content}").send()
