"""The record's words in one language: labels, dates, and answers as the client chose or wrote them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from services.screening.domain.questionnaire import AnswersInvalid, Question, Questionnaire
from services.screening.domain.wording import Texts

WORDS: Final = Path(__file__).parent / "words"
Words = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """`texts` say how days are written, `words` all the rest; times are those of the practice."""

    texts: Texts
    words: Words
    zone: ZoneInfo

    def moment(self, at: datetime) -> str:
        return self.texts.written_moment(at, self.zone)

    def day(self, on: date) -> str:
        return self.texts.written_day(on)

    def answers(self, form: Questionnaire, given: Mapping[str, JsonValue], as_of: date) -> Iterator[tuple[str, str]]:
        """Every question that was asked with its answer, in the order of the form."""
        missing = _missing(form, given, as_of)
        for question in form.questions:
            if question.id in given:
                yield question.text[self.texts.locale], self.answer(question, given[question.id], form)
            elif question.id in missing:
                yield question.text[self.texts.locale], self.words["no_answer"]

    def answer(self, question: Question, raw: JsonValue, form: Questionnaire) -> str:
        locale = self.texts.locale
        labels = {value: text[locale] for value, text in form.labels.items()}
        labels |= {option.value: option.text[locale] for option in question.options}
        match raw:
            case bool():
                return labels["yes" if raw else "no"]
            case {"kind": kind, "value": value}:
                return self._part_of_date(str(kind), str(value))
            case list():
                return "; ".join(labels.get(str(one), str(one)) for one in raw) or self.words["no_answer"]
            case _ if question.options or question.type.value not in ("text", "date"):
                return labels.get(str(raw), str(raw))
            case str() if question.type.value == "date":
                return self.day(date.fromisoformat(raw))
            case _:
                return str(raw) or self.words["no_answer"]

    def _part_of_date(self, kind: str, value: str) -> str:
        match kind:
            case "date":
                return self.day(date.fromisoformat(value))
            case "month":
                month = self.texts.months[int(value[5:]) - 1]
                return str(self.words["month"].format(month=month, year=value[:4]))
            case _:
                return value


@cache
def words(locale: str) -> Words:
    """Of a language that the health check is in."""
    return tomllib.loads((WORDS / f"{locale}.toml").read_text(encoding="utf-8"))


def _missing(form: Questionnaire, given: Mapping[str, JsonValue], as_of: date) -> frozenset[str]:
    try:
        return frozenset(form.sheet(form.read(given), as_of=as_of).missing)
    except AnswersInvalid:  # kept by an older version of the service, which knew other bounds
        return frozenset()
