"""Taking courses: all visits or none. The first visit is the commit: what becomes of it becomes of the others.

A course lies in the documents of its visits alone, so that nothing has to be written in two places at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo

from services.booking.actions.times import Times, Wanted
from services.booking.actions.visits import Person, Visits
from services.booking.domain import course as rules
from services.booking.domain.appointment import Appointment, AppointmentId, By, Hand, Seat, State
from services.booking.domain.course import NoSuchCourse
from services.booking.domain.identity import course_id, fingerprint, seat_id
from services.booking.domain.refusals import KeyReused, SlotTaken
from services.booking.ports import AlreadyMade, Appointments
from shared.clock import Clock
from shared.errors import Refusal
from shared.events import Envelope
from shared.events.booking import (
    AppointmentCancelled,
    AppointmentCheckAsked,
    AppointmentConfirmed,
    AppointmentDeclined,
    AppointmentEvent,
    AppointmentInReview,
    AppointmentLapsed,
    AppointmentMoved,
)

COURSE: Final = Hand(by=By.RULES, who="course")
DECIDING: Final = (
    AppointmentCheckAsked,
    AppointmentConfirmed,
    AppointmentDeclined,
    AppointmentInReview,
    AppointmentLapsed,
    AppointmentMoved,
    AppointmentCancelled,
)
COUNTING: Final = (AppointmentConfirmed, AppointmentMoved)


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseAsked:
    """The visits of a course that somebody wants, all of one service, in order; upkeep is `open_ended`."""

    visits: tuple[Wanted, ...]
    open_ended: bool = False
    days_from: int | None = None
    days_until: int | None = None


class Courses:
    def __init__(self, times: Times, visits: Visits, appointments: Appointments, now: Clock) -> None:
        self._times = times
        self._visits = visits
        self._appointments = appointments
        self._now = now

    async def get(self, course: str) -> Sequence[Appointment]:
        """Its visits by their place, whatever became of them."""
        visits = await self._appointments.of_course(course)
        if not visits:
            raise NoSuchCourse("there is no such course")
        return visits

    async def hold(self, practice: str, asked: CourseAsked, *, key: str, hand: Hand) -> Sequence[Appointment]:
        """Take all the times or none. The same `key` and wish again give the same course.

        The visits are taken in the order of time: of several who want some of the same times at once, one gets all.
        """
        course, print_ = course_id(practice, key), _fingerprint(asked)
        try:
            if await self._lead(course) is None:
                await self._visits.admit(practice, times=len(asked.visits), hand=hand)
                await self._check(practice, asked)
        except Refusal:
            # Our own earlier attempt may be the very thing that is in the way.
            if await self._lead(course) is None:
                raise
        lead = await self._lead(course)
        if lead is not None and lead.asked != print_:
            raise KeyReused("this Idempotency-Key was used for another request")
        if lead is None or lead.state_at(self._now()) is State.HELD:
            await self._claim(course, practice, asked, print_, hand)
        elif lead.client is None and (lead.state is State.HELD or lead.history[-1].by is By.RULES):
            raise SlotTaken("the times of this course are held no longer")
        return await self.get(course)

    async def request(
        self, course: str, person: Person, *, hand: Hand, code: str | None = None
    ) -> Sequence[Appointment]:
        """Consume all holds; the same request again changes nothing.

        The later visits come first and in silence. With the first one, whose event is that of the course, it has been
        asked for; until then whatever was taken is given back, by us or by time.
        """
        lead, *later = await self.get(course)
        begun = False
        try:
            asking = [*later, lead] if lead.state is State.HELD else [lead]
            async for _ in self._visits.request_seats(asking, person, hand=hand, code=code):
                begun = True
        except Refusal:
            if begun:
                await self._give_back(course)
            raise
        await self.follow(course)
        return await self.get(course)

    async def cancel(self, course: str, *, hand: Hand) -> Sequence[Appointment]:
        """Give back all that lies ahead."""
        first, *later = await self.get(course)
        lead = await self._visits.turn(
            first.id, lambda was: rules.call_off(was, was, by=hand.by, now=self._now()), hand=hand
        )
        for visit in later:
            await self._visits.turn(
                visit.id, lambda was: rules.call_off(was, lead, by=hand.by, now=self._now()), hand=hand
            )
        return await self.get(course)

    async def follow(self, course: str) -> None:
        """Let the later visits follow what became of the first; again and again, if need be."""
        visits = await self._appointments.of_course(course)
        for visit in visits[1:]:
            await self._visits.turn(visit.id, lambda was: rules.follow(was, visits[0], now=self._now()), hand=COURSE)

    async def _follow(self, visit: AppointmentId, course: str) -> None:
        lead = await self._lead(course)
        if lead is not None:
            await self._visits.turn(visit, lambda was: rules.follow(was, lead, now=self._now()), hand=COURSE)

    async def heard(self, event: Envelope[AppointmentEvent], _: Appointment) -> None:
        """All follow the first; one that counts on its check looks once more whether that still stands."""
        seat, fact = event.data.seat, event.data
        if seat is not None and seat.index == 0 and isinstance(fact, DECIDING):
            await self.follow(seat.course)
        elif seat is not None and seat.index > 0 and isinstance(fact, COUNTING):
            await self._follow(AppointmentId(fact.appointment), seat.course)

    async def told(self, visit: Appointment, event: str) -> None:
        """What was said of the first one's health check where no event tells the others, or on the page of another."""
        if visit.seat is not None and rules.takes_back(visit, event):
            await self._visits.turn(
                seat_id(visit.seat.course, 0),
                lambda lead: rules.doubted(lead, event=event, now=self._now()),
                hand=COURSE,
            )
            await self.follow(visit.seat.course)
        leads = visit.seat is not None and not visit.follows
        if leads and any(turn.event == event and turn.deed in rules.UNSAID for turn in visit.history):
            await self.follow(rules.seat_of(visit).course)

    async def clear(self, course: str, *, hand: Hand) -> Sequence[Appointment]:
        """A person has looked at the visits that lie beyond the clearance of the first."""
        lead, *later = await self.get(course)
        for visit in later:
            await self._visits.turn(visit.id, lambda was: rules.clear(was, lead, now=self._now()), hand=hand)
        return await self.get(course)

    async def _lead(self, course: str) -> Appointment | None:
        return await self._appointments.get(seat_id(course, 0))

    async def _check(self, practice: str, asked: CourseAsked) -> None:
        """Everything that can be said before anything is taken."""
        rules.check_count(len(asked.visits), open_ended=asked.open_ended)
        _, service = await self._times.offered(practice, asked.visits[0].service)
        between = rules.spacing(service, asked.days_from, asked.days_until, open_ended=asked.open_ended)
        days = []
        for index, wanted in enumerate(asked.visits):
            with naming(index):
                found = await self._times.find(practice, wanted)
            zone = ZoneInfo(found.practice.place(found.start.place).zone)
            days.append(wanted.starts_at.astimezone(zone).date())
        between.check(days)

    async def _claim(self, course: str, practice: str, asked: CourseAsked, print_: str, hand: Hand) -> None:
        count = None if asked.open_ended else len(asked.visits)
        try:
            for index, wanted in enumerate(asked.visits):
                seat = Seat(course=course, index=index, count=count)
                with naming(index):
                    await self._take(seat, practice, wanted, print_, hand)
            held = await self._appointments.of_course(course)
            if [visit.state for visit in held] != [State.HELD] * len(asked.visits):
                raise SlotTaken("another attempt to hold this course gave up")
        except Refusal:
            await self._give_back(course)
            raise

    async def _take(self, seat: Seat, practice: str, wanted: Wanted, print_: str, hand: Hand) -> None:
        try:
            await self._visits.hold_seat(seat, practice, wanted, asked=print_, hand=hand)
        except (AlreadyMade, Refusal):
            earlier = await self._appointments.get(seat_id(seat.course, seat.index))
            if earlier is None:
                raise
            if earlier.state is not State.HELD:
                raise SlotTaken("this time has been taken") from None

    async def _give_back(self, course: str) -> None:
        """The first visit before the others: once it is gone nobody can ask for the course any more."""
        if await self._lead(course) is None:
            return
        lead = await self._visits.turn(
            seat_id(course, 0),
            lambda was: rules.give_back(was, now=self._now()) if was.state is State.HELD else was,
            hand=COURSE,
        )
        if lead.client is not None:
            return
        for visit in (await self._appointments.of_course(course))[1:]:
            await self._visits.turn(visit.id, lambda was: rules.give_back(was, now=self._now()), hand=COURSE)


@contextmanager
def naming(index: int) -> Iterator[None]:
    """A refusal says which of the visits it is about."""
    try:
        yield
    except Refusal as refusal:
        refusal.extra.setdefault("field", f"visits[{index}]")
        raise


def _fingerprint(asked: CourseAsked) -> str:
    each = ((one.service, one.practitioner or "", one.starts_at.isoformat()) for one in asked.visits)
    return fingerprint("course", *map(str, (asked.open_ended, asked.days_from, asked.days_until)), *chain(*each))
