"""What a client can answer, and how one raw answer is read into a value that the rules can compare."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

UNSURE = "unsure"
SKIP = "skip"  # "I would rather talk to a person"
OPEN = frozenset({UNSURE, SKIP})


class AnswerType(StrEnum):
    """How a question is answered; the first four also take `unsure` and `skip` (`multi` only if listed)."""

    TRI = "tri"
    CHOICE = "choice"
    FUZZY_DATE = "fuzzy_date"
    INT = "int"
    MULTI = "multi"
    TEXT = "text"
    DATE = "date"
    BOOL = "bool"


@dataclass(frozen=True, slots=True)
class FuzzyDate:
    """A day that is known to the day, the month or the year: the first and the last day it can be."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody wrote freely: never an answer, even if the words are those of one, such as `unsure`."""

    text: str


Value = str | int | bool | date | FuzzyDate | frozenset[str] | Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a question allows: listed values, a closed range of whole numbers, a longest text."""

    values: frozenset[str] = frozenset()
    least: int | None = None
    most: int | None = None
    longest: int | None = None


class NotAnAnswer(ValueError):
    """The raw answer does not fit its question; carries nothing of it."""


def read(kind: AnswerType, raw: object, limits: Limits) -> Value:
    """Raises `NotAnAnswer`; never converts one type into another."""
    return _READERS[kind](raw, limits)


def plain(value: Value) -> str | int | bool | list[str]:
    """The normalised value as it stands in a trace; a span of days is written as an ISO 8601 interval."""
    match value:
        case FuzzyDate(first=first, last=last):
            return first.isoformat() if first == last else f"{first.isoformat()}/{last.isoformat()}"
        case date():
            return value.isoformat()
        case frozenset():
            return sorted(value)
        case Words(text=text):
            return text
        case _:
            return value


def _listed(raw: object, limits: Limits) -> Value:
    if isinstance(raw, str) and (raw in limits.values or raw in OPEN):
        return raw
    raise NotAnAnswer


def _tri(raw: object, _: Limits) -> Value:
    if isinstance(raw, str) and (raw in ("yes", "no") or raw in OPEN):
        return raw
    raise NotAnAnswer


def _several(raw: object, limits: Limits) -> Value:
    if isinstance(raw, list) and all(isinstance(one, str) and one in limits.values for one in raw):
        return frozenset(raw)
    raise NotAnAnswer


def _number(raw: object, limits: Limits) -> Value:
    if isinstance(raw, str) and raw in OPEN:
        return raw
    if not isinstance(raw, int) or isinstance(raw, bool):
        raise NotAnAnswer
    if (limits.least is not None and raw < limits.least) or (limits.most is not None and raw > limits.most):
        raise NotAnAnswer
    return raw


def _text(raw: object, limits: Limits) -> Value:
    if isinstance(raw, str) and (limits.longest is None or len(raw) <= limits.longest):
        return Words(raw)
    raise NotAnAnswer


def _day(raw: object, _: Limits) -> Value:
    return _span("date", raw).first


def _yes_or_no(raw: object, _: Limits) -> Value:
    if isinstance(raw, bool):
        return raw
    raise NotAnAnswer


def _fuzzy(raw: object, _: Limits) -> Value:
    if isinstance(raw, str) and raw in OPEN:
        return raw
    if isinstance(raw, Mapping) and raw.keys() == {"kind", "value"} and isinstance(raw["kind"], str):
        return _span(raw["kind"], raw["value"])
    raise NotAnAnswer


_SHAPES = {
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "month": re.compile(r"[0-9]{4}-[0-9]{2}"),
    "year": re.compile(r"[0-9]{4}"),
}


def _span(kind: str, raw: object) -> FuzzyDate:
    """The first and last day of an ISO 8601 date, month or year."""
    shape = _SHAPES.get(kind)
    if shape is None or not isinstance(raw, str) or not shape.fullmatch(raw):
        raise NotAnAnswer
    try:
        if kind == "date":
            day = date.fromisoformat(raw)
            return FuzzyDate(day, day)
        first_month, last_month = (int(raw[5:]), int(raw[5:])) if kind == "month" else (1, 12)
        year = int(raw[:4])
        last_day = calendar.monthrange(year, last_month)[1]
        return FuzzyDate(date(year, first_month, 1), date(year, last_month, last_day))
    except ValueError as error:
        raise NotAnAnswer from error


_READERS: Mapping[AnswerType, Callable[[object, Limits], Value]] = {
    AnswerType.TRI: _tri,
    AnswerType.CHOICE: _listed,
    AnswerType.FUZZY_DATE: _fuzzy,
    AnswerType.INT: _number,
    AnswerType.MULTI: _several,
    AnswerType.TEXT: _text,
    AnswerType.DATE: _day,
    AnswerType.BOOL: _yes_or_no,
}
