"""The routes of a held time while its client makes up their mind: more time, and the code that proves a number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, Field

from services.booking.actions import Booking
from services.booking.domain.appointment import AppointmentId
from services.booking.domain.proof import TooMany
from services.booking.domain.refusals import NoSuchAppointment
from services.booking.domain.turns import AlreadyRenewed, HoldExpired, WrongState
from services.booking.phone import CountryNotServed, NotAMobileNumber
from services.booking.routes import payloads, views
from services.booking.routes.appointments import APPOINTMENT, TURNING
from services.booking.routes.hand import hand_of
from shared.clock import Clock
from shared.httpkit import Answer, Ask, Payload, Route, Who


class CodeBody(Payload):
    """The number that the texts about the visit will go to."""

    phone: payloads.Phone
    locale: payloads.Locale | None = Field(None, description="of the text; the practice's, if absent")


class CodeView(BaseModel):
    needed: bool = Field(description="false: this number needs no code, and none was sent")
    expires_at: datetime | None = None


class HoldRoutes:
    def __init__(self, booking: Booking, now: Clock) -> None:
        self._booking = booking
        self._now = now

    def routes(self) -> Sequence[Route]:
        return [
            Route(
                method="POST",
                path=f"{APPOINTMENT}/renew",
                handler=self.renew_hold,
                summary="Hold the time as long again, from now; once",
                answers={200: payloads.AppointmentView},
                refuses=(*TURNING, HoldExpired, AlreadyRenewed),
                who=Who.TOKEN,
            ),
            Route(
                method="POST",
                path=f"{APPOINTMENT}/code",
                handler=self.send_code,
                summary="Text a code to a number that the practice has not seen before, to be shown with the request",
                body=CodeBody,
                answers={202: CodeView},
                refuses=(NoSuchAppointment, WrongState, HoldExpired, NotAMobileNumber, CountryNotServed, TooMany),
                who=Who.TOKEN,
            ),
        ]

    async def renew_hold(self, ask: Ask[None, None]) -> Answer:
        id_ = AppointmentId(ask.path["appointment"])
        renewed = await self._booking.visits.renew(id_, hand=hand_of(ask))
        return Answer(200, views.appointment_view(renewed, now=self._now()))

    async def send_code(self, ask: Ask[CodeBody, None]) -> Answer:
        held = await self._booking.visits.held(AppointmentId(ask.path["appointment"]), hand=hand_of(ask))
        locale = ask.body.locale or (await self._booking.profiles.get(held.practice)).practice.locale
        sent = await self._booking.proving.send(held, ask.body.phone, locale=locale)
        return Answer(202, CodeView(needed=sent.expires_at is not None, expires_at=sent.expires_at))
