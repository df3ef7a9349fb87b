"""The routes of a practice: its profile and its agenda."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from services.booking import profile
from services.booking.actions import Booking
from services.booking.actions.profiles import ChangedMeanwhile
from services.booking.domain.availability import window
from services.booking.domain.practice_check import InvalidPractice
from services.booking.domain.refusals import NoSuchPractice
from services.booking.routes import payloads, views
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

    def keeping(self) -> Sequence[Route]:
        return [
            Route(
                method="PUT",
                path=PRACTICE,
                handler=self.put_practice,
                summary="Replace the whole profile of a practice, or begin one",
                body=profile.Profile,
                answers={200: payloads.Stored},
                refuses=(InvalidPractice, ChangedMeanwhile),
                who=Who.OPERATOR,
            ),
            Route(
                method="GET",
                path=f"{PRACTICE}/export",
                handler=self.export_practice,
                summary="The whole profile, as it can be loaded again",
                answers={200: profile.Profile},
                refuses=(NoSuchPractice,),
                who=Who.OPERATOR,
            ),
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
            )
        ]

    async def show_practice(self, ask: Ask[None, None]) -> Answer:
        kept = await self._booking.profiles.get(ask.path["practice"])
        return Answer(200, views.practice_view(kept.practice))

    async def put_practice(self, ask: Ask[profile.Profile, None]) -> Answer:
        if ask.body.id != ask.path["practice"]:
            raise InvalidPractice(f"id: {ask.body.id!r} is not the practice of the address", field="id")
        kept = await self._booking.profiles.put(profile.read(ask.body))
        return Answer(200, payloads.Stored(id=kept.practice.id, version=kept.version))

    async def export_practice(self, ask: Ask[None, None]) -> Answer:
        kept = await self._booking.profiles.get(ask.path["practice"])
        return Answer(200, profile.written(kept.practice))

    async def show_agenda(self, ask: Ask[None, payloads.AgendaQuery]) -> Answer:
        kept = await self._booking.profiles.get(ask.path["practice"])
        zone = ZoneInfo(kept.practice.zone)
        first = ask.query.from_ or self._now().astimezone(zone).date()
        visits = await self._booking.visits.agenda(kept.practice.id, *window(first, ask.query.days, zone))
        return Answer(200, views.agenda_view(visits, zone, now=self._now()))
