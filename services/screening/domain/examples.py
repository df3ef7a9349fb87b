"""Cases beside a rule set: a filled in form each, the rule that it is about, and whether that rule fires."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from services.screening.domain.answers import AnswerType
from services.screening.domain.assessment import Assessment, assess
from services.screening.domain.catalogue import Form
from services.screening.domain.conditions import Age, Band, DaysSince, Number, TickedCount
from services.screening.domain.questionnaire import AnswersInvalid, Question, Questionnaire
from services.screening.domain.ruleset import Rule
from services.screening.domain.sheet import NONE, Sheet

Measured = DaysSince | Age | Number | TickedCount
OWN: Final = "p_"  # how the questions of a practice's own begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """`name` says where it stands; `answers` are raw, and of questions that another form does not have as well."""

    name: str
    rule: str
    fires: bool
    answers: Mapping[str, object]
    as_of: date
    prior_yes: frozenset[str] = NONE

    def judged(self, form: Form) -> Assessment:
        """By a form that may ask more or less. Raises `AnswersInvalid`."""
        return assess(form.ruleset, self.sheet(form))

    def sheet(self, form: Form) -> Sheet:
        """What the form asks more is answered quietly, what it does not ask is left out. Raises `AnswersInvalid`."""
        asked = form.questionnaire
        values = asked.read(quietly(asked, self.answers))
        prior_yes = self.prior_yes & {question.id for question in asked.questions}
        sheet = asked.sheet(values, as_of=self.as_of, prior_yes=prior_yes)
        unasked = sheet.orphans - self.answers.keys()
        if not unasked:
            return sheet
        left = {name: value for name, value in values.items() if name not in unasked}
        return asked.sheet(left, as_of=self.as_of, prior_yes=prior_yes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """`bases` are whole quiet forms by name, from which examples start."""

    as_of: date
    bases: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    cases: tuple[Example, ...] = ()


def quietly(form: Questionnaire, answers: Mapping[str, object]) -> dict[str, object]:
    """With the answer that says nothing of note to every question of a practice's own that has none."""
    known = {question.id: answers[question.id] for question in form.questions if question.id in answers}
    added = {q.id: quiet(q) for q in form.questions if q.id not in answers and q.id.startswith(OWN)}
    return known | {name: answer for name, answer in added.items() if answer is not None}


def untested(form: Form, rules: Iterable[str], examples: Sequence[Example]) -> Iterator[str]:
    """What is missing of the cases that these rules need: fires, just does not, and both sides of every bound."""
    by_id = {rule.id: rule for rule in form.ruleset.rules}
    for name in sorted(set(rules) & by_id.keys()):
        about = [one for one in examples if one.rule == name]
        for wanted, word in ((True, "fires"), (False, "just does not fire")):
            if not any(one.fires is wanted for one in about):
                yield f"{name} has no case in which it {word}"
        for part in by_id[name].conditions():
            if isinstance(part, Measured):
                yield from _bounds(name, part, form, about)


def wrong(form: Form, examples: Iterable[Example]) -> Iterator[str]:
    """Cases that do not come to what they say."""
    for one in examples:
        try:
            fired = any(finding.rule == one.rule for finding in one.judged(form).trace)
        except AnswersInvalid as refusal:
            yield f"{one.name} is not a filled in form: {refusal}"
            continue
        if fired is not one.fires:
            yield f"{one.name}: {one.rule} {'does not fire' if one.fires else 'fires'}"


def _bounds(name: str, part: Measured, form: Form, about: Sequence[Example]) -> Iterator[str]:
    inside, outside = _edges(part.band)
    for wanted, edges, word in ((True, inside, "in which it fires"), (False, outside, "in which it rests")):
        seen = {measured(part, one.sheet(form)) for one in about if one.fires is wanted}
        yield from (f"{name} has no case {word} at its bound {edge}" for edge in sorted(edges - seen))


def measured(part: Measured, on: Sheet) -> int | None:
    """Days, years, a number or how many are ticked; an event of tomorrow counts as -1, which no band holds."""
    match part:
        case Age():
            return on.age
        case TickedCount(question=question):
            return len(on.ticked(question))
        case Number(question=question):
            value = on.values.get(question)
            return value if isinstance(value, int) else None
        case DaysSince(question=question):
            return -1 if on.is_future(question) else on.days_since(question)


def own_rules(form: Form, base: Form) -> dict[str, Rule]:
    """Those that the other form does not have, or has otherwise."""
    known = {rule.id: rule for rule in base.ruleset.rules}
    return {rule.id: rule for rule in form.ruleset.rules if known.get(rule.id) != rule}


def _edges(band: Band) -> tuple[set[int], set[int]]:
    """Just inside of its ends, and just outside."""
    inside = {edge for edge in (band.low, None if band.high is None else band.high - 1) if edge is not None}
    outside = {edge for edge in (None if band.low is None else band.low - 1, band.high) if edge is not None}
    return inside, outside


def quiet(question: Question) -> object:
    """None where nothing said is quiet, as of a date that follows from another answer."""
    values = [option.value for option in question.options]
    match question.type:
        case AnswerType.TRI:
            return "no"
        case AnswerType.CHOICE:
            return values[0] if values else None
        case AnswerType.MULTI:
            return ["none"] if "none" in values else None
        case AnswerType.BOOL:
            return True
        case _:
            return None
