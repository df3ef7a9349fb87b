"""The search for the best plan of a course.

What is found is the best there is: between two visits only their dates and practitioners matter, so of each
practitioner's day the start nearest to the hour is all that has to be looked at, and from a day on the rest of the
plan does not depend on how it began.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import repeat
from operator import add

from services.booking.domain.course import Spacing
from services.booking.domain.course_plan import (
    NEVER,
    OTHER_PERSON,
    Slot,
    Wish,
    beginning_cost,
    cost,
    distance_cost,
    slot_cost,
    weekday_cost,
)

CLOSE, ROUGH = 0, 1
"""How well a bound is known; of equal ones the closer goes first."""


def best(free: Iterable[Slot], count: int, spacing: Spacing, wish: Wish) -> tuple[Slot, ...] | None:
    """The plan of `count` visits that costs least, None if there is none."""
    slots = tuple(free)
    together = Days(slots, count, spacing, wish)
    if together.changes > 0:
        return _cheapest_plan([together])
    people = sorted({slot.start.practitioner for slot in slots})
    alone = (Days([s for s in slots if s.start.practitioner == who], count, spacing, wish) for who in people)
    return _cheapest_plan([days for days in alone if days.changes == 0])


def _cheapest_plan(among: Sequence[Days]) -> tuple[Slot, ...] | None:
    """Hour by hour, the most promising first; what it costs at least is looked at more closely before a plan is."""
    found, least = None, NEVER
    bounds = [(bound, ROUGH, who, hour) for who, days in enumerate(among) for bound, hour in days.hours()]
    heapq.heapify(bounds)
    while bounds and bounds[0][0] < least:
        _, how, who, hour = heapq.heappop(bounds)
        if how == ROUGH:
            heapq.heappush(bounds, (among[who].close_bound(hour), CLOSE, who, hour))
        elif (plan := among[who].plan(hour)) is not None and among[who].cost(plan) < least:
            found, least = plan, among[who].cost(plan)
    return found


Costs = list[int]
"""Of one practitioner, by the number of the day."""


class Days:
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
        self._known: dict[int, list[Costs]] = {}

    def hours(self) -> list[tuple[int, int]]:
        """The hours that a plan may be regular at, each after what any plan at that hour costs at least."""
        walls = {wall for lane in self._walls for day in lane.values() for wall in day}
        hours = walls if self._wish.wall is None else {self._wish.wall}
        return [(sum(sorted(self._cheapest(hour))[: self._count]), hour) for hour in hours] if walls else []

    def close_bound(self, hour: int) -> int:
        """What the best plan would cost if all practitioners were one, and the changes that no plan can do without."""
        cheapest = self._cheapest(hour)
        ahead = self._all_ahead([cheapest])[-1][0]
        return self.changes + min(map(sum, zip(self._begin, cheapest, ahead, strict=True)))

    @cached_property
    def changes(self) -> int:
        """The cost of changing practitioner as often as every plan has to; `NEVER` or more if there is no plan."""
        if not self._lanes:
            return NEVER
        free = [[0 if day in walls else NEVER for day in range(self._length)] for walls in self._walls]
        ahead = self._all_ahead(free)[-1]
        begun = (
            self._begin[day] + rest
            for lane, rests in enumerate(ahead)
            for day, rest in enumerate(rests)
            if (day in self._walls[lane] if self._wish.first is None else self._pinned(lane, day))
        )
        return min(begun, default=NEVER) // OTHER_PERSON * OTHER_PERSON

    def cost(self, plan: Sequence[Slot]) -> int:
        return cost(plan, self._spacing, self._wish)

    def plan(self, hour: int) -> tuple[Slot, ...] | None:
        """The cheapest plan around that hour."""
        costs = self._costs(hour)
        ahead = self._all_ahead(costs)
        begun = (
            (first + rest, day, lane)
            for lane, both in enumerate(zip(self._firsts(hour), ahead[-1], strict=True))
            for day, (first, rest) in enumerate(zip(*both, strict=True))
        )
        least, day, lane = min(begun)
        if least >= NEVER:
            return None
        plan = [self._pinned(lane, day) or self._nearest(lane, day, hour)]
        for rests in reversed(ahead[:-1]):
            day, lane = self._next(day, lane, costs, rests)
            plan.append(self._nearest(lane, day, hour))
        return tuple(plan)

    def _all_ahead(self, costs: list[Costs]) -> list[list[Costs]]:
        """By how many visits follow, none first: what they cost at least, from each day of each practitioner."""
        ahead = [[[0] * self._length for _ in costs]]
        for _ in range(self._count - 1):
            both = zip(costs, ahead[-1], strict=True)
            ahead.append(self._ahead([list(map(add, *lane)) for lane in both]))
        return ahead

    def _cheapest(self, hour: int) -> Costs:
        return list(map(min, zip(*self._costs(hour), strict=True)))

    def _costs(self, hour: int) -> list[Costs]:
        """Of every practitioner's day its cheapest start; `NEVER` where there is none."""
        if hour not in self._known:
            off = self._off_weekday
            self._known[hour] = [
                [
                    abs(walls[day][_nearest(walls[day], hour)] - hour) + off[day] if day in walls else NEVER
                    for day in range(self._length)
                ]
                for walls in self._walls
            ]
        return self._known[hour]

    @cached_property
    def _off_weekday(self) -> Costs:
        return [weekday_cost(self._first_day + day, self._wish) for day in range(self._length)]

    @cached_property
    def _begin(self) -> Costs:
        return [beginning_cost(self._first_day + day, self._spacing, self._wish) for day in range(self._length)]

    def _firsts(self, hour: int) -> list[Costs]:
        """As `_costs`, of what the plan may begin with, and with what it costs to begin then."""
        if self._wish.first is None:
            return [list(map(add, self._begin, costs)) for costs in self._costs(hour)]
        pinned = [[self._pinned(lane, day) for day in range(self._length)] for lane in range(len(self._lanes))]
        return [
            [
                NEVER if slot is None else self._begin[day] + slot_cost(slot.day, slot.wall, hour, self._wish)
                for day, slot in enumerate(slots)
            ]
            for slots in pinned
        ]

    def _ahead(self, with_rest: list[Costs]) -> list[Costs]:
        """What the visits after one cost at least, from each day of each practitioner; `with_rest` counts from them."""
        own = [self._at_a_distance(costs) for costs in with_rest]
        if len(own) == 1:
            return own
        others = [OTHER_PERSON + least for least in map(min, zip(*own, strict=True))]
        return [list(map(min, costs, others)) for costs in own]

    def _at_a_distance(self, costs: Costs) -> Costs:
        """From each day, the least of the days to which the distance may be, with its cost."""
        padded = [*costs, *[NEVER] * self._spacing.most]
        ahead = (map(extra.__add__, padded[days : days + self._length]) for days, extra in self._distances)
        return list(map(min, *ahead, repeat(NEVER)))

    @cached_property
    def _distances(self) -> list[tuple[int, int]]:
        spacing = self._spacing
        return [(days, distance_cost(days, spacing)) for days in range(spacing.least, spacing.most + 1)]

    def _next(self, day: int, lane: int, costs: list[Costs], rests: list[Costs]) -> tuple[int, int]:
        """The day and practitioner of the visit after this one, by which the least was reached."""
        ahead = range(day + self._spacing.least, min(day + self._spacing.most + 1, self._length))
        _, at, who = min(
            (distance_cost(at - day, self._spacing) + OTHER_PERSON * (who != lane) + cost + rest[at], at, who)
            for who, (here, rest) in enumerate(zip(costs, rests, strict=True))
            for at, cost in ((at, here[at]) for at in ahead)
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
