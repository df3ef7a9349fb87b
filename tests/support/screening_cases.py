"""Made-up clients at made-up moments: the cases on which the properties and the oracle are tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.screening.actions.casework import judge
from services.screening.domain.assessment import Assessment
from services.screening.domain.catalogue import Form
from services.screening.domain.generated import Edges, Pick, Temper, edges, random_answers, random_prior_yes
from services.screening.domain.ruleset import Effect

Answers = dict[str, Any]
SEVERITY = {Effect.CLEARED: 0, Effect.NEEDS_REVIEW: 1, Effect.DECLINED: 2}
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Pacific/Kiritimati",
    "Pacific/Honolulu",
    "Pacific/Pago_Pago",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Asia/Beirut",
)
# The 29th of February, the ends of a year, and nights in which one of the zones sets its clock.
DAYS = (
    date(2024, 2, 29),
    date(2028, 2, 29),
    date(2027, 3, 1),
    date(2026, 12, 31),
    date(2027, 1, 1),
    date(2026, 3, 29),
    date(2026, 10, 25),
    date(2026, 3, 8),
    date(2026, 11, 1),
    date(2026, 10, 4),
    date(2026, 4, 5),
    date(2026, 10, 24),
)
FIRST = date(2024, 1, 1)
NEAR: dict[str, Edges] = {}  # by rule set, because looking through its rules takes longer than making a case
SECONDS = (0, 1, 59, 3_599, 3_600, 7_200, 43_200, 82_800, 86_398, 86_399)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """`as_of` is the date that a wall clock in the practice showed when the form was handed in."""

    form: Form = field(repr=False)
    submitted_at: datetime
    zone: str
    as_of: date
    answers: Mapping[str, Any]
    prior_yes: frozenset[str] = frozenset()

    def judged(self) -> Assessment:
        return judge(self.form, self.answers, as_of=self.as_of, prior_yes=self.prior_yes)

    @property
    def severity(self) -> int:
        return SEVERITY[self.judged().outcome]

    def but(self, **changes: Any) -> Made:
        return replace(self, answers={**self.answers, **changes})

    def without(self, name: str) -> Made:
        return replace(self, answers={key: value for key, value in self.answers.items() if key != name})

    @property
    def born(self) -> date:
        return date.fromisoformat(self.answers["dob"])


def a_case(form: Form, pick: Pick, *, temper: Temper | None = None) -> Made:
    day = DAYS[pick(len(DAYS))] if pick(2) else FIRST + timedelta(days=pick(9 * 365))
    zone = ZONES[pick(len(ZONES))]
    second = SECONDS[pick(len(SECONDS))] if pick(2) else pick(86_400)
    submitted_at, as_of = shown_at(day, second, zone)
    near = NEAR.get(form.ruleset.digest) or NEAR.setdefault(form.ruleset.digest, edges(form))
    made = random_answers(form.questionnaire, pick, as_of=as_of, near=near, temper=temper)
    prior_yes = frozenset() if temper is Temper.CAREFUL else random_prior_yes(form.questionnaire, pick)
    return Made(form=form, submitted_at=submitted_at, zone=zone, as_of=as_of, answers=made, prior_yes=prior_yes)


def shown_at(day: date, second: int, zone: str) -> tuple[datetime, date]:
    """The instant at which a clock on the wall shows this, and the date it then shows; a skipped hour comes later."""
    wall = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) + timedelta(seconds=second)
    instant = wall.astimezone(UTC)
    return instant, day


def dated(day: date, kind: str = "date") -> Answers:
    return {"kind": kind, "value": day.isoformat()[: {"date": 10, "month": 7, "year": 4}[kind]]}


def exactly(made: Made) -> Made:
    """The same client, who knows every date to the day: the first possible one in their life."""
    changes = {
        name: dated(min(max(_first(value), made.born), made.as_of))
        for name, value in made.answers.items()
        if isinstance(value, dict)
    }
    return made.but(**changes)


def _first(value: Mapping[str, str]) -> date:
    return date.fromisoformat(value["value"] + {"date": "", "month": "-01", "year": "-01-01"}[value["kind"]])
