"""The form as the page lays it out: sections of blocks, each a question with those that may follow from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.screening.domain.conditions import Age, All, Band, Condition, Is
from services.screening.domain.questionnaire import Questionnaire
from services.screening.page.words import Words
from services.screening.routes import payloads as p

ADULT_YEARS: Final = 18


@dataclass(frozen=True, slots=True)
class Asked:
    """`only` says when the question applies; `after_yes` and `for_child` let the stylesheet put it away until then.

    `ages` are those it is for, if its condition names any; `missing` is said when it is passed over.
    """

    shown: p.QuestionOut
    only: str
    after_yes: bool
    for_child: bool
    ages: Band | None
    missing: str


@dataclass(frozen=True, slots=True)
class Block:
    first: Asked
    follows: Sequence[Asked]

    def applies(self, age: int | None) -> bool:
        """It may, as far as age alone can tell."""
        ages = self.first.ages
        return ages is None or age is None or age in ages

    @property
    def questions(self) -> frozenset[str]:
        return frozenset(asked.shown.id for asked in (self.first, *self.follows))


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    blocks: Sequence[Block]


def sections(form: Questionnaire, shown: p.QuestionnaireOut, words: Words) -> Sequence[Section]:
    """One for each group of the form, in its order."""
    blocks = list(_blocks(form, shown, words))
    found = [(group.title, [one for one in blocks if one.first.shown.group == group.id]) for group in shown.groups]
    return [Section(title, own) for title, own in found if own]


def _blocks(form: Questionnaire, shown: p.QuestionnaireOut, words: Words) -> Iterator[Block]:
    by_id = {question.id: question for question in shown.questions}
    current: list[Asked] = []
    for question in form.questions:
        condition = question.shown_when
        follows = bool(current) and _is_yes(condition, current[0].shown.id)
        only = "" if condition is None else words.only_if(condition, form)
        if current and not follows:
            yield Block(current[0], current[1:])
            current = []
        current.append(
            Asked(
                shown=by_id[question.id],
                only=only,
                after_yes=follows,
                for_child=_is_for_child(condition),
                ages=_ages(condition),
                missing=words.missing(question.type, form, question.id),
            )
        )
    if current:
        yield Block(current[0], current[1:])


def _is_yes(condition: Condition | None, of: str) -> bool:
    return isinstance(condition, Is) and condition.question == of and condition.values == frozenset({"yes"})


def _is_for_child(condition: Condition | None) -> bool:
    """It can apply to nobody who comes of age, so nobody who fills in the form for themselves need see it."""
    ages = _ages(condition)
    return ages is not None and ages.high is not None and ages.high <= ADULT_YEARS


def _ages(condition: Condition | None) -> Band | None:
    match condition:
        case Age(band=band):
            return band
        case All(of=parts):
            return next((ages for part in parts if (ages := _ages(part)) is not None), None)
        case _:
            return None
