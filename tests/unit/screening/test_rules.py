"""Every rule is shown firing, just not firing, and on both sides of each of its bounds, by the cases beside it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from services.screening import library
from services.screening.domain.assessment import assess
from services.screening.domain.conditions import Age, Band, DaysSince
from services.screening.domain.ruleset import Rule
from services.screening.domain.sheet import Sheet

FORM = library.read().form("cst-core")
FILE = library.HERE / "rules" / "cases" / f"{FORM.ruleset.id}.toml"
CASES = tomllib.loads(FILE.read_text(encoding="utf-8"))
AS_OF = date.fromisoformat(CASES.pop("as_of"))
BASES = CASES.pop("base")
RULES = {rule.id: rule for rule in FORM.ruleset.rules}


def sheet(case: Mapping[str, Any]) -> Sheet:
    answers = {**BASES[case.get("base", "adult")], **case.get("set", {})}
    for question in case.get("unset", ()):
        answers.pop(question, None)
    for question, days in case.get("days", {}).items():
        answers[question] = {"kind": "date", "value": (AS_OF - timedelta(days=days)).isoformat()}
    values = FORM.questionnaire.read(answers)
    return FORM.questionnaire.sheet(values, as_of=AS_OF, prior_yes=frozenset(case.get("prior_yes", ())))


def each_case() -> Iterator[Any]:
    for rule, kinds in CASES.items():
        for kind, cases in kinds.items():
            for number, case in enumerate(cases):
                yield pytest.param(rule, case, kind == "fires", id=f"{rule}-{kind}-{number}")


@pytest.mark.parametrize(("rule", "case", "fires"), list(each_case()))
def test_a_rule_fires_in_its_cases_and_rests_in_the_others(rule: str, case: Mapping[str, Any], fires: bool) -> None:
    found = [finding for finding in assess(FORM.ruleset, sheet(case)).trace if finding.rule == rule]
    assert bool(found) is fires
    if "code" in case:
        assert case["code"] in {finding.code for finding in found}


def test_every_rule_has_cases_on_both_sides() -> None:
    assert CASES.keys() == RULES.keys()
    assert all(kinds.keys() == {"fires", "rests"} and all(kinds.values()) for kinds in CASES.values())


@pytest.mark.parametrize("rule", list(RULES.values()), ids=list(RULES))
def test_both_sides_of_every_bound_are_among_the_cases(rule: Rule) -> None:
    for part in rule.conditions():
        if isinstance(part, DaysSince | Age):
            fires = {measured(part, sheet(case)) for case in CASES[rule.id]["fires"]}
            rests = {measured(part, sheet(case)) for case in CASES[rule.id]["rests"]}
            inside, outside = edges(part.band)
            assert inside <= fires
            assert outside <= rests


def measured(part: DaysSince | Age, on: Sheet) -> int | None:
    """Days or years; an event of tomorrow counts as -1, which no band holds."""
    if isinstance(part, Age):
        return on.age
    return -1 if on.is_future(part.question) else on.days_since(part.question)


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
    assert RULES.keys() == {
        *("R01", "R02", "R03", "R04", "R05", "R20", "R21", "R22", "R30", "R31", "R33", "R43", "R50", "R51", "R53"),
        *("R63", "R64", "R65", "R66", "R67", "R68", "R70", "R71", "R72", "R80", "R81", "R85", "R86", "R87"),
        *("N01", "N02", "R99"),
    }
