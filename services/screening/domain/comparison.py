"""What differs between two versions of a form, field by field, and every case that comes to something else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final

from services.screening.domain.assessment import Assessment
from services.screening.domain.catalogue import Form
from services.screening.domain.examples import Example
from services.screening.domain.questionnaire import AnswersInvalid, Option, Question
from services.screening.domain.ruleset import Effect, Rule
from services.screening.domain.strictness import SEVERITY, weaker


class Step(StrEnum):
    """How far a version goes from the one before: texts only, nothing softer, or something softer."""

    PATCH = "patch"
    MINOR = "minor"
    MAJOR = "major"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`fields` are those that changed; none of what was added or removed as a whole."""

    what: str
    id: str
    how: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a case comes to, without its trace."""

    outcome: Effect
    urgent: bool
    clearance_required: bool
    codes: tuple[str, ...]
    retry_after: date | None

    @classmethod
    def of(cls, found: Assessment) -> Result:
        return cls(
            outcome=found.outcome,
            urgent=found.urgent,
            clearance_required=found.clearance_required,
            codes=tuple(sorted({*found.reason_codes, *found.note_codes})),
            retry_after=found.retry_after,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChange:
    """None: not a filled in form there."""

    name: str
    before: Result | None
    after: Result | None

    @property
    def is_softer(self) -> bool:
        if self.before is None or self.after is None:
            return self.after is not self.before
        milder = SEVERITY[self.after.outcome] < SEVERITY[self.before.outcome]
        calmer = self.before.urgent and not self.after.urgent
        return milder or calmer or (self.before.clearance_required and not self.after.clearance_required)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`step` is how the version after it has to be counted."""

    step: Step
    differences: tuple[Difference, ...]
    cases: tuple[CaseChange, ...]
    softer: tuple[str, ...]


def compare(before: Form, after: Form, cases: Iterable[CaseChange]) -> Comparison:
    """`cases` are those of `case_changes`, which takes its time."""
    cases = tuple(cases)
    softer = (*weaker(before, after), *(f"{case.name} is softer" for case in cases if case.is_softer))
    differences = tuple(_differences(before, after))
    step = Step.MAJOR if softer else Step.PATCH if _bare(before) == _bare(after) else Step.MINOR
    return Comparison(step=step, differences=differences, cases=cases, softer=softer)


def case_changes(before: Form, after: Form, examples: Iterable[Example]) -> Iterator[CaseChange | None]:
    """None for each case that comes to the same, so that whoever goes through them can let others go first."""
    for one in examples:
        was, now = _result(before, one), _result(after, one)
        yield None if was == now else CaseChange(name=one.name, before=was, after=now)


def next_release(release: str | None, step: Step) -> str:
    """The one version that may follow; the first is 1.0.0."""
    if release is None:
        return "1.0.0"
    major, minor, patch = (int(part) for part in release.split("."))
    match step:
        case Step.MAJOR:
            return f"{major + 1}.0.0"
        case Step.MINOR:
            return f"{major}.{minor + 1}.0"
        case Step.PATCH:
            return f"{major}.{minor}.{patch + 1}"


def _result(form: Form, one: Example) -> Result | None:
    try:
        return Result.of(one.judged(form))
    except AnswersInvalid:
        return None


def _differences(before: Form, after: Form) -> Iterator[Difference]:
    old, new = before.questionnaire, after.questionnaire
    yield from _parts("question", {q.id: q for q in old.questions}, {q.id: q for q in new.questions})
    yield from _parts("group", {g.id: g for g in old.groups}, {g.id: g for g in new.groups})
    rules = before.ruleset, after.ruleset
    yield from _parts("rule", *({rule.id: rule for rule in one.rules} for one in rules))
    listed = (dict.fromkeys(one.clearance_questions, True) for one in rules)
    yield from _parts("clearance_question", *listed)


def _parts(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield Difference(what=what, id=name, how="removed")
        elif name not in before:
            yield Difference(what=what, id=name, how="added")
        elif before[name] != after[name]:
            yield Difference(what=what, id=name, how="changed", fields=_changed(before[name], after[name]))


def _changed(before: Any, after: Any) -> tuple[str, ...]:
    named = (field.name for field in fields(before) if field.compare)
    return tuple(name for name in named if getattr(before, name) != getattr(after, name))


def _bare(form: Form) -> object:
    """All that anybody is judged by: without texts, sources and the names of versions."""
    questions = tuple(_wordless(question) for question in form.questionnaire.questions)
    rules = tuple(_unexplained(rule) for rule in form.ruleset.rules)
    labels = {name: frozenset(texts) for name, texts in form.questionnaire.labels.items()}
    return questions, rules, labels, form.ruleset.clearance_questions


def _wordless(question: Question) -> Question:
    options = tuple(Option(value=one.value, text=NO_TEXT, urgent=one.urgent) for one in question.options)
    return replace(question, text=NO_TEXT, options=options)


def _unexplained(rule: Rule) -> Rule:
    return replace(rule, explanation=NO_TEXT, sources=(), evidence=())


NO_TEXT: Final[Mapping[str, str]] = {}
