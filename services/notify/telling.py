"""How dates and times are told in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from functools import lru_cache

from babel import Locale, UnknownLocaleError, localedata
from babel.dates import format_skeleton, format_time

from services.notify.domain.text import plain, size

# Days 10 to 16 of each month are all weekdays in all months with a day of two digits: no date of any year is longer.
DAYS = [datetime(2027, month, day, tzinfo=UTC) for month in range(1, 13) for day in range(10, 17)]
_HALF_OF_DAY = re.compile(r"\b([ap])\. ?m\.")
HOURS = [datetime(2027, 1, 1, hour, 30, tzinfo=UTC) for hour in range(24)]


def when(at: datetime, locale: Locale) -> dict[str, str]:
    """As the clock at the place shows it, which `at` is given by."""
    return {"date": _dated("MMMEd", at.date(), locale), "time": _time(at, locale)}


def until(at: datetime, locale: Locale) -> str:
    """It names the day, because a text may be read the next morning."""
    return f"{_weekday(at, locale)} {_time(at, locale)}"


@lru_cache
def longest(language: str) -> tuple[Mapping[str, str], ...]:
    """The longest date, time and end of a term of any year, for each way of writing them in a language."""
    told: dict[tuple[object, ...], Mapping[str, str]] = {}
    for locale in varieties(language):
        hour = _longest(_time(at, locale) for at in HOURS)
        day = _longest(when(at, locale)["date"] for at in DAYS)
        weekday = _longest(_weekday(at, locale) for at in DAYS[:7])
        way = {"date": day, "time": hour, "until": f"{weekday} {hour}"}
        told.setdefault(tuple(map(size, way.values())), way)
    return tuple(told.values())


def varieties(language: str) -> list[Locale]:
    """A language as it is written in different countries, in its usual letters."""
    names = [name for name in localedata.locale_identifiers() if name.split("_")[0] == language]
    return [locale for locale in map(Locale.parse, names) if locale.script is None]


@lru_cache
def known(name: str) -> Locale | None:
    try:
        return Locale.parse(name, sep="-") if "-" in name else Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return None


def _longest(told: Iterable[str]) -> str:
    return max(told, key=lambda one: size(one).units)


def _time(at: datetime, locale: Locale) -> str:
    """Without the dots of "a. m.": a time often ends a sentence, and two dots would."""
    return _timed(at.time().replace(second=0, microsecond=0, fold=0), locale)


@lru_cache(maxsize=4096)
def _timed(at: time, locale: Locale) -> str:
    return _HALF_OF_DAY.sub(r"\1m", plain(format_time(at, "short", locale=locale)))


def _weekday(at: datetime, locale: Locale) -> str:
    return _dated("E", at.date(), locale)


@lru_cache(maxsize=4096)
def _dated(parts: str, day: date, locale: Locale) -> str:
    return plain(format_skeleton(parts, datetime.combine(day, time(12)), tzinfo=UTC, locale=locale))
