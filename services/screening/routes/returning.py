"""Returning clients over HTTP: recognised, asked what changed; and what staff correct of what is remembered of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from pydantic import Field

from services.screening.actions import (
    CaseUnknown,
    EarlierFormGone,
    EmergencyNumberMissing,
    Memory,
    NotRecognised,
    Recognised,
    Returning,
)
from services.screening.domain.catalogue import Catalogue, FormUnknown
from services.screening.domain.history import NothingToCorrect
from services.screening.domain.questionnaire import AnswersInvalid
from services.screening.domain.refusals import AlreadyAnswered, AlreadyDecided, CaseClosed, NoteTooShort, OtherFormAsked
from services.screening.domain.returning import RED_FLAGS
from services.screening.ports import PracticeUnknown
from services.screening.routes import payloads as p
from services.screening.routes import views
from services.screening.routes.hand import hand_of
from services.screening.routes.parts import CLOSED, PRIVATE, claim_of
from shared.httpkit import Answer, Ask, Payload, Route, Who

Proof = Annotated[str, Field(min_length=1, max_length=2000)]
QuestionId = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,63}$")]


class RecogniseIn(Payload):
    dob: date


class RecognisedOut(p.Shown):
    """Nothing but `recognised` while it is false, whatever the reason.

    `unchanged`: with `questions` answered anew the earlier form may be handed in again. Without it the whole form is
    wanted. `proof` is shown with either call for half an hour.
    """

    recognised: bool
    since: date | None = None
    proof: str | None = None
    unchanged: bool | None = None
    questions: list[p.QuestionOut] | None = None


class ProofIn(Payload):
    proof: Proof


class EarlierAnswersOut(p.Shown):
    """What is asked anew of everybody is left out."""

    answers: p.Answers


class UnchangedIn(Payload):
    proof: Proof
    q_red_flags: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=40)]
    locale: p.Locale | None = None


class CorrectionsIn(Payload):
    """The client's earlier yes to these questions was wrong; one that is given later counts again."""

    questions: Annotated[list[QuestionId], Field(min_length=1, max_length=40)]
    note: Annotated[str, Field(max_length=4000)]
    corrected_by: Annotated[str, Field(min_length=1, max_length=200)]


class CorrectionsOut(p.Shown):
    """All of this client, the latest last."""

    corrections: list[p.CorrectionOut]


class ReturningRoutes:
    def __init__(self, returning: Returning, memory: Memory, catalogue: Catalogue) -> None:
        self._returning, self._memory, self._catalogue = returning, memory, catalogue

    async def recognise(self, ask: Ask[RecogniseIn, p.LocaleQuery]) -> Answer:
        claim = claim_of(ask)
        found = await self._returning.recognise(claim.appointment, claim.practice, dob=ask.body.dob)
        shown = RecognisedOut(recognised=False) if found is None else self._recognised(found, ask.query.locale)
        return Answer(200, shown, headers=PRIVATE)

    async def earlier_answers(self, ask: Ask[ProofIn, None]) -> Answer:
        claim = claim_of(ask)
        answers = await self._returning.earlier_answers(
            claim.appointment, claim.practice, proof=ask.body.proof, hand=hand_of(ask)
        )
        return Answer(200, EarlierAnswersOut(answers=answers), headers=PRIVATE)

    async def unchanged(self, ask: Ask[UnchangedIn, None]) -> Answer:
        claim, body = claim_of(ask), ask.body
        told = await self._returning.unchanged(
            claim.appointment,
            claim.practice,
            proof=body.proof,
            red_flags=body.q_red_flags,
            locale=body.locale,
            hand=hand_of(ask),
        )
        return Answer(200, views.outcome(told), headers=PRIVATE)

    async def correct(self, ask: Ask[CorrectionsIn, None]) -> Answer:
        body = ask.body
        made = await self._memory.correct(
            ask.path["appointment"], body.questions, note=body.note, by=body.corrected_by, hand=hand_of(ask)
        )
        return Answer(200, CorrectionsOut(corrections=views.corrections(made)), headers=PRIVATE)

    def _recognised(self, found: Recognised, locale: str | None) -> RecognisedOut:
        texts = self._catalogue.texts_for(locale or found.profile.locale)
        whole = views.questionnaire(found.form.questionnaire, texts, found.profile.emergency_number)
        signs = [question for question in whole.questions if question.id == RED_FLAGS]
        return RecognisedOut(
            recognised=True,
            since=found.since,
            proof=found.proof,
            unchanged=found.stands,
            questions=signs if found.stands else None,
        )


def routes(returning: Returning, memory: Memory, catalogue: Catalogue) -> Sequence[Route]:
    to = ReturningRoutes(returning, memory, catalogue)
    taken = (AlreadyAnswered, AlreadyDecided, CaseClosed, OtherFormAsked)
    return (
        Route(
            method="POST",
            path="/v1/appointments/{appointment}/recognise",
            handler=to.recognise,
            summary="Whether an earlier form is of whoever was born on this day; five wrong days are the end of it",
            body=RecogniseIn,
            query=p.LocaleQuery,
            answers={200: RecognisedOut},
            refuses=(CaseUnknown, PracticeUnknown, FormUnknown, *CLOSED),
            who=Who.TOKEN,
        ),
        Route(
            method="POST",
            path="/v1/appointments/{appointment}/earlier-answers",
            handler=to.earlier_answers,
            summary="The earlier answers of whoever was recognised, to fill in the whole form with",
            body=ProofIn,
            answers={200: EarlierAnswersOut},
            refuses=(CaseUnknown, NotRecognised, EarlierFormGone, FormUnknown, *taken, *CLOSED),
            who=Who.TOKEN,
        ),
        Route(
            method="PUT",
            path="/v1/appointments/{appointment}/unchanged",
            handler=to.unchanged,
            summary="Hand in the earlier form again with the signs of today, instead of the whole form",
            body=UnchangedIn,
            answers={200: p.OutcomeOut},
            refuses=(
                AnswersInvalid,
                CaseUnknown,
                PracticeUnknown,
                EmergencyNumberMissing,
                FormUnknown,
                NotRecognised,
                EarlierFormGone,
                *taken,
                *CLOSED,
            ),
            who=Who.TOKEN,
        ),
        Route(
            method="POST",
            path="/v1/cases/{appointment}/corrections",
            handler=to.correct,
            summary="An earlier yes of this client was wrong, in the words of whoever found out",
            body=CorrectionsIn,
            answers={200: CorrectionsOut},
            refuses=(CaseUnknown, NoteTooShort, NothingToCorrect, *CLOSED),
            who=Who.OPERATOR,
        ),
    )
