"""What may leave by a sender: the bucket, the budget of the day, rests, pauses and the breaker."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.sender import (
    BREAKS_AT,
    FIRST_BREAK,
    LONGEST_BREAK,
    Limits,
    Pause,
    Sender,
    Standing,
    Want,
    answered,
    refreshed,
    room,
    take,
    unanswered,
)

NOW = datetime(2027, 6, 9, 18, 0, tzinfo=UTC)
ONE_A_SECOND = Limits(per_second=1)
TEN_A_DAY = Limits(per_day=10)
NEWS, OTHER = Want(1, first=True), Want(1, first=False)


def sender(**changes: object) -> Sender:
    return replace(Sender(name="+15005550006", at=NOW), **changes)  # type: ignore[arg-type]  # named by the tests


def after(one: Sender, by: timedelta) -> Sender:
    return replace(one, at=one.at + by)


def test_a_sender_that_was_never_used_is_open_and_full() -> None:
    assert sender().standing is Standing.OPEN
    assert room(sender(), ONE_A_SECOND, 100) == 2
    assert room(sender(), Limits(), 100) == 100


def test_what_was_taken_runs_in_again_at_its_pace() -> None:
    empty, granted = take(sender(), [NEWS] * 3, ONE_A_SECOND)

    assert granted == (True, True, False)
    assert room(empty, ONE_A_SECOND, 100) == 0
    assert room(after(empty, timedelta(seconds=1)), ONE_A_SECOND, 100) == 1
    assert room(after(empty, timedelta(hours=1)), ONE_A_SECOND, 100) == 2


def test_a_long_text_is_not_passed_by_shorter_ones_behind_it() -> None:
    _, granted = take(sender(tokens=1.0, filled_at=NOW), [Want(2), NEWS], ONE_A_SECOND)

    assert granted == (False, False)


def test_what_is_no_news_leaves_the_last_fifth_of_the_day_alone() -> None:
    spent, granted = take(sender(), [OTHER] * 9, TEN_A_DAY)
    assert granted == (True,) * 8 + (False,)

    spent, granted = take(spent, [OTHER, NEWS, OTHER, NEWS, NEWS], TEN_A_DAY)
    assert granted == (False, True, False, True, False)
    assert room(spent, TEN_A_DAY, 100) == 0


def test_the_budget_is_that_of_the_accounts_own_day() -> None:
    there = Limits(per_day=10, zone="America/New_York")
    spent, _ = take(sender(), [NEWS] * 10, there)

    midnight = datetime(2027, 6, 10, 4, 0, tzinfo=UTC)
    assert room(replace(spent, at=midnight - timedelta(seconds=1)), there, 100) == 0
    assert room(replace(spent, at=midnight), there, 100) == 10


def test_nothing_leaves_while_it_rests_or_is_paused() -> None:
    resting = sender(rests_until=NOW + timedelta(seconds=1))
    paused = sender(paused=Pause(by="desk", why="a test", at=NOW))

    assert (resting.standing, room(resting, Limits(), 9)) == (Standing.RESTING, 0)
    assert room(after(resting, timedelta(seconds=1)), Limits(), 9) == 9
    assert (paused.standing, room(paused, Limits(), 9)) == (Standing.PAUSED, 0)


def test_posts_without_an_answer_break_the_line_and_each_failed_trial_longer() -> None:
    almost = unanswered(sender(), BREAKS_AT - 1)
    assert almost.standing is Standing.OPEN
    broken = unanswered(almost, 1)
    assert broken.standing is Standing.SHUT
    assert unanswered(broken, 5).shut_until == broken.shut_until

    ready = after(broken, FIRST_BREAK)
    assert (ready.standing, room(ready, Limits(), 9)) == (Standing.HALF_OPEN, 0)
    again = unanswered(ready, 1)
    assert again.shut_until == ready.at + 2 * FIRST_BREAK
    for trial in range(1, 20):
        again = unanswered(replace(again, at=NOW + timedelta(days=trial)), 1)
    assert again.shut_until == again.at + LONGEST_BREAK
    assert answered(again).standing is Standing.OPEN


def test_one_answer_in_between_begins_the_count_anew() -> None:
    assert unanswered(answered(unanswered(sender(), BREAKS_AT - 1)), 1).standing is Standing.OPEN


@given(
    groups=st.lists(st.tuples(st.floats(0, 5), st.lists(st.integers(1, 2), max_size=6)), max_size=20),
    rate=st.sampled_from([0.5, 1.0, 3.0, 25.0]),
)
def test_never_more_leaves_than_the_burst_and_what_ran_in(groups: list[tuple[float, list[int]]], rate: float) -> None:
    limits, one, gone, seconds = Limits(per_second=rate), sender(), 0, 0.0
    for wait, sizes in groups:
        seconds += wait
        one, granted = take(after(one, timedelta(seconds=wait)), [Want(size) for size in sizes], limits)
        gone += sum(size for size, goes in zip(sizes, granted, strict=True) if goes)

        assert gone <= limits.burst + rate * seconds + 1e-3


@given(firsts=st.lists(st.booleans(), max_size=30), budget=st.integers(1, 25))
def test_never_more_than_the_budget_and_news_never_less_for_what_is_none(firsts: list[bool], budget: int) -> None:
    limits = Limits(per_day=budget)
    spent, granted = take(sender(), [Want(1, first) for first in firsts], limits)

    assert spent.spent == sum(granted) <= budget
    assert sum(goes for goes, first in zip(granted, firsts, strict=True) if not first) <= limits.ordinary


def test_a_clock_that_goes_back_fills_nothing_and_takes_nothing() -> None:
    spent, _ = take(sender(), [NEWS], ONE_A_SECOND)

    assert refreshed(after(spent, timedelta(seconds=-30)), ONE_A_SECOND).tokens == pytest.approx(1.0)
