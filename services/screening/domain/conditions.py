"""The small language in which rules and visibility are written: three-valued conditions over a sheet of answers.

`True` and `False` are known; `None` is unknown, because an answer is missing, unsure, withheld or contradictory.
Unknown is never turned into False: who combines conditions sees it and leaves the case to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from services.screening.domain.answers import OPEN, SKIP, UNSURE, Words
from services.screening.domain.sheet import Sheet

Truth = bool | None


@dataclass(frozen=True, slots=True)
class Band:
    """A half-open range of whole numbers, `low` in and `high` out; None is without bound."""

    low: int | None
    high: int | None

    def __contains__(self, number: int) -> bool:
        return (self.low is None or number >= self.low) and (self.high is None or number < self.high)


class Condition(Protocol):
    """One question put to a sheet."""

    def holds(self, sheet: Sheet) -> Truth: ...

    def parts(self) -> Iterator[Condition]:
        """Itself and everything below it."""
        ...


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A condition on one question."""

    question: str

    def parts(self) -> Iterator[Condition]:
        yield self  # type: ignore[misc]  # every subclass has `holds`


@dataclass(frozen=True, slots=True)
class Is(_Leaf):
    """The answer is one of these. `unsure` and `skip` are unknown unless they are asked for by name."""

    values: frozenset[str | bool]

    def holds(self, sheet: Sheet) -> Truth:
        value = sheet.values.get(self.question)
        if value is None:
            return None if self.question in sheet.missing else False
        if value in self.values:
            return True
        return None if value in OPEN else False


@dataclass(frozen=True, slots=True)
class IsNot(_Leaf):
    """The answer is anything else, or missing: the cautious reading, so never unknown."""

    value: str | bool

    def holds(self, sheet: Sheet) -> Truth:
        return sheet.values.get(self.question) != self.value


@dataclass(frozen=True, slots=True)
class Ticked(_Leaf):
    """This value is among those ticked."""

    value: str

    def holds(self, sheet: Sheet) -> Truth:
        ticked = sheet.ticked(self.question)
        return self.value in ticked if ticked or self.question not in sheet.missing else None


@dataclass(frozen=True, slots=True)
class TickedCount(_Leaf):
    """So many values are ticked."""

    band: Band

    def holds(self, sheet: Sheet) -> Truth:
        ticked = sheet.ticked(self.question)
        return len(ticked) in self.band if ticked or self.question not in sheet.missing else None


@dataclass(frozen=True, slots=True)
class DaysSince(_Leaf):
    """Whole days from the latest possible day of the event to the as-of date lie in the band."""

    band: Band

    def holds(self, sheet: Sheet) -> Truth:
        days = sheet.days_since(self.question)
        if days is None:
            return None if self.question in sheet.shown else False
        return days in self.band


@dataclass(frozen=True, slots=True)
class Number(_Leaf):
    """A whole number lies in the band."""

    band: Band

    def holds(self, sheet: Sheet) -> Truth:
        value = sheet.values.get(self.question)
        if isinstance(value, int) and not isinstance(value, bool):
            return value in self.band
        return None if self.question in sheet.shown else False


@dataclass(frozen=True, slots=True)
class Written(_Leaf):
    """The free text says something; each language lists what counts as nothing."""

    nothing: frozenset[str]

    def holds(self, sheet: Sheet) -> Truth:
        value = sheet.values.get(self.question)
        return isinstance(value, Words) and value.text.strip().rstrip(".!,;").strip().casefold() not in self.nothing


@dataclass(frozen=True, slots=True)
class Age:
    """Completed years on the as-of date lie in the band."""

    band: Band

    def holds(self, sheet: Sheet) -> Truth:
        return sheet.age in self.band

    def parts(self) -> Iterator[Condition]:
        yield self


@dataclass(frozen=True, slots=True)
class All:
    """Every one: False as soon as one is, else unknown if one is."""

    of: tuple[Condition, ...]

    def holds(self, sheet: Sheet) -> Truth:
        unknown = False
        for condition in self.of:
            truth = condition.holds(sheet)
            if truth is False:
                return False
            unknown = unknown or truth is None
        return None if unknown else True

    def parts(self) -> Iterator[Condition]:
        yield self
        for condition in self.of:
            yield from condition.parts()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one: True as soon as one is, else unknown if one is."""

    of: tuple[Condition, ...]

    def holds(self, sheet: Sheet) -> Truth:
        unknown = False
        for condition in self.of:
            truth = condition.holds(sheet)
            if truth is True:
                return True
            unknown = unknown or truth is None
        return None if unknown else False

    def parts(self) -> Iterator[Condition]:
        yield self
        for condition in self.of:
            yield from condition.parts()


class Trait(StrEnum):
    """What a rule can look for in every question at once."""

    TICKED = "ticked"
    UNSURE = "unsure"
    SKIP = "skip"
    MISSING = "missing"
    ORPHAN = "orphan"
    FUTURE_DATE = "future_date"
    BEFORE_BIRTH = "before_birth"
    DENIED_NOW = "denied_now"


@dataclass(frozen=True, slots=True)
class Each:
    """A condition that holds once per subject: the question it was found on, or the value that was ticked.

    `among` limits it to these questions; `but` leaves out questions, or values when ticks are meant.
    """

    trait: Trait
    among: frozenset[str] | None = None
    but: frozenset[str] = frozenset()

    def subjects(self, sheet: Sheet) -> list[str]:
        if self.trait is Trait.TICKED:
            return sorted(frozenset().union(*(sheet.ticked(question) for question in self.among or ())) - self.but)
        found = _FOUND[self.trait](sheet)
        return sorted(q for q in found if q not in self.but and (self.among is None or q in self.among))


_FOUND: Mapping[Trait, Callable[[Sheet], Iterable[str]]] = {
    Trait.UNSURE: lambda sheet: (q for q, value in sheet.values.items() if value == UNSURE),
    Trait.SKIP: lambda sheet: (q for q, value in sheet.values.items() if value == SKIP),
    Trait.MISSING: lambda sheet: sheet.missing,
    Trait.ORPHAN: lambda sheet: sheet.orphans,
    Trait.FUTURE_DATE: lambda sheet: (q for q in sheet.values if sheet.is_future(q)),
    Trait.BEFORE_BIRTH: lambda sheet: (q for q in sheet.values if sheet.is_before_birth(q)),
    Trait.DENIED_NOW: lambda sheet: (q for q in sheet.prior_yes if sheet.values.get(q) == "no"),
}
