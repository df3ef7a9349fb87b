"""Waiting for a time that gets free: the form that puts somebody in line, and the page of their place in it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from itertools import chain, groupby
from typing import Final
from zoneinfo import ZoneInfo

from services.booking.actions import Booking
from services.booking.actions.visits import Person
from services.booking.actions.waitlist import Place, Wish
from services.booking.domain.identity import fingerprint
from services.booking.domain.practice import DAY_MINUTES, Practice
from services.booking.domain.proof import NumberNotProven
from services.booking.domain.waitlist import Hours, NothingToWaitFor, Range, Wait, WaitingId
from services.booking.page import details
from services.booking.page.addresses import see
from services.booking.page.choosing import service_in
from services.booking.page.month import EVENING, NOON, asked, day_of
from services.booking.page.reception import KEPT, Guest, Reception
from services.booking.page.visiting import NO_PROBLEMS, token
from services.booking.page.words import Words
from services.booking.routes.appointments import Pass
from services.booking.routes.hand import hand_of
from shared.clock import Clock
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Door
from shared.page import patient

PARTS: Final[Mapping[str, tuple[int, int]]] = {
    "morning": (0, NOON * 60),
    "afternoon": (NOON * 60, EVENING * 60),
    "evening": (EVENING * 60, DAY_MINUTES),
}
"""Of a day, in minutes from midnight, half-open."""
ALL_DAY: Final = (0, DAY_MINUTES)
SUGGESTED: Final = timedelta(days=27)


class Queueing:
    def __init__(self, booking: Booking, reception: Reception, pass_: Pass, door: Door, now: Clock) -> None:
        self._booking = booking
        self._reception = reception
        self._pass = pass_
        self._door = door
        self._now = now

    async def ask_wish(self, ask: Ask[None, None]) -> Answer:
        practice, guest = await self._welcomed(ask)
        # No address gives anybody's name or ticks anybody's box.
        wished = {name: value for name, value in ask.request.query.items() if name in KEPT}
        return await self._asked(practice, guest, wished)

    async def join_line(self, ask: Ask[None, None]) -> Answer:
        practice, guest = await self._welcomed(ask)
        service = service_in(practice, ask.form.get("service", ""))
        asks_code = ask.form.get("do") == "code"
        typed = {name: value for name, value in ask.form.items() if name != "code" or not asks_code}
        person, problems = details.read(
            typed, practice=practice.name, locale=guest.locale(practice), words=guest.words, waits=True
        )
        days, missing = _days(ask.form, guest.words)
        if "texts" not in ask.form:
            problems = {**problems, "texts": guest.said["wrong"]["texts"]}
        if person is None or days is None or problems:
            return await self._asked(practice, guest, ask.form, problems={**missing, **problems}, status=422)
        if asks_code:
            return await self._code_sent(ask, practice, guest, person)
        wish = Wish(service=service.id, practitioner=asked(ask.form, practice, service).practitioner, ranges=(days,))
        try:
            waiting = await self._booking.waitlist.join(
                practice.id, wish, person, key=_key(ask.form), hand=hand_of(ask), code=details.code(ask.form)
            )
        except NumberNotProven:
            return await self._code_sent(ask, practice, guest, person)
        except Refusal as refusal:
            return patient(await self._refused(practice, guest, ask.form, refusal), refusal)
        own = self._pass.tokens.mint(waiting.id, practice.id, waiting.until + self._pass.term)
        return see(guest.address.waiting(waiting.id, token=own))

    async def show_place(self, ask: Ask[None, None]) -> Answer:
        return await self._shown(ask, await self._own(ask))

    async def leave_line(self, ask: Ask[None, None]) -> Answer:
        place = await self._own(ask)
        await self._booking.waitlist.leave(place.waiting.id)
        return see((await self._guest(ask, place)).address.waiting(place.waiting.id, token=token(ask)))

    async def _own(self, ask: Ask[None, None]) -> Place:
        """The place whose token the address carries; raises `TokenInvalid`."""
        self._door.claim(ask.request)
        return await self._booking.waitlist.get(WaitingId(ask.path["waiting"]))

    async def _welcomed(self, ask: Ask[None, None]) -> tuple[Practice, Guest]:
        practice = (await self._booking.profiles.get(ask.path["practice"])).practice
        return practice, self._reception.guest(ask, practice)

    async def _guest(self, ask: Ask[None, None], place: Place) -> Guest:
        practice = (await self._booking.profiles.get(place.waiting.practice)).practice
        return self._reception.guest(ask, practice, place.waiting.client.locale)

    async def _code_sent(self, ask: Ask[None, None], practice: Practice, guest: Guest, person: Person) -> Answer:
        """The same page, now with a field for the code."""
        number = person.guardian_phone or person.phone
        try:
            await self._booking.waitlist.send_code(practice.id, number, locale=person.locale, hand=hand_of(ask))
        except Refusal as refusal:
            return patient(await self._refused(practice, guest, ask.form, refusal), refusal)
        told = guest.said["details"]["code_sent"]
        return await self._asked(practice, guest, ask.form, told=told, asks_code=True)

    async def _refused(self, practice: Practice, guest: Guest, form: Mapping[str, str], refusal: Refusal) -> Answer:
        words, problems = guest.words, details.problems(refusal, guest.words)
        if isinstance(refusal, NothingToWaitFor):
            problems = {"until": words.refused(refusal)}
        told = "" if problems else words.refused(refusal)
        return await self._asked(practice, guest, form, problems=problems, told=told, status=refusal.kind)

    async def _asked(
        self,
        practice: Practice,
        guest: Guest,
        form: Mapping[str, str],
        *,
        problems: details.Problems = NO_PROBLEMS,
        told: str = "",
        asks_code: bool = False,
        status: int = 200,
    ) -> Answer:
        service = service_in(practice, form.get("service", ""))
        wanted = asked(form, practice, service)
        today = self._now().astimezone(ZoneInfo(practice.zone)).date()
        first = max(wanted.first or today, today)
        return self._reception.show(
            "wait.html",
            guest,
            status,
            practice=practice,
            service=service,
            people=practice.who_offers(service.id),
            wanted=wanted,
            zone=wanted.zone.key,
            today=today,
            suggested={"from": first.isoformat(), "until": (first + SUGGESTED).isoformat()},
            parts=tuple(PARTS),
            consent=details.consent_wording(practice.name, guest.words, waits=True),
            consent_to_offers=details.offers_wording(practice.name, guest.words),
            asks_born=service.age_from is not None or service.age_until is not None,
            form=form,
            asks_code=asks_code,
            problems=problems,
            key=form.get("key") or secrets.token_hex(16),
            told=told,
        )

    async def _shown(self, ask: Ask[None, None], place: Place) -> Answer:
        waiting, guest = place.waiting, await self._guest(ask, place)
        practice, words = (await self._booking.profiles.get(waiting.practice)).practice, guest.words
        service = next((one for one in practice.services if one.id == waiting.service), None)
        named = (one.name for one in practice.practitioners if one.id == waiting.practitioner)
        state = waiting.state
        if state is Wait.WAITING and self._now() >= waiting.until:
            state = Wait.OVER
        return self._reception.show(
            "waiting.html",
            guest,
            practice=practice,
            service=service,
            waiting=waiting,
            state=state.value,
            who=next(named, ""),
            ranges=[(words.dated(one.first), words.dated(one.last), _told(one, words)) for one in waiting.ranges],
            token=token(ask),
        )


def _key(form: Mapping[str, str]) -> str:
    """One per page view and what was typed: a second click is the same place, a number set right another one."""
    return f"{form.get('key') or secrets.token_hex(16)} {fingerprint(*chain.from_iterable(sorted(form.items())))}"


def _days(form: Mapping[str, str], words: Words) -> tuple[Range | None, details.Problems]:
    """Either what was asked for or what is wrong with it."""
    first, last = day_of(form.get("from", "")), day_of(form.get("until", ""))
    problems = {} if first else {"from": words.said["wrong"]["from"]}
    if last is None or (first is not None and last < first):
        problems["until"] = words.said["wrong"]["until"]
    if first is None or last is None or problems:
        return None, problems
    return Range(first=first, last=last, hours=_hours(form)), problems


def _hours(form: Mapping[str, str]) -> tuple[Hours, ...]:
    """Nothing ticked is any, of weekdays as of hours."""
    days = [day for day in range(7) if f"day.{day}" in form]
    parts = [span for name, span in PARTS.items() if f"part.{name}" in form]
    if not days and not parts:
        return ()
    return tuple(
        Hours(weekday=day, starts=starts, ends=ends) for starts, ends in parts or [ALL_DAY] for day in days or range(7)
    )


def _told(of: Range, words: Words) -> list[str]:
    """The hours of a day, each with its weekdays."""
    names = {number: wide for number, _, wide in words.weekdays()}
    spans = groupby(sorted(of.hours, key=lambda one: (one.starts, one.ends, one.weekday)), key=_span)
    told = []
    for span, hours in spans:
        days = [names[one.weekday] for one in hours]
        several = [] if len(days) == len(names) else days
        told.append(", ".join([*([] if span == ALL_DAY else [_part(span, words)]), *several]))
    return [line for line in told if line]


def _span(of: Hours) -> tuple[int, int]:
    return of.starts, of.ends


def _part(span: tuple[int, int], words: Words) -> str:
    known = next((name for name, own in PARTS.items() if own == span), None)
    if known is not None:
        return str(words.said["waitlist"][known])
    starts, ends = (words.wall(minutes % DAY_MINUTES) for minutes in span)
    return str(words.said["format"]["between"].format(start=starts, end=ends))
