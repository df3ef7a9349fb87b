"""The page's own words, one file for each language; a language with a hole in it keeps the service from starting."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.screening.domain.answers import AnswerType
from services.screening.domain.conditions import Age, All, Band, Condition, Is
from services.screening.domain.questionnaire import Questionnaire
from shared.errors import Refusal

FOLDER: Final = Path(__file__).parent / "words"
NONE: Final = "none"
"""The option of a question with several answers that says that nothing of it is so."""


class WordsBroken(Exception):
    """One sentence that names the file and what is wrong with it."""


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
    spoken = {locale: Words(locale, _load(folder / f"{locale}.toml")) for locale in sorted(locales)}
    first, *others = spoken.values()
    for other in others:
        for trouble in _apart(dict(_leaves(first.said)), dict(_leaves(other.said))):
            raise WordsBroken(f"{other.locale}.toml is not as {first.locale}.toml: {trouble}")
    return spoken


def _load(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise WordsBroken(f"{file.name}: {error}") from error


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        match value:
            case dict():
                yield from _leaves(value, f"{above}{key}.")
            case list():
                yield from ((f"{above}{key}.{number}", str(one)) for number, one in enumerate(value))
            case _:
                yield f"{above}{key}", str(value)


def _apart(one: Mapping[str, str], other: Mapping[str, str]) -> Iterator[str]:
    """Words that only one of them has or leaves empty, and blanks that are not the same."""
    for key in sorted(one.keys() ^ other.keys()):
        yield key
    for key in sorted(one.keys() & other.keys()):
        if not (one[key].strip() and other[key].strip()) or _blanks(one[key]) != _blanks(other[key]):
            yield key


def _blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _label(form: Questionnaire, question: str, value: str, locale: str) -> str:
    options = next(one.options for one in form.questions if one.id == question)
    named = {option.value: option.text[locale] for option in options}
    labels = form.labels.get(value, {})
    return named.get(value) or labels.get(locale, "")
