"""Judging answers over HTTP without keeping anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.screening.actions import Screening
from services.screening.domain.catalogue import Catalogue, FormUnknown
from services.screening.domain.questionnaire import AnswersInvalid
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
    def __init__(self, screening: Screening, catalogue: Catalogue) -> None:
        self._screening = screening
        self._catalogue = catalogue

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
        shown = views.evaluation(assessment, ruleset).model_dump_json()
        return Answer(200, text=shown, content_type="application/json", headers=PRIVATE)


def routes(screening: Screening, catalogue: Catalogue) -> Sequence[Route]:
    to = EvaluateRoutes(screening, catalogue)
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
