"""Pages and static files as a FastAPI application usually serves them.

The size of the pages and the folder of the files come in the environment: they are those of what
is compared with them.
"""

import os
import tempfile
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

PAGE_BYTES = "ECHOCHAT_BENCHMARK_PAGE_BYTES"
STATIC_FOLDER = "ECHOCHAT_BENCHMARK_STATIC_FOLDER"

_size = int(os.environ.get(PAGE_BYTES, "4000"))
_PAGE = "<!doctype html><title>Chat</title>".ljust(_size, ".")

_BASE = """<!doctype html>
<html lang="{{ lang }}"><head><title>{% block title %}{% endblock %}</title></head>
<body>{% block body %}{% endblock %}</body></html>
"""
_CHAT = """{% extends "base.html" %}
{% block title %}{{ title }}{% endblock %}
{% block body %}
<h1>{{ title }}</h1>
<ul>{% for name, label in labels.items() %}<li data-name="{{ name }}">{{ label }}</li>{% endfor %}
</ul>
<form data-endpoint="{{ endpoint }}"><input name="message"><button>{{ labels.send }}</button></form>
"""
_LABELS = {"send": "Send"} | {f"label{number}": f"Words of label {number}" for number in range(20)}

_folder = Path(tempfile.mkdtemp())
(_folder / "base.html").write_text(_BASE)
(_folder / "chat.html").write_text(_CHAT + "." * max(0, _size - 1800) + "{% endblock %}")
_templates = Jinja2Templates(_folder)

app = FastAPI()
router = APIRouter()
app.mount("/static", StaticFiles(directory=os.environ.get(STATIC_FOLDER, _folder)))


@app.get("/constant", response_class=HTMLResponse)
async def constant() -> str:
    return _PAGE


router.add_api_route("", constant, response_class=HTMLResponse)
# What it costs to be included, which whatever has a prefix must be.
app.include_router(router, prefix="/included")


@app.get("/jinja2", response_class=HTMLResponse)
async def jinja2(request: Request) -> HTMLResponse:
    context = {
        "title": "Chat",
        "lang": "en",
        "labels": _LABELS,
        "endpoint": str(request.url_for("jinja2")),
    }
    return _templates.TemplateResponse(request, "chat.html", context)
