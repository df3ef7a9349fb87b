"""One visit for the staff: who, when, where, how it came to be so, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from services.booking.actions import Booking
from services.booking.console import spoken
from services.booking.console.agenda import line
from services.booking.console.hand import hand
from services.booking.domain.appointment import ACTIVE, Appointment, AppointmentId, By, State, Turn
from services.booking.domain.refusals import NoSuchAppointment
from shared.assets import Asset
from shared.clock import Clock
from shared.console import Console, see
from shared.httpkit import Answer, Ask, Route
from shared.staff import Role, Staff

VISIT: Final = "/console/visits/{appointment}"
PARTS: Final = Asset.read(Path(__file__).parent / "static" / "parts.js")
PARTS_PATH: Final = "/console/parts.js"
PARTS_AT: Final = f"/booking{PARTS_PATH}?v={PARTS.version}"


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the history; `who` is empty where it was a client, time or the health check."""

    at: str
    deed: str
    by: str


class Visit:
    def __init__(self, booking: Booking, console: Console, now: Clock) -> None:
        self._booking, self._console, self._now = booking, console, now

    def routes(self) -> Sequence[Route]:
        route = self._console.route
        return [
            route("GET", VISIT, self.show_visit, "One visit for the staff"),
            route("POST", f"{VISIT}/attended", self.attended, "Note that the client came"),
            route("POST", f"{VISIT}/missed", self.missed, "Note that the client did not come"),
            route("GET", f"{VISIT}/cancel", self.ask_cancel, "The page that asks whether to cancel the visit"),
            route("POST", f"{VISIT}/cancel", self.cancel, "Cancel the visit"),
            PARTS.route(PARTS_PATH, "What shows the other services' parts of a visit"),
        ]

    async def show_visit(self, ask: Ask[None, None], staff: Staff) -> Answer:
        return await self._shown(staff, await self._own(ask, staff), "visit.html")

    async def attended(self, ask: Ask[None, None], staff: Staff) -> Answer:
        visit = await self._own(ask, staff)
        await self._booking.visits.attended(visit.id, hand=hand(ask, staff))
        return see(_address(visit))

    async def missed(self, ask: Ask[None, None], staff: Staff) -> Answer:
        visit = await self._own(ask, staff)
        await self._booking.visits.missed(visit.id, hand=hand(ask, staff))
        return see(_address(visit))

    async def ask_cancel(self, ask: Ask[None, None], staff: Staff) -> Answer:
        return await self._shown(staff, await self._own(ask, staff), "cancel_visit.html")

    async def cancel(self, ask: Ask[None, None], staff: Staff) -> Answer:
        visit = await self._own(ask, staff)
        await self._booking.visits.cancel(visit.id, hand=hand(ask, staff))
        return see(_address(visit))

    async def _own(self, ask: Ask[None, None], staff: Staff) -> Appointment:
        """What is of another practice is not there."""
        visit = await self._booking.visits.get(AppointmentId(ask.path["appointment"]))
        if visit.practice != staff.practice:
            raise NoSuchAppointment("there is no such appointment")
        return visit

    async def _shown(self, staff: Staff, visit: Appointment, template: str) -> Answer:
        practice = (await self._booking.profiles.get(visit.practice)).practice
        zone, now = ZoneInfo(practice.zone), self._now()
        state = visit.state_at(now)
        return self._console.show(
            template,
            staff,
            here="/booking/console/",
            visit=visit,
            line=line(visit, zone, now),
            when=spoken.moment(visit.starts_at, zone, staff.locale),
            history=[_told(turn, zone, staff) for turn in reversed(visit.history)],
            sees_outcome=visit.offer.screening and staff.role is not Role.DESK,
            script=PARTS_AT,
            may_cancel=state in ACTIVE and state is not State.HELD and now < visit.starts_at,
        )


def _told(turn: Turn, zone: ZoneInfo, staff: Staff) -> Told:
    by = f"by:{turn.by.value}" if turn.by is not By.PRACTICE else "by:staff"
    return Told(spoken.moment(turn.at, zone, staff.locale), f"deed:{turn.deed.value}", by)


def _address(visit: Appointment) -> str:
    return f"/booking/console/visits/{visit.id}"
