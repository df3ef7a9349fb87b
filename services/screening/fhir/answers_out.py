"""What a client filled in, as a FHIR R4B QuestionnaireResponse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pydantic import JsonValue
from pydantic_core import to_json

from services.screening.domain.answers import OPEN, AnswerType
from services.screening.domain.questionnaire import Question, Questionnaire
from services.screening.fhir import names
from services.screening.fhir.names import Json

Answers = Mapping[str, JsonValue]


def items(form: Questionnaire | None, answers: Answers, locale: str) -> list[Json]:
    """In the groups of the form. Without the form, each answer as it was stored."""
    if form is None:
        return [
            {"linkId": name, "answer": [{"valueString": names.written(to_json(raw).decode())}]}
            for name, raw in answers.items()
        ]
    groups = [
        {
            "linkId": f"{names.GROUP}{group.id}",
            "text": group.title[locale],
            "item": [_item(one, form, answers[one.id], locale) for one in _answered(form, group.id, answers)],
        }
        for group in form.groups
    ]
    return [group for group in groups if group["item"]]


def _answered(form: Questionnaire, group: str, answers: Answers) -> list[Question]:
    return [one for one in form.questions if one.group == group and answers.get(one.id) not in (None, "", [])]


def _item(question: Question, form: Questionnaire, raw: JsonValue, locale: str) -> Json:
    given = raw if isinstance(raw, list) else [raw]
    return {
        "linkId": question.id,
        "text": question.text[locale],
        "answer": [_answer(question, form, one, locale) for one in given],
    }


def _answer(question: Question, form: Questionnaire, raw: JsonValue, locale: str) -> Json:
    if isinstance(raw, str) and raw in OPEN and question.type in names.BESIDE_A_VALUE:
        said = names.code(raw, form.labels[raw][locale], system=names.LABELS)
        why = [
            names.extension(names.ABSENT, valueCode=names.ABSENT_BECAUSE[raw]),
            names.extension(names.OPENLY, valueCoding=said),
        ]
        kind = "Date" if question.type is AnswerType.FUZZY_DATE else "Integer"
        return {f"_value{kind}": {"extension": why}}
    return _VALUES.get(question.type, _coding)(question, form, raw, locale)


def _coding(question: Question, form: Questionnaire, raw: JsonValue, locale: str) -> Json:
    for option in question.options:
        if option.value == raw:
            system = names.options_of(form.name, question.id)
            return {"valueCoding": names.code(option.value, option.text[locale], system=system)}
    return {"valueCoding": names.code(str(raw), form.labels[str(raw)][locale], system=names.LABELS)}


def _fuzzy(_: Question, __: Questionnaire, raw: JsonValue, ___: str) -> Json:
    """A year, a month or a day: FHIR's dates are as long as what is known."""
    return {"valueDate": raw["value"]} if isinstance(raw, dict) else {}


_VALUES: Final[Mapping[AnswerType, Callable[[Question, Questionnaire, JsonValue, str], Json]]] = {
    AnswerType.FUZZY_DATE: _fuzzy,
    AnswerType.DATE: lambda _, __, raw, ___: {"valueDate": raw},
    AnswerType.INT: lambda _, __, raw, ___: {"valueInteger": raw},
    AnswerType.BOOL: lambda _, __, raw, ___: {"valueBoolean": raw},
    AnswerType.TEXT: lambda _, __, raw, ___: {"valueString": names.written(str(raw))},
}
