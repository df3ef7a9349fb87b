"""Rules and their cases for questions that came without any: a question that no rule looks at does nothing.

Unsure, skip and no answer go to a person by the library's own rules, whatever the question. What is suggested on top is
the least that a yes can lead to: a person looks at it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from pydantic import JsonValue

from services.screening.domain.answers import AnswerType
from services.screening.domain.conditions import Age, All, AnyOf, Condition, Is, IsNot, Ticked
from services.screening.domain.overlay import OWN_CODE, OWN_RULE
from services.screening.domain.questionnaire import DOB, OLDEST_YEARS, Question, Questionnaire
from services.screening.tables import QuestionTable

SOURCE: Final = "FHIR"
Answers = dict[str, JsonValue]


def rules(questions: Sequence[QuestionTable], base: Questionnaire) -> list[dict[str, Any]]:
    """One for each question that can be answered yes."""
    return [
        {
            "id": f"{OWN_RULE}{number:02}",
            "when": {"question": one.id, "is": "yes"},
            "outcome": "needs_review",
            "code": f"{OWN_CODE}{one.id.upper()}",
            "messages": ["REVIEW"],
            "sources": [SOURCE],
            "evidence": ["PD"],
            "explanation": {locale: f"{base.labels['yes'][locale]}: {text}" for locale, text in one.text.items()},
        }
        for number, one in enumerate((one for one in questions if one.type == AnswerType.TRI), 1)
    ]


def cases(found: Sequence[Mapping[str, Any]], known: Mapping[str, Question], as_of: date) -> list[dict[str, Any]]:
    """For each rule one in which it fires and one in which it just does not."""
    return [
        {"rule": rule["id"], "fires": fires, "set": _shown(known[asked], known, as_of) | {asked: word}}
        for rule in found
        for asked in (rule["when"]["question"],)
        for fires, word in ((True, "yes"), (False, "no"))
    ]


def _shown(question: Question, known: Mapping[str, Question], as_of: date) -> Answers:
    """Answers by which it is asked."""
    return {} if question.shown_when is None else _true(question.shown_when, known, as_of)


def _true(condition: Condition, known: Mapping[str, Question], as_of: date) -> Answers:
    match condition:
        case All(of=parts):
            return {name: value for part in parts for name, value in _true(part, known, as_of).items()}
        case AnyOf(of=parts):
            return _true(parts[0], known, as_of)
        case Age(band=band):
            years = min(max(band.low if band.low is not None else (band.high or 1) - 1, 0), OLDEST_YEARS)
            return {DOB: as_of.replace(year=as_of.year - years).isoformat()}
        case Is(question=name, values=values):
            return _shown(known[name], known, as_of) | {name: min(values, key=str)}
        case IsNot(question=name, value=value):
            return _shown(known[name], known, as_of) | {name: _other(known[name], value)}
        case Ticked(question=name, value=value):
            return _shown(known[name], known, as_of) | {name: [value]}
        case _:
            return {}


def _other(question: Question, value: str | bool) -> JsonValue:
    if question.type is AnswerType.BOOL:
        return not value
    if question.type is AnswerType.MULTI:
        return [next((one.value for one in question.options if one.value != value), "")]
    words = (
        ["no", "yes", *(one.value for one in question.options)]
        if question.type is AnswerType.TRI
        else [*(one.value for one in question.options), "unsure"]
    )
    return next((one for one in words if one != value), "skip")
