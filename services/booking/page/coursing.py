"""The page of a course: who comes to all of its visits, and afterwards how each of them stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.booking.actions import Booking
from services.booking.actions.visits import Person
from services.booking.domain.appointment import Appointment, State
from services.booking.domain.course import seat_of
from services.booking.domain.practice import Practice
from services.booking.domain.proof import NumberNotProven
from services.booking.page import details
from services.booking.page.addresses import see
from services.booking.page.reception import Guest, Reception
from services.booking.page.visiting import (
    NO_PROBLEMS,
    When,
    asking,
    headline,
    seconds_left,
    service_of,
    token,
    when,
    zone_of,
)
from services.booking.routes import views
from services.booking.routes.appointments import Pass
from services.booking.routes.hand import hand_of
from shared.clock import Clock
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Door
from shared.page import patient

Visits = Sequence[Appointment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One visit among the others; `address` is that of its own page."""

    number: int
    when: When
    who: str
    stands: str
    address: str


class Coursing:
    def __init__(self, booking: Booking, reception: Reception, pass_: Pass, door: Door, now: Clock) -> None:
        self._booking = booking
        self._reception = reception
        self._pass = pass_
        self._door = door
        self._now = now

    async def show_course(self, ask: Ask[None, None]) -> Answer:
        return await self._shown(ask, await self._own(ask))

    async def take_details(self, ask: Ask[None, None]) -> Answer:
        """All visits are asked for, and answered for by the health check of the first."""
        was = await self._own(ask)
        person, problems = await self._person(ask, was)
        if person is None:
            return await self._shown(ask, was, problems=problems, status=422)
        try:
            code = details.code(ask.form)
            requested = await self._booking.courses.request(_id(was), person, hand=hand_of(ask), code=code)
        except NumberNotProven:
            return await self._code_sent(ask, was, person)
        except Refusal as refusal:
            return await self._refused(ask, refusal)
        lead, address = requested[0], (await self._guest(ask, requested)).address
        if lead.offer.screening is None:
            return see(address.course(_id(was), token=token(ask)))
        return see(address.check(lead.id, token=self._pass.token(lead), service=lead.offer.service))

    async def send_code(self, ask: Ask[None, None]) -> Answer:
        was = await self._own(ask)
        person, problems = await self._person(ask, was, but="code")
        if person is None:
            return await self._shown(ask, was, problems=problems, status=422)
        return await self._code_sent(ask, was, person)

    async def ask_cancel(self, ask: Ask[None, None]) -> Answer:
        return await self._shown(ask, await self._own(ask), template="course_cancel.html")

    async def cancel_course(self, ask: Ask[None, None]) -> Answer:
        was = await self._own(ask)
        try:
            await self._booking.courses.cancel(_id(was), hand=hand_of(ask))
        except Refusal as refusal:
            return await self._refused(ask, refusal)
        lead, address = was[0], (await self._guest(ask, was)).address
        if lead.state is State.HELD:
            return see(address.plan(lead.practice, service=lead.offer.service, zone=ask.request.query.get("zone")))
        return see(address.course(_id(was), token=token(ask)))

    async def _own(self, ask: Ask[None, None]) -> Visits:
        """The course whose token the address carries; raises `TokenInvalid`."""
        self._door.claim(ask.request)
        return await self._booking.courses.get(ask.path["course"])

    async def _guest(self, ask: Ask[None, None], visits: Visits) -> Guest:
        client = visits[0].client
        return self._reception.guest(ask, await self._practice(visits), "" if client is None else client.locale)

    async def _practice(self, visits: Visits) -> Practice:
        return (await self._booking.profiles.get(visits[0].practice)).practice

    async def _person(
        self, ask: Ask[None, None], was: Visits, *, but: str = ""
    ) -> tuple[Person | None, details.Problems]:
        practice, guest = await self._practice(was), await self._guest(ask, was)
        typed = {name: value for name, value in ask.form.items() if name != but}
        return details.read(typed, practice=practice.name, locale=guest.locale(practice), words=guest.words)

    async def _code_sent(self, ask: Ask[None, None], was: Visits, person: Person) -> Answer:
        """The same page, now with a field for the code."""
        number = person.guardian_phone or person.phone
        try:
            held = await self._booking.visits.held(was[0].id, hand=hand_of(ask))
            await self._booking.proving.send(held, number, locale=person.locale)
        except Refusal as refusal:
            return await self._refused(ask, refusal)
        told = str((await self._guest(ask, was)).said["details"]["code_sent"])
        return await self._shown(ask, was, told=told, asks_code=True)

    async def _refused(self, ask: Ask[None, None], refusal: Refusal) -> Answer:
        """How the course stands now, with why what was asked did not work."""
        now_is = await self._own(ask)
        words = (await self._guest(ask, now_is)).words
        problems = details.problems(refusal, words)
        told = "" if problems else words.refused(refusal)
        return patient(await self._shown(ask, now_is, problems=problems, told=told, status=refusal.kind), refusal)

    async def _shown(
        self,
        ask: Ask[None, None],
        visits: Visits,
        *,
        template: str = "",
        problems: details.Problems = NO_PROBLEMS,
        told: str = "",
        status: int = 200,
        **more: object,
    ) -> Answer:
        lead, now, guest = visits[0], self._now(), await self._guest(ask, visits)
        practice, zone = await self._practice(visits), zone_of(ask, lead)
        shown = [views.appointment_view(one, now=now) for one in visits]
        is_held = shown[0].state is State.HELD
        return self._reception.show(
            template or ("course_details.html" if is_held else "course.html"),
            guest,
            status,
            live=False,
            visit=shown[0],
            lines=[self._line(one, zone, guest) for one in visits],
            course=_id(visits),
            practice=practice,
            service=service_of(practice, lead),
            kept_until="" if lead.held_until is None else guest.words.until(lead.held_until, zone, now),
            seconds_left=seconds_left(lead, now),
            may_cancel=any(one.may_cancel for one in shown),
            check=guest.address.check(lead.id, token=self._pass.token(lead), service=lead.offer.service),
            needs_check=shown[0].next == "answer",
            told=told,
            token=token(ask),
            **asking(ask, practice, lead, guest.words, zone, problems, status),
            **more,
        )

    def _line(self, visit: Appointment, zone: ZoneInfo, guest: Guest) -> Line:
        return Line(
            number=seat_of(visit).index + 1,
            when=when(visit, zone, guest.words),
            who=visit.offer.practitioner_name,
            stands=headline(visit, self._now(), guest.words),
            address=guest.address.visit(visit.id, token=self._pass.token(visit)),
        )


def _id(visits: Visits) -> str:
    return seat_of(visits[0]).course
