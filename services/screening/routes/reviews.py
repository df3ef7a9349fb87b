"""The review queue over HTTP: what waits for a person, one case with all that is in it, and the decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from services.screening.actions import AttachmentUnknown, CaseUnknown, Opened, Reviews, Word
from services.screening.confidential import ClearanceRecord
from services.screening.domain.case import Verdict
from services.screening.domain.catalogue import Catalogue
from services.screening.domain.refusals import (
    ApprovalTooLong,
    CannotApprove,
    CaseChanged,
    ClearanceInFuture,
    ClearanceMissing,
    NoteTooShort,
    NothingAsked,
    NotInReview,
    TooManyForms,
)
from services.screening.ports import PracticeUnknown
from services.screening.routes import case_payloads as c
from services.screening.routes import case_view
from services.screening.routes import payloads as p
from services.screening.routes.hand import hand_of
from services.screening.routes.parts import CLOSED, KINDS, PRIVATE
from shared.httpkit import Answer, Ask, Route, Who


class ReviewRoutes:
    def __init__(self, reviews: Reviews, catalogue: Catalogue) -> None:
        self._reviews = reviews
        self._catalogue = catalogue

    async def waiting(self, ask: Ask[None, c.QueueQuery]) -> Answer:
        practice, limit = ask.path["practice"], ask.query.limit
        after = None if ask.query.after is None else case_view.after(ask.query.after)
        found = await self._reviews.waiting(practice, after=after, limit=limit + 1)
        flagged = [] if after else await self._reviews.flagged(practice)
        page = c.ReviewsOut(
            reviews=[case_view.review(case, self._reviews.now) for case in found[:limit]],
            next=case_view.cursor(found[limit - 1]) if len(found) > limit else None,
            flagged=[case_view.flagged(case) for case in flagged],
        )
        return Answer(200, page, headers=PRIVATE)

    async def case(self, ask: Ask[None, p.LocaleQuery]) -> Answer:
        opened = await self._reviews.open(ask.path["appointment"], hand_of(ask))
        return await self._shown(opened, ask.query.locale)

    async def attachment(self, ask: Ask[None, None]) -> web.Response:
        """As a file to be saved, under a name of ours, and never to be shown as part of a page."""
        kept, content = await self._reviews.attachment(ask.path["appointment"], ask.path["attachment"], hand_of(ask))
        named = f"attachment; filename=note-{kept.id}.{kept.kind.rpartition('/')[2]}"
        guarded = {"Content-Disposition": named, "Content-Security-Policy": "sandbox; default-src 'none'"}
        return web.Response(body=content, content_type=kept.kind.value, headers={**PRIVATE, **guarded})

    async def decision(self, ask: Ask[c.DecisionIn, p.LocaleQuery]) -> Answer:
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
        return await self._shown(opened, ask.query.locale)

    async def _shown(self, opened: Opened, locale: str | None) -> Answer:
        texts = self._catalogue.texts_for(locale or await self._reviews.locale(opened.case))
        return Answer(200, case_view.case(opened, texts.locale, self._reviews.now), headers=PRIVATE)


def routes(reviews: Reviews, catalogue: Catalogue) -> Sequence[Route]:
    to = ReviewRoutes(reviews, catalogue)
    return (
        Route(
            method="GET",
            path="/v1/practices/{practice}/reviews",
            handler=to.waiting,
            summary="Cases that wait for a person, the oldest deadline first",
            query=c.QueueQuery,
            answers={200: c.ReviewsOut},
            who=Who.OPERATOR,
        ),
        Route(
            method="GET",
            path="/v1/cases/{appointment}",
            handler=to.case,
            summary="One case with all that was answered, found, added and decided",
            query=p.LocaleQuery,
            answers={200: c.CaseOut},
            refuses=(CaseUnknown, PracticeUnknown, *CLOSED),
            who=Who.OPERATOR,
        ),
        Route(
            method="GET",
            path="/v1/cases/{appointment}/attachments/{attachment}",
            handler=to.attachment,
            summary="A file that the client added",
            answers={200: None},
            gives=KINDS,
            refuses=(CaseUnknown, AttachmentUnknown, *CLOSED),
            who=Who.OPERATOR,
        ),
        Route(
            method="POST",
            path="/v1/cases/{appointment}/decision",
            handler=to.decision,
            summary="A practitioner's decision on a case in review",
            body=c.DecisionIn,
            query=p.LocaleQuery,
            answers={200: c.CaseOut},
            refuses=(
                *CLOSED,
                CaseUnknown,
                PracticeUnknown,
                CaseChanged,
                NotInReview,
                CannotApprove,
                NoteTooShort,
                ClearanceMissing,
                ClearanceInFuture,
                NothingAsked,
                ApprovalTooLong,
                TooManyForms,
            ),
            who=Who.OPERATOR,
        ),
    )
