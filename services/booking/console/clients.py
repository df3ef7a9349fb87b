"""Finding a client by name or number, and all their visits in one place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from services.booking.actions import Booking
from services.booking.console import spoken
from services.booking.console.agenda import Line, line
from services.booking.domain.client import Record
from services.booking.phone import NotAMobileNumber
from shared.clock import Clock
from shared.console import Console
from shared.httpkit import Answer, Ask, Route
from shared.staff import Staff

CLIENTS: Final = "/console/clients"
HERE: Final = "/booking/console/clients"
AT_ONCE: Final = 30
VISITS: Final = 50
# Digits with what people put between them: a number, not a name.
NUMBER: Final = re.compile(r"[\d\s()+./-]{5,40}")


class ClientPages:
    def __init__(self, booking: Booking, console: Console, now: Clock) -> None:
        self._booking, self._console, self._now = booking, console, now

    def routes(self) -> Sequence[Route]:
        route = self._console.route
        return [
            route("GET", CLIENTS, self.ask_who, "The page on which a client is looked for"),
            route("POST", CLIENTS, self.find, "Find clients by a name or a number, which stands in no address"),
            route("GET", f"{CLIENTS}/{{ref}}", self.show_client, "One client with their visits"),
        ]

    async def ask_who(self, _: Ask[None, None], staff: Staff) -> Answer:
        return self._console.show("clients.html", staff, here=HERE, wanted="", found=None, has_more=False)

    async def find(self, ask: Ask[None, None], staff: Staff) -> Answer:
        """By the beginning of the name, or by the whole number as it may be dialled in the practice's country."""
        wanted = ask.form.get("who", "").strip()[:120]
        found = await self._found(staff.practice, wanted) if wanted else []
        return self._console.show(
            "clients.html", staff, here=HERE, wanted=wanted, found=found[:AT_ONCE], has_more=len(found) > AT_ONCE
        )

    async def show_client(self, ask: Ask[None, None], staff: Staff) -> Answer:
        family = await self._booking.clients.family(staff.practice, ask.path["ref"])
        practice = (await self._booking.profiles.get(staff.practice)).practice
        zone, now = ZoneInfo(practice.zone), self._now()
        visits = await self._booking.clients.visits(family, before=None, limit=VISITS + 1)
        told: list[tuple[Line, str]] = [
            (line(visit, zone, now), spoken.moment(visit.starts_at, zone, staff.locale)) for visit in visits[:VISITS]
        ]
        return self._console.show(
            "client.html",
            staff,
            here=HERE,
            client=family.speaker,
            phones=family.phones,
            visits=told,
            has_more=len(visits) > VISITS,
            since=spoken.moment(family.speaker.first_seen, zone, staff.locale),
        )

    async def _found(self, practice: str, wanted: str) -> Sequence[Record]:
        if not NUMBER.fullmatch(wanted):
            return await self._booking.clients.listed(practice, name=wanted, after=None, limit=AT_ONCE + 1)
        try:
            return await self._booking.clients.of_number(practice, wanted)
        except NotAMobileNumber:
            return []
