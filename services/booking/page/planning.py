"""A course as a client plans it: what they wish for, the times that would do, and all of them held at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from services.booking.actions import Booking
from services.booking.actions.course_plans import CourseWish
from services.booking.actions.courses import CourseAsked
from services.booking.actions.times import Wanted
from services.booking.domain.appointment import State
from services.booking.domain.calendar import instant_of
from services.booking.domain.course import LONGEST, SHORTEST, NoCoursePlan, seat_of
from services.booking.domain.identity import fingerprint
from services.booking.domain.practice import Practice, Service
from services.booking.page.addresses import see
from services.booking.page.choosing import may_be_course, service_in
from services.booking.page.month import Asked, asked, picked
from services.booking.page.reception import Guest, Reception
from services.booking.page.visiting import When, between
from services.booking.page.words import Words
from services.booking.routes.appointments import Pass
from services.booking.routes.course_payloads import CourseBody
from services.booking.routes.hand import hand_of
from shared.clock import Clock
from shared.errors import Refusal
from shared.httpkit import Answer, Ask
from shared.page import patient

HOURS: Final = range(7, 21)
"""Of the day, on the clocks of the practice, that a client can wish for; plans come as near to it as they can."""
COUNTS: Final = range(SHORTEST, LONGEST + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """What the address asks for; no `count` shows no plan. `weekday` 0 is Monday."""

    count: int | None
    weekday: int | None
    hour: int | None
    asked: Asked


@dataclass(frozen=True, slots=True)
class Planned:
    """One visit of a plan; `value` is what holding it posts, `who` is empty when there is nobody to choose between."""

    value: str
    when: When
    who: str


class Planning:
    def __init__(self, booking: Booking, reception: Reception, pass_: Pass, now: Clock) -> None:
        self._booking = booking
        self._reception = reception
        self._pass = pass_
        self._now = now

    async def show_plan(self, ask: Ask[None, None]) -> Answer:
        practice, guest = await self._welcomed(ask)
        return await self._shown(practice, guest, ask.request.query)

    async def hold_plan(self, ask: Ask[None, None]) -> Answer:
        """All of it or nothing; whatever does not work shows what is free now."""
        practice, guest = await self._welcomed(ask)
        told = guest.said["times"]
        try:
            wanted = _wanted(ask.form)
            held = await self._booking.courses.hold(practice.id, wanted, key=_key(ask.form), hand=hand_of(ask))
        except ValidationError:
            return await self._shown(practice, guest, ask.form, told=told["again"], status=422)
        except Refusal as refusal:
            why = guest.words.refused(refusal)
            return patient(await self._shown(practice, guest, ask.form, told=why, status=refusal.kind), refusal)
        if any(one.state_at(self._now()) is not State.HELD for one in held):
            # This page's own earlier hold, by now used or given back: its token is not for whoever asks again.
            return await self._shown(practice, guest, ask.form, told=told["let_go"], status=409)
        course, until = seat_of(held[0]).course, held[-1].ends_at + self._pass.term
        token = self._pass.tokens.mint(course, practice.id, until)
        zone = ask.form.get("zone")
        return see(guest.address.course(course, token=token, zone=None if zone == held[0].offer.zone else zone))

    async def _welcomed(self, ask: Ask[None, None]) -> tuple[Practice, Guest]:
        practice = (await self._booking.profiles.get(ask.path["practice"])).practice
        return practice, self._reception.guest(ask, practice)

    async def _shown(
        self, practice: Practice, guest: Guest, query: Mapping[str, str], *, told: str = "", status: int = 200
    ) -> Answer:
        service = service_in(practice, query.get("service", ""))
        if not may_be_course(service):
            return see(guest.address.times(practice.id, service=service.id))
        today = self._now().astimezone(ZoneInfo(practice.zone)).date()
        wished = _wished(query, practice, service, today)
        return self._reception.show(
            "course_plan.html",
            guest,
            status,
            practice=practice,
            service=service,
            people=practice.who_offers(service.id),
            wished=wished,
            counts=COUNTS,
            hours=HOURS,
            today=today,
            plan=await self._plan(practice, service, wished, guest.words),
            zone=wished.asked.zone.key,
            key=secrets.token_hex(16),
            told=told,
        )

    async def _plan(
        self, practice: Practice, service: Service, wished: Wished, words: Words
    ) -> Sequence[Planned] | None:
        """None where none is asked for, nothing where there is none."""
        if wished.count is None:
            return None
        wish = CourseWish(
            service=service.id,
            count=wished.count,
            practitioner=wished.asked.practitioner,
            begins=wished.asked.first,
            weekday=wished.weekday,
            wall=None if wished.hour is None else wished.hour * 60,
        )
        try:
            found = await self._booking.course_plans.propose(practice.id, wish)
        except NoCoursePlan:
            return ()
        several = len(practice.who_offers(service.id)) > 1
        return [
            Planned(
                f"{start.starts_at:%Y-%m-%dT%H:%MZ}/{start.practitioner}",
                between(
                    start.starts_at,
                    instant_of(start.minute + service.length_minutes),
                    place=ZoneInfo(practice.place(start.place).zone),
                    zone=wished.asked.zone,
                    words=words,
                ),
                practice.practitioner(start.practitioner).name if several else "",
            )
            for start in found.starts
        ]


def _wished(query: Mapping[str, str], practice: Practice, service: Service, today: date) -> Wished:
    """What is asked wrongly counts as not asked; a day that cannot be booked as the nearest that can."""
    of = asked(query, practice, service)
    last = today + timedelta(days=service.horizon_days)
    first = None if of.first is None else min(max(of.first, today), last)
    return Wished(
        count=_one_of(COUNTS, query.get("count", "")),
        weekday=_one_of(range(7), query.get("weekday", "")),
        hour=_one_of(HOURS, query.get("hour", "")),
        asked=Asked(practitioner=of.practitioner, zone=of.zone, first=first),
    )


def _one_of(known: range, text: str) -> int | None:
    return next((one for one in known if str(one) == text), None)


def _wanted(form: Mapping[str, str]) -> CourseAsked:
    """Raises pydantic's ValidationError for what no button of the page posts."""
    body = CourseBody.model_validate({"service": form.get("service", ""), "visits": [*map(picked, _visits(form))]})
    return CourseAsked(
        visits=tuple(
            Wanted(service=body.service, practitioner=one.practitioner, starts_at=one.starts_at) for one in body.visits
        )
    )


def _visits(form: Mapping[str, str]) -> list[str]:
    named = (f"visit.{number}" for number in range(LONGEST))
    return [form[name] for name in named if name in form]


def _key(form: Mapping[str, str]) -> str:
    """One per page view and plan: a second click holds nothing more."""
    return f"{form.get('key') or secrets.token_hex(16)} {fingerprint(*_visits(form))}"
