"""Changing a course that stands: the rest of it moved after a cancellation, and the next visit of upkeep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from services.booking.actions.course_plans import CoursePlans
from services.booking.actions.courses import Courses
from services.booking.actions.times import Times, Wanted
from services.booking.actions.visits import Contended, Visits
from services.booking.domain import course as rules
from services.booking.domain import turns
from services.booking.domain.appointment import BOOKED, Appointment, AppointmentId, By, Hand, Seat, State
from services.booking.domain.availability import Start
from services.booking.domain.course import NotOpenEnded, Spacing, latest, seat_of, standing
from services.booking.domain.identity import fingerprint
from services.booking.domain.policy import Policy
from services.booking.domain.practice import Audience
from services.booking.domain.refusals import NoSuchAppointment
from services.booking.ports import AlreadyMade
from shared.clock import Clock
from shared.errors import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a visit is to be moved; no `practitioner` leaves it with whom it is."""

    starts_at: datetime
    practitioner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """The distances that upkeep asks for, in local dates; None is what the practice says."""

    least: int | None = None
    most: int | None = None


class CourseChanges:
    def __init__(
        self, courses: Courses, plans: CoursePlans, times: Times, visits: Visits, policy: Policy, now: Clock
    ) -> None:
        self._courses = courses
        self._plans = plans
        self._times = times
        self._visits = visits
        self._policy = policy
        self._now = now

    async def respaced(self, course: str, days: Days) -> list[tuple[Appointment, Start]]:
        visits = await self._courses.get(course)
        return await self._plans.respaced(visits, await self._spacing(visits[0], days))

    async def further(self, course: str, days: Days) -> tuple[Start, ...]:
        visits = await self._courses.get(course)
        _check_goes_on(visits[0])
        return await self._plans.further(visits, await self._spacing(visits[0], days))

    async def respace(
        self, course: str, targets: Mapping[AppointmentId, Target], days: Days, *, hand: Hand
    ) -> Sequence[Appointment]:
        """Move some visits, each in one write. If one cannot be, the others are moved back as far as that is possible.

        What then stands is told in the refusal: no two writes are one, so a time given up may be gone.
        """
        visits = await self._courses.get(course)
        between = await self._spacing(visits[0], days)
        upcoming = {visit.id: visit for visit in visits if visit.state in BOOKED and visit.starts_at > self._now()}
        if not targets.keys() <= upcoming.keys():
            raise NoSuchAppointment("that visit is not one of the course that can be moved")
        _check_distances(standing(visits), targets, between)
        moved: list[Appointment] = []
        try:
            for id_ in _without_collisions(upcoming, targets):
                await self._visits.move(id_, targets[id_].starts_at, targets[id_].practitioner, hand=hand)
                moved.append(upcoming[id_])
        except Refusal as refusal:
            for was in reversed(moved):
                with suppress(Refusal):
                    await self._visits.move(was.id, was.starts_at, was.offer.practitioner, hand=hand)
            stands = standing(await self._courses.get(course))
            refusal.extra["stands"] = [{"id": one.id, "starts_at": one.starts_at.isoformat()} for one in stands]
            raise
        return await self._courses.get(course)

    async def extend(self, course: str, target: Target, days: Days, *, hand: Hand) -> Sequence[Appointment]:
        """One more visit of upkeep, asked for at once; it follows the clearance of the first as the others did."""
        visits = await self._courses.get(course)
        _check_goes_on(visits[0])
        there = _at(visits, target.starts_at)
        if there is None:
            try:
                there = await self._held(visits, target, await self._spacing(visits[0], days), hand)
            except Refusal:
                # The same ask in the same moment may be the very thing that is in the way.
                there = _at(await self._courses.get(course), target.starts_at)
                if there is None:
                    raise
        try:
            await self._visits.turn(there.id, lambda was: self._asked_for(was, visits), hand=hand)
        except Refusal:
            await self._visits.turn(there.id, lambda was: _let_go(was, self._now()), hand=hand)
            raise
        await self._courses.follow(course)
        return await self._courses.get(course)

    async def _held(self, visits: Sequence[Appointment], target: Target, between: Spacing, hand: Hand) -> Appointment:
        lead = visits[0]
        await self._visits.admit(lead.practice, hand=hand)
        wanted = Wanted(
            service=lead.offer.service,
            practitioner=target.practitioner,
            starts_at=target.starts_at,
            by_practice=hand.by is By.PRACTICE,
        )
        await self._check_distance(lead, latest(visits), wanted, between)
        course = seat_of(lead).course
        seat = Seat(course=course, index=max(seat_of(visit).index for visit in visits) + 1)
        print_ = fingerprint("extended", target.starts_at.isoformat(), target.practitioner or "")
        try:
            return await self._visits.hold_seat(seat, lead.practice, wanted, asked=print_, hand=hand)
        except AlreadyMade as error:
            raise Contended("this course was extended at the same moment") from error

    def _asked_for(self, held: Appointment, visits: Sequence[Appointment]) -> Appointment:
        """In the name of the client whose course it is."""
        client, came = visits[0].client, any(visit.state is State.ATTENDED for visit in visits)
        if client is None or held.state is not State.HELD:
            return held
        attended = came or held.offer.audience is Audience.RETURNING
        return turns.request(held, client, asked=held.asked, now=self._now(), policy=self._policy, attended=attended)

    async def _check_distance(self, lead: Appointment, last: Appointment, wanted: Wanted, between: Spacing) -> None:
        found = await self._times.find(lead.practice, wanted)
        zone = ZoneInfo(found.practice.place(found.start.place).zone)
        dates = [rules.local_date(last), wanted.starts_at.astimezone(zone).date()]
        today = self._now().astimezone(zone).date()
        if dates[0] + timedelta(days=between.most) >= today:
            between.check(dates)

    async def _spacing(self, visit: Appointment, days: Days) -> Spacing:
        _, service = await self._times.offered(visit.practice, visit.offer.service)
        return rules.spacing(service, days.least, days.most, open_ended=seat_of(visit).count is None)


def _at(visits: Sequence[Appointment], starts_at: datetime) -> Appointment | None:
    return next((visit for visit in standing(visits) if visit.starts_at == starts_at), None)


def _let_go(was: Appointment, now: datetime) -> Appointment:
    return rules.give_back(was, now=now) if was.state is State.HELD else was


def _check_goes_on(lead: Appointment) -> None:
    if seat_of(lead).count is not None:
        raise NotOpenEnded("this course has a number of visits")
    if not rules.was_confirmed(lead) or lead.client is None:
        raise turns.WrongState("this course has not been confirmed", state=lead.state)


def _check_distances(visits: Sequence[Appointment], targets: Mapping[AppointmentId, Target], between: Spacing) -> None:
    """Only where something changes: what the practice has arranged elsewhere stays as it is."""
    after = [replace(one, starts_at=targets[one.id].starts_at) if one.id in targets else one for one in visits]
    for one, other in pairwise(standing(after)):
        if one.id in targets or other.id in targets:
            between.check([rules.local_date(one), rules.local_date(other)])


def _without_collisions(
    upcoming: Mapping[AppointmentId, Appointment], targets: Mapping[AppointmentId, Target]
) -> list[AppointmentId]:
    """In an order in which no visit takes a time before another one of the course has left it."""
    earlier = [id_ for id_ in targets if targets[id_].starts_at <= upcoming[id_].starts_at]
    later = [id_ for id_ in targets if id_ not in earlier]

    def stands(id_: AppointmentId) -> datetime:
        return upcoming[id_].starts_at

    return [*sorted(earlier, key=stands), *sorted(later, key=stands, reverse=True)]
