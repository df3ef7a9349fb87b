"""The questions about free times, and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, Field

from services.booking.actions.calendars import Followed
from services.booking.actions.times import Free
from services.booking.domain.availability import Reason
from services.booking.moments import Instant
from services.booking.routes.payloads import Day, Id, Zone
from shared.httpkit import Payload


class AvailabilityQuery(Payload):
    """`from` is today in the viewer's zone if absent; `practitioner` is any if absent."""

    service: Id
    practitioner: Id | None = None
    from_: Day | None = Field(None, alias="from")
    days: int = Field(14, ge=1, le=92)
    zone: Zone | None = None


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
    stale_calendars: list[str] | None = Field(
        None, description="practitioners with an outside calendar that could not be read for long; absent if none"
    )


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


def availability_json(free: Free) -> str:
    """`Availability`; written without a model for each slot, because a list has thousands."""
    days = [
        {"date": day, "slots": [{"starts_at": start.starts_at, "practitioner": start.practitioner} for start in starts]}
        for day, starts in free.days.items()
    ]
    answer: dict[str, object] = {"zone": free.zone.key, "practice_zone": free.practice.zone, "days": days}
    if free.stale:
        answer["stale_calendars"] = free.stale
    return orjson.dumps(answer, option=orjson.OPT_UTC_Z).decode()
