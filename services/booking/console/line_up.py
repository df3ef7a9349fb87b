"""Who waits for a time, for what, and what they are offered; somebody is taken off the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import get_day_names

from services.booking.actions import Booking
from services.booking.actions.waitlist import Place
from services.booking.console import spoken
from services.booking.domain.practice import Practice
from services.booking.domain.waitlist import Hours, NoSuchWaiting, Range, WaitingId
from shared.clock import Clock
from shared.console import Console, see
from shared.httpkit import Answer, Ask, Route
from shared.staff import Staff

LIST: Final = "/console/waitlist"
HERE: Final = "/booking/console/waitlist"
AT_ONCE: Final = 50
HOUR: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class InLine:
    """One entry, told. `offered` and `until` are empty while nothing is offered."""

    id: str
    name: str
    phone: str
    service: str
    with_: str
    dates: Sequence[str]
    hours: Sequence[str]
    since: str
    by_text: bool
    offered: str
    until: str


class LineUp:
    def __init__(self, booking: Booking, console: Console, now: Clock) -> None:
        self._booking, self._console, self._now = booking, console, now

    def routes(self) -> Sequence[Route]:
        route = self._console.route
        return [
            route("GET", LIST, self.show_line, "Who waits for a time"),
            route("POST", f"{LIST}/{{waiting}}/leave", self.take_off, "Take somebody off the list"),
        ]

    async def show_line(self, ask: Ask[None, None], staff: Staff) -> Answer:
        after = ask.request.query.get("after")
        practice = (await self._booking.profiles.get(staff.practice)).practice
        found = await self._booking.waitlist.listed(
            staff.practice, after=WaitingId(after) if after else None, limit=AT_ONCE + 1
        )
        return self._console.show(
            "line_up.html",
            staff,
            here=HERE,
            waiting=[told(place, practice, staff) for place in found[:AT_ONCE]],
            following=f"{HERE}?after={found[AT_ONCE - 1].waiting.id}" if len(found) > AT_ONCE else "",
            is_first=not after,
        )

    async def take_off(self, ask: Ask[None, None], staff: Staff) -> Answer:
        """What they are offered goes to the next one at once."""
        id_ = WaitingId(ask.path["waiting"])
        if (await self._booking.waitlist.get(id_)).waiting.practice != staff.practice:
            raise NoSuchWaiting("there is no such entry in the waitlist")
        await self._booking.waitlist.leave(id_)
        return see(HERE)


def told(place: Place, practice: Practice, staff: Staff) -> InLine:
    waiting, offered, zone = place.waiting, place.offered, ZoneInfo(practice.zone)
    client, people = waiting.client, {one.id: one.name for one in practice.practitioners}
    services = {one.id: one.name for one in practice.services}
    return InLine(
        id=waiting.id,
        name=client.name,
        phone=client.guardian.phone if client.guardian else client.phone,
        service=services.get(waiting.service, waiting.service),
        with_=people.get(waiting.practitioner or "", ""),
        dates=[_dates(one, staff.locale) for one in waiting.ranges],
        hours=sorted({_hours(one, staff.locale) for whole in waiting.ranges for one in whole.hours}),
        since=spoken.moment(waiting.since, zone, staff.locale),
        by_text=waiting.by_text,
        offered=spoken.moment(offered.starts_at, zone, staff.locale) if offered else "",
        until=spoken.clock(offered.expires_at, zone) if offered else "",
    )


def _dates(wished: Range, locale: str) -> str:
    first, last = spoken.day(wished.first, locale), spoken.day(wished.last, locale)
    return first if wished.first == wished.last else f"{first} – {last}"


def _hours(wished: Hours, locale: str) -> str:
    name = get_day_names("abbreviated", locale=Locale.parse(locale))[wished.weekday]
    return f"{name} {_wall(wished.starts)}–{_wall(wished.ends)}"


def _wall(minutes: int) -> str:
    return f"{minutes // HOUR:02d}:{minutes % HOUR:02d}"
