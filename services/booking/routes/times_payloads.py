"""The questions about free times, and their answers."""

from __future__ import annotations

from datetime import date, datetime

import orjson
from pydantic import BaseModel, Field

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


class Explanation(BaseModel):
    """Per practitioner, the rules in the way; none means that the start is on offer."""

    reasons: dict[str, list[Reason]]


def availability_json(free: Free) -> str:
    """`Availability`; written without a model for each slot, because a list has thousands."""
    days = [
        {"date": day, "slots": [{"starts_at": start.starts_at, "practitioner": start.practitioner} for start in starts]}
        for day, starts in free.days.items()
    ]
    answer = {"zone": free.zone.key, "practice_zone": free.practice.zone, "days": days}
    return orjson.dumps(answer, option=orjson.OPT_UTC_Z).decode()
