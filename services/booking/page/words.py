"""How the pages say things in one language: dates, times, zones, prices, states, and why something did not work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_currency
from babel.units import format_unit
from phonenumbers import NumberParseException, PhoneNumberFormat

from services.booking.domain import money
from services.booking.domain.practice import Practice, Price
from shared import wording
from shared.errors import Refusal

FOLDER: Final = Path(__file__).parent / "words"
SPOKEN: Final = ("en", "es")
DEFAULT: Final = "en"
INTERNATIONAL: Final = {"en": "en_150"}
"""How a language is written where no country's own way of it is known; without one, as most do."""
# ISO 4217, minor units; all others have two digits.
_CODE_BEFORE_DIGIT: Final = re.compile(r"([A-Z])(?=\d)")
_REGIONS: Final = (
    "Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """`said` is the file as it is, for the templates; `way` is how dates and numbers are written."""

    language: str
    said: Mapping[str, Any]
    way: Locale

    def refused(self, refusal: Refusal) -> str:
        table = self.said["refused"]
        if "retry_after" in refusal.extra and refusal.slug not in table:
            return str(table["too-often"].format(wait=self.wait(refusal.extra["retry_after"])))
        return str(table.get(refusal.slug, table["other"]))

    def refused_title(self, status: int) -> str:
        table = self.said["refused_title"]
        return str(table.get(str(status), table["other"]))

    def wait(self, seconds: int) -> str:
        """A minute, 12 minutes, 3 hours: rounded up."""
        minutes = -(-seconds // 60)
        table = self.said["format"]
        if minutes <= 1:
            return str(table["wait_one"])
        one = table["minutes"].format(count=minutes)
        return str(one if minutes <= 90 else table["wait_hours"].format(count=-(-minutes // 60)))

    def day(self, of: date) -> str:
        """Tuesday 24 November; the year is left to whoever shows many days."""
        return format_date(of, f"EEEE {self._day_and_month}", locale=self.way)

    def dated(self, of: date) -> str:
        """With its year."""
        joint = " 'de' " if self.language == "es" else ", " if self._day_and_month.startswith("M") else " "
        return format_date(of, f"EEEE {self._day_and_month}{joint}y", locale=self.way)

    def month(self, of: date) -> str:
        return format_date(of, "LLLL 'de' y" if self.language == "es" else "LLLL y", locale=self.way)

    def weekdays(self) -> list[tuple[int, str, str]]:
        """Monday is 0; a few letters and the whole name of each, in the order of the calendars there."""
        short, wide = (self.way.days["stand-alone"][width] for width in ("abbreviated", "wide"))
        order = [(self.way.first_week_day + step) % 7 for step in range(7)]
        return [(number, short[number].rstrip("."), wide[number]) for number in order]

    def clock(self, local: datetime) -> str:
        """14:30; with the zone's own letters in the hour that the clocks go through twice."""
        twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
        told = format_time(local.replace(tzinfo=None), "short", locale=self.way)
        return f"{told} {local:%Z}" if twice else told

    def wall(self, minutes: int) -> str:
        """From midnight, on whichever clock."""
        return format_time(time(minutes // 60, minutes % 60), "short", locale=self.way)

    def moment(self, at: datetime, zone: ZoneInfo) -> str:
        local = at.astimezone(zone)
        return str(self.said["format"]["time_on"].format(time=self.clock(local), day=self.dated(local.date())))

    def until(self, at: datetime, zone: ZoneInfo, now: datetime) -> str:
        """The hour alone while it is today."""
        local = at.astimezone(zone)
        return self.clock(local) if local.date() == now.astimezone(zone).date() else self.moment(at, zone)

    def city(self, zone: str) -> str:
        """New York, for America/New_York: how people name a zone, as they call it in this language."""
        return str(self.way.time_zones.get(zone, {}).get("city") or zone.rpartition("/")[2].replace("_", " "))

    def length(self, minutes: int) -> str:
        hours, rest = divmod(minutes, 60)
        if hours == 0 or minutes <= 90:
            return format_unit(minutes, "duration-minute", locale=self.way)
        told = [format_unit(hours, "duration-hour", locale=self.way)]
        return " ".join([*told, *([format_unit(rest, "duration-minute", locale=self.way)] if rest else [])])

    def price(self, of: Price) -> str:
        """With the digits that its minor units are counted in, which are not always those it is usually told with."""
        digits = money.digits(of.currency)
        form = self.way.currency_formats["standard"].pattern.replace("0.00", f"{0:.{digits}f}")
        amount = Decimal(of.minor_units).scaleb(-digits)
        told = format_currency(amount, of.currency, form, locale=self.way, currency_digits=False)
        return _CODE_BEFORE_DIGIT.sub("\\1\N{NO-BREAK SPACE}", told)

    def regions(self) -> list[tuple[str, list[str]]]:
        """The zones that a client may choose, by region."""
        return [(self.said["regions"][region], names) for region, names in zones().items()]

    @staticmethod
    def phone(number: str) -> str:
        return phone(number)

    @property
    def _day_and_month(self) -> str:
        """Which of the two comes first where it is written so."""
        return str(self.way.datetime_skeletons["MMMMd"].pattern)


def read() -> Mapping[str, Mapping[str, Any]]:
    """What the pages say, by language. Raises `WordsBroken`."""
    return wording.read(SPOKEN, FOLDER)


def way(language: str, practice: Practice | None) -> Locale:
    """As the practice writes the language, else as its country does, else as people do who are from anywhere."""
    own = "" if practice is None else practice.locale.replace("-", "_")
    land = "" if practice is None else f"{language}_{practice.country}"
    named = (own if own.partition("_")[0] == language and "_" in own else "", land, INTERNATIONAL.get(language, ""))
    return next(filter(None, map(_known, named)), None) or Locale.parse(language)


@cache
def _known(name: str) -> Locale | None:
    try:
        return Locale.parse(name) if name else None
    except (UnknownLocaleError, ValueError):
        return None


def phone(number: str) -> str:
    """+41 44 000 00 00, as people read it; the address of a call keeps the bare one."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)
    except NumberParseException:  # of a country that has none; shown as the practice wrote it
        return number


@cache
def zones() -> Mapping[str, list[str]]:
    """By the part of the world that their names begin with."""
    known = sorted(available_timezones())
    return {region: [zone for zone in known if zone.startswith(f"{region}/")] for region in _REGIONS}
