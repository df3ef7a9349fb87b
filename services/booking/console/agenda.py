"""The day and the week: who comes when, who is here now or next, and what of it still waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from services.booking.actions import Booking
from services.booking.console import spoken
from services.booking.domain.appointment import Appointment, Deed, State
from services.booking.domain.availability import window
from services.booking.domain.practice import Practice
from services.booking.moments import FIRST_YEAR, LAST_YEAR
from shared.clock import Clock
from shared.console import Console
from shared.httpkit import Answer, Ask, Route
from shared.staff import Role, Staff

HOME: Final = "/booking/console/"
WEEK: Final = "/booking/console/week"
EVERYBODY: Final = "all"
OPEN: Final = frozenset({State.CONFIRMED, State.REQUESTED, State.IN_REVIEW})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One visit as the day shows it; `state` is a key of the words, `alert` whether somebody should look."""

    id: str
    starts: str
    ends: str
    name: str
    phone: str
    service: str
    with_: str
    room: str
    state: str
    alert: bool
    has_begun: bool
    is_now: bool
    said_yes: bool
    asked_to_move: bool
    may_close: bool


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    title: str
    lines: Sequence[Line]


class Agenda:
    def __init__(self, booking: Booking, console: Console, now: Clock) -> None:
        self._booking, self._console, self._now = booking, console, now

    def routes(self) -> Sequence[Route]:
        route = self._console.route
        return [
            route("GET", "/console/", self.show_day, "The day of the practice"),
            route("GET", "/console/week", self.show_week, "The week of the practice"),
        ]

    async def show_day(self, ask: Ask[None, None], staff: Staff) -> Answer:
        practice = (await self._booking.profiles.get(staff.practice)).practice
        zone, whose = ZoneInfo(practice.zone), _whose(ask.request.query, staff, practice)
        today = self._now().astimezone(zone).date()
        shown = _date(ask.request.query.get("day", "")) or today
        [day] = await self._days(practice, staff, shown, 1, whose)
        coming = next((line for line in day.lines if not line.has_begun and line.state == "state:confirmed"), None)
        return self._console.show(
            "today.html",
            staff,
            here=HOME,
            day=day,
            is_today=shown == today,
            now=[line for line in day.lines if line.is_now],
            coming=coming if shown == today else None,
            before=_at(HOME, whose, shown - timedelta(days=1), today),
            after=_at(HOME, whose, shown + timedelta(days=1), today),
            people=practice.practitioners,
            whose=whose,
        )

    async def show_week(self, ask: Ask[None, None], staff: Staff) -> Answer:
        """From a Monday on."""
        practice = (await self._booking.profiles.get(staff.practice)).practice
        zone, whose = ZoneInfo(practice.zone), _whose(ask.request.query, staff, practice)
        today = self._now().astimezone(zone).date()
        shown = _date(ask.request.query.get("day", "")) or today
        monday = shown - timedelta(days=shown.weekday())
        return self._console.show(
            "week.html",
            staff,
            here=WEEK,
            days=await self._days(practice, staff, monday, 7, whose),
            today=today,
            before=_at(WEEK, whose, monday - timedelta(days=7), today),
            after=_at(WEEK, whose, monday + timedelta(days=7), today),
            people=practice.practitioners,
            whose=whose,
            shown=monday,
        )

    async def _days(self, practice: Practice, staff: Staff, first: date, number: int, whose: str) -> Sequence[Day]:
        zone, now = ZoneInfo(practice.zone), self._now()
        visits = await self._booking.visits.agenda(practice.id, *window(first, number, zone))
        known = [one for one in visits if one.client is not None and whose in (EVERYBODY, one.offer.practitioner)]
        by_day = {
            day: [line(one, zone, now) for one in of]
            for day, of in groupby(known, lambda one: one.starts_at.astimezone(zone).date())
        }
        dates = [first + timedelta(days=n) for n in range(number)]
        return [Day(day, spoken.day(day, staff.locale), by_day.get(day, ())) for day in dates]


def line(visit: Appointment, zone: ZoneInfo, now: datetime) -> Line:
    client, deeds = visit.client, {turn.deed for turn in visit.history}
    state = visit.state_at(now)
    return Line(
        id=visit.id,
        starts=spoken.clock(visit.starts_at, zone),
        ends=spoken.clock(visit.ends_at, zone),
        name=client.name if client is not None else "",
        phone=(client.guardian.phone if client.guardian else client.phone) if client is not None else "",
        service=visit.offer.service_name,
        with_=visit.offer.practitioner_name,
        room=visit.offer.room or "",
        state=f"state:{state.value}",
        alert=state is State.IN_REVIEW or (state is State.REQUESTED and not visit.is_postponed),
        has_begun=visit.starts_at <= now,
        is_now=visit.starts_at <= now < visit.ends_at and state in OPEN,
        said_yes=Deed.SAID_YES in deeds,
        asked_to_move=Deed.ASKED_TO_MOVE in deeds and state in OPEN,
        may_close=state is State.CONFIRMED and visit.starts_at <= now,
    )


def _whose(query: Mapping[str, str], staff: Staff, practice: Practice) -> str:
    """Their own day for who gives visits, everybody's for the others, or whose was asked for."""
    wanted = query.get("who", "")
    if wanted == EVERYBODY or wanted in {person.id for person in practice.practitioners}:
        return wanted
    return staff.practitioner if staff.practitioner and staff.role is not Role.DESK else EVERYBODY


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if FIRST_YEAR < found.year < LAST_YEAR else None


def _at(page: str, whose: str, day: date, today: date) -> str:
    query = {"who": whose} | ({} if day == today else {"day": day.isoformat()})
    return f"{page}?{urlencode(query)}"
