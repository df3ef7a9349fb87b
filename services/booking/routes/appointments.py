"""The routes of one appointment, from the hold to the visit."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.booking import ics
from services.booking.actions import Booking
from services.booking.actions.admission import TooManyVisits
from services.booking.actions.times import Wanted
from services.booking.actions.visits import Contended, Person
from services.booking.domain import eligibility, turns
from services.booking.domain.appointment import Appointment, AppointmentId, State
from services.booking.domain.proof import NumberNotProven, TooMany, WrongCode
from services.booking.domain.refusals import (
    KeyReused,
    NoSuchAppointment,
    NoSuchPractice,
    NoSuchPractitioner,
    NoSuchService,
    NotOffered,
    OutsideHours,
    SlotTaken,
    TooFarAhead,
    TooShortNotice,
)
from services.booking.phone import CountryNotServed, NotAMobileNumber
from services.booking.routes import payloads, views
from services.booking.routes.hand import hand_of
from services.booking.routes.practices import PRACTICE
from shared.clock import Clock
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Route, Who
from shared.tokens import Tokens

APPOINTMENT: Final = "/v1/appointments/{appointment}"
Refused = tuple[type[Refusal], ...]
NO_TIME: Final[Refused] = (
    SlotTaken,
    OutsideHours,
    TooShortNotice,
    TooFarAhead,
    NotOffered,
    NoSuchPractice,
    NoSuchService,
    NoSuchPractitioner,
)
TURNING: Final[Refused] = (turns.WrongState, NoSuchAppointment, Contended)
OF_AGE: Final[Refused] = (eligibility.BirthDateNeeded, eligibility.AgeNotServed, eligibility.GuardianNeeded)
NOT_ADMITTED: Final[Refused] = (
    NotAMobileNumber,
    CountryNotServed,
    *OF_AGE,
    eligibility.NewClientsOnly,
    eligibility.ReturningClientsOnly,
    NumberNotProven,
    WrongCode,
    TooManyVisits,
    TooMany,
)
MOVING: Final[Refused] = (*TURNING, *NO_TIME, turns.TooLate, *OF_AGE)
CLOSING: Final[Refused] = (*TURNING, turns.TooEarly)


@dataclass(frozen=True, slots=True)
class Pass:
    """Mints the token of an appointment, which outlives the visit by `term`."""

    tokens: Tokens
    term: timedelta

    def token(self, appointment: Appointment) -> str:
        return self.tokens.mint(appointment.id, appointment.practice, appointment.ends_at + self.term)


class AppointmentRoutes:
    def __init__(self, booking: Booking, pass_: Pass, now: Clock) -> None:
        self._booking = booking
        self._pass = pass_
        self._now = now

    def asking(self) -> Sequence[Route]:
        return [
            Route(
                method="POST",
                path=f"{PRACTICE}/appointments",
                handler=self.hold_time,
                summary="Hold a time for a few minutes",
                body=payloads.HoldBody,
                answers={201: payloads.AppointmentView},
                refuses=(*NO_TIME, KeyReused, TooMany),
                idempotent=True,
            ),
            Route(
                method="POST",
                path=f"{APPOINTMENT}/request",
                handler=self.request_appointment,
                summary="Ask for the held time; it is confirmed once the health check is cleared",
                body=payloads.RequestBody,
                answers={202: payloads.AppointmentView},
                refuses=(*TURNING, turns.HoldExpired, *NOT_ADMITTED),
                who=Who.TOKEN,
            ),
            Route(
                method="GET",
                path=APPOINTMENT,
                handler=self.show_appointment,
                summary="The appointment, and what has to happen next",
                answers={200: payloads.AppointmentView},
                refuses=(NoSuchAppointment,),
                who=Who.TOKEN_OR_OPERATOR,
                scope="visits:read",
            ),
        ]

    def changing(self) -> Sequence[Route]:
        return [
            Route(
                method="POST",
                path=f"{APPOINTMENT}/move",
                handler=self.move_appointment,
                summary="Move the visit to another free time",
                body=payloads.MoveBody,
                answers={200: payloads.AppointmentView},
                refuses=MOVING,
                who=Who.TOKEN_OR_OPERATOR,
                scope="visits:write",
            ),
            Route(
                method="POST",
                path=f"{APPOINTMENT}/cancel",
                handler=self.cancel_appointment,
                summary="Give the time back at once; what was only held is let go without a word to anybody",
                answers={200: payloads.AppointmentView},
                refuses=(*TURNING, turns.TooLate),
                who=Who.TOKEN_OR_OPERATOR,
                scope="visits:write",
            ),
            Route(
                method="GET",
                path=f"{APPOINTMENT}/calendar.ics",
                handler=self.download_calendar,
                summary="The visit for the client's own calendar",
                answers={200: None},
                refuses=(NoSuchAppointment, NoSuchPractice),
                who=Who.TOKEN_OR_OPERATOR,
                scope="visits:read",
            ),
        ]

    def closing(self) -> Sequence[Route]:
        return [
            Route(
                method="POST",
                path=f"{APPOINTMENT}/attended",
                handler=self.say_attended,
                summary="The client came",
                answers={200: payloads.AppointmentView},
                refuses=CLOSING,
                who=Who.OPERATOR,
                scope="visits:write",
            ),
            Route(
                method="POST",
                path=f"{APPOINTMENT}/missed",
                handler=self.say_missed,
                summary="The client did not come",
                answers={200: payloads.AppointmentView},
                refuses=CLOSING,
                who=Who.OPERATOR,
                scope="visits:write",
            ),
        ]

    async def hold_time(self, ask: Ask[payloads.HoldBody, None]) -> Answer:
        wanted = Wanted(service=ask.body.service, practitioner=ask.body.practitioner, starts_at=ask.body.starts_at)
        key = ask.idempotency_key or secrets.token_hex(16)
        held = await self._booking.visits.hold(ask.path["practice"], wanted, key=key, hand=hand_of(ask))
        # Asked again later under the same key, perhaps by somebody who guessed it: no token to what is theirs by now.
        token = self._pass.token(held) if held.state is State.HELD else None
        return Answer(201, self._told(held, token))

    async def request_appointment(self, ask: Ask[payloads.RequestBody, None]) -> Answer:
        requested = await self._booking.visits.request(
            _id(ask.path), person_of(ask.body.client, ask.body.consent), hand=hand_of(ask), code=ask.body.code
        )
        return Answer(202, self._told(requested))

    async def show_appointment(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, self._told(await self._booking.visits.get(_id(ask.path))))

    async def move_appointment(self, ask: Ask[payloads.MoveBody, None]) -> Answer:
        moved = await self._booking.visits.move(
            _id(ask.path), ask.body.starts_at, ask.body.practitioner, hand=hand_of(ask)
        )
        return Answer(200, self._told(moved, token=self._pass.token(moved)))

    async def cancel_appointment(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, self._told(await self._booking.visits.cancel(_id(ask.path), hand=hand_of(ask))))

    async def download_calendar(self, ask: Ask[None, None]) -> Answer:
        appointment = await self._booking.visits.get(_id(ask.path))
        kept = await self._booking.profiles.get(appointment.practice)
        file = {"Content-Disposition": 'attachment; filename="visit.ics"'}
        return Answer(200, text=ics.calendar(appointment, kept.practice), content_type="text/calendar", headers=file)

    async def say_attended(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, self._told(await self._booking.visits.attended(_id(ask.path), hand=hand_of(ask))))

    async def say_missed(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, self._told(await self._booking.visits.missed(_id(ask.path), hand=hand_of(ask))))

    def _told(self, appointment: Appointment, token: str | None = None) -> payloads.AppointmentView:
        return views.appointment_view(appointment, now=self._now(), token=token)


def _id(path: Mapping[str, str]) -> AppointmentId:
    return AppointmentId(path["appointment"])


def person_of(client: payloads.ClientBody, consent: payloads.ConsentBody) -> Person:
    guardian = client.guardian
    return Person(
        name=client.name,
        phone=client.phone,
        locale=client.locale,
        zone=client.zone,
        texts=consent.texts,
        wording=consent.wording,
        offers=consent.offers,
        guardian_name=None if guardian is None else guardian.name,
        guardian_phone=None if guardian is None else guardian.phone,
        born=client.born,
    )
