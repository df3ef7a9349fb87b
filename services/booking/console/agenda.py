"""The day and the week: who comes when, who is here now or next, and what of it still waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from services.booking.actions import Booking
from services.booking.console import spoken
from services.booking.domain.appointment import Appointment, Deed, State
from services.booking.domain.availability import window
from services.booking.domain.practice import Practice, Practitioner
from services.booking.moments import FIRST_YEAR, LAST_YEAR
from shared.assets import Asset
from shared.clock import Clock
from shared.console import Console
from shared.httpkit import Answer, Ask, Route
from shared.staff import Role, Staff

HOME: Final = "/booking/console/"
WEEK: Final = "/booking/console/week"
EVENTS: Final = "/booking/console/events"
SCRIPT: Final = Asset.read(Path(__file__).parent / "static" / "live.js")
SCRIPT_PATH: Final = "/console/live.js"
SCRIPT_AT: Final = f"/booking{SCRIPT_PATH}?v={SCRIPT.version}"
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


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page of the agenda tells, at one moment."""

    today: date
    days: Sequence[Day]
    whose: str
    people: Sequence[Practitioner]

    @property
    def mark(self) -> str:
        """Another one as soon as the page would read differently."""
        return sha256(repr((self.today, self.days, self.people)).encode()).hexdigest()[:16]


class Agenda:
    def __init__(self, booking: Booking, console: Console, now: Clock) -> None:
        self._booking, self._console, self._now = booking, console, now

    def routes(self) -> Sequence[Route]:
        route = self._console.route
        return [
            route("GET", "/console/", self.show_day, "The day of the practice"),
            route("GET", "/console/week", self.show_week, "The week of the practice"),
            SCRIPT.route(SCRIPT_PATH, "What keeps the day as it is"),
        ]

    async def show_day(self, ask: Ask[None, None], staff: Staff) -> Answer:
        seen = await self.look(ask.request.query, staff)
        day, today, whose = seen.days[0], seen.today, seen.whose
        coming = next((line for line in day.lines if not line.has_begun and line.state == "state:confirmed"), None)
        return self._console.show(
            "today.html",
            staff,
            here=HOME,
            day=day,
            is_today=day.date == today,
            now=[line for line in day.lines if line.is_now],
            coming=coming if day.date == today else None,
            before=_at(HOME, whose, day.date - timedelta(days=1), today),
            after=_at(HOME, whose, day.date + timedelta(days=1), today),
            people=seen.people,
            whose=whose,
            live=_followed(ask.request.query, seen),
            again=ask.request.path_qs,
            script=SCRIPT_AT,
        )

    async def show_week(self, ask: Ask[None, None], staff: Staff) -> Answer:
        seen = await self.look(ask.request.query, staff, week=True)
        monday, today, whose = seen.days[0].date, seen.today, seen.whose
        return self._console.show(
            "week.html",
            staff,
            here=WEEK,
            days=seen.days,
            today=today,
            before=_at(WEEK, whose, monday - timedelta(days=7), today),
            after=_at(WEEK, whose, monday + timedelta(days=7), today),
            people=seen.people,
            whose=whose,
            shown=monday,
            live=_followed(ask.request.query, seen, page="week"),
            again=ask.request.path_qs,
            script=SCRIPT_AT,
        )

    async def look(self, query: Mapping[str, str], staff: Staff, *, week: bool = False) -> Seen:
        """The day that was asked for, or from its Monday on."""
        practice = (await self._booking.profiles.get(staff.practice)).practice
        whose, today = _whose(query, staff, practice), self._now().astimezone(ZoneInfo(practice.zone)).date()
        shown = _date(query.get("day", "")) or today
        first = shown - timedelta(days=shown.weekday() if week else 0)
        days = await self._days(practice, staff, first, 7 if week else 1, whose)
        return Seen(today, days, whose, practice.practitioners)

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


def _followed(query: Mapping[str, str], seen: Seen, page: str = "day") -> str:
    """Where changes of this page are told, from what it tells now on."""
    asked = {"day": query["day"]} if _date(query.get("day", "")) else {}
    return f"{EVENTS}?{urlencode({'page': page, 'who': seen.whose, **asked, 'seen': seen.mark})}"
