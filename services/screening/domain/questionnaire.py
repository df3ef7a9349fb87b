"""A health form as data: its questions, when each is shown, and what turns raw answers into a sheet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import date
from typing import ClassVar

from services.screening.domain import answers
from services.screening.domain.answers import AnswerType, Limits, NotAnAnswer, Value
from services.screening.domain.conditions import Condition
from services.screening.domain.sheet import NONE, Sheet, completed_years
from shared.errors import Kind, Refusal

DOB = "dob"
OLDEST_YEARS = 130
_READABLE_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")


class AnswersInvalid(Refusal):
    """Ids that the form does not have, answers that do not fit, or the few answers without which nothing can be said.

    Names ids and never what was answered; an id that could itself be free text is counted, not repeated.
    """

    slug: ClassVar[str] = "answers-invalid"
    kind: ClassVar[Kind] = Kind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One value to choose; `urgent` shows the urgent text at once when it is ticked. Texts are by locale."""

    value: str
    text: Mapping[str, str]
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Questions that are shown together under one title, by locale."""

    id: str
    title: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`essential` answers are refused when absent; other `required` ones that are missing lead to review."""

    id: str
    group: str
    type: AnswerType
    text: Mapping[str, str]
    options: tuple[Option, ...] = ()
    shown_when: Condition | None = None
    required: bool = True
    essential: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Questionnaire:
    """Questions in the order they are asked; a question is shown by answers that come before it only.

    `groups` are in the order of their questions, which stand together.
    """

    name: str
    version: str
    title: Mapping[str, str]
    labels: Mapping[str, Mapping[str, str]]
    groups: tuple[Group, ...]
    questions: tuple[Question, ...]
    digest: str

    @property
    def id(self) -> str:
        return f"{self.name}@{self.version}"

    def read(self, raw: Mapping[str, object]) -> dict[str, Value]:
        """Every answer as a value. Raises `AnswersInvalid` naming all ids that are wrong."""
        known = {question.id: question for question in self.questions}
        values: dict[str, Value] = {}
        misfits: list[str] = []
        for name in raw.keys() & known.keys():
            question = known[name]
            try:
                values[name] = answers.read(question.type, raw[name], question.limits)
            except NotAnAnswer:
                misfits.append(name)
        absent = [q.id for q in self.questions if q.essential and q.id not in raw]
        _refuse(unknown=raw.keys() - known.keys(), misfit=misfits, absent=absent)
        return values

    def refuse_unknown(self, names: Iterable[str]) -> None:
        """Raises `AnswersInvalid` for questions that the form does not have."""
        _refuse(unknown=frozenset(names) - {question.id for question in self.questions}, misfit=[], absent=[])

    def sheet(self, values: Mapping[str, Value], *, as_of: date, prior_yes: frozenset[str] = NONE) -> Sheet:
        """Keep what was visible, name what is missing and what answers a question that was never shown.

        Raises `AnswersInvalid` for a date of birth after `as_of` or further back than anybody lives.
        """
        dob = values[DOB]
        if not isinstance(dob, date) or not 0 <= completed_years(dob, as_of) <= OLDEST_YEARS:
            raise AnswersInvalid("an answer does not fit its question", misfit=[DOB])
        given: dict[str, Value] = {}
        shown: set[str] = set()
        missing: set[str] = set()
        so_far = Sheet(
            as_of=as_of, dob=dob, age=completed_years(dob, as_of), values=given, shown=shown, missing=missing
        )
        for question in self.questions:
            if question.shown_when is not None and question.shown_when.holds(so_far) is not True:
                continue
            shown.add(question.id)
            value = values.get(question.id)
            if value is not None and value != NONE:
                given[question.id] = value
            elif question.required:
                missing.add(question.id)
        orphans = {name for name, value in values.items() if name not in shown and not _is_silent(value)}
        return replace(so_far, orphans=orphans, prior_yes=prior_yes)


def _is_silent(value: Value) -> bool:
    """Nothing ticked, of many or of one, is what a form sends of a question that it did not show."""
    return value == NONE or value is False


def _refuse(*, unknown: Set[str], misfit: list[str], absent: list[str]) -> None:
    if not (unknown or misfit or absent):
        return
    named = sorted(name for name in unknown if _READABLE_ID.fullmatch(name))
    raise AnswersInvalid(
        "the answers do not fit the questionnaire",
        unknown=named,
        unknown_count=len(unknown),
        misfit=sorted(misfit),
        absent=sorted(absent),
    )
