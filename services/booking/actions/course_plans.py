"""Proposals for courses: a new one, the rest of one after a cancellation, the next visits of upkeep; none is kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.booking.actions.times import Times, Wanted
from services.booking.domain import availability, course_plan
from services.booking.domain.appointment import BOOKED, Appointment
from services.booking.domain.availability import Busy, Question, Start, window
from services.booking.domain.course import (
    LONGEST,
    NoCoursePlan,
    Spacing,
    check_count,
    latest,
    local_date,
    spacing,
    standing,
)
from services.booking.domain.course_plan import Slot, Wish
from services.booking.domain.course_search import best
from services.booking.domain.policy import is_late
from services.booking.domain.practice import Practice, Service
from services.booking.domain.refusals import NoSuchPractitioner
from shared.clock import Clock

SLACK_DAYS: Final = 21
"""How much later than asked for a plan may begin."""
AHEAD: Final = 4
"""How many visits of upkeep are proposed at a time, if so many fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseWish:
    """A course that somebody would like; no `count` is upkeep, which has no end. `wall` is a minute of the day."""

    service: str
    count: int | None
    practitioner: str | None = None
    begins: date | None = None
    first: datetime | None = None
    weekday: int | None = None
    wall: int | None = None
    days_from: int | None = None
    days_until: int | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Free starts that make a course, in order."""

    practice: Practice
    service: Service
    starts: tuple[Start, ...]


class CoursePlans:
    def __init__(self, times: Times, now: Clock) -> None:
        self._times = times
        self._now = now

    async def propose(self, practice: str, wish: CourseWish) -> Proposal:
        kept, service = await self._times.offered(practice, wish.service)
        between = spacing(service, wish.days_from, wish.days_until, open_ended=wish.count is None)
        if wish.count is not None:
            check_count(wish.count, open_ended=False)
        begins = wish.begins or self._now().astimezone(ZoneInfo(kept.zone)).date()
        near = Wish(begins=begins, weekday=wish.weekday, wall=wish.wall)
        if wish.first is not None:
            near = await self._pinned(kept, wish, wish.first)
        starts = await self._best(kept, service, wish.practitioner, between, near, counts=_counts(wish.count))
        return Proposal(kept, service, starts)

    async def respaced(self, visits: Sequence[Appointment], between: Spacing) -> list[tuple[Appointment, Start]]:
        """New starts for those after the first gap that is too wide or too narrow; none if there is no such gap."""
        stay, move = self._apart(standing(visits), between)
        if not move:
            return []
        starts = await self._after(stay[-1], move[0], between, but=move, counts=(len(move),))
        return list(zip(move, starts, strict=True))

    async def further(self, visits: Sequence[Appointment], between: Spacing) -> tuple[Start, ...]:
        """The next visits of upkeep; after a long pause from today on."""
        last = latest(visits)
        return await self._after(last, last, between, but=(), counts=_counts(None))

    def _apart(
        self, visits: Sequence[Appointment], between: Spacing
    ) -> tuple[Sequence[Appointment], Sequence[Appointment]]:
        """What stays as it is, and what comes after the first gap that is wrong and can still be changed."""
        for place in range(1, len(visits)):
            gap = (local_date(visits[place]) - local_date(visits[place - 1])).days
            if not between.least <= gap <= between.most and self._may_move(visits[place]):
                return visits[:place], visits[place:]
        return visits, ()

    def _may_move(self, visit: Appointment) -> bool:
        return visit.state in BOOKED and not is_late(visit.starts_at, visit.offer.change_window, self._now())

    async def _after(
        self,
        last: Appointment,
        like: Appointment,
        between: Spacing,
        *,
        but: Collection[Appointment],
        counts: Sequence[int],
    ) -> tuple[Start, ...]:
        """With whom `like` is, and at its hour; with anyone only if that cannot be."""
        kept, service = await self._times.offered(last.practice, like.offer.service)
        shown = like.starts_at.astimezone(ZoneInfo(like.offer.zone))
        today = self._now().astimezone(ZoneInfo(like.offer.zone)).date()
        after: date | None = local_date(last)
        if not but and local_date(last) + timedelta(days=between.most) < today:
            after = None
        begins = max(today, local_date(last) + timedelta(days=between.least))
        near = Wish(begins=begins, after=after, wall=shown.hour * 60 + shown.minute)
        try:
            return await self._best(kept, service, like.offer.practitioner, between, near, but=but, counts=counts)
        except (NoCoursePlan, NoSuchPractitioner):
            return await self._best(kept, service, None, between, near, but=but, counts=counts)

    async def _pinned(self, practice: Practice, wish: CourseWish, first: datetime) -> Wish:
        """Raises why the first start cannot be had. A day of slack, for its place may be in another zone."""
        wanted = Wanted(service=wish.service, practitioner=wish.practitioner, starts_at=first)
        found = await self._times.find(practice.id, wanted)
        shown = first.astimezone(ZoneInfo(practice.place(found.start.place).zone))
        begins = shown.date() - timedelta(days=1)
        return Wish(begins=begins, first=first, weekday=wish.weekday, wall=shown.hour * 60 + shown.minute)

    async def _best(
        self,
        practice: Practice,
        service: Service,
        practitioner: str | None,
        between: Spacing,
        near: Wish,
        *,
        but: Collection[Appointment] = (),
        counts: Sequence[int],
    ) -> tuple[Start, ...]:
        days = SLACK_DAYS + max(counts) * between.most
        starts_from, starts_until = window(near.begins, days, ZoneInfo(practice.zone))
        wanted = Wanted(service=service.id, practitioner=practitioner, starts_at=near.first or starts_from)
        question = await self._times.stretch(practice.id, wanted, starts_until)
        own = [Busy(practitioner=one.offer.practitioner, room=one.offer.room, footprint=one.footprint) for one in but]
        free = free_slots(replace(question, busy=[busy for busy in question.busy if busy not in own]))
        for count in counts:
            plan = best(free, count, between, near)
            if plan is not None:
                return tuple(slot.start for slot in plan)
        raise NoCoursePlan(f"no {counts[-1]} visits are free {between.least} to {between.most} days apart")


def free_slots(question: Question) -> list[Slot]:
    """What everyone asked about has free, each by themselves."""
    people = question.practice.who_offers(question.service.id)
    asked = [person.id for person in people if question.practitioner in {None, person.id}]
    starts = (start for who in asked for start in availability.free_starts(replace(question, practitioner=who)))
    return list(course_plan.slots(starts, {place.id: ZoneInfo(place.zone) for place in question.practice.places}))


def _counts(count: int | None) -> Sequence[int]:
    """The most first."""
    return range(min(AHEAD, LONGEST), 0, -1) if count is None else (count,)
