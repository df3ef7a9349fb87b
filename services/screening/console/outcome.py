"""How the health check of one visit stands, for whoever plans the day: its outcome and until when, and no answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from services.screening.actions import Reviews
from services.screening.console.reviewing import HERE, REVIEWERS, clock, soonest
from services.screening.routes import case_view
from shared.console import Console
from shared.httpkit import Answer, Ask, Route
from shared.staff import Staff

VISIT: Final = "/console/visits/{appointment}"


class Outcome:
    def __init__(self, reviews: Reviews, console: Console) -> None:
        self._reviews, self._console = reviews, console

    def routes(self) -> Sequence[Route]:
        route = self._console.route
        return [route("GET", VISIT, self.show, "How the health check of one visit stands", REVIEWERS)]

    async def show(self, ask: Ask[None, None], staff: Staff) -> Answer:
        """Opens nothing that is sealed: whoever looks at a visit has not read the answers, and is not noted as if."""
        case = await self._reviews.standing(ask.path["appointment"], staff.practice)
        review = case_view.review(case, self._reviews.now)
        return self._console.show(
            "outcome.html",
            staff,
            here=HERE,
            case=case,
            review=review,
            soonest=soonest(review),
            told=clock(ZoneInfo(await self._reviews.zone(staff.practice))),
        )
