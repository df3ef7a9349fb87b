"""The questions about free times, and their answers."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Final
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, Field

from services.booking.actions.calendars import Followed
from services.booking.actions.times import Free, Soonest
from services.booking.domain.availability import Reason
from services.booking.domain.calendar import utc_text
from services.booking.domain.practice import wall_minutes
from services.booking.domain.search import Wish
from services.booking.moments import Instant
from services.booking.profile.documents import WEEKDAYS, WallTime
from services.booking.routes.payloads import Day, Id, Zone
from shared.httpkit import Payload

DAY: Final = "(mon|tue|wed|thu|fri|sat|sun)"
STALE: Final = Field(
    None, description="practitioners with an outside calendar that could not be read for long; absent if none"
)


class AvailabilityQuery(Payload):
    """`from` is today in the viewer's zone if absent; `practitioner` is any if absent."""

    service: Id
    practitioner: Id | None = None
    from_: Day | None = Field(None, alias="from")
    days: int = Field(14, ge=1, le=92)
    zone: Zone | None = None


class FirstQuery(Payload):
    """The next `count` starts from `after` on and before `before`; `from` is today in the viewer's zone if absent."""

    service: Id
    practitioner: Id | None = None
    from_: Day | None = Field(None, alias="from")
    after: WallTime = "00:00"
    before: WallTime = "24:00"
    weekdays: Annotated[str, Field(pattern=f"^{DAY}(,{DAY}){{0,6}}$")] = ",".join(WEEKDAYS)
    count: int = Field(3, ge=1, le=20)
    zone: Zone | None = None

    @property
    def wish(self) -> Wish:
        days = frozenset(WEEKDAYS.index(day) for day in self.weekdays.split(","))
        return Wish(after=wall_minutes(self.after), before=wall_minutes(self.before), weekdays=days)


class MonthQuery(Payload):
    service: Id
    practitioner: Id | None = None
    month: Annotated[str, Field(pattern="^2[01][0-9]{2}-(0[1-9]|1[0-2])$", description="like 2027-03")]
    zone: Zone | None = None

    @property
    def first(self) -> date:
        return date.fromisoformat(f"{self.month}-01")

    @property
    def days(self) -> int:
        return monthrange(self.first.year, self.first.month)[1]


class ExplainQuery(Payload):
    service: Id
    practitioner: Id | None = None
    starts_at: Instant


class Slot(BaseModel):
    starts_at: datetime
    practitioner: str


class DaySlots(BaseModel):
    """A date in the viewer's zone; dates on which nothing is free are left out."""

    date: date
    slots: list[Slot]


class Availability(BaseModel):
    zone: str = Field(description="the viewer's zone, of the dates")
    practice_zone: str
    days: list[DaySlots]
    stale_calendars: list[str] | None = STALE


class First(BaseModel):
    """The soonest starts that fit, fewer than were asked for if the practice's horizon ends before."""

    zone: str = Field(description="the viewer's zone, of the wish")
    practice_zone: str
    slots: list[Slot]
    stale_calendars: list[str] | None = STALE


class DayFree(BaseModel):
    """`slots` is how many starts are free on the date."""

    date: date
    slots: int
    first: datetime


class Month(BaseModel):
    """The dates of a month on which anything is free."""

    zone: str = Field(description="the viewer's zone, of the dates")
    practice_zone: str
    days: list[DayFree]
    stale_calendars: list[str] | None = STALE


class Explanation(BaseModel):
    """Per practitioner, the rules in the way; none means that the start is on offer."""

    reasons: dict[str, list[Reason]]


class CalendarState(BaseModel):
    """`entries` is how many stretches of time are taken by what was read last; `skipped` could not be understood.

    `trouble` is why it cannot be read now, as a word that stays the same; what was read before still counts.
    """

    practitioner: str
    host: str
    read_at: datetime | None = None
    tried_at: datetime | None = None
    failing_since: datetime | None = None
    trouble: str | None = None
    skipped: int
    entries: int
    stale: bool


class CalendarStates(BaseModel):
    calendars: list[CalendarState]


def calendar_states(followed: Sequence[Followed]) -> CalendarStates:
    return CalendarStates(calendars=[_calendar_state(one) for one in followed])


def _calendar_state(one: Followed) -> CalendarState:
    """Of the address only the host: the rest is a secret."""
    whose, host, state = one.source.practitioner, urlsplit(one.source.address).hostname or "", one.state
    if state is None:
        return CalendarState(practitioner=whose, host=host, skipped=0, entries=0, stale=one.stale)
    return CalendarState(
        practitioner=whose,
        host=host,
        read_at=state.read_at,
        tried_at=state.tried_at,
        failing_since=state.failing_since,
        trouble=state.trouble,
        skipped=state.skipped,
        entries=len(state.taken),
        stale=one.stale,
    )


def first_view(soonest: Soonest) -> First:
    return First(
        zone=soonest.zone.key,
        practice_zone=soonest.practice.zone,
        slots=[Slot(starts_at=start.starts_at, practitioner=start.practitioner) for start in soonest.starts],
        stale_calendars=list(soonest.stale) or None,
    )


def month_view(free: Free) -> Month:
    days = [
        DayFree(date=day, slots=len(starts), first=starts[0].starts_at) for day, starts in sorted(free.days.items())
    ]
    return Month(
        zone=free.zone.key, practice_zone=free.practice.zone, days=days, stale_calendars=list(free.stale) or None
    )


def availability_json(free: Free) -> str:
    """`Availability`; written without a model for each slot, because a list has thousands."""
    days = [
        {
            "date": day,
            "slots": [{"starts_at": utc_text(start.minute), "practitioner": start.practitioner} for start in starts],
        }
        for day, starts in free.days.items()
    ]
    answer: dict[str, object] = {"zone": free.zone.key, "practice_zone": free.practice.zone, "days": days}
    if free.stale:
        answer["stale_calendars"] = free.stale
    return orjson.dumps(answer).decode()
