"""What every client page has in common: the layout, the stylesheet, the headers, and how a refusal is shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Route

FOLDER: Final = Path(__file__).parent / "page"
STYLE: Final = (FOLDER / "style.css").read_text()
RULES: Final = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
HEADERS: Final = {"Cache-Control": "no-store", "Content-Security-Policy": RULES, "Referrer-Policy": "no-referrer"}
ANSWERS: Final = dict.fromkeys((200, 303, 401, 404, 409, 422, 429, 503))
Handler = Callable[[Ask[Any, Any]], Awaitable[Answer]]


class Pages:
    """The pages of one service; `words` tell a refusal to a person."""

    def __init__(self, service: str, templates: Path, words: Callable[[Refusal], str]) -> None:
        self.words = words
        loader = FileSystemLoader([templates, FOLDER])
        self._templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self._templates.globals["style"] = f"/{service}/page/style.css"

    def show(self, template: str, status: int = 200, **values: object) -> Answer:
        return Answer(status, None, HEADERS, self._templates.get_template(template).render(values), "text/html")

    def route(self, method: str, path: str, handler: Handler, summary: str) -> Route:
        """What `handler` refuses becomes a page of its own."""

        @wraps(handler)
        async def handle(ask: Ask[Any, Any]) -> Answer:
            try:
                return await handler(ask)
            except Refusal as refusal:
                shown = self.show("refused.html", refusal.kind, words=self.words(refusal), kind=refusal.kind)
                return patient(shown, refusal)

        return Route(method=method, path=path, handler=handle, summary=summary, answers=ANSWERS, form=method == "POST")


def patient(answer: Answer, refusal: Refusal) -> Answer:
    """With how long to wait, where that is what the refusal is about."""
    wait = refusal.extra.get("retry_after")
    return answer if wait is None else replace(answer, headers={**answer.headers, "Retry-After": str(wait)})


async def stylesheet(_: Ask[None, None]) -> Answer:
    return Answer(200, text=STYLE, content_type="text/css", headers={"Cache-Control": "public, max-age=600"})
