"""What is said against the health check of one visit means something for the client's other visits that are confirmed.

Those that were confirmed at once by the health check of another, and those whose own is older: each is asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
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

RESTING: Final = Hand(by=By.RULES, who=clearance.ANOTHERS)
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
            if visit.starts_at > self._now() and clearance.doubt(visit, visits) is not None:
                await self._visits.turn(visit.id, partial(self._asked, visits=visits), hand=RESTING)

    def _asked(self, was: Appointment, visits: Sequence[Appointment]) -> Appointment:
        """As it is now: it may have been cleared anew meanwhile."""
        because = clearance.doubt(was, visits)
        if because is None or self._now() >= was.starts_at:
            return was
        return ask_check(was, now=self._now(), voided_by=because)
