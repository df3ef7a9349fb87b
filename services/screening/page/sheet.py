"""What was posted, read into raw answers, and what is missing or not an answer, question by question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from pydantic import JsonValue

from services.screening.domain.answers import OPEN, SKIP, AnswerType
from services.screening.domain.questionnaire import AnswersInvalid, Question, Questionnaire
from services.screening.page.words import Words

Posted = Mapping[str, str]
Problems = Mapping[str, str]
LEFT: Final = frozenset({AnswerType.TRI, AnswerType.CHOICE, AnswerType.FUZZY_DATE, AnswerType.INT})
"""The kinds of question that take "I would rather talk to a person" for an answer."""


def read(form: Questionnaire, posted: Posted, words: Words) -> tuple[dict[str, JsonValue], dict[str, str]]:
    """Raw answers of the questions that were answered at all; problems are of answers that cannot be read."""
    answers: dict[str, JsonValue] = {}
    problems: dict[str, str] = {}
    for question in form.questions:
        try:
            answer = answer_to(question, posted)
        except ValueError:
            problems[question.id] = words.misfit(question.type)
        else:
            if answer is not None:
                answers[question.id] = answer
    return answers, problems


def answer_to(question: Question, posted: Posted) -> JsonValue:
    """The raw answer, None if there is none. Raises ValueError for what cannot be read as one."""
    return _READERS[question.type](question, posted)


def problems(form: Questionnaire, answers: Mapping[str, JsonValue], as_of: date, words: Words) -> Problems:
    """What keeps the form from being sent: answers that do not fit, and shown questions without one."""
    kinds = {question.id: question.type for question in form.questions}
    try:
        missing = form.sheet(form.read(answers), as_of=as_of).missing
    except AnswersInvalid as refusal:
        misfit, absent = refusal.extra.get("misfit", []), refusal.extra.get("absent", [])
        # Without these nobody can say what else applies, but what always does can be asked for in the same breath.
        always = [one.id for one in form.questions if one.required and not one.shown_when and one.id not in answers]
        found = {name: words.missing(kinds[name], form, name) for name in (*absent, *always)}
        found |= {name: words.misfit(kinds[name]) for name in misfit}
    else:
        found = {name: words.missing(kinds[name], form, name) for name in missing}
    return {name: found[name] for name in kinds if name in found}


def left_to_a_person(form: Questionnaire, answers: Mapping[str, JsonValue], as_of: date) -> dict[str, JsonValue]:
    """What is shown and not answered, as "I would rather talk to a person" wherever a question takes that.

    Nothing before the answers are known that nobody else can give: who comes, and when they were born.
    """
    try:
        missing = form.sheet(form.read(answers), as_of=as_of).missing
    except AnswersInvalid:
        return {}
    return {one.id: SKIP for one in form.questions if one.id in missing and one.type in LEFT and not one.essential}


def _chosen(question: Question, posted: Posted) -> JsonValue:
    return posted.get(question.id) or None


def _ticked(question: Question, posted: Posted) -> JsonValue:
    return [o.value for o in question.options if f"{question.id}.{o.value}" in posted] or None


def _agreed(question: Question, posted: Posted) -> JsonValue:
    return True if posted.get(question.id) == "yes" else None


def _written(question: Question, posted: Posted) -> JsonValue:
    return posted.get(question.id, "").replace("\r\n", "\n").strip() or None


def _number(question: Question, posted: Posted) -> JsonValue:
    if (chosen := posted.get(question.id)) in OPEN:
        return chosen
    text = posted.get(f"{question.id}.number", "").strip()
    return int(text[:9]) if text else None


def _day(question: Question, posted: Posted) -> JsonValue:
    year, month, day = _parts(question, posted)
    if not (year or month or day):
        return None
    return date(int(year), int(month), int(day)).isoformat()


def _fuzzy(question: Question, posted: Posted) -> JsonValue:
    """Whoever chose not to give a date is taken at their word, whatever the lists still show."""
    if (chosen := posted.get(question.id)) in OPEN:
        return chosen
    year, month, day = _parts(question, posted)
    if not (year or month or day):
        return None
    whole = date(int(year), int(month or 1), int(day or 1))
    if day and not month:
        raise ValueError("a day without a month")
    kind, shown = ("date", "%Y-%m-%d") if day else ("month", "%Y-%m") if month else ("year", "%Y")
    return {"kind": kind, "value": f"{whole.year:04}{whole.strftime(shown.removeprefix('%Y'))}"}


def _parts(question: Question, posted: Posted) -> tuple[str, str, str]:
    year, month, day = (posted.get(f"{question.id}.{part}", "").strip()[:4] for part in ("year", "month", "day"))
    return year, month, day


_READERS: Final[Mapping[AnswerType, Callable[[Question, Posted], JsonValue]]] = {
    AnswerType.TRI: _chosen,
    AnswerType.CHOICE: _chosen,
    AnswerType.FUZZY_DATE: _fuzzy,
    AnswerType.INT: _number,
    AnswerType.MULTI: _ticked,
    AnswerType.TEXT: _written,
    AnswerType.DATE: _day,
    AnswerType.BOOL: _agreed,
}
