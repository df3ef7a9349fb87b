"""Screening over HTTP. Bodies hold health answers: nothing here logs, echoes or caches them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.screening import payloads as p
from services.screening import presentation
from services.screening.actions import (
    CaseUnknown,
    Clients,
    EmergencyNumberMissing,
    ExportUnknown,
    NoHealthCheck,
    Screening,
)
from services.screening.confidential import ClearanceRecord
from services.screening.domain.case import (
    AlreadyAnswered,
    AlreadyDecided,
    ApprovalTooShort,
    CannotApprove,
    CaseChanged,
    CaseClosed,
    ClearanceMissing,
    NoteTooShort,
    NotInReview,
    OtherFormAsked,
    State,
)
from services.screening.domain.catalogue import Catalogue, FormUnknown
from services.screening.domain.questionnaire import AnswersInvalid
from services.screening.ports import PracticeUnknown
from shared.errors import Kind, Refusal
from shared.httpkit import Answer, Ask, Route, Who
from shared.tokens import Claim, TokenInvalid

PRIVATE = {"Cache-Control": "no-store"}


class ZoneUnknown(Refusal):
    """Not an IANA time zone."""

    slug: ClassVar[str] = "zone-unknown"
    kind: ClassVar[Kind] = Kind.INVALID


class Routes:
    """The handlers; each reads the request, calls one action and shows its result."""

    def __init__(self, screening: Screening, clients: Clients, catalogue: Catalogue) -> None:
        self._screening = screening
        self._clients = clients
        self._catalogue = catalogue

    async def questionnaire(self, ask: Ask[None, p.QuestionnaireQuery]) -> Answer:
        form, profile = await self._screening.questionnaire(ask.path["practice"], service=ask.query.service)
        texts = self._catalogue.texts_for(ask.query.locale or profile.locale)
        return Answer(200, presentation.questionnaire(form.questionnaire, texts, profile.emergency_number))

    async def answers(self, ask: Ask[p.AnswersIn, None]) -> Answer:
        claim = _claim(ask)
        told = await self._screening.take_answers(
            claim.appointment,
            claim.practice,
            questionnaire=ask.body.questionnaire,
            answers=ask.body.answers,
            locale=ask.body.locale,
        )
        status = 202 if told.state is State.AWAITING else 200
        return Answer(status, presentation.outcome(told), headers=PRIVATE)

    async def outcome(self, ask: Ask[None, p.LocaleQuery]) -> Answer:
        claim = _claim(ask)
        told = await self._screening.outcome(claim.appointment, claim.practice, locale=ask.query.locale)
        return Answer(200, presentation.outcome(told), headers=PRIVATE)

    async def evaluate(self, ask: Ask[p.EvaluateIn, None]) -> Answer:
        body = ask.body
        answers: dict[str, object] = {
            **body.answers,
            "dob": body.client.dob.isoformat(),
            "respondent_role": body.respondent_role,
        }
        if body.guardian_consent is not None:
            answers["guardian_consent"] = body.guardian_consent
        as_of = body.submitted_at.astimezone(_zone(body.practice_tz)).date()
        assessment = self._screening.evaluate(body.questionnaire, answers, as_of=as_of, prior_yes=body.prior_yes)
        ruleset = self._catalogue.form(body.questionnaire).ruleset
        # As text, because a null `retry_after` belongs to the result and models go out without their nulls.
        shown = presentation.evaluation(assessment, ruleset).model_dump_json()
        return Answer(200, text=shown, content_type="application/json", headers=PRIVATE)

    async def reviews(self, ask: Ask[None, None]) -> Answer:
        cases = await self._screening.in_review(ask.path["practice"])
        return Answer(200, p.ReviewsOut(reviews=[presentation.review(case) for case in cases]), headers=PRIVATE)

    async def case(self, ask: Ask[None, None]) -> Answer:
        opened = await self._screening.open_case(ask.path["appointment"])
        return Answer(200, presentation.case(opened, self._catalogue), headers=PRIVATE)

    async def decision(self, ask: Ask[p.DecisionIn, None]) -> Answer:
        body = ask.body
        clearance = None if body.clearance is None else ClearanceRecord(**body.clearance.model_dump())
        appointment = ask.path["appointment"]
        await self._screening.rule(
            appointment,
            approve=body.decision == "approve",
            note=body.note,
            clearance=clearance,
            valid_for=timedelta(days=body.valid_days),
            version=body.version,
        )
        opened = await self._screening.open_case(appointment)
        return Answer(200, presentation.case(opened, self._catalogue), headers=PRIVATE)

    async def earlier(self, ask: Ask[None, None]) -> Answer:
        cases = await self._clients.earlier(ask.path["appointment"])
        return Answer(200, presentation.earlier(cases), headers=PRIVATE)

    async def export(self, ask: Ask[None, None]) -> Answer:
        opened = await self._clients.exported(ask.path["ask"], ask.path["practice"])
        return Answer(200, presentation.export(ask.path["ask"], opened, self._catalogue), headers=PRIVATE)


def routes(screening: Screening, clients: Clients, catalogue: Catalogue) -> Sequence[Route]:
    to = Routes(screening, clients, catalogue)
    return (*_for_clients(to), *_for_staff(to), *_about_clients(to))


def _for_clients(to: Routes) -> Sequence[Route]:
    return (
        Route(
            method="GET",
            path="/v1/practices/{practice}/questionnaire",
            handler=to.questionnaire,
            summary="The health form as data",
            query=p.QuestionnaireQuery,
            answers={200: p.QuestionnaireOut},
            refuses=(PracticeUnknown, NoHealthCheck, EmergencyNumberMissing, FormUnknown),
        ),
        Route(
            method="PUT",
            path="/v1/appointments/{appointment}/answers",
            handler=to.answers,
            summary="Hand in the health form; 200 when it is decided at once, 202 when booking's half is still awaited",
            body=p.AnswersIn,
            answers={200: p.OutcomeOut, 202: p.OutcomeOut},
            refuses=(
                AnswersInvalid,
                FormUnknown,
                OtherFormAsked,
                PracticeUnknown,
                CaseUnknown,
                AlreadyAnswered,
                AlreadyDecided,
                CaseClosed,
            ),
            who=Who.TOKEN,
        ),
        Route(
            method="GET",
            path="/v1/appointments/{appointment}/outcome",
            handler=to.outcome,
            summary="What the client is told now",
            query=p.LocaleQuery,
            answers={200: p.OutcomeOut},
            refuses=(CaseUnknown, PracticeUnknown),
            who=Who.TOKEN,
        ),
    )


def _for_staff(to: Routes) -> Sequence[Route]:
    return (
        Route(
            method="POST",
            path="/v1/practices/{practice}/evaluate",
            handler=to.evaluate,
            summary="Judge answers without keeping anything",
            body=p.EvaluateIn,
            answers={200: p.EvaluationOut},
            refuses=(AnswersInvalid, FormUnknown, ZoneUnknown),
            who=Who.OPERATOR,
        ),
        Route(
            method="GET",
            path="/v1/practices/{practice}/reviews",
            handler=to.reviews,
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
            refuses=(CaseUnknown,),
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
                CaseUnknown,
                CaseChanged,
                NotInReview,
                CannotApprove,
                NoteTooShort,
                ClearanceMissing,
                ApprovalTooShort,
            ),
            who=Who.OPERATOR,
        ),
    )


def _about_clients(to: Routes) -> Sequence[Route]:
    return (
        Route(
            method="GET",
            path="/v1/cases/{appointment}/earlier",
            handler=to.earlier,
            summary="The other health checks of the same client, also under a record that was merged",
            answers={200: p.EarlierOut},
            refuses=(CaseUnknown,),
            who=Who.OPERATOR,
        ),
        Route(
            method="GET",
            path="/v1/practices/{practice}/exports/{ask}",
            handler=to.export,
            summary="All health checks of a client, for the export that booking was asked for",
            answers={200: p.ExportOut},
            refuses=(ExportUnknown,),
            who=Who.OPERATOR,
        ),
    )


def _claim(ask: Ask[Any, Any]) -> Claim:
    if ask.claim is None:
        raise TokenInvalid("the appointment token is missing, altered or out of date")
    return ask.claim


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ZoneUnknown("practice_tz is not an IANA time zone") from error
