"""The keys of the API for a practice's owners: made with a secret that is shown once, seen in use, and revoked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.booking.actions import Booking
from services.booking.actions.keys import Wish
from services.booking.console import spoken
from services.booking.console.hand import hand
from services.booking.domain.key import Key, Scope
from shared.clock import Clock
from shared.console import OWNERS, Console, see
from shared.httpkit import Answer, Ask, Route
from shared.staff import Staff

KEYS: Final = "/console/keys"
HERE: Final = "/booking/console/keys"
LASTING: Final = ("30", "90", "365", "")
"""Days until a key ends; the last is one that does not."""
USUAL_DAYS: Final = "365"
LONGEST_NAME: Final = 120


@dataclass(frozen=True, slots=True)
class Line:
    """One key as it is told; `state` is good, over or revoked."""

    key: Key
    state: str
    made: str
    used: str
    ends: str


@dataclass(frozen=True, slots=True)
class KeyPages:
    booking: Booking
    console: Console
    now: Clock

    def routes(self) -> Sequence[Route]:
        route = self.console.route
        return [
            route("GET", KEYS, self.show, "The keys of the API", OWNERS),
            route("POST", KEYS, self.make, "Make a key of the API", OWNERS),
            route("POST", f"{KEYS}/{{key}}/revoke", self.revoke, "Revoke a key of the API", OWNERS),
        ]

    async def show(self, ask: Ask[None, None], staff: Staff) -> Answer:
        return await self._page(staff, revoked="revoked" in ask.request.query)

    async def make(self, ask: Ask[None, None], staff: Staff) -> Answer:
        """The secret is on the page that answers, in no address, and is kept nowhere."""
        form, days = ask.form, ask.form.get("days", USUAL_DAYS)
        name = " ".join(form.get("name", "").split())
        scopes = tuple(scope for scope in Scope if f"scope.{scope.value}" in form)
        problems = _problems(name, scopes, days)
        if problems:
            speak = self.console.translated(staff)
            told = {field: speak(words) for field, words in problems.items()}
            return await self._page(staff, 422, form=form, problems=told)
        ends = self.now() + timedelta(days=int(days)) if days else None
        wish = Wish(name=name, scopes=scopes, expires_at=ends)
        key, shown = await self.booking.keys.make(staff.practice, wish, hand=hand(ask, staff))
        return await self._page(staff, made=key, secret=shown)

    async def revoke(self, ask: Ask[None, None], staff: Staff) -> Answer:
        await self.booking.keys.revoke(staff.practice, ask.path["key"], hand=hand(ask, staff))
        return see(f"{HERE}?revoked=yes")

    async def _page(self, staff: Staff, status: int = 200, **values: Any) -> Answer:
        zone = ZoneInfo((await self.booking.profiles.get(staff.practice)).practice.zone)
        keys = await self.booking.keys.of(staff.practice)
        lines = [self._line(key, zone, staff.locale) for key in keys]
        given = {"form": {}, "problems": {}, "made": None, "secret": "", "revoked": False, **values}
        return self.console.show(
            "keys.html",
            staff,
            status,
            here=HERE,
            lines=lines,
            scopes=list(Scope),
            lasting=LASTING,
            usual=USUAL_DAYS,
            **given,
        )

    def _line(self, key: Key, zone: ZoneInfo, locale: str) -> Line:
        made, used, ends = (
            "" if at is None else spoken.moment(at, zone, locale) for at in (key.made_at, key.used_at, key.expires_at)
        )
        is_over = key.expires_at is not None and key.expires_at <= self.now()
        state = "revoked" if key.revoked_at is not None else "over" if is_over else "good"
        return Line(key, state, made, used, ends)


def _problems(name: str, scopes: Sequence[Scope], days: str) -> Mapping[str, str]:
    """By the id of the field, in the order of the page."""
    wrong = {
        "name": not 1 <= len(name) <= LONGEST_NAME or not name.isprintable(),
        "scopes": not scopes,
        "days": days not in LASTING,
    }
    return {field: f"wrong:key:{field}" for field, is_wrong in wrong.items() if is_wrong}
