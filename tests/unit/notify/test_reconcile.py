"""From plan to texts: planning again changes nothing, a newer truth changes what has not begun."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.actions.desk import tried_again
from services.notify.domain.consent import Entry, Word
from services.notify.domain.delivery import Message, State
from services.notify.domain.plan import plan
from services.notify.domain.practice import Timing
from services.notify.domain.reconcile import reconcile
from services.notify.domain.truth import Truth, judge
from services.notify.domain.verdict import Drop, Send, Wait
from services.notify.domain.visit import Visit, VisitState
from tests.support.notify import STARTS, message, practice, steps, visit

NOW = STARTS - timedelta(days=7)
MOVED = visit(version=4, moved=True, starts_at=STARTS + timedelta(days=2), since=NOW + timedelta(minutes=1))


def applied(existing: dict[str, Message], of: Visit) -> dict[str, Message]:
    changes = reconcile(list(existing.values()), plan(of, practice()), of, now=NOW, new_code=lambda: "code")
    return existing | {change.id: change for change in changes}


def states(texts: Iterable[Message]) -> dict[str, State]:
    return {"/".join(text.id.split("/")[1:]): text.state for text in texts}


def test_the_first_plan_makes_every_text() -> None:
    assert states(applied({}, visit()).values()) == {
        "booked/20270616T1400Z": State.PLANNED,
        "prepare/20270616T1400Z": State.PLANNED,
        "day_before/20270616T1400Z": State.PLANNED,
        "two_hours/20270616T1400Z": State.PLANNED,
    }


def test_planning_again_writes_nothing() -> None:
    existing = applied({}, visit())

    assert reconcile(list(existing.values()), plan(visit(), practice()), visit(), now=NOW, new_code=lambda: "x") == []


def test_a_move_cancels_what_has_not_begun_and_plans_the_new_time() -> None:
    after = states(applied(applied({}, visit()), MOVED).values())

    assert {name for name, state in after.items() if state is State.PLANNED} == {
        "moved/20270618T1400Z.4",
        "prepare/20270618T1400Z",
        "day_before/20270618T1400Z",
        "two_hours/20270618T1400Z",
    }
    assert sum(state is State.CANCELLED for state in after.values()) == 4


def test_moving_back_revives_the_cancelled_reminders() -> None:
    back = visit(version=5, moved=True, since=NOW + timedelta(minutes=2))

    after = states(applied(applied(applied({}, visit()), MOVED), back).values())

    assert after["day_before/20270616T1400Z"] is State.PLANNED
    assert after["day_before/20270618T1400Z"] is State.CANCELLED


@pytest.mark.parametrize("state", sorted(set(State) - {State.PLANNED, State.CLAIMED, State.CANCELLED}))
def test_what_has_begun_is_not_planned_anew_because_its_time_is_another_now(state: State) -> None:
    earlier = {
        key: replace(text, state=state, planned_for=text.planned_for - timedelta(hours=1))
        for key, text in applied({}, visit()).items()
    }

    assert applied(earlier, visit(version=4)) == earlier


def test_what_a_newer_turn_of_the_visit_has_planned_is_left_alone() -> None:
    newer = {
        key: replace(text, version=9, planned_for=text.planned_for - timedelta(hours=1))
        for key, text in applied({}, visit()).items()
    }

    assert applied(newer, visit(version=4)) == newer


@pytest.mark.parametrize("state", sorted(set(State) - {State.PLANNED, State.CLAIMED}))
def test_what_has_begun_sending_is_left_alone(state: State) -> None:
    existing = {key: replace(text, state=state) for key, text in applied({}, visit()).items()}
    after = applied(existing, visit(version=4, state=VisitState.CANCELLED))

    assert {key: after[key] for key in existing} == existing


def test_an_older_version_never_touches_what_a_newer_one_planned() -> None:
    newer = applied({}, MOVED)

    after = applied(newer, visit())

    assert {key: after[key] for key in newer} == newer


def test_a_text_that_is_too_late_from_the_start_is_listed_as_skipped() -> None:
    late = STARTS - timedelta(minutes=1)
    changes = reconcile([], plan(visit(), practice()), visit(), now=late, new_code=lambda: "x")

    assert {text.step: (text.state, text.why) for text in changes}["day_before"] == (State.SKIPPED, "stale")


def test_an_operators_cancellation_is_not_revived() -> None:
    existing = {k: replace(t, state=State.CANCELLED, why="operator") for k, t in applied({}, visit()).items()}

    assert applied(existing, visit()) == existing


story = st.permutations([visit(), MOVED, visit(version=5, state=VisitState.CANCELLED, since=NOW + timedelta(hours=1))])


@given(story, st.lists(st.integers(0, 2), max_size=6))
def test_events_in_any_order_and_number_leave_the_newest_plan(events: list[Visit], repeats: list[int]) -> None:
    texts: dict[str, Message] = {}
    newest = events[0]
    for event in [*events, *(events[n] for n in repeats)]:
        newest = max(newest, event, key=lambda v: v.version)
        texts = applied(texts, newest)

    assert {t.step for t in texts.values() if t.state is State.PLANNED} == {"cancelled"}


TEXT = message(steps(visit())["day_before"], visit())
TRUE = Truth(visit(), practice(), ())


def stop(at_days: int = 0) -> Entry:
    return Entry(key="s", word=Word.STOPPED, at=NOW + timedelta(days=at_days), source="reply")


def test_a_true_text_at_a_decent_hour_is_sent() -> None:
    assert judge(TEXT, TRUE, TEXT.planned_for) == Send("day_before")


@pytest.mark.parametrize(
    ("truth", "expected"),
    [
        (Truth(visit(version=4, state=VisitState.CANCELLED), practice(), ()), Drop(State.CANCELLED, "superseded")),
        (Truth(MOVED, practice(), ()), Drop(State.CANCELLED, "superseded")),
        (Truth(visit(version=4, consented=False), practice(), ()), Drop(State.SKIPPED, "no_consent")),
        (Truth(visit(), practice(steps=frozenset()), ()), Drop(State.CANCELLED, "superseded")),
        (Truth(visit(), practice(), (stop(),)), Drop(State.SKIPPED, "opted_out")),
    ],
)
def test_a_text_that_is_no_longer_true_is_dropped(truth: Truth, expected: Drop) -> None:
    assert judge(TEXT, truth, TEXT.planned_for) == expected


def test_a_text_is_dropped_from_the_moment_it_is_useless() -> None:
    booked = message(steps(visit())["booked"], visit())

    assert judge(booked, TRUE, booked.not_after) == Drop(State.SKIPPED, "stale")
    assert judge(booked, TRUE, booked.not_after - timedelta(seconds=1)) == Send("booked")


def test_a_text_that_the_practice_s_new_policy_puts_later_waits_though_it_was_due_by_the_old_one() -> None:
    """The visit is not planned anew yet: its text keeps the words and the time of one and the same policy."""
    later = practice(timings={"day_before": Timing(at=time(18))})
    [due] = [text.due for text in plan(visit(), later) if text.step == "day_before"]

    assert due > TEXT.planned_for
    assert judge(TEXT, Truth(visit(), later, ()), TEXT.planned_for) == Wait(due, "planned_anew")
    assert judge(replace(TEXT, id=f"{TEXT.id}~1"), Truth(visit(), later, ()), TEXT.planned_for) == Send("day_before")


def test_a_text_that_the_desk_wants_at_once_does_not_wait_for_the_time_it_was_planned_for() -> None:
    at_once = tried_again(replace(TEXT, state=State.CANCELLED), NOW, by="ana")

    assert at_once.planned_for > NOW
    assert judge(at_once, TRUE, NOW) == Send("day_before")


def test_a_late_text_waits_for_the_morning_if_it_is_then_still_of_use() -> None:
    booked = message(steps(visit())["booked"], visit())
    at_night = NOW + timedelta(hours=13)

    assert judge(booked, TRUE, at_night) == Wait(practice().quiet.later(at_night, ZoneInfo(visit().client_zone)))
    assert judge(replace(booked, not_after=at_night + timedelta(hours=1)), TRUE, at_night) == Drop(
        State.SKIPPED, "stale"
    )


def test_what_wakes_a_client_may_come_at_night_and_what_answers_a_request_only_promptly() -> None:
    at_night = STARTS - timedelta(hours=8)
    moved = visit(moved=True, since=at_night, by_practice=True)
    wakes = practice(wakes_for_changes=True)
    text = message(steps(moved, wakes)["moved"], moved)
    morning = Wait(practice().quiet.later(at_night, ZoneInfo(moved.client_zone)))

    assert judge(text, Truth(moved, wakes, ()), text.due) == Send("moved", STARTS)
    assert judge(text, Truth(moved, practice(), ()), text.due) == morning

    asked = visit(state=VisitState.REQUESTED, since=at_night)
    policy = practice(steps=frozenset({"received"}))
    answer = message(steps(asked, policy)["received"], asked)
    prompt = at_night + timedelta(minutes=5)
    assert judge(answer, Truth(asked, policy, ()), answer.due) == Send("received", prompt)
    assert judge(answer, Truth(asked, policy, ()), prompt) == morning


def test_an_answer_may_come_at_night_if_it_is_prompt() -> None:
    asked = NOW + timedelta(hours=13)
    answer = replace(TEXT, step="reschedule", template="reschedule", asked_at=asked, not_after=STARTS)

    assert judge(answer, TRUE, asked + timedelta(minutes=1)) == Send("reschedule")
    assert isinstance(judge(answer, TRUE, asked + timedelta(minutes=6)), Wait)


def test_only_the_farewell_goes_to_a_number_that_has_stopped() -> None:
    stopped = Truth(visit(), practice(), (stop(),))
    farewell = replace(TEXT, step="stopped", template="stopped", asked_at=NOW)
    help_text = replace(TEXT, step="help", asked_at=NOW)

    assert judge(farewell, stopped, NOW) == Send("stopped")
    assert judge(help_text, stopped, NOW) == Drop(State.SKIPPED, "opted_out")
