"""What becomes of a delivery that was not done."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from pymongo.errors import ServerSelectionTimeoutError

from shared.errors import Kind, Refusal
from shared.retry import DONE, LADDER, MOST_ATTEMPTS, Park, RetryAfter, after, limited, rung


class Refused(Refusal):
    slug, kind = "refused", Kind.CONFLICT


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=2)))
def test_a_rung_waits_at_least_as_long_as_asked_or_is_the_longest(delay: timedelta) -> None:
    assert LADDER[rung(delay)] >= delay or rung(delay) == "15m"


def test_an_unknown_failure_climbs_the_ladder_and_is_parked_at_its_end() -> None:
    verdicts = [after(ValueError("x"), attempt) for attempt in range(MOST_ATTEMPTS)]

    waits = [v.delay for v in verdicts if isinstance(v, RetryAfter)]
    assert waits[:4] == list(LADDER.values())
    assert waits == sorted(waits)
    assert verdicts[-1] == Park(f"builtins.ValueError, {MOST_ATTEMPTS} times")


@given(st.integers(min_value=0, max_value=100_000))
def test_an_unreachable_database_is_waited_for_without_end_and_never_long(attempt: int) -> None:
    verdict = after(ServerSelectionTimeoutError("down"), attempt)

    assert isinstance(verdict, RetryAfter)
    assert verdict.delay <= timedelta(seconds=30)


def test_a_refusal_is_parked_at_once_under_its_slug() -> None:
    assert after(Refused("no"), 0) == Park("refused")


def test_a_refusal_because_something_else_is_away_is_tried_again() -> None:
    class Away(Refusal):
        slug, kind = "away", Kind.UNAVAILABLE

    verdict = after(Away("not now"), 3)
    assert isinstance(verdict, RetryAfter)
    assert verdict.delay == LADDER["15m"]


def test_a_handler_that_asks_for_more_time_gets_more_and_more_of_it_a_limited_number_of_times() -> None:
    asked = RetryAfter(timedelta(seconds=20), "practice not known yet")

    given = [limited(asked, attempt) for attempt in range(MOST_ATTEMPTS)]

    waits = [verdict.delay.total_seconds() for verdict in given if isinstance(verdict, RetryAfter)]
    assert waits == [20, 30, 120] + [900] * (MOST_ATTEMPTS - 4)
    assert given[-1] == Park(f"practice not known yet, {MOST_ATTEMPTS} times")
    assert limited(DONE, MOST_ATTEMPTS) == DONE
