"""The JSON that notify takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from services.notify.domain.practice import Practice, Timing
from services.notify.domain.quiet import Quiet
from services.notify.domain.traffic import BY_NAME
from services.notify.domain.visit import Seat, Visit, VisitState
from shared.httpkit import Payload


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not an IANA zone")
    return name


def _near_our_time(at: datetime) -> datetime:
    if not 2000 <= at.year < 2200:
        raise ValueError("not in this or the next century")
    return at


def _wall_clock(at: time) -> time:
    if at.tzinfo is not None:
        raise ValueError("quiet hours go by the client's clock and name no zone")
    return at.replace(second=0, microsecond=0)


Instant = Annotated[AwareDatetime, AfterValidator(_near_our_time)]
WallClock = Annotated[time, AfterValidator(_wall_clock)]
Zone = Annotated[str, Field(max_length=60, examples=["America/New_York"]), AfterValidator(_known_zone)]
OptionalStep = Literal["received", "prepare", "two_days", "day_before", "two_hours", "aftercare", "check_in", "rebook"]


class SeatToPlan(Payload):
    """The visit's place in a course; index 0 speaks for the whole. Without `count` the course has no end."""

    index: int = Field(ge=0, le=999)
    count: int | None = Field(None, ge=2, le=99)

    @model_validator(mode="after")
    def _is_one_of_them(self) -> SeatToPlan:
        if self.count is not None and self.index >= self.count:
            raise ValueError("index counts from 0 and must be below count")
        return self


class VisitToPlan(Payload):
    """A visit that may be made up: booked at `booked_at`, held in `zone` by a client who lives in `client_zone`."""

    booked_at: Instant
    starts_at: Instant
    ends_at: Instant
    zone: Zone
    client_zone: Zone
    locale: str = Field("en", pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}$")
    seat: SeatToPlan | None = None

    @model_validator(mode="after")
    def _in_order(self) -> VisitToPlan:
        if not self.booked_at < self.starts_at < self.ends_at:
            raise ValueError("booked_at, starts_at and ends_at must follow each other")
        return self

    def to_visit(self, practice: str) -> Visit:
        return Visit(
            appointment="a" * 26,
            practice=practice,
            version=1,
            state=VisitState.CONFIRMED,
            moved=False,
            since=self.booked_at,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            zone=self.zone,
            phone="",
            client_zone=self.client_zone,
            locale=self.locale,
            consented=True,
            seat=Seat("planned", self.seat.index, self.seat.count) if self.seat else None,
        )


class TimingToTry(Payload):
    """Another time for one step: days or hours from the visit, and a wall time, as far as the step goes by them."""

    step: OptionalStep
    days: int | None = Field(None, ge=1, le=30)
    hours: int | None = Field(None, ge=1, le=72)
    at: WallClock | None = None

    @model_validator(mode="after")
    def _sets_what_may_be_set(self) -> TimingToTry:
        settable = BY_NAME[self.step].settable
        given = self.model_fields_set & {"days", "hours", "at"}
        if not given:
            raise ValueError("sets nothing")
        if given - settable:
            raise ValueError(f"{self.step} does not go by {', '.join(sorted(given - settable))}")
        return self


class TextingSettings(Payload):
    """What to try instead of the practice's own settings; whatever is left out stays as the practice has it."""

    sms_name: str | None = Field(None, min_length=1, max_length=60)
    phone: str | None = Field(None, pattern=r"^\+[1-9]\d{6,14}$")
    steps: tuple[OptionalStep, ...] | None = None
    quiet_from: WallClock | None = None
    quiet_until: WallClock | None = None
    timings: tuple[TimingToTry, ...] | None = None
    most_a_day: int | None = Field(None, ge=1, le=4)
    most_a_week: int | None = Field(None, ge=1, le=14)
    wakes_for_changes: bool | None = None

    def over(self, known: Practice) -> Practice:
        """The practice with what is tried in place of its own."""
        as_given = ("sms_name", "phone", "most_a_day", "most_a_week", "wakes_for_changes")
        changes: dict[str, Any] = {name: given for name in as_given if (given := getattr(self, name)) is not None}
        if self.steps is not None:
            changes["steps"] = frozenset(self.steps)
        if self.timings is not None:
            changes["timings"] = {one.step: Timing(one.days, one.hours, one.at) for one in self.timings}
        quiet = Quiet(
            known.quiet.from_ if self.quiet_from is None else self.quiet_from,
            known.quiet.until if self.quiet_until is None else self.quiet_until,
        )
        return replace(known, quiet=quiet, **changes)


class PlanRequest(Payload):
    visit: VisitToPlan
    settings: TextingSettings = TextingSettings()

    def practice(self, known: Practice) -> Practice:
        return self.settings.over(known)

    def to_visit(self, practice: str) -> Visit:
        return self.visit.to_visit(practice)
