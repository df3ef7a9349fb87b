"""A week of free times as a page shows it, and the time that somebody picked from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from services.booking.actions.times import Free, Times
from services.booking.domain.availability import Start
from services.booking.domain.practice import Practice, Service
from services.booking.moments import FIRST_YEAR, LAST_YEAR
from services.booking.page import words
from shared.clock import Clock

WEEK: Final = 7
LOOK_AHEAD: Final = 92


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the address asks for; what it asks wrongly counts as not asked."""

    practitioner: str | None
    zone: ZoneInfo
    first: date | None


@dataclass(frozen=True, slots=True)
class Slot:
    """`value` is what the button posts; `who` is empty when there is nobody to choose between."""

    value: str
    time: str
    who: str


@dataclass(frozen=True, slots=True)
class Day:
    name: str
    count: int
    parts: Mapping[str, Sequence[Slot]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Dates in the viewer's zone. `earlier` and `later` begin the weeks beside it, `next_free` the next with a time."""

    first: date
    title: str
    days: Sequence[Day]
    earlier: date | None
    later: date | None
    next_free: date | None
    asked: Asked


def asked(query: Mapping[str, str], practice: Practice, service: Service) -> Asked:
    people = {person.id for person in practice.who_offers(service.id)}
    wanted, zone = query.get("practitioner", ""), query.get("zone", "")
    known = any(zone in named for named in words.zones().values())
    return Asked(
        practitioner=wanted if wanted in people else None,
        zone=ZoneInfo(zone if known else practice.zone),
        first=_date(query.get("from", "")),
    )


class Weeks:
    def __init__(self, times: Times, now: Clock) -> None:
        self._times = times
        self._now = now

    async def week(self, practice: Practice, service: Service, asked: Asked) -> Week:
        today = self._now().astimezone(asked.zone).date()
        last_day = today + timedelta(days=service.horizon_days)
        first = min(max(asked.first or today, today), last_day)
        later = first + timedelta(days=WEEK)
        days = _days(practice, service, await self._free(practice, service, asked, first, WEEK))
        ahead = [] if days or later > last_day else await self._free_dates(practice, service, asked, later)
        return Week(
            first=first,
            title=words.days(first, later - timedelta(days=1)),
            days=days,
            earlier=max(today, first - timedelta(days=WEEK)) if first > today else None,
            later=later if later <= last_day else None,
            next_free=min(ahead, default=None),
            asked=asked,
        )

    async def _free_dates(self, practice: Practice, service: Service, asked: Asked, first: date) -> Sequence[date]:
        return [*(await self._free(practice, service, asked, first, LOOK_AHEAD)).days]

    async def _free(self, practice: Practice, service: Service, asked: Asked, first: date, number: int) -> Free:
        return await self._times.free(
            practice.id,
            service=service.id,
            practitioner=asked.practitioner,
            first=first,
            days=number,
            zone=asked.zone.key,
        )


def picked(slot: str) -> dict[str, str]:
    """The posted value of a slot as members of a body; whoever validates it refuses what is not one."""
    starts_at, _, practitioner = slot.partition("/")
    return {"starts_at": starts_at, "practitioner": practitioner}


def _days(practice: Practice, service: Service, free: Free) -> Sequence[Day]:
    several = len(practice.who_offers(service.id)) > 1
    names = {person.id: person.name if several else "" for person in practice.practitioners}

    def slot(start: Start) -> Slot:
        local = start.starts_at.astimezone(free.zone)
        return Slot(
            f"{start.starts_at:%Y-%m-%dT%H:%MZ}/{start.practitioner}", words.clock(local), names[start.practitioner]
        )

    def part(start: Start) -> str:
        return _part(start.starts_at.astimezone(free.zone))

    return [
        Day(words.day(day), len(starts), {name: [slot(start) for start in own] for name, own in groupby(starts, part)})
        for day, starts in free.days.items()
    ]


def _part(local: datetime) -> str:
    return "Morning" if local.hour < 12 else "Afternoon" if local.hour < 17 else "Evening"


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None
