"""How the health check says when a question applies, what is missing, and why something did not work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.screening.domain.answers import AnswerType
from services.screening.domain.conditions import Age, All, Band, Condition, Is
from services.screening.domain.questionnaire import Questionnaire
from shared.errors import Refusal

_REFUSED: Final[Mapping[str, str]] = {
    "nothing-written": "Please write something first.",
    "file-refused": "We can take a PDF, JPEG or PNG file of up to 5 MB. Please choose another one, or write to us.",
    "too-much-added": "We have as much as we can take here. Please call us about anything else.",
    "nobody-looks": "Nobody waits for words or files here now. Please call us if there is something to say.",
    "not-declined": "A person has been asked already, or there is nothing to look at again.",
    "nothing-to-void": "There is nothing to change here now. Please call us.",
    "too-many-forms": "This form was opened again very often. Please call us.",
    "already-answered": "We have your answers already and keep them as they were. To correct one, please call us.",
    "already-decided": "We have your answers already. Below is what we said to them. To correct one, please call us.",
    "case-closed": "This booking is no longer open, so there is nothing to fill in.",
    "other-questionnaire-asked": "This visit asks for another form. Please go back to your booking and start again.",
    "questionnaire-unknown": "This form is out of date. Please go back to your booking and start again.",
    "practice-unknown": "This health check is not ready yet. Please try again in a minute.",
    "emergency-number-missing": "This health check is not ready yet. Please call the practice.",
    "case-unknown": "There is no health check under this address. Please check the link.",
    "token-invalid": "Links to a booking end some time after the visit, and work only as they were sent. "
    "Please open the link from your newest text.",
}
_MISSING: Final[Mapping[AnswerType, str]] = {
    AnswerType.MULTI: "Please tick what applies, or “None of these”.",
    AnswerType.FUZZY_DATE: "Please give the year at least, or choose one of the other answers.",
    AnswerType.INT: "Please give a number, or choose one of the other answers.",
    AnswerType.DATE: "Please give the day, month and year.",
    AnswerType.BOOL: "A parent or legal guardian has to agree before a child can come.",
}
_MISFIT: Final[Mapping[AnswerType, str]] = {
    AnswerType.FUZZY_DATE: "That is not a date. Give the year; the month if you know it; then the day.",
    AnswerType.INT: "That is not a number we can use.",
    AnswerType.DATE: "That is not a date of birth. Please give the day, month and year.",
    AnswerType.TEXT: "That is too long. Please shorten it.",
}


def refused(refusal: Refusal) -> str:
    return _REFUSED.get(refusal.slug, "That did not work. Please try once more.")


def missing(kind: AnswerType) -> str:
    return _MISSING.get(kind, "Please answer this question.")


def misfit(kind: AnswerType) -> str:
    return _MISFIT.get(kind, "Please choose one of the answers.")


def only_if(condition: Condition, form: Questionnaire, locale: str) -> str:
    """When a question applies, for somebody who sees it either way."""
    return f"Only if {_clause(condition, form, locale)}"


def _clause(condition: Condition, form: Questionnaire, locale: str) -> str:
    match condition:
        case All(of=parts):
            return " and ".join(_clause(part, form, locale) for part in parts)
        case Is(question=question, values=values):
            given = " or ".join(f"“{_label(form, question, str(value), locale)}”" for value in sorted(map(str, values)))
            return f"you answered {given} above"
        case Age(band=band):
            return f"the person who comes is {_aged(band)}"
        case _:
            return "it applies"


def _label(form: Questionnaire, question: str, value: str, locale: str) -> str:
    options = next(one.options for one in form.questions if one.id == question)
    named = {option.value: option.text[locale] for option in options}
    return named.get(value) or form.labels[value][locale]


def _aged(band: Band) -> str:
    match band:
        case Band(low=None, high=int() as high):
            return f"under {high}"
        case Band(low=int() as low, high=None):
            return f"{low} or older"
        case Band(low=int() as low, high=int() as high):
            return f"{low} to {high - 1} years old"
        case _:
            return "of any age"
