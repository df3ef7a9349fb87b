"""Proving numbers: a code goes out as a text, and whoever shows it reads what is sent there."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.booking.domain import proof, turns
from services.booking.domain.appointment import Appointment, State
from services.booking.domain.identity import client_ref, fingerprint
from services.booking.domain.practice import Practice
from services.booking.domain.proof import MOST_TRIES, PAUSE, NumberNotProven, Proof, WrongCode, too_many
from services.booking.outbox import code_asked
from services.booking.phone import mobile
from services.booking.ports import Numbers
from shared.clock import Clock

DIGITS = 6
# Each save that fails means that somebody else asked for a code or tried one, and both have an end.
MOST_SAVES = 2 * MOST_TRIES + 2


@dataclass(frozen=True, slots=True)
class Sent:
    """No `expires_at`: the number needs no code."""

    expires_at: datetime | None


class Proving:
    def __init__(self, numbers: Numbers, now: Clock, code: Callable[[], str] | None = None) -> None:
        self._numbers = numbers
        self._now = now
        self._code = code or _random

    async def send(self, held: Appointment, phone: str, *, locale: str) -> Sent:
        """Text a new code to the number, as typed; nothing is sent where none is asked for."""
        now, offer = self._now(), held.offer
        if held.state is not State.HELD:
            raise turns.WrongState(f"an appointment that is {held.state} needs no code", state=held.state)
        if held.is_expired(now):
            raise turns.HoldExpired("the hold on this time has expired")
        number = mobile(phone, country=offer.country, countries=offer.countries, field="phone")
        return await self._sent(held.practice, number, locale, offer.zone) if offer.verify_number else Sent(None)

    async def send_to_wait(self, practice: Practice, phone: str, *, locale: str) -> Sent:
        """The same for who holds nothing, but wants to be told of what gets free."""
        number = mobile(phone, country=practice.country, countries=practice.countries, field="phone")
        return await self._sent(practice.id, number, locale, practice.zone) if practice.verify_numbers else Sent(None)

    async def _sent(self, practice: str, number: str, locale: str, zone: str) -> Sent:
        now, ref = self._now(), client_ref(practice, number)
        for _ in range(MOST_SAVES):
            known = await self._numbers.get(ref) or Proof(id=ref, practice=practice)
            if known.proven_at is not None:
                return Sent(None)
            code = self._code()
            asked = proof.ask(known, hashed=fingerprint(ref, code), now=now)
            said = code_asked(asked, phone=number, code=code, locale=locale, zone=zone, at=now)
            if await self._numbers.save(asked, (said,)):
                return Sent(asked.expires_at)
        raise too_many("others ask for codes for this number", PAUSE)

    async def prove(self, practice: str, number: str, code: str | None) -> None:
        """Raises `NumberNotProven`, `WrongCode` or `TooMany` unless the number is proven, now or long ago."""
        ref = client_ref(practice, number)
        for _ in range(MOST_SAVES):
            known = await self._numbers.get(ref)
            if known is not None and known.proven_at is not None:
                return
            if code is None:
                raise NumberNotProven("this number has to be proven by a code first", field="code")
            shown = proof.show(
                known or Proof(id=ref, practice=practice), hashed=fingerprint(ref, code), now=self._now()
            )
            if await self._numbers.save(shown, ()):
                if shown.proven_at is None:
                    raise WrongCode("not the code that was sent to this number", field="code")
                return
        raise too_many("others try codes for this number", PAUSE)


def _random() -> str:
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
