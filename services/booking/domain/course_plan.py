"""The best plan for a course: which free starts keep the distances, and come closest to the same weekday and hour.

Costs are minutes of inconvenience. A plan with fewer changes of practitioner is always better; then the one that
costs less. What is found is the best there is: between two visits only their dates and practitioners matter, so of each
practitioner's day the start nearest to the hour is all that has to be looked at.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
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


def best(free: Iterable[Slot], count: int, spacing: Spacing, wish: Wish) -> tuple[Slot, ...] | None:
    """The plan of `count` visits that costs least, None if there is none."""
    days = _Days(free, count, spacing, wish)
    found, least = None, NEVER
    for bound, hour in days.hours():
        if bound >= least:
            break
        plan = days.plan(hour)
        if plan is not None and (cost_ := cost(plan, spacing, wish)) < least:
            found, least = plan, cost_
    return found


def cost(plan: Sequence[Slot], spacing: Spacing, wish: Wish) -> int:
    """What `best` makes least; the distances must have been kept."""
    hour = median_low([slot.wall for slot in plan]) if wish.wall is None else wish.wall
    slot_costs = sum(_slot_cost(slot.day, slot.wall, hour, wish) for slot in plan)
    between = sum(
        _distance_cost(later.day - slot.day, spacing)
        + OTHER_PERSON * (later.start.practitioner != slot.start.practitioner)
        for slot, later in pairwise(plan)
    )
    return slot_costs + between + _beginning_cost(plan[0].day, spacing, wish)


def _slot_cost(day: int, wall: int, hour: int, wish: Wish) -> int:
    return abs(wall - hour) + _weekday_cost(day, wish)


def _weekday_cost(day: int, wish: Wish) -> int:
    return OTHER_WEEKDAY if wish.weekday is not None and (day - 1) % 7 != wish.weekday else 0


def _distance_cost(days: int, spacing: Spacing) -> int:
    return 0 if days == spacing.ideal else OTHER_DISTANCE + PER_DAY_OFF * abs(days - spacing.ideal)


def _beginning_cost(day: int, spacing: Spacing, wish: Wish) -> int:
    if wish.after is not None:
        distance = day - wish.after.toordinal()
        return _distance_cost(distance, spacing) if spacing.least <= distance <= spacing.most else NEVER
    return PER_DAY_LATER * (day - wish.begins.toordinal())


def _offset(minute: int, zone: ZoneInfo) -> int:
    at = datetime.fromtimestamp(minute * 60, UTC).astimezone(zone).utcoffset()
    return 0 if at is None else int(at.total_seconds()) // 60


Costs = list[int]
"""Of one practitioner, by the number of the day."""


class _Days:
    """The free starts by practitioner and day, and what plans through them cost."""

    def __init__(self, free: Iterable[Slot], count: int, spacing: Spacing, wish: Wish) -> None:
        self._count, self._spacing, self._wish = count, spacing, wish
        self._first_day = wish.begins.toordinal()
        lanes: dict[str, dict[int, list[Slot]]] = {}
        for slot in free:
            if slot.day >= self._first_day:
                lanes.setdefault(slot.start.practitioner, {}).setdefault(slot.day - self._first_day, []).append(slot)
        self._lanes = [{day: sorted(lane[day]) for day in lane} for _, lane in sorted(lanes.items())]
        self._walls = [{day: [slot.wall for slot in lane[day]] for day in lane} for lane in self._lanes]
        self._length = max((day for lane in self._lanes for day in lane), default=-1) + 1

    def hours(self) -> list[tuple[int, int]]:
        """The hours that a plan may be regular at, each after what any plan at that hour costs at least."""
        walls = {wall for lane in self._walls for day in lane.values() for wall in day}
        hours = walls if self._wish.wall is None else {self._wish.wall}
        return sorted((self._bound(hour), hour) for hour in hours) if walls else []

    def plan(self, hour: int) -> tuple[Slot, ...] | None:
        """The cheapest plan around that hour."""
        costs = self._costs(hour)
        with_rest, ahead = [costs], [[0] * self._length for _ in costs]
        for _ in range(self._count - 1):
            ahead = self._ahead(with_rest[-1])
            with_rest.append([list(map(int.__add__, *both)) for both in zip(costs, ahead, strict=True)])
        begun = (
            (first + rest, day, lane)
            for lane, both in enumerate(zip(self._firsts(hour), ahead, strict=True))
            for day, (first, rest) in enumerate(zip(*both, strict=True))
        )
        least, day, lane = min(begun)
        if least >= NEVER:
            return None
        plan = [self._pinned(lane, day) or self._nearest(lane, day, hour)]
        for table in reversed(with_rest[:-1]):
            day, lane = self._next(day, lane, table)
            plan.append(self._nearest(lane, day, hour))
        return tuple(plan)

    def _bound(self, hour: int) -> int:
        cheapest = (min(costs) for costs in zip(*self._costs(hour), strict=True))
        return sum(heapq.nsmallest(self._count, cheapest))

    def _costs(self, hour: int) -> list[Costs]:
        """Of every practitioner's day its cheapest start; `NEVER` where there is none."""
        off = [_weekday_cost(self._first_day + day, self._wish) for day in range(self._length)]
        return [
            [
                abs(walls[day][_nearest(walls[day], hour)] - hour) + off[day] if day in walls else NEVER
                for day in range(self._length)
            ]
            for walls in self._walls
        ]

    def _firsts(self, hour: int) -> list[Costs]:
        """As `_costs`, of what the plan may begin with, and with what it costs to begin then."""
        begin = [_beginning_cost(self._first_day + day, self._spacing, self._wish) for day in range(self._length)]
        firsts = [list(map(int.__add__, begin, costs)) for costs in self._costs(hour)]
        if self._wish.first is None:
            return firsts
        pinned = [[self._pinned(lane, day) for day in range(self._length)] for lane in range(len(self._lanes))]
        return [
            [
                NEVER if slot is None else begin[day] + _slot_cost(slot.day, slot.wall, hour, self._wish)
                for day, slot in enumerate(slots)
            ]
            for slots in pinned
        ]

    def _ahead(self, with_rest: list[Costs]) -> list[Costs]:
        """What the visits after one cost at least, from each day of each practitioner; `with_rest` counts from them."""
        own = [self._at_a_distance(costs) for costs in with_rest]
        others = [OTHER_PERSON + least for least in map(min, zip(*own, strict=True))]
        return [list(map(min, costs, others)) for costs in own]

    def _at_a_distance(self, costs: Costs) -> Costs:
        """From each day, the least of the days to which the distance may be, with its cost."""
        least, most = self._spacing.least, self._spacing.most
        padded = [*costs, *[NEVER] * most]
        shifted = []
        for days in range(least, most + 1):
            extra = _distance_cost(days, self._spacing)
            shifted.append([cost + extra for cost in padded[days : days + self._length]])
        return list(map(min, zip(*shifted, strict=True)))

    def _next(self, day: int, lane: int, with_rest: list[Costs]) -> tuple[int, int]:
        """The day and practitioner of the visit after this one, by which the least was reached."""
        ahead = range(day + self._spacing.least, min(day + self._spacing.most + 1, self._length))
        _, at, who = min(
            (_distance_cost(at - day, self._spacing) + OTHER_PERSON * (who != lane) + costs[at], at, who)
            for who, costs in enumerate(with_rest)
            for at in ahead
        )
        return at, who

    def _pinned(self, lane: int, day: int) -> Slot | None:
        first = self._wish.first
        here = (slot for slot in self._lanes[lane].get(day, ()) if slot.start.starts_at == first)
        return None if first is None else next(here, None)

    def _nearest(self, lane: int, day: int, hour: int) -> Slot:
        return self._lanes[lane][day][_nearest(self._walls[lane][day], hour)]


def _nearest(walls: Sequence[int], hour: int) -> int:
    """The place of the one nearest to the hour, of two the earlier."""
    place = bisect_left(walls, hour)
    if place == len(walls) or (place > 0 and hour - walls[place - 1] <= walls[place] - hour):
        return place - 1
    return place
