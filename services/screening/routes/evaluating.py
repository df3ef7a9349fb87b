"""Judging answers over HTTP without keeping anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.screening.actions import Screening
from services.screening.actions.casework import judge
from services.screening.domain.catalogue import Form, FormUnknown
from services.screening.domain.questionnaire import AnswersInvalid
from services.screening.domain.sheet import day_of
from services.screening.routes import payloads as p
from services.screening.routes import views
from services.screening.routes.parts import PRIVATE
from shared.errors import Kind, Refusal
from shared.httpkit import Answer, Ask, Route, Who


class ZoneUnknown(Refusal):
    """Not an IANA time zone."""

    slug: ClassVar[str] = "zone-unknown"
    kind: ClassVar[Kind] = Kind.INVALID


class EvaluateRoutes:
    def __init__(self, screening: Screening) -> None:
        self._screening = screening

    async def evaluate(self, ask: Ask[p.EvaluateIn, None]) -> Answer:
        # As text, because a null `retry_after` belongs to the result and models go out without their nulls.
        form = await self._screening.version(ask.path["practice"], ask.body.questionnaire)
        shown = evaluate(ask.body, form).model_dump_json(exclude={"trace": {"__all__": {"answers"}}})
        return Answer(200, text=shown, content_type="application/json", headers=PRIVATE)


def evaluate(body: p.EvaluateIn, form: Form) -> p.EvaluationOut:
    """Raises `AnswersInvalid` and `ZoneUnknown`."""
    own: dict[str, object] = {"dob": body.client.dob.isoformat(), "respondent_role": body.respondent_role}
    if body.guardian_consent is not None:
        own["guardian_consent"] = body.guardian_consent
    if twice := sorted(own.keys() & body.answers.keys()):
        raise AnswersInvalid("an answer has a place of its own, and is given among the answers as well", twice=twice)
    form.questionnaire.refuse_unknown(body.prior_yes)
    as_of = day_of(body.submitted_at, _zone(body.practice_tz))
    assessment = judge(form, {**body.answers, **own}, as_of=as_of, prior_yes=frozenset(body.prior_yes))
    return views.evaluation(assessment, form.ruleset)


def routes(screening: Screening) -> Sequence[Route]:
    to = EvaluateRoutes(screening)
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
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ZoneUnknown("practice_tz is not an IANA time zone") from error
