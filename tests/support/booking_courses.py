"""Courses to hold and to ask for in tests, and a house that has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.booking.actions import Booking
from services.booking.actions.courses import CourseAsked
from services.booking.actions.times import Wanted
from services.booking.domain.appointment import Appointment
from services.booking.domain.checking import Outcome
from tests.support.booking import CLIENT, TEN, a_person, a_word

WEEK = timedelta(days=7)


def a_course(
    count: int = 3,
    *,
    first: datetime = TEN,
    apart: timedelta = WEEK,
    practitioner: str | None = "ana",
    service: str = "session",
    open_ended: bool = False,
) -> CourseAsked:
    starts = (first + number * apart for number in range(count))
    return CourseAsked(
        visits=tuple(Wanted(service=service, practitioner=practitioner, starts_at=at) for at in starts),
        open_ended=open_ended,
    )


@dataclass(frozen=True, slots=True)
class CourseDesk:
    """Takes courses through their lives, as the routes do."""

    booking: Booking
    practice: str = "still-water"

    async def hold(self, asked: CourseAsked | None = None, *, key: str = "course") -> Sequence[Appointment]:
        return await self.booking.courses.hold(self.practice, asked or a_course(), key=key, hand=CLIENT)

    async def request(self, asked: CourseAsked | None = None, *, key: str = "course") -> Sequence[Appointment]:
        held = await self.hold(asked, key=key)
        return await self.booking.courses.request(course_of(held), a_person(), hand=CLIENT)

    async def decide(self, visits: Sequence[Appointment], outcome: Outcome) -> Sequence[Appointment]:
        """As screening does of the first, and booking's own hearing of it."""
        await self.booking.visits.told(visits[0].id, a_word(outcome, until=None, event="decided:1"))
        await self.booking.courses.follow(course_of(visits))
        return await self.booking.courses.get(course_of(visits))

    async def book(self, asked: CourseAsked | None = None, *, key: str = "course") -> Sequence[Appointment]:
        return await self.decide(await self.request(asked, key=key), Outcome.CLEARED)


def course_of(visits: Sequence[Appointment]) -> str:
    assert visits[0].seat is not None
    return visits[0].seat.course


def states(visits: Sequence[Appointment]) -> list[str]:
    return [visit.state.value for visit in visits]
