"""Signing in and out: the session in one cookie, the pass that all services read in another, renewed on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from services.booking.actions.team import Team
from services.booking.domain.team import SESSION_LASTS, LockedOut, SignInRefused
from shared.clock import Clock
from shared.console import HEADERS, FormOutOfDate
from shared.console.catalogue import SPOKEN, Catalogue
from shared.httpkit import Answer, Ask
from shared.page import Pages
from shared.staff import COOKIE, GOOD_FOR, Passes

SESSION: Final = "__Host-staff-session"
HOME: Final = "/booking/console/"
SIGN_IN: Final = "/booking/console/sign-in"
# Of our own pages only: whoever signs in is never sent to an address that somebody else wrote.
OURS: Final = re.compile(r"/(booking|screening|notify)/console/[A-Za-z0-9/_.~%?=&:+-]*")


def cookie(name: str, value: str, seconds: int) -> str:
    """A `__Host-` cookie is for this origin alone, and only over TLS (or on the machine itself)."""
    return f"{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax"


def own(address: str) -> str:
    """The address if it is one of our pages, else the first page."""
    is_ours = OURS.fullmatch(address) and "//" not in address and ".." not in address
    return address if is_ours and not address.startswith(SIGN_IN) else HOME


@dataclass(frozen=True, slots=True)
class Signing:
    team: Team
    passes: Passes
    pages: Pages
    catalogue: Catalogue
    origin: str
    now: Clock

    async def show_sign_in(self, ask: Ask[None, None]) -> Answer:
        return self._form(ask, to=own(ask.request.query.get("to", HOME)))

    async def sign_in(self, ask: Ask[None, None]) -> Answer:
        """On to the page that was asked for, by way of a pass."""
        to, login = own(ask.form.get("to", HOME)), ask.form.get("login", "")
        if ask.headers.get("Origin", self.origin) != self.origin:
            raise FormOutOfDate("this form was made by another site")
        try:
            agent = ask.headers.get("User-Agent", "")
            shown = await self.team.sign_in(login, ask.form.get("password", ""), agent=agent)
        except (SignInRefused, LockedOut) as refusal:
            told = self._told(ask, refusal)
            return self._form(ask, refusal.kind, to=to, login=login, told=told)
        seconds = int(SESSION_LASTS.total_seconds())
        return self._on(303, self._renewing(to), cookie(SESSION, shown, seconds))

    async def renew(self, ask: Ask[None, None]) -> Answer:
        """A new pass, and the same request once more: 307 keeps the method and the form."""
        to = own(ask.request.query.get("to", HOME))
        staff = await self.team.staff(ask.request.cookies.get(SESSION, ""))
        if staff is None:
            return self._on(303, f"{SIGN_IN}?to={quote(to, safe='')}", cookie(COOKIE, "", 0))
        seconds = int(GOOD_FOR.total_seconds())
        return self._on(307, to, cookie(COOKIE, self.passes.mint(staff, self.now()), seconds))

    async def sign_out(self, ask: Ask[None, None]) -> Answer:
        staff = await self.team.staff(ask.request.cookies.get(SESSION, ""))
        if staff is not None:
            if not self.passes.is_form(staff.session, ask.form.get("csrf", "")):
                raise FormOutOfDate("this form was not made for this session")
            await self.team.sign_out(staff.user, staff.session)
        return self._on(303, "/booking/console/signed-out", cookie(SESSION, "", 0))

    async def show_signed_out(self, ask: Ask[None, None]) -> Answer:
        shown = self._form(ask, to=HOME, is_out=True)
        return Answer(200, None, {**shown.headers, "Set-Cookie": cookie(COOKIE, "", 0)}, shown.text, "text/html")

    def _form(self, ask: Ask[Any, Any], status: int = 200, **values: object) -> Answer:
        lang = self._language(ask)
        given = {"login": "", "told": "", "is_out": False, "lang": lang, "_": self.catalogue.speaking(lang), **values}
        answer = self.pages.show("sign_in.html", status, **given)
        return Answer(status, None, HEADERS, answer.text, "text/html")

    def _told(self, ask: Ask[Any, Any], refusal: SignInRefused | LockedOut) -> str:
        lang = self._language(ask)
        if isinstance(refusal, LockedOut):
            minutes = -(-refusal.extra["retry_after"] // 60)
            return self.catalogue.speaking(lang)("refused:locked-out", minutes=minutes)
        return self.catalogue.refused(lang, refusal.slug)

    def _language(self, ask: Ask[Any, Any]) -> str:
        accepts = ask.headers.get("Accept-Language", "")
        found = (part.split(";")[0].strip()[:2].lower() for part in accepts.split(",")[:20])
        return next((one for one in found if one in SPOKEN), "en")

    def _renewing(self, to: str) -> str:
        return f"/booking/console/renew?to={quote(to, safe='')}"

    def _on(self, status: int, address: str, set_cookie: str) -> Answer:
        return Answer(status, headers={**HEADERS, "Location": address, "Set-Cookie": set_cookie})
