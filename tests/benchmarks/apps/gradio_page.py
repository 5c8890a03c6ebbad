"""The echo as Gradio's chat: `python gradio_page.py PORT`."""

import importlib
import sys
from typing import Any

# Imported by name: it need not be installed.
gradio: Any = importlib.import_module("gradio")


def echo(message: str, history: list[object]) -> str:
    return f"Message text was: {message}"


gradio.ChatInterface(echo).launch(
    server_name="127.0.0.1", server_port=int(sys.argv[1]), quiet=True, share=False
)
