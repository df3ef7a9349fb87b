"""Raw answers as the form would have posted them, to fill it in with: the reverse of `sheet.read`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pydantic import JsonValue

from services.screening.domain.answers import OPEN, AnswerType
from services.screening.domain.questionnaire import Questionnaire
from services.screening.page.sheet import Posted

GIVEN: Final = "given"
_PARTS: Final = ("year", "month", "day")


def posted(form: Questionnaire, answers: Mapping[str, JsonValue]) -> Posted:
    """Answers to questions that the form does not have are left out."""
    fields: dict[str, str] = {}
    for question in form.questions:
        if question.id in answers:
            fields |= _WRITERS[question.type](question.id, answers[question.id])
    return fields


def _plain(name: str, answer: JsonValue) -> dict[str, str]:
    return {name: str(answer)}


def _ticked(name: str, answer: JsonValue) -> dict[str, str]:
    return {f"{name}.{one}": str(one) for one in answer} if isinstance(answer, list) else {}


def _agreed(name: str, answer: JsonValue) -> dict[str, str]:
    return {name: "yes"} if answer is True else {}


def _number(name: str, answer: JsonValue) -> dict[str, str]:
    return {name: str(answer)} if answer in OPEN else {name: GIVEN, f"{name}.number": str(answer)}


def _day(name: str, answer: JsonValue) -> dict[str, str]:
    numbers = (str(int(part)) for part in str(answer).split("-"))
    return {f"{name}.{part}": number for part, number in zip(_PARTS, numbers, strict=False)}


def _fuzzy(name: str, answer: JsonValue) -> dict[str, str]:
    if isinstance(answer, dict):
        return {name: GIVEN} | _day(name, answer["value"])
    return {name: str(answer)}


_WRITERS: Final[Mapping[AnswerType, Callable[[str, JsonValue], dict[str, str]]]] = {
    AnswerType.TRI: _plain,
    AnswerType.CHOICE: _plain,
    AnswerType.TEXT: _plain,
    AnswerType.FUZZY_DATE: _fuzzy,
    AnswerType.INT: _number,
    AnswerType.MULTI: _ticked,
    AnswerType.DATE: _day,
    AnswerType.BOOL: _agreed,
}
