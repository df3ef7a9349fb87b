"""The answers as the rules see them: only what was visible, on one date, for a person of one age."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.screening.domain.answers import FuzzyDate, Value

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """`as_of` is the date of submission in the practice's zone: windows and ages count from it, not from the visit."""

    as_of: date
    dob: date
    age: int
    values: Mapping[str, Value]
    shown: Set[str]
    missing: Set[str]
    orphans: Set[str] = NONE
    prior_yes: Set[str] = NONE

    def ticked(self, question: str) -> frozenset[str]:
        value = self.values.get(question)
        return value if isinstance(value, frozenset) else NONE

    def is_future(self, question: str) -> bool:
        """The earliest day it can have been is after the as-of date."""
        value = self.values.get(question)
        return isinstance(value, FuzzyDate) and value.first > self.as_of

    def is_before_birth(self, question: str) -> bool:
        """The latest day it can have been is before birth."""
        value = self.values.get(question)
        return isinstance(value, FuzzyDate) and value.last < self.dob

    def latest_day(self, question: str) -> date | None:
        """The latest possible day, so that of two bands the more recent and more severe one counts.

        None without a date, or with one that contradicts the calendar.
        """
        value = self.values.get(question)
        if not isinstance(value, FuzzyDate) or value.first > self.as_of or value.last < self.dob:
            return None
        return min(value.last, self.as_of)

    def days_since(self, question: str) -> int | None:
        """Whole days from the latest possible day; the same day is 0."""
        day = self.latest_day(question)
        return None if day is None else (self.as_of - day).days


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The date on the practice's calendar when a form was handed in; stored with it and never worked out again."""
    return moment.astimezone(zone).date()


def completed_years(born: date, on: date) -> int:
    """A birthday counts on its day; one on 29 February counts on 1 March in other years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
