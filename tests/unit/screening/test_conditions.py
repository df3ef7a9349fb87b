"""Three-valued logic: what is unknown is never taken for a no."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from services.screening.domain.answers import FuzzyDate, Value, Words
from services.screening.domain.conditions import (
    Age,
    All,
    AnyOf,
    Band,
    Condition,
    DaysSince,
    Is,
    IsNot,
    Number,
    Ticked,
    TickedCount,
    Truth,
    Written,
)
from services.screening.domain.sheet import Sheet

AS_OF = date(2026, 11, 20)
BORN = date(1980, 5, 4)
DAYS = DaysSince("q", Band(14, 42))


@dataclass(frozen=True)
class Known:
    truth: Truth

    def holds(self, _: Sheet) -> Truth:
        return self.truth

    def parts(self) -> Iterator[Condition]:
        yield self


def sheet(value: Value | None = None, *, shown: bool = True, missing: bool = False) -> Sheet:
    """Of one question `q`."""
    return Sheet(
        as_of=AS_OF,
        dob=BORN,
        age=46,
        values={} if value is None else {"q": value},
        shown={"q"} if shown else set(),
        missing={"q"} if missing else set(),
    )


HIDDEN = sheet(shown=False)
MISSING = sheet(missing=True)
LEFT_OPEN = sheet()  # it need not be answered


@pytest.mark.parametrize(
    ("truths", "all_of", "any_of"),
    [
        ((), True, False),
        ((True, True), True, True),
        ((True, False), False, True),
        ((True, None), None, True),
        ((None, True), None, True),
        ((None, False), False, None),
        ((False, None), False, None),
        ((None, None), None, None),
        ((False, False), False, False),
    ],
)
def test_unknown_stays_unknown_unless_the_others_settle_it(
    truths: tuple[Truth, ...], all_of: Truth, any_of: Truth
) -> None:
    parts = tuple(Known(truth) for truth in truths)
    assert All(parts).holds(HIDDEN) is all_of
    assert AnyOf(parts).holds(HIDDEN) is any_of


def on(day: str, last: str | None = None) -> FuzzyDate:
    return FuzzyDate(date.fromisoformat(day), date.fromisoformat(last or day))


@pytest.mark.parametrize(
    ("condition", "asked", "truth"),
    [
        (Is("q", frozenset({"yes"})), sheet("yes"), True),
        (Is("q", frozenset({"yes"})), sheet("no"), False),
        (Is("q", frozenset({"yes"})), sheet("unsure"), None),
        (Is("q", frozenset({"yes"})), sheet("skip"), None),
        (Is("q", frozenset({"yes", "unsure"})), sheet("unsure"), True),
        (Is("q", frozenset({"yes", "unsure"})), sheet("skip"), None),
        (Is("q", frozenset({"yes"})), MISSING, None),
        (Is("q", frozenset({"yes"})), HIDDEN, False),
        (Is("q", frozenset({"unsure"})), sheet(Words("unsure")), False),
        (IsNot("q", "yes"), sheet("yes"), False),
        (IsNot("q", "yes"), sheet("skip"), True),
        (IsNot("q", "yes"), MISSING, True),
        (IsNot("q", True), HIDDEN, True),
        (Ticked("q", "a"), sheet(frozenset({"a", "b"})), True),
        (Ticked("q", "c"), sheet(frozenset({"a", "b"})), False),
        (Ticked("q", "c"), MISSING, None),
        (Ticked("q", "c"), HIDDEN, False),
        (TickedCount("q", Band(2, None)), sheet(frozenset({"a", "b"})), True),
        (TickedCount("q", Band(2, None)), sheet(frozenset({"a"})), False),
        (TickedCount("q", Band(2, None)), MISSING, None),
        (DAYS, sheet(on("2026-11-06")), True),
        (DAYS, sheet(on("2026-11-07")), False),
        (DAYS, sheet(on("2026-10-10")), True),
        (DAYS, sheet(on("2026-10-09")), False),
        (DAYS, sheet(on("2026-10-01", "2026-10-31")), True),
        (DAYS, sheet("unsure"), None),
        (DAYS, sheet(on("2026-11-21")), None),
        (DAYS, sheet(on("1980-05-03")), None),
        (DAYS, MISSING, None),
        (DAYS, HIDDEN, False),
        (Number("q", Band(None, 14)), sheet(13), True),
        (Number("q", Band(None, 14)), sheet(14), False),
        (Number("q", Band(None, 14)), sheet("unsure"), None),
        (Number("q", Band(None, 14)), MISSING, None),
        (Number("q", Band(None, 14)), sheet(True), None),
        (Number("q", Band(None, 14)), HIDDEN, False),
        (Written("q", frozenset({"", "none"})), sheet(Words("  None ! ")), False),
        (Written("q", frozenset({"", "none"})), sheet(Words("none, really")), True),
        (Written("q", frozenset({"", "none"})), LEFT_OPEN, False),
        (Age(Band(46, 47)), HIDDEN, True),
        (Age(Band(None, 46)), HIDDEN, False),
        (Age(Band(47, None)), HIDDEN, False),
    ],
)
def test_what_is_not_known_of_an_answer_is_not_known_of_the_condition(
    condition: Any, asked: Sheet, truth: Truth
) -> None:
    assert condition.holds(asked) is truth
