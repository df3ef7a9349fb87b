"""The client's side of the health check over HTTP. Bodies hold health answers: nothing here logs or echoes them."""

from __future__ import annotations

from collections.abc import Sequence

from services.screening.actions import CaseUnknown, EmergencyNumberMissing, NoHealthCheck, Screening
from services.screening.domain.case import State
from services.screening.domain.catalogue import Catalogue, FormUnknown
from services.screening.domain.questionnaire import AnswersInvalid
from services.screening.domain.refusals import AlreadyAnswered, AlreadyDecided, CaseClosed, OtherFormAsked
from services.screening.ports import PracticeUnknown
from services.screening.routes import payloads as p
from services.screening.routes import views
from services.screening.routes.hand import hand_of
from services.screening.routes.parts import CLOSED, PRIVATE, claim_of
from shared.httpkit import Answer, Ask, Route, Who


class CheckRoutes:
    """The handlers; each reads the request, calls one action and shows its result."""

    def __init__(self, screening: Screening, catalogue: Catalogue) -> None:
        self._screening = screening
        self._catalogue = catalogue

    async def questionnaire(self, ask: Ask[None, p.QuestionnaireQuery]) -> Answer:
        form, profile = await self._screening.questionnaire(ask.path["practice"], service=ask.query.service)
        texts = self._catalogue.texts_for(ask.query.locale or profile.locale)
        return Answer(200, views.questionnaire(form.questionnaire, texts, profile.emergency_number))

    async def answers(self, ask: Ask[p.AnswersIn, None]) -> Answer:
        claim = claim_of(ask)
        told = await self._screening.take_answers(
            claim.appointment,
            claim.practice,
            questionnaire=ask.body.questionnaire,
            answers=ask.body.answers,
            locale=ask.body.locale,
            hand=hand_of(ask),
        )
        status = 202 if told.state is State.AWAITING else 200
        return Answer(status, views.outcome(told), headers=PRIVATE)

    async def outcome(self, ask: Ask[None, p.LocaleQuery]) -> Answer:
        claim = claim_of(ask)
        told = await self._screening.outcome(claim.appointment, claim.practice, locale=ask.query.locale)
        return Answer(200, views.outcome(told), headers=PRIVATE)


def routes(screening: Screening, catalogue: Catalogue) -> Sequence[Route]:
    to = CheckRoutes(screening, catalogue)
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
                *CLOSED,
                AnswersInvalid,
                FormUnknown,
                OtherFormAsked,
                PracticeUnknown,
                EmergencyNumberMissing,
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
            refuses=(CaseUnknown, PracticeUnknown, *CLOSED),
            who=Who.TOKEN,
        ),
    )
