"""A month of free days as a page shows it, the times of one of them, and the time that somebody picked."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain, groupby, islice
from typing import Final
from zoneinfo import ZoneInfo

from services.booking.actions.times import Free, Times
from services.booking.domain.availability import Start
from services.booking.domain.practice import Practice, Service
from services.booking.moments import FIRST_YEAR, LAST_YEAR
from services.booking.page.words import Words, zones
from shared.clock import Clock

LOOK_AHEAD: Final = 92
"""Days that one look takes in at most; a month and what follows it, so that one look finds the next free day too."""
SOONEST: Final = 6
NOON, EVENING = 12, 17


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
    day: str
    who: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One day in the grid; `count` is how many times are free."""

    day: date
    count: int


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    name: str
    parts: Mapping[str, Sequence[Slot]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """Dates in the viewer's zone. `day` is the one whose times are shown, None when none of the month has any.

    `earlier` and `later` begin the months beside it, `next_free` is the next day with a time, `soonest` are the next
    times at all, where nobody asked for a day.
    """

    first: date
    rows: Sequence[Sequence[Cell | None]]
    day: Day | None
    soonest: Sequence[Slot]
    earlier: date | None
    later: date | None
    next_free: date | None
    asked: Asked


def asked(query: Mapping[str, str], practice: Practice, service: Service) -> Asked:
    people = {person.id for person in practice.who_offers(service.id)}
    wanted, zone = query.get("practitioner", ""), query.get("zone", "")
    known = any(zone in named for named in zones().values())
    return Asked(
        practitioner=wanted if wanted in people else None,
        zone=ZoneInfo(zone if known else practice.zone),
        first=day_of(query.get("from", "")),
    )


class Months:
    def __init__(self, times: Times, now: Clock) -> None:
        self._times = times
        self._now = now

    async def month(self, service: Service, asked: Asked, practice: Practice, words: Words) -> Month:
        """By one look at what is free."""
        today = self._now().astimezone(asked.zone).date()
        last_day = today + timedelta(days=service.horizon_days)
        wanted = min(max(asked.first or today, today), last_day)
        free = await self._free(practice, service, asked, max(today, wanted.replace(day=1)))
        if asked.first is None:
            wanted = min(free.days, default=wanted)
        open_days = [day for day in free.days if _same_month(day, wanted)]
        chosen = next((day for day in open_days if day >= wanted), min(open_days, default=None))
        later, told = _next(wanted), Telling(practice, service, free, words)
        return Month(
            first=wanted,
            rows=rows(wanted, free, words),
            day=None if chosen is None else told.day(chosen),
            soonest=told.soonest() if asked.first is None else (),
            earlier=max(today, _before(wanted)) if not _same_month(today, wanted) else None,
            later=later if later <= last_day else None,
            next_free=min((day for day in free.days if day > wanted), default=None),
            asked=asked,
        )

    async def _free(self, practice: Practice, service: Service, asked: Asked, first: date) -> Free:
        return await self._times.free(
            practice.id,
            service=service.id,
            practitioner=asked.practitioner,
            first=first,
            days=LOOK_AHEAD,
            zone=asked.zone.key,
        )


class Telling:
    """Free starts as buttons, in somebody's words."""

    def __init__(self, practice: Practice, service: Service, free: Free, words: Words) -> None:
        several = len(practice.who_offers(service.id)) > 1
        self._names = {person.id: person.name if several else "" for person in practice.practitioners}
        self._free = free
        self._words = words

    def soonest(self) -> Sequence[Slot]:
        return [self._slot(start) for start in islice(chain.from_iterable(self._free.days.values()), SOONEST)]

    def day(self, of: date) -> Day:
        parts = groupby(self._free.days[of], lambda start: _part(start.starts_at.astimezone(self._free.zone)))
        return Day(of, self._words.day(of), {name: [*map(self._slot, own)] for name, own in parts})

    def _slot(self, start: Start) -> Slot:
        local = start.starts_at.astimezone(self._free.zone)
        return Slot(
            f"{start.starts_at:%Y-%m-%dT%H:%MZ}/{start.practitioner}",
            self._words.clock(local),
            self._words.day(local.date()),
            self._names[start.practitioner],
        )


def picked(slot: str) -> dict[str, str]:
    """The posted value of a slot as members of a body; whoever validates it refuses what is not one."""
    starts_at, _, practitioner = slot.partition("/")
    return {"starts_at": starts_at, "practitioner": practitioner}


def rows(of: date, free: Free, words: Words) -> Sequence[Sequence[Cell | None]]:
    weeks = Calendar(words.way.first_week_day).monthdatescalendar(of.year, of.month)
    return [
        [Cell(day, len(free.days.get(day, ()))) if _same_month(day, of) else None for day in week] for week in weeks
    ]


def _part(local: datetime) -> str:
    return "morning" if local.hour < NOON else "afternoon" if local.hour < EVENING else "evening"


def _same_month(one: date, other: date) -> bool:
    return (one.year, one.month) == (other.year, other.month)


def _next(of: date) -> date:
    """The first of the month after it."""
    return (of.replace(day=1) + timedelta(days=31)).replace(day=1)


def _before(of: date) -> date:
    """The first of the month before it."""
    return (of.replace(day=1) - timedelta(days=1)).replace(day=1)


def day_of(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None
