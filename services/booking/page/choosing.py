"""From the practice's link to a held time: what is offered, when it is free, and taking it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from pydantic import ValidationError

from services.booking.actions import Booking
from services.booking.actions.times import Wanted
from services.booking.domain.appointment import Appointment, State
from services.booking.domain.practice import Practice, Service
from services.booking.domain.refusals import NoSuchService
from services.booking.page import addresses, words
from services.booking.page.addresses import see
from services.booking.page.week import Asked, Weeks, asked, picked
from services.booking.routes.appointments import Pass
from services.booking.routes.hand import hand_of
from services.booking.routes.payloads import HoldBody
from shared.clock import Clock
from shared.errors import Refusal
from shared.httpkit import Answer, Ask
from shared.page import Pages, patient


class Choosing:
    def __init__(self, booking: Booking, pages: Pages, weeks: Weeks, pass_: Pass, now: Clock) -> None:
        self._booking = booking
        self._pages = pages
        self._weeks = weeks
        self._pass = pass_
        self._now = now

    async def show_services(self, ask: Ask[None, None]) -> Answer:
        practice = (await self._booking.profiles.get(ask.path["practice"])).practice
        offered = [service for service in practice.services if practice.who_offers(service.id)]
        return self._pages.show("services.html", practice=practice, offered=offered, address=addresses, words=words)

    async def show_times(self, ask: Ask[None, None]) -> Answer:
        practice = (await self._booking.profiles.get(ask.path["practice"])).practice
        return await self._times(practice, ask.request.query)

    async def hold_picked_time(self, ask: Ask[None, None]) -> Answer:
        practice = (await self._booking.profiles.get(ask.path["practice"])).practice
        try:
            wanted = _wanted(ask.form)
            held = await self._booking.visits.hold(practice.id, wanted, key=_key(ask.form), hand=hand_of(ask))
        except ValidationError:
            return await self._times(practice, ask.form, told=words.PICK_AGAIN, status=422)
        except Refusal as refusal:
            told = self._pages.words(refusal)
            return patient(await self._times(practice, ask.form, told=told, status=refusal.kind), refusal)
        if held.state_at(self._now()) is not State.HELD:
            # This page's own earlier hold, by now used or given back: its token is not for whoever asks again.
            return await self._times(practice, ask.form, told=words.LET_GO, status=409)
        return see(self._address(held, asked(ask.form, practice, _service(practice, wanted.service))))

    def _address(self, held: Appointment, asked: Asked) -> str:
        zone = None if asked.zone.key == held.offer.zone else asked.zone.key
        return addresses.visit(held.id, token=self._pass.token(held), zone=zone)

    async def _times(
        self, practice: Practice, query: Mapping[str, str], *, told: str = "", status: int = 200
    ) -> Answer:
        service = _service(practice, query.get("service", ""))
        week = await self._weeks.week(practice, service, asked(query, practice, service))
        return self._pages.show(
            "times.html",
            status,
            practice=practice,
            service=service,
            people=practice.who_offers(service.id),
            week=week,
            key=secrets.token_hex(16),
            told=told,
            address=addresses,
            words=words,
        )


def _wanted(form: Mapping[str, str]) -> Wanted:
    """Raises pydantic's ValidationError for what no button of the page posts."""
    body = HoldBody.model_validate({"service": form.get("service", ""), **picked(form.get("slot", ""))})
    return Wanted(service=body.service, practitioner=body.practitioner, starts_at=body.starts_at)


def _key(form: Mapping[str, str]) -> str:
    """One per page view and time: a second click holds nothing more, another time is another hold."""
    return f"{form.get('key') or secrets.token_hex(16)} {form.get('slot', '')}"


def _service(practice: Practice, service: str) -> Service:
    try:
        return practice.service(service)
    except KeyError as error:
        raise NoSuchService(f"there is no service {service[:40]!r}", field="service") from error
