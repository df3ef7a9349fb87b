"""The texts a client reads: chosen by key, written for who filled in the form, filled with dates and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

PLACEHOLDERS = frozenset({"deadline", "retry_after", "emergency_number"})


class Reader(StrEnum):
    """Who reads: the person who comes, or the guardian of a child who does."""

    SELF = "self"
    GUARDIAN = "guardian"


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """One language: a text per reader and key, and how it writes a day and a moment."""

    locale: str
    texts: Mapping[Reader, Mapping[str, str]]
    day: str
    moment: str
    months: tuple[str, ...]

    def write(self, key: str, reader: Reader, *, blanks: Mapping[str, str]) -> str:
        """`blanks` has a value for every placeholder of this text; values are never read as text to fill."""
        return self.texts[reader][key].format_map(blanks)

    def written_day(self, day: date) -> str:
        return self.day.format(day=day.day, month=self.months[day.month - 1], year=day.year)

    def written_moment(self, moment: datetime, zone: ZoneInfo) -> str:
        """To the minute, in the practice's local time."""
        local = moment.astimezone(zone)
        return self.moment.format(
            time=f"{local:%H:%M}", day=local.day, month=self.months[local.month - 1], year=local.year
        )


def reader_of(role: object) -> Reader:
    return Reader.GUARDIAN if role == Reader.GUARDIAN else Reader.SELF
