"""The routes of a practice: what everybody may know of it, and its agenda."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from services.booking.actions import Booking
from services.booking.domain.availability import window
from services.booking.domain.refusals import NoSuchPractice
from services.booking.routes import payloads, views
from services.booking.routes.hand import etag
from shared.clock import Clock
from shared.httpkit import Answer, Ask, Route, Who

PRACTICE = "/v1/practices/{practice}"


class PracticeRoutes:
    def __init__(self, booking: Booking, now: Clock) -> None:
        self._booking = booking
        self._now = now

    def public(self) -> Sequence[Route]:
        return [
            Route(
                method="GET",
                path=PRACTICE,
                handler=self.show_practice,
                summary="What everybody may know of a practice",
                answers={200: payloads.PracticeView},
                refuses=(NoSuchPractice,),
            )
        ]

    def running(self) -> Sequence[Route]:
        """For whoever runs the practice."""
        return [
            Route(
                method="GET",
                path=f"{PRACTICE}/agenda",
                handler=self.show_agenda,
                summary="The visits of one or more days",
                query=payloads.AgendaQuery,
                answers={200: payloads.Agenda},
                refuses=(NoSuchPractice,),
                who=Who.OPERATOR,
                scope="visits:read",
            )
        ]

    async def show_practice(self, ask: Ask[None, None]) -> Answer:
        kept = await self._booking.profiles.get(ask.path["practice"])
        return Answer(200, views.practice_view(kept.practice), headers=etag(kept.version))

    async def show_agenda(self, ask: Ask[None, payloads.AgendaQuery]) -> Answer:
        kept = await self._booking.profiles.get(ask.path["practice"])
        zone = ZoneInfo(kept.practice.zone)
        first = ask.query.from_ or self._now().astimezone(zone).date()
        visits = await self._booking.visits.agenda(kept.practice.id, *window(first, ask.query.days, zone))
        return Answer(200, views.agenda_view(visits, zone, now=self._now()))
