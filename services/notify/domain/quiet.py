"""Quiet hours: wall-clock spans in which nobody is texted, and how a text makes way for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MARGIN = timedelta(minutes=30)
EVENING = time(20, 30)


@dataclass(frozen=True, slots=True)
class Quiet:
    """From `from_` (inclusive) until `until` (exclusive), local wall time, over midnight if need be.

    The same time twice means no quiet hours; they leave whole minutes.
    """

    from_: time = time(21)
    until: time = time(8)

    def covers(self, instant: datetime, zone: ZoneInfo) -> bool:
        return self._covers(instant.astimezone(zone).time())

    def _covers(self, at: time) -> bool:
        if self.from_ <= self.until:
            return self.from_ <= at < self.until
        return at >= self.from_ or at < self.until

    def earlier(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """The instant itself, or half an hour before the quiet hours that cover it began."""
        local = instant.astimezone(zone)
        if not self._covers(local.time()):
            return instant
        began = local.date() if local.time() >= self.from_ else local.date() - timedelta(days=1)
        pulled = resolved(datetime.combine(began, self.from_) - MARGIN, zone)
        while self.covers(pulled, zone):  # a wall time skipped by a clock change, or less than half an hour awake
            pulled -= timedelta(minutes=1)
        return pulled

    def later(self, instant: datetime, zone: ZoneInfo, margin: timedelta = MARGIN) -> datetime:
        """The instant itself, or `margin` after the quiet hours that cover it have ended."""
        local = instant.astimezone(zone)
        if not self._covers(local.time()):
            return instant
        over = local.date() if local.time() < self.until else local.date() + timedelta(days=1)
        ended = datetime.combine(over, self.until)
        candidates = [resolved(ended + wait, zone, fold) for wait in (margin, timedelta()) for fold in (0, 1)]
        return next(
            (c for c in candidates if c >= instant and not self.covers(c, zone)), candidates[-1] + timedelta(hours=1)
        )

    def evening(self, day: date, zone: ZoneInfo) -> datetime:
        """The last moment of that day at which a text still goes out: 20:30, or half an hour before quiet begins."""
        overnight = self.from_ > self.until
        local = datetime.combine(day, self.from_) - MARGIN if overnight else datetime.combine(day, EVENING)
        return resolved(local, zone)


def resolved(local: datetime, zone: ZoneInfo, fold: int = 0) -> datetime:
    """The UTC instant of a naive wall time; one that a clock change skips becomes as much later as was skipped."""
    return local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
