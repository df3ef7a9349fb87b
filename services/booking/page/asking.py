"""The page of a held time: who is coming, more time to say so, and the code that proves a number."""

from __future__ import annotations

from services.booking.actions import Booking
from services.booking.actions.visits import Person
from services.booking.domain.appointment import Appointment
from services.booking.domain.proof import NumberNotProven
from services.booking.page import details
from services.booking.page.addresses import see
from services.booking.page.visiting import Visiting, token
from services.booking.routes.hand import hand_of
from shared.errors import Refusal
from shared.httpkit import Answer, Ask


class Asking:
    def __init__(self, booking: Booking, visiting: Visiting) -> None:
        self._booking = booking
        self._visiting = visiting

    async def take_details(self, ask: Ask[None, None]) -> Answer:
        was = await self._visiting.own(ask)
        person, problems = await self._person(ask, was)
        if person is None:
            return await self._visiting.shown(ask, was, problems=problems, status=422)
        try:
            code = details.code(ask.form)
            requested = await self._booking.visits.request(was.id, person, hand=hand_of(ask), code=code)
        except NumberNotProven:
            return await self._code_sent(ask, was, person)
        except Refusal as refusal:
            return await self._refused(ask, was, refusal)
        address = (await self._visiting.guest(ask, requested)).address
        if requested.offer.screening is None:
            return see(address.visit(was.id, token=token(ask)))
        return see(address.check(was.id, token=token(ask), service=was.offer.service))

    async def send_code(self, ask: Ask[None, None]) -> Answer:
        was = await self._visiting.own(ask)
        person, problems = await self._person(ask, was, but="code")
        if person is None:
            return await self._visiting.shown(ask, was, problems=problems, status=422)
        return await self._code_sent(ask, was, person)

    async def renew_hold(self, ask: Ask[None, None]) -> Answer:
        """Shows the same page with what was typed so far."""
        was = await self._visiting.own(ask)
        try:
            renewed = await self._booking.visits.renew(was.id, hand=hand_of(ask))
        except Refusal as refusal:
            return await self._visiting.refused(ask, refusal)
        return await self._visiting.shown(ask, renewed, told=await self._said(ask, was, "kept_longer"))

    async def _person(
        self, ask: Ask[None, None], was: Appointment, *, but: str = ""
    ) -> tuple[Person | None, details.Problems]:
        practice = (await self._booking.profiles.get(was.practice)).practice
        typed = {name: value for name, value in ask.form.items() if name != but}
        guest = await self._visiting.guest(ask, was)
        return details.read(typed, practice=practice.name, locale=guest.locale(practice), words=guest.words)

    async def _code_sent(self, ask: Ask[None, None], was: Appointment, person: Person) -> Answer:
        """The same page, now with a field for the code."""
        number = person.guardian_phone or person.phone
        try:
            held = await self._booking.visits.held(was.id, hand=hand_of(ask))
            await self._booking.proving.send(held, number, locale=person.locale)
        except Refusal as refusal:
            return await self._refused(ask, was, refusal)
        return await self._visiting.shown(ask, was, told=await self._said(ask, was, "code_sent"), asks_code=True)

    async def _refused(self, ask: Ask[None, None], was: Appointment, refusal: Refusal) -> Answer:
        problems = details.problems(refusal, (await self._visiting.guest(ask, was)).words)
        if problems:
            return await self._visiting.shown(ask, was, problems=problems, status=refusal.kind)
        return await self._visiting.refused(ask, refusal)

    async def _said(self, ask: Ask[None, None], was: Appointment, key: str) -> str:
        return str((await self._visiting.guest(ask, was)).said["details"][key])
