"""Example practices, local times and questions, so that a test names only what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.booking.domain.availability import Busy, Question, Reason, free_starts
from services.booking.domain.footprint import Footprint, footprint
from services.booking.domain.practice import (
    Buffers,
    DayException,
    Hours,
    Place,
    Practice,
    Practitioner,
    Service,
    WeeklyHours,
    wall_minutes,
)

ZURICH = "Europe/Zurich"
EVERY_DAY = range(7)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def hours(*ranges: str, place: str = "main") -> tuple[Hours, ...]:
    """`hours("09:00-12:00", "13:00-17:00")`"""
    return tuple(Hours(place=place, starts=starts, ends=ends) for starts, ends in map(_range, ranges))


def weekly(*ranges: str, on: Iterable[int] = EVERY_DAY, place: str = "main") -> tuple[WeeklyHours, ...]:
    return tuple(
        WeeklyHours(place=place, weekday=weekday, starts=starts, ends=ends)
        for weekday in on
        for starts, ends in map(_range, ranges)
    )


def exception(day: str, *ranges: str, place: str = "main") -> DayException:
    """No ranges close the day."""
    return DayException(day=date.fromisoformat(day), hours=hours(*ranges, place=place))


def a_service(**changes: Any) -> Service:
    """An hour on the quarter, without needs, notice or a horizon that matters."""
    return replace(Service(id="session", name="Session", horizon_days=30_000), **changes)


def a_practitioner(**changes: Any) -> Practitioner:
    """Anna, 9 to 17 every day."""
    anna = Practitioner(id="anna", name="Anna Moser", services=("session",), hours=weekly("09:00-17:00"))
    return replace(anna, **changes)


def a_practice(*people: Practitioner, zone: str = ZURICH, **changes: Any) -> Practice:
    """One place in `zone`, Anna unless others are named, one service."""
    practice = Practice(
        id="stille",
        name="Praxis Stille",
        sms_name="Praxis Stille",
        country="CH",
        zone=zone,
        locale="en-GB",
        phone="+41440000000",
        emergency_number="144",
        places=(Place(id="main", name="Main street", address="Main street 1", zone=zone),),
        practitioners=people or (a_practitioner(),),
        services=(a_service(),),
    )
    return replace(practice, **changes)


def local(text: str, zone: str = ZURICH, *, fold: int = 0) -> datetime:
    """The UTC instant of a wall time such as "2026-06-01 09:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def a_visit(starts_at: datetime, *, practitioner: str = "anna", room: str | None = None, **service: Any) -> Busy:
    """A booked visit of `a_service(**service)`, under `buffers` if given."""
    buffers = service.pop("buffers", Buffers.LARGER)
    taken = footprint(a_service(**service), a_practitioner(), starts_at, buffers)
    return Busy(practitioner=practitioner, room=room, footprint=taken)


def a_block(starts_at: datetime, minutes: int, *, practitioner: str = "anna", reason: Reason = Reason.BLOCK) -> Busy:
    starts = int(starts_at.timestamp()) // 60
    return Busy(
        practitioner=practitioner, room=None, footprint=Footprint(starts=starts, ends=starts + minutes), reason=reason
    )


def asking(practice: Practice, starts_from: datetime, starts_until: datetime, **changes: Any) -> Question:
    """About the first service with any practitioner, long before."""
    question = Question(
        practice=practice,
        service=practice.services[0],
        practitioner=None,
        now=LONG_AGO,
        starts_from=starts_from,
        starts_until=starts_until,
    )
    return replace(question, **changes)


def asking_for_days(
    practice: Practice, first: str, days: int = 1, *, zone: str | None = None, **changes: Any
) -> Question:
    """Whole dates as a viewer in `zone` (the practice's unless given) sees them."""
    from_ = datetime.fromisoformat(first)
    ends = from_ + timedelta(days=days)
    viewer = ZoneInfo(zone or practice.zone)
    instants = (wall.replace(tzinfo=viewer).astimezone(UTC) for wall in (from_, ends))
    return asking(practice, *instants, **changes)


def offered(question: Question) -> list[str]:
    """The starts on offer as wall times of the practice: "2026-06-01 09:00"."""
    zone = ZoneInfo(question.practice.zone)
    return [f"{start.starts_at.astimezone(zone):%Y-%m-%d %H:%M}" for start in free_starts(question)]


def times(question: Question) -> Sequence[str]:
    """As `offered`, without the date."""
    return [wall[-5:] for wall in offered(question)]


def _range(text: str) -> tuple[int, int]:
    starts, _, ends = text.partition("-")
    return wall_minutes(starts), wall_minutes(ends)
