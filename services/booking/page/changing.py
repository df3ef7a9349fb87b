"""Moving a visit to another time, and cancelling it, each from a page of its own."""

from __future__ import annotations

from pydantic import ValidationError

from services.booking.actions import Booking
from services.booking.domain.appointment import Appointment, State
from services.booking.domain.refusals import NoSuchService
from services.booking.page.addresses import see
from services.booking.page.month import Months, asked, picked
from services.booking.page.visiting import Visiting, service_of, token
from services.booking.routes.appointments import Pass
from services.booking.routes.hand import hand_of
from services.booking.routes.payloads import MoveBody
from shared.errors import Refusal
from shared.httpkit import Answer, Ask


class Changing:
    def __init__(self, booking: Booking, months: Months, pass_: Pass, visiting: Visiting) -> None:
        self._booking = booking
        self._months = months
        self._pass = pass_
        self._visiting = visiting

    async def show_other_times(self, ask: Ask[None, None]) -> Answer:
        return await self._times(ask, await self._visiting.own(ask))

    async def move_visit(self, ask: Ask[None, None]) -> Answer:
        was = await self._visiting.own(ask)
        guest = await self._visiting.guest(ask, was)
        try:
            to = MoveBody.model_validate(picked(ask.form.get("slot", "")))
            moved = await self._booking.visits.move(was.id, to.starts_at, to.practitioner, hand=hand_of(ask))
        except ValidationError:
            return await self._times(ask, was, told=guest.said["times"]["again"], status=422)
        except Refusal as refusal:
            return await self._times(ask, was, told=guest.words.refused(refusal), status=refusal.kind)
        # A later visit outlives the token of the earlier one.
        return see(guest.address.visit(moved.id, token=self._pass.token(moved)))

    async def ask_cancel(self, ask: Ask[None, None]) -> Answer:
        return await self._visiting.shown(ask, await self._visiting.own(ask), template="cancel.html")

    async def cancel_visit(self, ask: Ask[None, None]) -> Answer:
        was = await self._visiting.own(ask)
        try:
            await self._booking.visits.cancel(was.id, hand=hand_of(ask))
        except Refusal as refusal:
            return await self._visiting.refused(ask, refusal)
        address = (await self._visiting.guest(ask, was)).address
        if was.state is State.HELD:
            return see(address.times(was.practice, service=was.offer.service, zone=ask.request.query.get("zone")))
        return see(address.visit(was.id, token=token(ask)))

    async def _times(self, ask: Ask[None, None], visit: Appointment, *, told: str = "", status: int = 200) -> Answer:
        practice = (await self._booking.profiles.get(visit.practice)).practice
        service = service_of(practice, visit)
        if service is None:
            raise NoSuchService("the service of this visit is not offered any more")
        query = {"zone": visit.client.zone if visit.client else visit.offer.zone, **ask.request.query, **ask.form}
        words = (await self._visiting.guest(ask, visit)).words
        month = await self._months.month(service, asked(query, practice, service), practice, words)
        people = practice.who_offers(service.id)
        return await self._visiting.shown(
            ask, visit, template="move.html", told=told, status=status, month=month, people=people
        )
