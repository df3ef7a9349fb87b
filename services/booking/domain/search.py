"""What somebody looks for who wants the next free times: when of the day, on which weekdays, and how far ahead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.booking.domain.practice import DAY_MINUTES
from services.booking.domain.question import Start

FIRST_WINDOW_DAYS = 7
LONGEST_WINDOW_DAYS = 56


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Starts from `after` on and before `before`, in minutes of the viewer's local day; 0 is Monday."""

    after: int = 0
    before: int = DAY_MINUTES
    weekdays: frozenset[int] = frozenset(range(7))

    def is_met_by(self, start: Start, zone: ZoneInfo) -> bool:
        wall = datetime.fromtimestamp(start.minute * 60, zone)
        return self.after <= wall.hour * 60 + wall.minute < self.before and wall.weekday() in self.weekdays


def windows(first: date, last: date) -> Iterator[tuple[date, int]]:
    """The dates from `first` to `last`, both included, as first date and number: few at first, for most find soon."""
    length = FIRST_WINDOW_DAYS
    while first <= last:
        days = min(length, (last - first).days + 1)
        yield first, days
        first += timedelta(days=days)
        length = min(2 * length, LONGEST_WINDOW_DAYS)
