"""The first set-up: one page from nothing to a practice that can be booked, and the page that says what is next."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from babel import Locale

from services.booking.actions import Booking
from services.booking.actions.beginning import Beginning, HasOwner, PracticeTaken, WrongOperatorKey
from services.booking.console import begin_form
from services.booking.console.begin_form import Wanted
from services.booking.console.signing import SESSION, cookie
from services.booking.domain.appointment import By, Hand
from services.booking.domain.proof import TooMany
from services.booking.domain.starter import EMERGENCY, STARTERS
from services.booking.domain.team import SESSION_LASTS, LoginTaken
from services.booking.snippet import snippet
from shared.assets import Asset
from shared.clock import Clock
from shared.console import HEADERS, MENU, OWNERS, SHARED_WORDS, Console, FormOutOfDate
from shared.console.catalogue import DEFAULT, SPOKEN, Catalogue
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Route
from shared.language import closest, preferred
from shared.page import Pages
from shared.staff import Passes, Staff

FOLDER: Final = Path(__file__).parent
BEGIN: Final = "/console/begin"
BEGUN: Final = "/console/begun"
HERE: Final = f"/booking{BEGIN}"
SCRIPT: Final = Asset.read(FOLDER / "static" / "begin.js")
SCRIPT_PATH: Final = "/console/begin.js"
REGION: Final = re.compile(r"[a-z]{2,3}-([A-Z]{2})(?![A-Za-z])")
# Beside which field a refusal is told.
REFUSED: Final[Mapping[str, str]] = {
    WrongOperatorKey.slug: "key",
    PracticeTaken.slug: "id",
    LoginTaken.slug: "login",
    HasOwner.slug: "login",
    TooMany.slug: "key",
}
NEXT: Final = ("hours", "services", "practice", "look", "team", "wordings", "keys")
"""Where an owner goes on to, by the end of its address, as far as the menu has it."""


def beginning_routes(
    beginning: Beginning, booking: Booking, passes: Passes, *, origin: str, now: Clock, phone_page: str = ""
) -> Sequence[Route]:
    console = Console("booking", FOLDER, passes=passes, origin=origin, now=now)
    catalogue = Catalogue.read([SHARED_WORDS, FOLDER / "words"])
    pages = Pages("booking", FOLDER / "templates", lambda refusal: catalogue.refused(DEFAULT, refusal.slug))
    return BeginningPages(beginning, booking, pages, console, catalogue, origin, phone_page).routes()


@dataclass(frozen=True, slots=True)
class BeginningPages:
    """`phone_page` is where a demo shows the texts that it sends; empty where they go to real phones."""

    beginning: Beginning
    booking: Booking
    pages: Pages
    console: Console
    catalogue: Catalogue
    origin: str
    phone_page: str = ""

    def routes(self) -> Sequence[Route]:
        page = self.pages.route
        return [
            page("GET", BEGIN, self.show, "The page on which a practice begins"),
            page("POST", BEGIN, self.begin, "Begin a practice, with its first owner"),
            SCRIPT.route(SCRIPT_PATH, "What fills in the zone and the address of a practice that begins"),
            self.console.route("GET", BEGUN, self.show_begun, "What is next for a practice that has begun", OWNERS),
        ]

    async def show(self, ask: Ask[None, None]) -> Answer:
        lang = self._language(ask)
        found = REGION.search(ask.headers.get("Accept-Language", ""))
        return self._form(lang, begin_form.usual(lang, found[1] if found else ""))

    async def begin(self, ask: Ask[None, None]) -> Answer:
        """Slips in the form are told before the key is counted or looked at, so that nobody is shut out by them."""
        if ask.headers.get("Origin", self.origin) != self.origin:
            raise FormOutOfDate("this form was made by another site")
        lang, form = self._language(ask), ask.form
        wanted, wrong = begin_form.read(form, lang=lang)
        if wanted is None:
            speak = self.catalogue.speaking(lang)
            return self._form(lang, form, 422, {field: speak(f"wrong:begin:{field}") for field in wrong})
        try:
            await self._begun(ask, wanted)
        except (WrongOperatorKey, PracticeTaken, HasOwner, TooMany) as refusal:
            return self._refused(lang, form, refusal)
        except LoginTaken as refusal:  # the practice is there by now, and is not asked for again
            there = form.get("practice") or (wanted.practice.id if wanted.practice else "")
            return self._refused(lang, {**form, "practice": there}, refusal)
        agent = ask.headers.get("User-Agent", "")
        shown = await self.beginning.team.sign_in(wanted.owner.login, wanted.password, agent=agent)
        signed_in = cookie(SESSION, shown, int(SESSION_LASTS.total_seconds()))
        on = "/booking/console/renew?to=%2Fbooking%2Fconsole%2Fbegun"
        return Answer(303, headers={**HEADERS, "Location": on, "Set-Cookie": signed_in})

    async def show_begun(self, _: Ask[None, None], staff: Staff) -> Answer:
        practice = (await self.booking.profiles.get(staff.practice)).practice
        words = self.catalogue.speaking(practice.locale[:2])("Book a visit")
        origin = self.origin.rstrip("/")
        return self.console.show(
            "begun.html",
            staff,
            practice=practice,
            book=f"{origin}/booking/book/{practice.id}",
            snippet=snippet(origin, practice.id, shape="inline", words=words),
            phone_page=self.phone_page,
            next=[one for end in NEXT for one in MENU if one.address.endswith(f"/console/{end}")],
        )

    async def _begun(self, ask: Ask[None, None], wanted: Wanted) -> None:
        key, hand = ask.form["key"], Hand(by=By.PRACTICE, who="operator", where=ask.caller.address)
        if wanted.practice is None:
            there = ask.form["practice"]
            await self.beginning.own(key, there, wanted.owner, wanted.password, hand=hand)
        else:
            await self.beginning.begin(key, wanted.practice, wanted.owner, wanted.password, hand=hand)

    def _refused(self, lang: str, form: Mapping[str, str], refusal: Refusal) -> Answer:
        told, wait = self.catalogue.refused(lang, refusal.slug), refusal.extra.get("retry_after")
        if wait is None:
            return self._form(lang, form, refusal.kind, {REFUSED[refusal.slug]: told})
        told = self.catalogue.speaking(lang)("begin:too-many", minutes=-(-int(wait) // 60))
        shown = self._form(lang, form, refusal.kind, {REFUSED[refusal.slug]: told})
        return Answer(shown.status, None, {**shown.headers, "Retry-After": str(wait)}, shown.text, "text/html")

    def _form(
        self, lang: str, form: Mapping[str, str], status: int = 200, problems: Mapping[str, str] | None = None
    ) -> Answer:
        """Neither the key nor the password is shown again by the template."""
        given: dict[str, Any] = {
            "lang": lang,
            "_": self.catalogue.speaking(lang),
            "form": form,
            "problems": problems or {},
            "countries": begin_form.countries(lang),
            "zones": begin_form.zones(),
            "emergency": EMERGENCY,
            "spoken": SPOKEN,
            "starters": STARTERS,
            "weekdays": Locale.parse(lang).days["stand-alone"]["abbreviated"],
            "clock": begin_form.CLOCK,
            "pauses": begin_form.PAUSES,
            "here": HERE,
            "origin": self.origin.rstrip("/"),
            "script": f"/booking{SCRIPT_PATH}?v={SCRIPT.version}",
        }
        answer = self.pages.show("begin.html", status, **given)
        return Answer(status, None, HEADERS, answer.text, "text/html")

    def _language(self, ask: Ask[Any, Any]) -> str:
        wanted = closest(ask.request.query.get("lang", ""), SPOKEN)
        return wanted or preferred(ask.headers.get("Accept-Language", ""), SPOKEN) or DEFAULT
