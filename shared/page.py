"""What every client page has in common: the layout, the stylesheet, the headers, and how a refusal is shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Any, Final

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from shared import telemetry
from shared.assets import Asset
from shared.errors import Refusal, Unavailable
from shared.httpkit import Answer, Ask, Route
from shared.mongo import UNREACHABLE

FOLDER: Final = Path(__file__).parent / "page"
STYLE: Final = (FOLDER / "style.css").read_text()
FRAME: Final = Asset.read(FOLDER / "frame.js")
FRAME_PATH: Final = "/page/frame.js"
ICON: Final = Asset.read(FOLDER / "icon.svg")
ICON_PATH: Final = "/page/icon.svg"
RULES: Final = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; script-src 'self'; img-src 'self'; "
    "frame-ancestors 'self'"
)
HEADERS: Final = {"Cache-Control": "no-store", "Content-Security-Policy": RULES, "Referrer-Policy": "no-referrer"}
ANSWERS: Final = dict.fromkeys((200, 303, 401, 404, 409, 422, 429, 503))
TOLD: Final = (Refusal, *UNREACHABLE)
"""What becomes a page of its own."""
Handler = Callable[[Ask[Any, Any]], Awaitable[Answer]]
log = structlog.get_logger()


class Stage(StrEnum):
    """How far the client has come, as told to a site that holds the page in a frame.

    What follows after the visit was asked for may depend on health: no further stage is told from there on, and the
    frame no longer follows the height of the page, from which answers could be guessed.
    """

    CHOOSING = "choosing"
    HELD = "held"
    BOOKED = "booked"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dress:
    """What is a practice's own about its pages: the addresses of its look, and the `sites` that may frame them.

    Without a stage the page is not made for frames and says nothing to whatever holds it.
    """

    theme: str = ""
    logo: str = ""
    sites: Sequence[str] = ()
    stage: Stage | None = None

    @property
    def headers(self) -> dict[str, str]:
        rules = HEADERS["Content-Security-Policy"]
        return {**HEADERS, "Content-Security-Policy": " ".join((rules, *self.sites))}


Values = Mapping[str, object]


def worn(values: Values) -> Dress:
    """The one among the page's values, if there is one."""
    dress = values.get("dress")
    return dress if isinstance(dress, Dress) else Dress()


class Pages:
    """The pages of one service; `words` tell a refusal to a person, `dressed` says what a page's values make of it."""

    def __init__(
        self, service: str, templates: Path, words: Callable[[Refusal], str], dressed: Callable[[Values], Dress] = worn
    ) -> None:
        self.words = words
        self._dressed = dressed
        loader = FileSystemLoader([templates, FOLDER])
        self._templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self._templates.globals["style"] = f"/{service}/page/style.css"
        self._templates.globals["frame"] = f"/{service}{FRAME_PATH}?v={FRAME.version}"

    def show(self, template: str, status: int = 200, **values: object) -> Answer:
        dress = self._dressed(values)
        html = self._templates.get_template(template).render({**values, "dress": dress})
        return Answer(status, None, dress.headers, html, "text/html")

    def route(self, method: str, path: str, handler: Handler, summary: str) -> Route:
        """What `handler` refuses becomes a page of its own."""

        @wraps(handler)
        async def handle(ask: Ask[Any, Any]) -> Answer:
            try:
                return await handler(ask)
            except TOLD as error:
                refusal = refusal_of(error)
                shown = self.show("refused.html", refusal.kind, words=self.words(refusal), kind=refusal.kind)
                return patient(shown, refusal)

        return Route(method=method, path=path, handler=handle, summary=summary, answers=ANSWERS, form=method == "POST")


def refusal_of(error: Exception) -> Refusal:
    """What is told of it on a page; that the database is away is told as a refusal too."""
    if isinstance(error, Refusal):
        return error
    log.warning("request.unavailable", error=type(error).__name__, trace=telemetry.current_trace())
    return Unavailable("the database is away for a moment; try again", retry_after=5)


def again(ask: Ask[Any, Any], refusal: Refusal) -> Mapping[str, object]:
    """What was posted while something was away, to be sent once more from the page that tells so.

    The way back has lost it: nothing of a form is kept by the browser, and files are not in `form`.
    """
    is_lost = isinstance(refusal, Unavailable) and ask.request.method == "POST"
    if not is_lost or ask.request.content_type == "multipart/form-data":
        return {}
    return {"again": ask.request.path_qs, "posted": ask.form}


def patient(answer: Answer, refusal: Refusal) -> Answer:
    """With how long to wait, where that is what the refusal is about."""
    wait = refusal.extra.get("retry_after")
    return answer if wait is None else replace(answer, headers={**answer.headers, "Retry-After": str(wait)})


async def stylesheet(_: Ask[None, None]) -> Answer:
    return Answer(200, text=STYLE, content_type="text/css", headers={"Cache-Control": "public, max-age=600"})
