"""The bodies and answers of booking's routes for courses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from services.booking.domain.course import LONGEST, SHORTEST, WIDEST_DAYS
from services.booking.domain.practice import DAY_MINUTES, wall_minutes
from services.booking.moments import Instant
from services.booking.routes.payloads import AppointmentView, Day, Id
from shared.httpkit import Payload


def _hour(text: str) -> str:
    if wall_minutes(text) == DAY_MINUTES:
        raise ValueError("no visit begins at 24:00")
    return text


Hour = Annotated[str, AfterValidator(_hour), Field(pattern=r"^\d\d:\d\d$", description="on the wall, like 16:30")]
Distance = Annotated[int, Field(ge=1, le=WIDEST_DAYS, description="local dates; the practice's own, if absent")]
AppointmentRef = Annotated[str, Field(pattern="^[a-z2-7]{26}$")]


class Distances(Payload):
    """Upkeep may ask for longer distances than the practice's own; a course has those of the practice."""

    days_from: Distance | None = None
    days_until: Distance | None = None


class PlanBody(Distances):
    """What is wished for. `first` is a free time with which the plan has to begin; `from` the date it may begin on."""

    service: Id
    count: int | None = Field(None, ge=SHORTEST, le=LONGEST, description="of visits; upkeep without an end, if absent")
    practitioner: Id | None = Field(None, description="any, if absent, but the same for all visits if possible")
    first: Instant | None = None
    from_: Day | None = Field(None, alias="from", description="today, if absent")
    weekday: int | None = Field(None, ge=0, le=6, description="0 is Monday")
    hour: Hour | None = None


class PickedBody(Payload):
    starts_at: Instant
    practitioner: Id | None = Field(None, description="any, if absent")


class CourseBody(Distances):
    """All visits, in the order of time: as they were proposed, or picked by hand."""

    service: Id
    visits: list[PickedBody] = Field(min_length=1, max_length=LONGEST)
    open_ended: bool = Field(False, description="upkeep: more visits may be added later")


class TargetBody(Payload):
    appointment: AppointmentRef
    starts_at: Instant
    practitioner: Id | None = Field(None, description="the same as before, if absent")


class RespacedBody(Distances):
    visits: list[TargetBody] = Field(min_length=1, max_length=LONGEST)


class ExtendBody(Distances):
    starts_at: Instant
    practitioner: Id | None = Field(None, description="any, if absent")


class ProposedVisit(BaseModel):
    """`appointment` is the one that would be moved there; absent for a new one. `zone` is that of its place."""

    appointment: str | None = None
    starts_at: datetime
    ends_at: datetime
    practitioner: str
    practitioner_name: str
    place_name: str
    zone: str


class PlanView(BaseModel):
    """Nothing is held yet. No visits in a re-spacing: the distances are right as they are."""

    visits: list[ProposedVisit]


class CourseVisitView(BaseModel):
    index: int
    appointment: AppointmentView


class CourseView(BaseModel):
    """The first visit speaks for the course: its health check is that of all. `count` is absent from upkeep."""

    id: str
    practice: str
    count: int | None = None
    held_until: datetime | None = Field(None, description="until when the course has to be asked for")
    token: str | None = Field(None, description="the bearer token for this course")
    visits: list[CourseVisitView]
