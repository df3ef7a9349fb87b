"""What makes one plan for a course better than another: the same person, the same hour, the same weekday, soon.

Costs are minutes of inconvenience. A plan with fewer changes of practitioner is always better; then the one that
costs less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from statistics import median_low
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from services.booking.domain.course import Spacing
from services.booking.domain.practice import DAY_MINUTES
from services.booking.domain.question import Start

OTHER_WEEKDAY: Final = 90
OTHER_DISTANCE: Final = 60
PER_DAY_OFF: Final = 10
PER_DAY_LATER: Final = 5
OTHER_PERSON: Final = 1_000_000
NEVER: Final = 10**12
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


class Slot(NamedTuple):
    """A free start with its date, as an ordinal, and its minute of the day, both on the wall of its place."""

    day: int
    wall: int
    start: Start


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a plan should come close to; an hour that is not named is whichever suits best.

    `begins` is the earliest date. `first` is the one start with which the plan must begin. `after` is the date of a
    visit that stands, from which the first one has to keep its distance. `weekday` 0 is Monday, `wall` a minute of the
    day.
    """

    begins: date
    first: datetime | None = None
    after: date | None = None
    weekday: int | None = None
    wall: int | None = None


def slots(starts: Iterable[Start], zones: Mapping[str, ZoneInfo]) -> Iterator[Slot]:
    """`zones` are those of the places."""
    offsets: dict[tuple[int, str], int | None] = {}
    for start in starts:
        zone, day = zones[start.place], start.minute // DAY_MINUTES
        if (day, start.place) not in offsets:
            ends = {_offset(minute, zone) for minute in (day * DAY_MINUTES, (day + 1) * DAY_MINUTES - 1)}
            offsets[day, start.place] = ends.pop() if len(ends) == 1 else None
        offset = offsets[day, start.place]
        shown = start.minute + (_offset(start.minute, zone) if offset is None else offset)
        yield Slot(_EPOCH_DAY + shown // DAY_MINUTES, shown % DAY_MINUTES, start)


def cost(plan: Sequence[Slot], spacing: Spacing, wish: Wish) -> int:
    """What `best` makes least; the distances must have been kept."""
    hour = median_low([slot.wall for slot in plan]) if wish.wall is None else wish.wall
    each = sum(slot_cost(slot.day, slot.wall, hour, wish) for slot in plan)
    between = sum(
        distance_cost(later.day - slot.day, spacing)
        + OTHER_PERSON * (later.start.practitioner != slot.start.practitioner)
        for slot, later in pairwise(plan)
    )
    return each + between + beginning_cost(plan[0].day, spacing, wish)


def slot_cost(day: int, wall: int, hour: int, wish: Wish) -> int:
    return abs(wall - hour) + weekday_cost(day, wish)


def weekday_cost(day: int, wish: Wish) -> int:
    return OTHER_WEEKDAY if wish.weekday is not None and (day - 1) % 7 != wish.weekday else 0


def distance_cost(days: int, spacing: Spacing) -> int:
    return 0 if days == spacing.ideal else OTHER_DISTANCE + PER_DAY_OFF * abs(days - spacing.ideal)


def beginning_cost(day: int, spacing: Spacing, wish: Wish) -> int:
    if wish.after is not None:
        distance = day - wish.after.toordinal()
        return distance_cost(distance, spacing) if spacing.least <= distance <= spacing.most else NEVER
    return PER_DAY_LATER * (day - wish.begins.toordinal())


def _offset(minute: int, zone: ZoneInfo) -> int:
    at = datetime.fromtimestamp(minute * 60, UTC).astimezone(zone).utcoffset()
    return 0 if at is None else int(at.total_seconds()) // 60
