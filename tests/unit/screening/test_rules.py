"""Every rule is shown firing, just not firing, and on both sides of each of its bounds, by the cases beside it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from services.screening import library
from services.screening.domain.assessment import assess
from services.screening.domain.catalogue import Form
from services.screening.domain.conditions import Age, Band, DaysSince, Number, TickedCount
from services.screening.domain.ruleset import Rule
from services.screening.domain.sheet import Sheet

Case = Mapping[str, Any]
Measured = DaysSince | Age | Number | TickedCount


@dataclass(frozen=True, slots=True)
class Beside:
    """A form with the cases beside its rules."""

    form: Form
    as_of: date
    bases: Mapping[str, Case]
    cases: Mapping[str, Mapping[str, list[Case]]]

    @property
    def rules(self) -> dict[str, Rule]:
        return {rule.id: rule for rule in self.form.ruleset.rules}

    def sheet(self, case: Case) -> Sheet:
        answers = {**self.bases[case.get("base", "adult")], **case.get("set", {})}
        for question in case.get("unset", ()):
            answers.pop(question, None)
        for question, days in case.get("days", {}).items():
            answers[question] = {"kind": "date", "value": (self.as_of - timedelta(days=days)).isoformat()}
        values = self.form.questionnaire.read(answers)
        prior_yes = frozenset(case.get("prior_yes", ()))
        return self.form.questionnaire.sheet(values, as_of=self.as_of, prior_yes=prior_yes)


def beside(form: Form) -> Beside:
    file = library.HERE / "rules" / "cases" / f"{form.ruleset.id}.toml"
    cases = tomllib.loads(file.read_text(encoding="utf-8"))
    return Beside(form, date.fromisoformat(cases.pop("as_of")), cases.pop("base"), cases)


FORMS = [beside(form) for form in library.read().forms.values()]
each_form = pytest.mark.parametrize("one", FORMS, ids=lambda one: one.form.ruleset.id)


def each_case() -> Iterator[Any]:
    for one in FORMS:
        for rule, kinds in one.cases.items():
            for kind, cases in kinds.items():
                for number, case in enumerate(cases):
                    name = f"{one.form.ruleset.name}-{rule}-{kind}-{number}"
                    yield pytest.param(one, rule, case, kind == "fires", id=name)


@pytest.mark.parametrize(("one", "rule", "case", "fires"), list(each_case()))
def test_a_rule_fires_in_its_cases_and_rests_in_the_others(one: Beside, rule: str, case: Case, fires: bool) -> None:
    found = [finding for finding in assess(one.form.ruleset, one.sheet(case)).trace if finding.rule == rule]
    assert bool(found) is fires
    if "code" in case:
        assert case["code"] in {finding.code for finding in found}


@each_form
def test_every_rule_has_cases_on_both_sides(one: Beside) -> None:
    assert one.cases.keys() == one.rules.keys()
    assert all(kinds.keys() == {"fires", "rests"} and all(kinds.values()) for kinds in one.cases.values())


@each_form
def test_every_base_is_a_form_that_only_age_can_say_anything_about(one: Beside) -> None:
    for base in one.bases:
        fired = {finding.rule for finding in assess(one.form.ruleset, one.sheet({"base": base})).trace}
        assert fired <= {"R43", "R68", "R99", "N01"}


@pytest.mark.parametrize(
    ("one", "rule"),
    [pytest.param(one, rule, id=f"{one.form.ruleset.name}-{rule.id}") for one in FORMS for rule in one.rules.values()],
)
def test_both_sides_of_every_bound_are_among_the_cases(one: Beside, rule: Rule) -> None:
    for part in rule.conditions():
        if isinstance(part, Measured):
            fires = {measured(part, one.sheet(case)) for case in one.cases[rule.id]["fires"]}
            rests = {measured(part, one.sheet(case)) for case in one.cases[rule.id]["rests"]}
            inside, outside = edges(part.band)
            assert inside <= fires
            assert outside <= rests


def test_both_sides_of_the_ages_at_which_a_question_is_asked_are_among_the_cases() -> None:
    one = next(one for one in FORMS if one.form.questionnaire.name == "cst-intake")
    for rule in ("R55", "R57"):
        fires = {one.sheet(case).age for case in one.cases[rule]["fires"]}
        rests = {one.sheet(case).age for case in one.cases[rule]["rests"]}
        assert {12, 60} <= fires
        assert {11, 61} <= rests


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


def edges(band: Band) -> tuple[set[int | None], set[int | None]]:
    inside: set[int | None] = set()
    outside: set[int | None] = set()
    if band.low is not None:
        inside.add(band.low)
        outside.add(band.low - 1)
    if band.high is not None:
        inside.add(band.high - 1)
        outside.add(band.high)
    return inside, outside


def test_the_rows_of_the_mandatory_core_are_all_there() -> None:
    short = next(one for one in FORMS if one.form.ruleset.name == "cst-core")
    assert short.rules.keys() == {
        *("R01", "R02", "R03", "R04", "R05", "R20", "R21", "R22", "R30", "R31", "R33", "R43", "R50", "R51", "R53"),
        *("R63", "R64", "R65", "R66", "R67", "R68", "R70", "R71", "R72", "R80", "R81", "R85", "R86", "R87"),
        *("N01", "N02", "R99"),
    }


def test_a_rule_in_both_sets_is_the_same_rule() -> None:
    """The short form asks less; what it asks means the same. The full one knows more that lasts a lifetime."""
    short, full = (next(one for one in FORMS if one.form.ruleset.name == name) for name in ("cst-core", "cst-rules"))
    differ = {name for name, rule in short.rules.items() if rule != full.rules[name]}
    assert differ == {"R87"}
