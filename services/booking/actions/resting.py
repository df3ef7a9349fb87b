"""Visits that were confirmed at once by the health check of another: what is said of that one means something for them.

They have no health check of their own until one is asked for, so nothing but this takes such a confirmation back.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from services.booking.actions.admission import Refs
from services.booking.actions.visits import Visits
from services.booking.domain import clearance
from services.booking.domain.appointment import Appointment, By, Client, Hand
from services.booking.domain.turns import ask_check
from services.booking.ports import Histories
from shared.clock import Clock
from shared.events import Envelope
from shared.events.booking import (
    AppointmentCheckAsked,
    AppointmentConfirmed,
    AppointmentDeclined,
    AppointmentEvent,
    AppointmentInReview,
)

RESTING: Final = Hand(by=By.RULES, who="health check")
AGAINST: Final = (AppointmentCheckAsked, AppointmentDeclined, AppointmentInReview)
VISITS_LOOKED_AT: Final = 50


class Resting:
    def __init__(self, histories: Histories, visits: Visits, refs: Refs, now: Clock) -> None:
        self._histories = histories
        self._visits = visits
        self._refs = refs
        self._now = now

    async def heard(self, event: Envelope[AppointmentEvent], visit: Appointment) -> None:
        """What speaks against a client's health check; and who was confirmed by one just now looks once more."""
        confirmed = isinstance(event.data, AppointmentConfirmed) and clearance.rests(visit)
        if visit.client is not None and (confirmed or isinstance(event.data, AGAINST)):
            await self._look(visit.practice, visit.client)

    async def told(self, visit: Appointment, event: str) -> None:
        """What was said of a visit that has begun, of which no event tells."""
        if visit.client is not None and clearance.was_noted(visit, event):
            await self._look(visit.practice, visit.client)

    async def _look(self, practice: str, client: Client) -> None:
        refs = await self._refs(practice, client.ref)
        visits = await self._histories.newest(practice, refs, before=None, limit=VISITS_LOOKED_AT)
        for visit in visits:
            because = clearance.doubt(visit, visits) if visit.starts_at > self._now() else None
            if because is not None:
                await self._visits.turn(visit.id, partial(self._asked, because=because), hand=RESTING)

    def _asked(self, was: Appointment, because: str) -> Appointment:
        if not clearance.rests(was) or self._now() >= was.starts_at:
            return was
        return ask_check(was, now=self._now(), voided_by=because)
