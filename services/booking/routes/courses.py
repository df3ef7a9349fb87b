"""The routes of courses: the proposal, the whole of it held and asked for, changed and gone on with."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Final

from services.booking.actions import Booking
from services.booking.actions.course_changes import Days, Target
from services.booking.actions.course_plans import CourseWish
from services.booking.actions.courses import CourseAsked
from services.booking.actions.times import Wanted
from services.booking.domain import turns
from services.booking.domain.appointment import Appointment, AppointmentId, State
from services.booking.domain.availability import Start
from services.booking.domain.calendar import instant_of
from services.booking.domain.course import NoCoursePlan, NoSuchCourse, NotOpenEnded, WrongCount, WrongSpacing, seat_of
from services.booking.domain.key import Scope
from services.booking.domain.practice import Practice, Service, wall_minutes
from services.booking.domain.proof import TooMany
from services.booking.domain.refusals import KeyReused, NoSuchPractice, NoSuchPractitioner, NoSuchService
from services.booking.routes import course_payloads as payloads
from services.booking.routes import views
from services.booking.routes.appointments import MOVING, NO_TIME, NOT_ADMITTED, TURNING, Pass, Refused, person_of
from services.booking.routes.hand import hand_of
from services.booking.routes.payloads import RequestBody
from services.booking.routes.practices import PRACTICE
from shared.clock import Clock
from shared.httpkit import Answer, Ask, Route, Who

COURSE: Final = "/v1/courses/{course}"
PLANNING: Final[Refused] = (NoCoursePlan, WrongSpacing, NoSuchPractice, NoSuchService, NoSuchPractitioner)
CHANGING: Final[Refused] = (NoSuchCourse, WrongSpacing, *MOVING)


class CourseRoutes:
    def __init__(self, booking: Booking, pass_: Pass, now: Clock) -> None:
        self._booking = booking
        self._pass = pass_
        self._now = now

    def asking(self) -> Sequence[Route]:
        return [
            Route(
                method="POST",
                path=f"{PRACTICE}/courses/plan",
                handler=self.propose_course,
                summary="The best plan for a course, as regular as the free times allow; nothing is held",
                body=payloads.PlanBody,
                answers={200: payloads.PlanView},
                refuses=(*NO_TIME, NoCoursePlan, WrongSpacing, WrongCount),
            ),
            Route(
                method="POST",
                path=f"{PRACTICE}/courses",
                handler=self.hold_course,
                summary="Hold all the times of a course for a few minutes, or none of them",
                body=payloads.CourseBody,
                answers={201: payloads.CourseView},
                refuses=(*NO_TIME, WrongSpacing, WrongCount, KeyReused, TooMany),
                idempotent=True,
            ),
            Route(
                method="POST",
                path=f"{COURSE}/request",
                handler=self.request_course,
                summary="Ask for all the held times; they are confirmed once the health check is cleared",
                body=RequestBody,
                answers={202: payloads.CourseView},
                refuses=(NoSuchCourse, *TURNING, turns.HoldExpired, *NOT_ADMITTED),
                who=Who.TOKEN,
            ),
        ]

    def seeing(self) -> Sequence[Route]:
        return [
            Route(
                method="GET",
                path=COURSE,
                handler=self.show_course,
                summary="The course and its visits, whatever became of them",
                answers={200: payloads.CourseView},
                refuses=(NoSuchCourse,),
                who=Who.TOKEN_OR_OPERATOR,
                scope=Scope.VISITS_READ,
            ),
            Route(
                method="POST",
                path=f"{COURSE}/cancel",
                handler=self.cancel_course,
                summary="Give back every visit that lies ahead",
                answers={200: payloads.CourseView},
                refuses=(NoSuchCourse, *TURNING, turns.TooLate),
                who=Who.TOKEN_OR_OPERATOR,
                scope=Scope.VISITS_WRITE,
            ),
            Route(
                method="POST",
                path=f"{COURSE}/clear",
                handler=self.clear_course,
                summary="Confirm the visits that wait because they lie beyond the health check's clearance",
                answers={200: payloads.CourseView},
                refuses=(NoSuchCourse, *TURNING),
                who=Who.OPERATOR,
                scope=Scope.VISITS_WRITE,
            ),
        ]

    def changing(self) -> Sequence[Route]:
        return [
            Route(
                method="POST",
                path=f"{COURSE}/respacing",
                handler=self.propose_respacing,
                summary="Where the visits after a gap would go; nothing is moved",
                body=payloads.Distances,
                answers={200: payloads.PlanView},
                refuses=(NoSuchCourse, *PLANNING),
                who=Who.TOKEN_OR_OPERATOR,
                scope=Scope.VISITS_READ,
            ),
            Route(
                method="POST",
                path=f"{COURSE}/respacing/accept",
                handler=self.accept_respacing,
                summary="Move visits of the course; if one cannot be, those that were are moved back where possible",
                body=payloads.RespacedBody,
                answers={200: payloads.CourseView},
                refuses=CHANGING,
                who=Who.TOKEN_OR_OPERATOR,
                scope=Scope.VISITS_WRITE,
            ),
            Route(
                method="POST",
                path=f"{COURSE}/extend",
                handler=self.propose_further,
                summary="The next visits of upkeep; nothing is held",
                body=payloads.Distances,
                answers={200: payloads.PlanView},
                refuses=(NoSuchCourse, NotOpenEnded, turns.WrongState, *PLANNING),
                who=Who.TOKEN_OR_OPERATOR,
                scope=Scope.VISITS_READ,
            ),
            Route(
                method="POST",
                path=f"{COURSE}/extend/accept",
                handler=self.extend_course,
                summary="One more visit of upkeep, asked for at once",
                body=payloads.ExtendBody,
                answers={200: payloads.CourseView},
                refuses=(NotOpenEnded, TooMany, *CHANGING),
                who=Who.TOKEN_OR_OPERATOR,
                scope=Scope.VISITS_WRITE,
            ),
        ]

    async def propose_course(self, ask: Ask[payloads.PlanBody, None]) -> Answer:
        body = ask.body
        wish = CourseWish(
            service=body.service,
            count=body.count,
            practitioner=body.practitioner,
            begins=body.from_,
            first=body.first,
            weekday=body.weekday,
            wall=None if body.hour is None else wall_minutes(body.hour),
            days_from=body.days_from,
            days_until=body.days_until,
        )
        found = await self._booking.course_plans.propose(ask.path["practice"], wish)
        return Answer(200, _plan(found.practice, found.service, ((None, start) for start in found.starts)))

    async def hold_course(self, ask: Ask[payloads.CourseBody, None]) -> Answer:
        body = ask.body
        picked = (
            Wanted(service=body.service, practitioner=one.practitioner, starts_at=one.starts_at) for one in body.visits
        )
        asked = CourseAsked(
            visits=tuple(picked), open_ended=body.open_ended, days_from=body.days_from, days_until=body.days_until
        )
        key = ask.idempotency_key or secrets.token_hex(16)
        held = await self._booking.courses.hold(ask.path["practice"], asked, key=key, hand=hand_of(ask))
        # As for a single hold: no token to what may be somebody else's by now.
        return Answer(201, self._told(held, passes=all(one.state is State.HELD for one in held)))

    async def request_course(self, ask: Ask[RequestBody, None]) -> Answer:
        asked = await self._booking.courses.request(
            ask.path["course"], person_of(ask.body.client, ask.body.consent), hand=hand_of(ask), code=ask.body.code
        )
        return Answer(202, self._told(asked))

    async def show_course(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, self._told(await self._booking.courses.get(ask.path["course"])))

    async def cancel_course(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, self._told(await self._booking.courses.cancel(ask.path["course"], hand=hand_of(ask))))

    async def clear_course(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, self._told(await self._booking.courses.clear(ask.path["course"], hand=hand_of(ask))))

    async def propose_respacing(self, ask: Ask[payloads.Distances, None]) -> Answer:
        course, days = ask.path["course"], _days(ask.body)
        practice, service = await self._of(course)
        pairs = await self._booking.course_changes.respaced(course, days)
        return Answer(200, _plan(practice, service, ((visit.id, start) for visit, start in pairs)))

    async def accept_respacing(self, ask: Ask[payloads.RespacedBody, None]) -> Answer:
        targets = {
            AppointmentId(one.appointment): Target(starts_at=one.starts_at, practitioner=one.practitioner)
            for one in ask.body.visits
        }
        course, hand = ask.path["course"], hand_of(ask)
        stands = await self._booking.course_changes.respace(course, targets, _days(ask.body), hand=hand)
        return Answer(200, self._told(stands, passes=True))

    async def propose_further(self, ask: Ask[payloads.Distances, None]) -> Answer:
        course = ask.path["course"]
        practice, service = await self._of(course)
        starts = await self._booking.course_changes.further(course, _days(ask.body))
        return Answer(200, _plan(practice, service, ((None, start) for start in starts)))

    async def extend_course(self, ask: Ask[payloads.ExtendBody, None]) -> Answer:
        target = Target(starts_at=ask.body.starts_at, practitioner=ask.body.practitioner)
        course, hand = ask.path["course"], hand_of(ask)
        stands = await self._booking.course_changes.extend(course, target, _days(ask.body), hand=hand)
        return Answer(200, self._told(stands, passes=True))

    async def _of(self, course: str) -> tuple[Practice, Service]:
        first = (await self._booking.courses.get(course))[0]
        return await self._booking.times.offered(first.practice, first.offer.service)

    def _told(self, visits: Sequence[Appointment], *, passes: bool = False) -> payloads.CourseView:
        """`passes` adds the tokens: of the course until its last visit, and of each visit."""
        first, last = visits[0], max(visits, key=lambda one: one.starts_at)
        seat, now = seat_of(first), self._now()
        until = last.ends_at + self._pass.term
        return payloads.CourseView(
            id=seat.course,
            practice=first.practice,
            count=seat.count,
            held_until=first.held_until if first.state_at(now) is State.HELD else None,
            token=self._pass.tokens.mint(seat.course, first.practice, until) if passes else None,
            visits=[
                payloads.CourseVisitView(
                    index=seat_of(one).index,
                    appointment=views.appointment_view(one, now=now, token=self._pass.token(one) if passes else None),
                )
                for one in visits
            ],
        )


def _days(body: payloads.Distances) -> Days:
    return Days(least=body.days_from, most=body.days_until)


def _plan(practice: Practice, service: Service, starts: Iterable[tuple[str | None, Start]]) -> payloads.PlanView:
    return payloads.PlanView(visits=[_proposed(practice, service, visit, start) for visit, start in starts])


def _proposed(practice: Practice, service: Service, visit: str | None, start: Start) -> payloads.ProposedVisit:
    person, place = practice.practitioner(start.practitioner), practice.place(start.place)
    return payloads.ProposedVisit(
        appointment=visit,
        starts_at=start.starts_at,
        ends_at=instant_of(start.minute + service.length_minutes),
        practitioner=person.id,
        practitioner_name=person.name,
        place_name=place.name,
        zone=place.zone,
    )
