"""Moving a visit for a client: the free times of a week, one of them taken instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from services.booking.actions import Booking
from services.booking.actions.times import Free
from services.booking.console import spoken
from services.booking.console.agenda import line
from services.booking.console.hand import hand
from services.booking.domain.appointment import ACTIVE, Appointment, AppointmentId, State
from services.booking.domain.practice import Practice
from services.booking.domain.refusals import NoSuchAppointment
from services.booking.moments import FIRST_YEAR, LAST_YEAR
from services.booking.routes.payloads import MoveBody
from shared.clock import Clock
from shared.console import Console, see
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Route
from shared.staff import Staff

MOVE: Final = "/console/visits/{appointment}/move"
AT_ONCE: Final = 7
ANYBODY: Final = "all"


@dataclass(frozen=True, slots=True)
class Slot:
    value: str
    time: str
    who: str


@dataclass(frozen=True, slots=True)
class Day:
    title: str
    slots: Sequence[Slot]


class Moving:
    def __init__(self, booking: Booking, console: Console, now: Clock) -> None:
        self._booking, self._console, self._now = booking, console, now

    def routes(self) -> Sequence[Route]:
        route = self._console.route
        return [
            route("GET", MOVE, self.show_times, "The free times that a visit may be moved to"),
            route("POST", MOVE, self.move, "Move the visit to another time"),
        ]

    async def show_times(self, ask: Ask[None, None], staff: Staff) -> Answer:
        return await self._times(ask, staff, await self._own(ask, staff))

    async def move(self, ask: Ask[None, None], staff: Staff) -> Answer:
        """What is taken or wrong meanwhile leads back to the times that are free now."""
        was = await self._own(ask, staff)
        starts_at, _, practitioner = ask.form.get("slot", "").partition("/")
        try:
            to = MoveBody.model_validate({"starts_at": starts_at, "practitioner": practitioner})
            await self._booking.visits.move(was.id, to.starts_at, to.practitioner, hand=hand(ask, staff))
        except ValidationError:
            told = self._console.translated(staff)("wrong:moving:slot")
            return await self._times(ask, staff, was, told=told, status=422)
        except Refusal as refusal:
            told = self._console.refused(staff, refusal)
            return await self._times(ask, staff, was, told=told, status=refusal.kind)
        return see(f"/booking/console/visits/{was.id}")

    async def _own(self, ask: Ask[None, None], staff: Staff) -> Appointment:
        """What is of another practice is not there."""
        visit = await self._booking.visits.get(AppointmentId(ask.path["appointment"]))
        if visit.practice != staff.practice:
            raise NoSuchAppointment("there is no such appointment")
        return visit

    async def _times(
        self, ask: Ask[None, None], staff: Staff, visit: Appointment, *, told: str = "", status: int = 200
    ) -> Answer:
        practice, now = (await self._booking.profiles.get(visit.practice)).practice, self._now()
        zone, query = ZoneInfo(practice.zone), {**ask.request.query, **ask.form}
        today, whose = now.astimezone(zone).date(), _whose(query.get("who", ""), practice, visit)
        first = max(_date(query.get("day", "")) or today, today)
        free = await self._free(visit, whose, first) if may_move(visit, now) else None
        return self._console.show(
            "move_visit.html",
            staff,
            status,
            here="/booking/console/",
            told=told,
            visit=visit,
            line=line(visit, zone, now),
            when=spoken.moment(visit.starts_at, zone, staff.locale),
            days=_days(free, staff.locale) if free else [],
            may_move=free is not None,
            whose=whose,
            first=first,
            people=practice.who_offers(visit.offer.service),
            before=_at(whose, max(first - timedelta(days=AT_ONCE), today)) if first > today else "",
            after=_at(whose, first + timedelta(days=AT_ONCE)),
        )

    async def _free(self, visit: Appointment, whose: str, first: date) -> Free:
        wanted = None if whose == ANYBODY else whose
        return await self._booking.times.free(
            visit.practice, service=visit.offer.service, practitioner=wanted, first=first, days=AT_ONCE, zone=None
        )


def may_move(visit: Appointment, now: datetime) -> bool:
    """A visit to come that somebody has asked for."""
    state = visit.state_at(now)
    return state in ACTIVE and state is not State.HELD and now < visit.starts_at


def _whose(wanted: str, practice: Practice, visit: Appointment) -> str:
    """Whoever was asked for, or who gives this visit, as long as they give such visits."""
    people = {person.id for person in practice.who_offers(visit.offer.service)}
    if wanted == ANYBODY:
        return ANYBODY
    return next((one for one in (wanted, visit.offer.practitioner) if one in people), ANYBODY)


def _days(free: Free, locale: str) -> Sequence[Day]:
    names = {person.id: person.name for person in free.practice.practitioners}
    return [
        Day(
            spoken.day(day, locale),
            [
                Slot(
                    f"{start.starts_at.isoformat()}/{start.practitioner}",
                    spoken.clock(start.starts_at, free.zone),
                    names[start.practitioner],
                )
                for start in starts
            ],
        )
        for day, starts in free.days.items()
        if starts
    ]


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if FIRST_YEAR < found.year < LAST_YEAR else None


def _at(whose: str, day: date) -> str:
    return f"?{urlencode({'who': whose, 'day': day.isoformat()})}"
