"""The routes of free times: the list, the next ones, the days of a month, why not, and outside calendars."""

from __future__ import annotations

from collections.abc import Sequence

from services.booking.actions import Booking
from services.booking.actions.times import Wanted
from services.booking.domain.refusals import NoSuchPractice, NoSuchPractitioner, NoSuchService
from services.booking.routes import times_payloads as payloads
from services.booking.routes.practices import PRACTICE
from shared.httpkit import Answer, Ask, Route, Who


class TimeRoutes:
    def __init__(self, booking: Booking) -> None:
        self._booking = booking

    def routes(self) -> Sequence[Route]:
        return [
            Route(
                method="GET",
                path=f"{PRACTICE}/availability",
                handler=self.list_free_times,
                summary="Free times, under their dates in the viewer's zone",
                query=payloads.AvailabilityQuery,
                answers={200: payloads.Availability},
                refuses=(NoSuchPractice, NoSuchService, NoSuchPractitioner),
            ),
            Route(
                method="GET",
                path=f"{PRACTICE}/availability/first",
                handler=self.find_first,
                summary="The next free times that fit a wish",
                query=payloads.FirstQuery,
                answers={200: payloads.First},
                refuses=(NoSuchPractice, NoSuchService, NoSuchPractitioner),
            ),
            Route(
                method="GET",
                path=f"{PRACTICE}/availability/days",
                handler=self.show_month,
                summary="The days of a month on which anything is free, in the viewer's zone",
                query=payloads.MonthQuery,
                answers={200: payloads.Month},
                refuses=(NoSuchPractice, NoSuchService, NoSuchPractitioner),
            ),
            Route(
                method="GET",
                path=f"{PRACTICE}/availability/explain",
                handler=self.explain_start,
                summary="Why a start is not offered",
                query=payloads.ExplainQuery,
                answers={200: payloads.Explanation},
                refuses=(NoSuchPractice, NoSuchService, NoSuchPractitioner),
                who=Who.OPERATOR,
                scope="practice:read",
            ),
            Route(
                method="GET",
                path=f"{PRACTICE}/calendars",
                handler=self.list_calendars,
                summary="The outside calendars of the practitioners, and how reading them goes",
                answers={200: payloads.CalendarStates},
                refuses=(NoSuchPractice,),
                who=Who.OPERATOR,
                scope="practice:read",
            ),
        ]

    async def list_calendars(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, payloads.calendar_states(await self._booking.calendars.followed(ask.path["practice"])))

    async def list_free_times(self, ask: Ask[None, payloads.AvailabilityQuery]) -> Answer:
        query = ask.query
        free = await self._booking.times.free(
            ask.path["practice"],
            service=query.service,
            practitioner=query.practitioner,
            first=query.from_,
            days=query.days,
            zone=query.zone,
        )
        return Answer(200, text=payloads.availability_json(free), content_type="application/json")

    async def find_first(self, ask: Ask[None, payloads.FirstQuery]) -> Answer:
        query = ask.query
        soonest = await self._booking.times.soonest(
            ask.path["practice"],
            query.wish,
            service=query.service,
            practitioner=query.practitioner,
            first=query.from_,
            most=query.count,
            zone=query.zone,
        )
        return Answer(200, payloads.first_view(soonest))

    async def show_month(self, ask: Ask[None, payloads.MonthQuery]) -> Answer:
        query = ask.query
        free = await self._booking.times.free(
            ask.path["practice"],
            service=query.service,
            practitioner=query.practitioner,
            first=query.first,
            days=query.days,
            zone=query.zone,
        )
        return Answer(200, payloads.month_view(free))

    async def explain_start(self, ask: Ask[None, payloads.ExplainQuery]) -> Answer:
        wanted = Wanted(service=ask.query.service, practitioner=ask.query.practitioner, starts_at=ask.query.starts_at)
        reasons = await self._booking.times.explain(ask.path["practice"], wanted)
        return Answer(200, payloads.Explanation(reasons={who: [*why] for who, why in reasons.items()}))
