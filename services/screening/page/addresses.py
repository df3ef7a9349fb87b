"""The addresses of the pages of one visit: its token, service and language ride in the query, and never an answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from shared.httpkit import Answer, Ask
from shared.page import HEADERS


def check(ask: Ask[Any, Any], step: str = "", **more: str) -> str:
    """`step` is what is done there; `lang` among `more` takes the place of the language so far."""
    return _with(f"/screening/check/{_subject(ask)}" + (f"/{step}" if step else ""), ask, ("lang",), more)


def visit(ask: Ask[Any, Any], **more: str) -> str:
    """The visit is booking's page, under the same origin."""
    return _with(f"/booking/visit/{_subject(ask)}", ask, (), more)


def see(address: str) -> Answer:
    """On to another page, so that loading that one again posts nothing again."""
    return Answer(303, headers={**HEADERS, "Location": address})


def _subject(ask: Ask[Any, Any]) -> str:
    return ask.path["appointment"]


def _with(path: str, ask: Ask[Any, Any], also: tuple[str, ...], more: dict[str, str]) -> str:
    query = ask.request.query
    kept = {name: query[name] for name in ("token", "service", *also) if query.get(name)}
    return f"{path}?{urlencode(kept | more)}"
