"""What a person with a browser reads where no page answered: in both languages, because nobody knows who is there."""

from __future__ import annotations

import tomllib
from pathlib import Path
from string import Template
from typing import Final

from aiohttp import web

FOLDER: Final = Path(__file__).parent / "page"
PAGE: Final = Template((FOLDER / "broken.html").read_text("utf-8"))
WORDS: Final = tomllib.loads((FOLDER / "broken.toml").read_text("utf-8"))
RULES: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = {"Cache-Control": "no-store", "Content-Security-Policy": RULES, "Referrer-Policy": "no-referrer"}


def is_a_persons(request: web.Request) -> bool:
    """Whether a page was asked for, and not the API."""
    return "text/html" in request.headers.get("Accept", "") and "/v1/" not in request.path


def page(problem: web.Response) -> web.Response:
    """The same answer for a person's eyes."""
    words = WORDS["nowhere" if problem.status == 404 else "away" if problem.status >= 500 else "refused"]
    kept = {name: problem.headers[name] for name in ("Retry-After", "Allow") if name in problem.headers}
    text = PAGE.substitute(words)
    return web.Response(status=problem.status, text=text, content_type="text/html", headers={**HEADERS, **kept})
