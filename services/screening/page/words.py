"""The page's own words, one file for each language; a language with a hole in it keeps the service from starting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.screening.domain.answers import AnswerType
from services.screening.domain.conditions import Age, All, Band, Condition, Is
from services.screening.domain.questionnaire import Questionnaire
from shared import wording
from shared.errors import Refusal

FOLDER: Final = Path(__file__).parent / "words"
NONE: Final = "none"
"""The option of a question with several answers that says that nothing of it is so."""


@dataclass(frozen=True, slots=True)
class Words:
    """`said` is the file as it is, for the templates."""

    locale: str
    said: Mapping[str, Any]

    def refused(self, refusal: Refusal) -> str:
        return self._of("refused", refusal.slug)

    def refused_title(self, status: int) -> str:
        return self._of("refused_title", str(status))

    def missing(self, kind: AnswerType, form: Questionnaire, question: str) -> str:
        return self._of("missing", kind.value).format(none=_label(form, question, NONE, self.locale))

    def misfit(self, kind: AnswerType) -> str:
        return self._of("misfit", kind.value)

    def only_if(self, condition: Condition, form: Questionnaire) -> str:
        """When a question applies, for somebody who sees it either way."""
        return str(self.said["only"]["if"].format(clause=self._clause(condition, form)))

    def _of(self, table: str, key: str) -> str:
        words = self.said[table]
        return str(words.get(key, words["other"]))

    def _clause(self, condition: Condition, form: Questionnaire) -> str:
        only = self.said["only"]
        match condition:
            case All(of=parts):
                return str(only["and"].join(self._clause(part, form) for part in parts))
            case Is(question=question, values=values):
                labels = [_label(form, question, value, self.locale) for value in sorted(map(str, values))]
                given = only["or"].join(only["quoted"].format(label=label) for label in labels)
                return str(only["answered"].format(given=given))
            case Age(band=band):
                return str(only["aged"].format(band=self._aged(band)))
            case _:
                return str(only["applies"])

    def _aged(self, band: Band) -> str:
        only = self.said["only"]
        match band:
            case Band(low=None, high=int() as high):
                return str(only["below"].format(high=high))
            case Band(low=int() as low, high=None):
                return str(only["from"].format(low=low))
            case Band(low=int() as low, high=int() as high):
                return str(only["between"].format(low=low, high=high - 1))
            case _:
                return str(only["any"])


def read(locales: Iterable[str], folder: Path = FOLDER) -> Mapping[str, Words]:
    """The words of each of these languages. Raises `WordsBroken`."""
    return {locale: Words(locale, said) for locale, said in wording.read(locales, folder).items()}


def _label(form: Questionnaire, question: str, value: str, locale: str) -> str:
    options = next(one.options for one in form.questions if one.id == question)
    named = {option.value: option.text[locale] for option in options}
    labels = form.labels.get(value, {})
    return named.get(value) or labels.get(locale, "")
