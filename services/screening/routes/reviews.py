"""The review queue over HTTP: what waits for a person, one case with all that is in it, and the decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.screening.actions import CaseUnknown, Reviews, Word
from services.screening.confidential import ClearanceRecord
from services.screening.domain.case import Verdict
from services.screening.domain.catalogue import Catalogue
from services.screening.domain.refusals import (
    ApprovalTooLong,
    CannotApprove,
    CaseChanged,
    ClearanceMissing,
    NoteTooShort,
    NothingAsked,
    NotInReview,
    TooManyForms,
)
from services.screening.routes import payloads as p
from services.screening.routes import views
from services.screening.routes.hand import hand_of
from services.screening.routes.parts import CLOSED, PRIVATE
from shared.httpkit import Answer, Ask, Route, Who


class ReviewRoutes:
    def __init__(self, reviews: Reviews, catalogue: Catalogue) -> None:
        self._reviews = reviews
        self._catalogue = catalogue

    async def waiting(self, ask: Ask[None, None]) -> Answer:
        cases = await self._reviews.waiting(ask.path["practice"])
        return Answer(200, p.ReviewsOut(reviews=[views.review(case) for case in cases]), headers=PRIVATE)

    async def case(self, ask: Ask[None, None]) -> Answer:
        opened = await self._reviews.open(ask.path["appointment"], hand_of(ask))
        return Answer(200, views.case(opened, self._catalogue), headers=PRIVATE)

    async def decision(self, ask: Ask[p.DecisionIn, None]) -> Answer:
        body = ask.body
        clearance = None if body.clearance is None else ClearanceRecord(**body.clearance.model_dump())
        appointment = ask.path["appointment"]
        word = Word(
            verdict=Verdict(body.decision),
            note=body.note,
            by=body.decided_by,
            caller=ask.caller.who,
            to_client=body.to_client,
            clearance=clearance,
            valid_days=body.valid_days,
        )
        hand = replace(hand_of(ask), name=body.decided_by)
        await self._reviews.rule(appointment, word, version=body.version, hand=hand)
        opened = await self._reviews.open(appointment, hand)
        return Answer(200, views.case(opened, self._catalogue), headers=PRIVATE)


def routes(reviews: Reviews, catalogue: Catalogue) -> Sequence[Route]:
    to = ReviewRoutes(reviews, catalogue)
    return (
        Route(
            method="GET",
            path="/v1/practices/{practice}/reviews",
            handler=to.waiting,
            summary="Cases that wait for a person, the oldest deadline first",
            answers={200: p.ReviewsOut},
            who=Who.OPERATOR,
        ),
        Route(
            method="GET",
            path="/v1/cases/{appointment}",
            handler=to.case,
            summary="One case with its answers and reasons",
            answers={200: p.CaseOut},
            refuses=(CaseUnknown, *CLOSED),
            who=Who.OPERATOR,
        ),
        Route(
            method="POST",
            path="/v1/cases/{appointment}/decision",
            handler=to.decision,
            summary="A practitioner's decision on a case in review",
            body=p.DecisionIn,
            answers={200: p.CaseOut},
            refuses=(
                *CLOSED,
                CaseUnknown,
                CaseChanged,
                NotInReview,
                CannotApprove,
                NoteTooShort,
                ClearanceMissing,
                NothingAsked,
                ApprovalTooLong,
                TooManyForms,
            ),
            who=Who.OPERATOR,
        ),
    )
