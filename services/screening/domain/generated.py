"""Made-up answers to any form, for whoever has to show that something holds for all that could be handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from services.screening.domain.answers import SKIP, UNSURE, AnswerType
from services.screening.domain.catalogue import Form
from services.screening.domain.conditions import Age, Condition, DaysSince
from services.screening.domain.questionnaire import DOB, Question, Questionnaire

Pick = Callable[[int], int]  # a whole number from 0 up to its argument and without it, as `Random.randrange` gives
T = TypeVar("T")

ROLE: Final = "respondent_role"
ADULT: Final = 18
_A_YEAR: Final = 365
_LONGEST_LIFE: Final = 100
_LOUD: Final = (0, 1, 1, 2, 3, 6, 20)  # how many questions are answered with something that a rule may look for
_FLAWS: Final = 4
_WRITTEN: Final = ("None.", " nothing! ", "n/a", "My hip aches", UNSURE, SKIP, "No.\u00a0.")


class Temper(StrEnum):
    """How a form is filled in; each also does what those before it do."""

    CAREFUL = "careful"  # all that is asked, and nothing that contradicts itself
    OPEN = "open"  # unsure, withheld and left out
    CONTRADICTORY = "contradictory"  # all that can be read and cannot be true


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Numbers of days and of years at which a rule or a question begins or ends: half of what is made lies there."""

    days: tuple[int, ...] = ()
    years: tuple[int, ...] = (ADULT,)


def edges(*forms: Form) -> Edges:
    """Those of all rules and questions of these forms."""
    conditions = [part for form in forms for part in _conditions(form)]
    days = {edge for part in conditions if isinstance(part, DaysSince) for edge in _ends(part)}
    years = {edge for part in conditions if isinstance(part, Age) for edge in _ends(part)}
    return Edges(days=tuple(sorted(days)), years=tuple(sorted(years | {ADULT})))


def random_answers(
    form: Questionnaire, pick: Pick, *, as_of: date, near: Edges | None = None, temper: Temper | None = None
) -> dict[str, object]:
    """Raw answers that the form reads without refusing them; of any temper if none is named.

    Most questions are answered quietly and a few are not, so that every outcome comes about. `as_of` lies at least
    a life after the first day of the calendar.
    """
    made = _Making(pick, as_of, near or Edges(), temper or _one(tuple(Temper), pick))
    return made.answers(form)


def random_prior_yes(form: Questionnaire, pick: Pick) -> frozenset[str]:
    """Questions that an earlier form of the same client may have answered with yes; none in two of three cases."""
    tri = [question.id for question in form.questions if question.type is AnswerType.TRI]
    return frozenset(_one(tri, pick) for _ in range(max(0, pick(6) - 3))) if tri else frozenset()


@dataclass(frozen=True, slots=True)
class _Making:
    pick: Pick
    as_of: date
    near: Edges
    temper: Temper

    def answers(self, form: Questionnaire) -> dict[str, object]:
        born = self._birth()
        child = born > _years_before(self.as_of, ADULT)
        loud = {_one(form.questions, self.pick).id for _ in range(_one(_LOUD, self.pick))}
        made: dict[str, object] = {}
        for question in form.questions:
            if question.id == DOB:
                made[DOB] = born.isoformat()
            elif question.id == ROLE and ROLE not in loud:
                made[ROLE] = "guardian" if child else "self"
            else:
                answer = self._answer(question, born, loud=question.id in loud or _follows(question))
                made |= {} if answer is None else {question.id: answer}
        hidden = self._hidden(form, made)
        return {name: answer for name, answer in made.items() if name not in hidden}

    def _hidden(self, form: Questionnaire, made: dict[str, object]) -> set[str]:
        """Answers to what is not asked; who contradicts themselves gives one of them in some cases."""
        hidden = sorted(form.sheet(form.read(made), as_of=self.as_of).orphans)
        if hidden and self.temper is Temper.CONTRADICTORY and self.pick(3) == 0:
            hidden.remove(_one(hidden, self.pick))
        return set(hidden)

    def _answer(self, question: Question, born: date, *, loud: bool) -> object:
        """None leaves it out."""
        if loud and self.temper is not Temper.CAREFUL and self.pick(_FLAWS) == 0 and not question.essential:
            return _one((*_openly(question), None), self.pick)
        listed = [option.value for option in question.options]
        match question.type:
            case AnswerType.TRI:
                return _one(("yes", "yes", "no"), self.pick) if loud else "no"
            case AnswerType.CHOICE:
                return _one(listed, self.pick) if loud else listed[0]
            case AnswerType.MULTI:
                return self._ticks(listed) if loud else [value for value in listed if value == "none"]
            case AnswerType.FUZZY_DATE:
                return _dated(self._event(born), self.pick)
            case AnswerType.INT:
                least, most = question.limits.least or 0, question.limits.most or 1000
                return least + self.pick(most - least + 1)
            case AnswerType.TEXT:
                return _one(_WRITTEN, self.pick) if loud else ""
            case AnswerType.DATE:
                return self._event(born).isoformat()
            case AnswerType.BOOL:
                return not (loud and self.pick(3) == 0)

    def _ticks(self, listed: Sequence[str]) -> list[str]:
        """Up to three; "none of these" and "not sure" stand alone unless the form contradicts itself."""
        ticked = sorted({_one(listed, self.pick) for _ in range(1 + self.pick(3))})
        if self.temper is Temper.CAREFUL:
            ticked = [value for value in ticked if value != UNSURE] or [listed[0]]
        if self.temper is not Temper.CONTRADICTORY and "none" in ticked:
            return ["none"]
        return ticked

    def _event(self, born: date) -> date:
        """A day of this life, or one that it cannot have been."""
        life = (self.as_of - born).days
        flaw = self.pick(_FLAWS * 2) if self.temper is Temper.CONTRADICTORY else _FLAWS * 2
        if flaw == 0:
            return self.as_of + timedelta(days=1 + self.pick(_A_YEAR))
        if flaw == 1:
            return born - timedelta(days=1 + self.pick(_A_YEAR))
        most = _one((1, _A_YEAR, _A_YEAR, life + 1), self.pick)
        ago = self.pick(most)
        if self.near.days and self.pick(2):
            ago = _one(self.near.days, self.pick) - 1 + self.pick(3)
        return self.as_of - timedelta(days=max(0, min(ago, life)))

    def _birth(self) -> date:
        """Adults mostly; children, babies, the days around a birthday that matters, and the 29th of February."""
        match self.pick(8):
            case 0:
                return self.as_of - timedelta(days=self.pick(2 * _A_YEAR))
            case 1:
                return self.as_of - timedelta(days=self.pick(ADULT * _A_YEAR))
            case 2 | 3:
                birthday = _years_before(self.as_of, _one(self.near.years, self.pick))
                return min(self.as_of, birthday + timedelta(days=self.pick(3) - 1))
            case 4:
                year = self.as_of.year - 1 - self.pick(_LONGEST_LIFE)
                return date(year, 3, 1) - timedelta(days=1)
            case _:
                return self.as_of - timedelta(days=(ADULT + 1) * _A_YEAR + self.pick(70 * _A_YEAR))


def _conditions(form: Form) -> Iterator[Condition]:
    for rule in form.ruleset.rules:
        yield from rule.conditions()
    for question in form.questionnaire.questions:
        if question.shown_when is not None:
            yield from question.shown_when.parts()


def _ends(part: DaysSince | Age) -> Iterator[int]:
    yield from (end for end in (part.band.low, part.band.high) if end is not None)


def _follows(question: Question) -> bool:
    """Whether it is asked because of another answer, not of an age alone."""
    parts = question.shown_when.parts() if question.shown_when else iter(())
    return any(not isinstance(part, Age) and hasattr(part, "question") for part in parts)


def _openly(question: Question) -> tuple[str | list[str], ...]:
    match question.type:
        case AnswerType.TRI | AnswerType.CHOICE | AnswerType.FUZZY_DATE | AnswerType.INT:
            return UNSURE, SKIP
        case AnswerType.MULTI if UNSURE in question.limits.values:
            return ([UNSURE],)
        case _:
            return ()


def _dated(day: date, pick: Pick) -> dict[str, str]:
    kind, length = _one((("date", 10), ("month", 7), ("year", 4)), pick)
    return {"kind": kind, "value": day.isoformat()[:length]}


def _years_before(day: date, years: int) -> date:
    """The same date so many years earlier; the 29th of February becomes the 1st of March."""
    first = date(day.year - years, day.month, 1)
    return first + timedelta(days=day.day - 1)


def _one(things: Sequence[T], pick: Pick) -> T:
    return things[pick(len(things))]
