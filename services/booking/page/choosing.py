"""From the practice's link to a held time: what is offered, when it is free, and taking it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from pydantic import ValidationError

from services.booking.actions import Booking
from services.booking.actions.times import Wanted
from services.booking.domain.appointment import Appointment, State
from services.booking.domain.course import SHORTEST
from services.booking.domain.practice import Audience, Practice, Service
from services.booking.domain.refusals import NoSuchService
from services.booking.page.addresses import see
from services.booking.page.month import Asked, Months, asked, picked
from services.booking.page.reception import Guest, Reception
from services.booking.routes.appointments import Pass
from services.booking.routes.hand import hand_of
from services.booking.routes.payloads import HoldBody
from shared.clock import Clock
from shared.errors import Refusal
from shared.httpkit import Answer, Ask
from shared.page import patient


class Choosing:
    def __init__(self, booking: Booking, reception: Reception, months: Months, pass_: Pass, now: Clock) -> None:
        self._booking = booking
        self._reception = reception
        self._months = months
        self._pass = pass_
        self._now = now

    async def show_services(self, ask: Ask[None, None]) -> Answer:
        practice, guest = await self._welcomed(ask)
        offered = [service for service in practice.services if practice.who_offers(service.id)]
        return self._reception.show("services.html", guest, practice=practice, offered=offered)

    async def show_times(self, ask: Ask[None, None]) -> Answer:
        practice, guest = await self._welcomed(ask)
        return await self._times(practice, guest, ask.request.query)

    async def hold_picked_time(self, ask: Ask[None, None]) -> Answer:
        practice, guest = await self._welcomed(ask)
        told = guest.said["times"]
        try:
            wanted = _wanted(ask.form)
            held = await self._booking.visits.hold(practice.id, wanted, key=_key(ask.form), hand=hand_of(ask))
        except ValidationError:
            return await self._times(practice, guest, ask.form, told=told["again"], status=422)
        except Refusal as refusal:
            why = guest.words.refused(refusal)
            return patient(await self._times(practice, guest, ask.form, told=why, status=refusal.kind), refusal)
        if held.state_at(self._now()) is not State.HELD:
            # This page's own earlier hold, by now used or given back: its token is not for whoever asks again.
            return await self._times(practice, guest, ask.form, told=told["let_go"], status=409)
        return see(self._address(held, guest, asked(ask.form, practice, service_in(practice, wanted.service))))

    async def _welcomed(self, ask: Ask[None, None]) -> tuple[Practice, Guest]:
        practice = (await self._booking.profiles.get(ask.path["practice"])).practice
        return practice, self._reception.guest(ask, practice)

    def _address(self, held: Appointment, guest: Guest, asked: Asked) -> str:
        zone = None if asked.zone.key == held.offer.zone else asked.zone.key
        return guest.address.visit(held.id, token=self._pass.token(held), zone=zone)

    async def _times(
        self, practice: Practice, guest: Guest, query: Mapping[str, str], *, told: str = "", status: int = 200
    ) -> Answer:
        service = service_in(practice, query.get("service", ""))
        return self._reception.show(
            "times.html",
            guest,
            status,
            practice=practice,
            service=service,
            people=practice.who_offers(service.id),
            month=await self._months.month(service, asked(query, practice, service), practice, guest.words),
            in_a_row=may_be_course(service),
            key=secrets.token_hex(16),
            told=told,
        )


def may_be_course(service: Service) -> bool:
    """Whether so many visits can follow each other: not where each is the first, nor beyond what can be booked."""
    fits = service.horizon_days >= (SHORTEST - 1) * service.course_days_from
    return fits and service.audience is not Audience.NEW


def service_in(practice: Practice, service: str) -> Service:
    try:
        return practice.service(service)
    except KeyError as error:
        raise NoSuchService(f"there is no service {service[:40]!r}", field="service") from error


def _wanted(form: Mapping[str, str]) -> Wanted:
    """Raises pydantic's ValidationError for what no button of the page posts."""
    body = HoldBody.model_validate({"service": form.get("service", ""), **picked(form.get("slot", ""))})
    return Wanted(service=body.service, practitioner=body.practitioner, starts_at=body.starts_at)


def _key(form: Mapping[str, str]) -> str:
    """One per page view and time: a second click holds nothing more, another time is another hold."""
    return f"{form.get('key') or secrets.token_hex(16)} {form.get('slot', '')}"
