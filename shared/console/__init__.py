"""The staff's pages of all three services: one sign-in, one layout, one way to say who may see what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from shared.clock import Clock
from shared.console.catalogue import Catalogue
from shared.errors import Kind, Refusal
from shared.httpkit import Answer, Ask, Route
from shared.page import FOLDER, TOLD, patient, refusal_of
from shared.staff import COOKIE, EVERYBODY, Passes, Role, Staff

HERE: Final = Path(__file__).parent
RULES: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {"Cache-Control": "no-store", "Content-Security-Policy": RULES, "Referrer-Policy": "same-origin"}
ANSWERS: Final = dict.fromkeys((200, 303, 307, 401, 403, 404, 409, 422, 429, 503))
RENEW: Final = "/booking/console/renew"
SHARED_WORDS: Final = HERE / "words"
Handler = Callable[[Ask[Any, Any], Staff], Awaitable[Answer]]


class NotYours(Refusal):
    """Somebody of the practice, and not for them."""

    slug = "not-yours"
    kind = Kind.FORBIDDEN


class FormOutOfDate(Refusal):
    """A form that this session was not given: made by another site, or before signing in anew."""

    slug = "form-out-of-date"
    kind = Kind.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu; `name` is translated."""

    address: str
    name: str
    roles: Collection[Role] = EVERYBODY
    is_main: bool = False


OWNERS: Final = frozenset({Role.OWNER})
# A page is listed here when it is there.
MENU: Final = (
    Entry("/booking/console/", "Today", is_main=True),
    Entry("/booking/console/week", "Week", is_main=True),
    Entry("/screening/console/reviews", "Reviews", frozenset({Role.OWNER, Role.PRACTITIONER}), is_main=True),
    Entry("/notify/console/calls", "Please call", is_main=True),
    Entry("/booking/console/clients", "Clients"),
    Entry("/booking/console/waitlist", "Waitlist"),
    Entry("/booking/console/hours", "Hours and time off", frozenset({Role.OWNER, Role.PRACTITIONER})),
    Entry("/notify/console/wordings", "Words of the texts", OWNERS),
    Entry("/notify/console/dead", "Not delivered"),
    Entry("/notify/console/sending", "Kept back"),
    Entry("/booking/console/team", "Team", OWNERS),
    Entry("/booking/console/practice", "Practice", OWNERS),
    Entry("/booking/console/services", "Services", OWNERS),
    Entry("/booking/console/people", "People", OWNERS),
    Entry("/booking/console/places", "Places", OWNERS),
    Entry("/booking/console/look", "Look and web site", OWNERS),
    Entry("/booking/console/keys", "Keys", OWNERS),
    Entry("/booking/console/sessions", "Signed in"),
)


class Console:
    """The staff's pages of one service; `folder` holds its templates and, in `words`, its translations."""

    def __init__(self, service: str, folder: Path, *, passes: Passes, origin: str, now: Clock) -> None:
        self._passes, self._origin, self._now = passes, origin, now
        self._catalogue = Catalogue.read([SHARED_WORDS, folder / "words"])
        loader = FileSystemLoader([folder / "templates", HERE / "templates", FOLDER])
        self._templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self._templates.globals["style"] = f"/{service}/page/style.css"
        self._templates.globals["console_style"] = "/booking/console/console.css"

    def show(self, template: str, staff: Staff, status: int = 200, **values: object) -> Answer:
        """With `_` to translate, `staff`, `csrf` (for the hidden field of each form) and `menu`."""
        menu = [entry for entry in MENU if staff.role in entry.roles]
        values = {"_": self.translated(staff), "staff": staff, "menu": menu, "lang": staff.locale, **values}
        values["csrf"] = self._passes.form(staff.session)
        return Answer(status, None, HEADERS, self._templates.get_template(template).render(values), "text/html")

    def translated(self, staff: Staff) -> Callable[..., str]:
        return self._catalogue.speaking(staff.locale)

    def refused(self, staff: Staff, refusal: Refusal) -> str:
        return self._catalogue.refused(staff.locale, refusal.slug)

    def route(
        self, method: str, path: str, handler: Handler, summary: str, roles: Collection[Role] = EVERYBODY
    ) -> Route:
        """Of `path` under the service; what `handler` refuses becomes a page of its own."""

        @wraps(handler)
        async def handle(ask: Ask[Any, Any]) -> Answer:
            staff = self._passes.read(ask.request.cookies.get(COOKIE, ""), self._now())
            if staff is None:  # the same request comes again with a new pass, and the form in it is not lost
                return Answer(307, headers={**HEADERS, "Location": f"{RENEW}?to={quote(ask.request.path_qs, safe='')}"})
            try:
                self._admit(ask, staff, roles, method)
                return await handler(ask, staff)
            except TOLD as error:
                refusal = refusal_of(error)
                shown = self.show("not_done.html", staff, refusal.kind, told=self.refused(staff, refusal))
                return patient(shown, refusal)

        return Route(method=method, path=path, handler=handle, summary=summary, answers=ANSWERS, form=method == "POST")

    def _admit(self, ask: Ask[Any, Any], staff: Staff, roles: Collection[Role], method: str) -> None:
        if staff.role not in roles:
            raise NotYours("this page is for others of the practice")
        if method == "POST":
            foreign = ask.headers.get("Origin", self._origin) != self._origin
            if foreign or not self._passes.is_form(staff.session, ask.form.get("csrf", "")):
                raise FormOutOfDate("this form was not made for this session")


def see(address: str) -> Answer:
    """On to another page, so that loading that one again posts nothing again."""
    return Answer(303, headers={**HEADERS, "Location": address})


async def stylesheet(_: Ask[None, None]) -> Answer:
    text = (HERE / "console.css").read_text()
    return Answer(200, text=text, content_type="text/css", headers={"Cache-Control": "public, max-age=600"})


def without_form(route: Route) -> Route:
    """For what takes something else than a form."""
    return replace(route, form=False)
