"""The best plan for a course: as good as the best that trying everything finds, and kind to weekdays and hours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain.course import Spacing
from services.booking.domain.course_plan import Slot, Wish, cost, slots
from services.booking.domain.course_search import best
from services.booking.domain.question import Start

MONDAY = date(2027, 3, 1)
WEEKLY = Spacing(least=5, most=10)
ZURICH = {"lake": ZoneInfo("Europe/Zurich")}


def a_slot(day: int, wall: int, who: str = "ana") -> Slot:
    """On a wall without an offset."""
    at = MONDAY.toordinal() + day
    return Slot(at, wall, Start((at - date(1970, 1, 1).toordinal()) * 1440 + wall, who, "lake", None))


def every(plan: tuple[Slot, ...] | None) -> list[tuple[int, int, str]]:
    assert plan is not None
    return [(slot.day - MONDAY.toordinal(), slot.wall // 60, slot.start.practitioner) for slot in plan]


def possible(free: Sequence[Slot], count: int, spacing: Spacing, wish: Wish) -> Iterator[tuple[Slot, ...]]:
    """Every plan there is, by trying."""

    def grown(plan: tuple[Slot, ...]) -> Iterator[tuple[Slot, ...]]:
        if len(plan) == count:
            yield plan
            return
        for slot in free:
            if spacing.least <= slot.day - plan[-1].day <= spacing.most:
                yield from grown((*plan, slot))

    for slot in free:
        too_far = wish.after and not spacing.least <= slot.day - wish.after.toordinal() <= spacing.most
        if slot.day >= wish.begins.toordinal() and not too_far and wish.first in {None, slot.start.starts_at}:
            yield from grown((slot,))


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[Slot], int, Spacing, Wish]:
    least = draw(st.integers(1, 4))
    spacing = Spacing(least=least, most=least + draw(st.integers(0, 4)))
    where = st.tuples(st.integers(0, 14), st.sampled_from([540, 555, 600, 900]), st.sampled_from(["ana", "ben"]))
    free = [a_slot(*one) for one in draw(st.lists(where, unique=True, max_size=14))]
    wish = Wish(
        begins=MONDAY + timedelta(days=draw(st.integers(0, 3))),
        first=draw(st.sampled_from([None, None, *(slot.start.starts_at for slot in free)])),
        after=draw(st.sampled_from([None, None, MONDAY - timedelta(days=2)])),
        weekday=draw(st.none() | st.integers(0, 6)),
        wall=draw(st.none() | st.sampled_from([540, 570, 900])),
    )
    return free, draw(st.integers(1, 4)), spacing, wish


@given(questions())
def test_no_plan_is_better_than_the_one_that_is_found(question: tuple[list[Slot], int, Spacing, Wish]) -> None:
    free, count, spacing, wish = question
    costs = [cost(plan, spacing, wish) for plan in possible(free, count, spacing, wish)]
    found = best(free, count, spacing, wish)
    assert (None if found is None else cost(found, spacing, wish)) == min(costs, default=None)
    assert found is None or found in set(possible(free, count, spacing, wish))


def test_where_everything_is_free_the_visits_are_on_one_weekday_at_one_hour_with_one_person() -> None:
    free = [a_slot(day, hour * 60, who) for day in range(60) for hour in range(8, 18) for who in ("ana", "ben")]
    wish = Wish(begins=MONDAY, weekday=2, wall=16 * 60)
    assert every(best(free, 5, WEEKLY, wish)) == [(2 + 7 * week, 16, "ana") for week in range(5)]


def test_an_hour_that_is_free_every_week_is_better_than_an_earlier_beginning() -> None:
    free = [a_slot(0, 480), *(a_slot(1 + 7 * week, 600) for week in range(4))]
    free += [a_slot(7 * week, 900) for week in range(1, 4)]
    assert every(best(free, 4, WEEKLY, Wish(begins=MONDAY))) == [(1 + 7 * week, 10, "ana") for week in range(4)]


def test_another_practitioner_comes_in_only_where_nobody_can_do_it_all() -> None:
    alone = [a_slot(day, 480 + 120 * (day % 2), "ben") for day in (0, 8, 15)]
    free = [a_slot(0, 480), a_slot(7, 480), a_slot(14, 480, "cem"), *alone]
    assert [who for _, _, who in every(best(free, 3, WEEKLY, Wish(begins=MONDAY)))] == ["ben"] * 3
    free = [slot for slot in free if slot not in alone]
    assert [who for _, _, who in every(best(free, 3, WEEKLY, Wish(begins=MONDAY)))] == ["ana", "ana", "cem"]


def test_the_first_start_that_was_picked_stays_the_first() -> None:
    free = [a_slot(7 * week, hour * 60) for week in range(3) for hour in (9, 10, 11)]
    wish = Wish(begins=MONDAY, first=a_slot(0, 600).start.starts_at, wall=600)
    assert every(best(free, 3, WEEKLY, wish)) == [(0, 10, "ana"), (7, 10, "ana"), (14, 10, "ana")]


def test_a_first_start_with_somebody_who_cannot_go_on_is_followed_by_others() -> None:
    free = [a_slot(0, 600, "ben"), *(a_slot(7 * week, 600) for week in range(3))]
    wish = Wish(begins=MONDAY, first=a_slot(0, 600).start.starts_at, wall=600)
    assert [who for _, _, who in every(best(free, 3, WEEKLY, wish))] == ["ana"] * 3
    assert [who for _, _, who in every(best([free[0], *free[2:]], 3, WEEKLY, wish))] == ["ben", "ana", "ana"]


def test_nothing_is_found_where_one_visit_cannot_keep_its_distance() -> None:
    assert best([a_slot(0, 600), a_slot(7, 600), a_slot(18, 600)], 3, WEEKLY, Wish(begins=MONDAY)) is None
    assert best([], 3, WEEKLY, Wish(begins=MONDAY)) is None


def test_the_hour_on_the_wall_stays_when_the_clocks_change() -> None:
    """In Zurich they went forward on 28 March 2027."""
    instants = [datetime(2027, 3, 15 + day, hour, tzinfo=UTC) for day in range(15) for hour in (8, 9, 10)] + [
        datetime(2027, 3, 30, hour, tzinfo=UTC) for hour in (7, 8, 9)
    ]
    starts = [Start(int(at.timestamp()) // 60, "ana", "lake", None) for at in instants]
    begins = date(2027, 3, 16)
    plan = best(slots(starts, ZURICH), 3, Spacing(least=7, most=7), Wish(begins=begins, weekday=1, wall=600))
    assert plan is not None
    local = [slot.start.starts_at.astimezone(ZURICH["lake"]) for slot in plan]
    assert [(at.day, at.hour) for at in local] == [(16, 10), (23, 10), (30, 10)]
    assert [later - one for one, later in pairwise(local)] == [timedelta(days=7)] * 2
    assert plan[2].start.starts_at - plan[1].start.starts_at == timedelta(days=7, hours=-1)


def test_a_start_lies_on_the_date_that_its_own_place_shows() -> None:
    changing = [datetime(2027, 3, 28, 0, 30, tzinfo=UTC), datetime(2027, 3, 28, 1, 30, tzinfo=UTC)]
    late = datetime(2027, 3, 28, 22, 30, tzinfo=UTC)
    starts = [Start(int(at.timestamp()) // 60, "ana", "lake", None) for at in (*changing, late)]
    shown = [(date.fromordinal(slot.day), slot.wall) for slot in slots(starts, ZURICH)]
    assert shown == [(date(2027, 3, 28), 90), (date(2027, 3, 28), 210), (date(2027, 3, 29), 30)]
