"""A chat that answers with 100 KB of Markdown in pieces of 20 characters, rendered or not.

A message says which.
"""

import asyncio
from collections.abc import AsyncIterator

from fastapi import FastAPI

from fastapi_echochat import EchoChat, Message

LENGTH = 100_000
PIECE = 20
# How many pieces come at once, and how long it is until the next do: what a fast model writes.
AT_ONCE = 10
PAUSE = 0.005

_PART = """\
## Part {number}

A paragraph of some **words**, *emphasised* or `code()`, with [a link](https://example.org/{number})
and an address, https://example.org/a_{number}, as they are in what a language model writes.

- an item, **in bold**: and what it is
- another one
  1. with a list in it
  2. of two

| what | number |
|:-----|-------:|
| part | {number} |

```python
def part(number: int = {number}) -> str:
    return f"part {{number}}"
```

"""
LAST = "The end."


_HEAD = """\
| what | number |
|:-----|-------:|
"""
_ROW = "| part | {number} |\n"


def _write(head: str, part: str) -> str:
    parts = [head]
    length = len(head) + len(LAST)
    while length < LENGTH:
        parts.append(part.format(number=len(parts)))
        length += len(parts[-1])
    return "".join(parts) + "\n" + LAST


ANSWERS = {"of all kinds": _write("", _PART), "a table": _write(_HEAD, _ROW)}


async def answer(message: Message) -> AsyncIterator[str]:
    text = ANSWERS[message.text]
    for start in range(0, len(text), PIECE):
        yield text[start : start + PIECE]
        if start % (PIECE * AT_ONCE) == 0:
            await asyncio.sleep(PAUSE)


app = FastAPI()
app.include_router(EchoChat(answer).router, prefix="/markdown")
app.include_router(EchoChat(answer, markdown=False).router, prefix="/text")
