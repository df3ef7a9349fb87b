"""Local wall time and instants: which minutes of real time a range of a local day is, across every clock change.

Inside the domain an instant is a whole number of minutes since 1970-01-01T00:00Z, and wall time the same count on
the wall's own axis; wall = instant + offset. Every zone has had offsets of whole minutes since 1972. What a date is
in a zone is remembered, because the same weeks are asked about again and again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from services.booking.domain.practice import DAY_MINUTES
from services.booking.domain.spans import Span, merged

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_WEST, _EAST = 13 * 60, 15 * 60
"""No offset reaches 13 hours west or 15 hours east of UTC."""


class Wall(StrEnum):
    """How often a wall time is shown: once, never (clocks went forward over it), twice (they went back over it)."""

    NORMAL = "normal"
    GAP = "gap"
    FOLD = "fold"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a local range during which the offset stands still, as half-open instants.

    `offset` is minutes east of UTC. `anchor` is where the range it came from begins, in wall minutes: steps are
    counted from there on the wall, so that a change of clocks inside the range does not shift the offered times.
    """

    starts: int
    ends: int
    offset: int
    anchor: int

    @property
    def day(self) -> date:
        """The local date of the range."""
        return date.fromordinal(self.ordinal)

    @property
    def ordinal(self) -> int:
        """The same as a number, for what is asked of it thousands of times."""
        return _EPOCH_DAY + self.anchor // DAY_MINUTES

    def raster(self, free: Span, step: int) -> range:
        """The instants inside both the stretch and `free` that lie whole steps after the anchor."""
        first = max(self.starts, free[0])
        return range(first + (self.anchor - first - self.offset) % step, min(self.ends, free[1]), step)


def minute_of(at: datetime) -> int:
    """Rounds down."""
    return int(at.timestamp() // 60)


def minute_after(at: datetime) -> int:
    """Rounds up: the first whole minute not before `at`."""
    return -int(-at.timestamp() // 60)


def instant_of(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


_CLOCK = tuple(f"T{minute // 60:02d}:{minute % 60:02d}:00Z" for minute in range(DAY_MINUTES))


def utc_text(minute: int) -> str:
    """As in RFC 3339, like 2027-03-02T09:00:00Z; a list has thousands, so dates are remembered."""
    day, rest = divmod(minute, DAY_MINUTES)
    return _utc_date(day) + _CLOCK[rest]


@lru_cache(maxsize=2_000)
def _utc_date(day: int) -> str:
    return date.fromordinal(_EPOCH_DAY + day).isoformat()


def classify(wall: datetime, zone: ZoneInfo) -> Wall:
    """`wall` is naive."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return Wall.NORMAL
    return Wall.FOLD if first < second else Wall.GAP


def instants(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The instants at which clocks show the naive `wall`, in order: none in a gap, two in a fold."""
    passes = tuple(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    match classify(wall, zone):
        case Wall.NORMAL:
            return passes[:1]
        case Wall.FOLD:
            return passes
        case Wall.GAP:
            return ()


def first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which clocks show the naive `wall` or later: in a gap, the change itself."""
    return next(iter(instants(wall, zone)), None) or _change_over(wall, zone)


def last_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """As `first_instant`, but the second pass of a fold."""
    return (instants(wall, zone) or (_change_over(wall, zone),))[-1]


@lru_cache(maxsize=20_000)
def day_start(day: date, zone: ZoneInfo) -> int:
    """The first minute of a local date, which is not midnight where the clocks go forward over midnight."""
    return minute_of(first_instant(datetime.combine(day, time()), zone))


def local_date(minute: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(minute * 60, zone).date()


@lru_cache(maxsize=20_000)
def stretches(day: date, ranges: tuple[Span, ...], zone: ZoneInfo) -> tuple[Stretch, ...]:
    """The real time of ranges of wall minutes (0 to 1440) of a local date, in order and disjoint.

    Ranges that overlap or touch count as one. Wall time in a gap does not exist. Wall time in a fold counts once,
    in its first pass, unless the range takes in the whole fold: then both passes lie inside it.
    """
    midnight = (day.toordinal() - _EPOCH_DAY) * DAY_MINUTES
    return tuple(
        stretch for starts, ends in merged(ranges) for stretch in _resolved(midnight + starts, midnight + ends, zone)
    )


def _resolved(starts: int, ends: int, zone: ZoneInfo) -> Iterator[Stretch]:
    """`starts` and `ends` are wall minutes. No zone changes its clocks twice within the three days looked at."""
    earliest, latest = starts - _EAST, ends + _WEST
    before, after = _offset(earliest, zone), _offset(latest, zone)
    if before == after:
        yield Stretch(starts - before, ends - before, before, starts)
        return
    change = _change(earliest, latest, zone)
    if starts - before < min(change, ends - before):
        yield Stretch(starts - before, min(change, ends - before), before, starts)
    twice_from, twice_until = change + after, change + before
    resumes = change if starts <= twice_from and twice_until <= ends else max(change, twice_until - after)
    if max(resumes, starts - after) < ends - after:
        yield Stretch(max(resumes, starts - after), ends - after, after, starts)


def _change_over(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the clocks jump over the naive `wall`."""
    around = minute_of(wall.replace(tzinfo=UTC))
    return instant_of(_change(around - _EAST, around + _WEST, zone))


def _change(earliest: int, latest: int, zone: ZoneInfo) -> int:
    """The first minute with another offset than `earliest`; there is one by `latest`."""
    before = _offset(earliest, zone)
    while latest - earliest > 1:
        middle = (earliest + latest) // 2
        if _offset(middle, zone) == before:
            earliest = middle
        else:
            latest = middle
    return latest


def _offset(minute: int, zone: ZoneInfo) -> int:
    return (datetime.fromtimestamp(minute * 60, zone).utcoffset() or timedelta()) // timedelta(minutes=1)
