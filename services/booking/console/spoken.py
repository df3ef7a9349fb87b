"""How the staff's pages tell days and times, in the reader's language and by the practice's clock."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_skeleton, format_time

# A practice's day is read by the 24-hour clock, as its hours are written.
CLOCK: Final = "HH:mm"
# English with the day before the month: a staff's language says nothing of where the practice is.
REGIONS: Final = {"en": "en_150"}


def day(of: date, locale: str) -> str:
    """Monday, 23 November, as the language has it."""
    at = datetime(of.year, of.month, of.day, 12)  # noqa: DTZ001  a date, told as one
    return str(format_skeleton("MMMMEEEEd", at, locale=Locale.parse(REGIONS.get(locale, locale))))


def clock(at: datetime, zone: ZoneInfo) -> str:
    return str(format_time(at.astimezone(zone), CLOCK, tzinfo=zone, locale=Locale.parse("en")))


def moment(at: datetime, zone: ZoneInfo, locale: str) -> str:
    local = at.astimezone(zone)
    return f"{day(local.date(), locale)} {local.year}, {clock(at, zone)}"
