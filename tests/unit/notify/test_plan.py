"""The plan of a visit's texts: each row of it, short notice, and never at a wrong hour or too late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.plan import plan
from services.notify.domain.practice import Practice, Timing
from services.notify.domain.quiet import Quiet, resolved
from services.notify.domain.visit import Seat, Visit, VisitState
from tests.support.notify import ALL_STEPS, FULL, STARTS, practice, steps, visit

ZONES = sorted(available_timezones() - {"Factory", "localtime"})


def new_york(local: str) -> datetime:
    return resolved(datetime.fromisoformat(local), ZoneInfo("America/New_York"))


def when(of: Visit, policy: Practice | None = None) -> dict[str, datetime]:
    return {step: text.due for step, text in steps(of, policy).items()}


def words(of: Visit, policy: Practice | None = None) -> dict[str, str]:
    return {step: text.template for step, text in steps(of, policy).items()}


def test_a_visit_booked_a_week_ahead_gets_every_text_at_its_time() -> None:
    booked = visit(since=new_york("2027-06-09T12:00"))

    assert when(booked) == {
        "booked": new_york("2027-06-09T12:00"),
        "prepare": new_york("2027-06-14T17:00"),
        "day_before": new_york("2027-06-15T10:00"),
        "two_hours": new_york("2027-06-16T08:00"),
    }


def test_each_text_is_useful_only_for_so_long() -> None:
    useful = {step: text.not_after for step, text in steps(visit(since=new_york("2027-06-09T12:00"))).items()}

    assert useful == {
        "booked": STARTS,
        "prepare": STARTS - timedelta(hours=24),
        "day_before": STARTS - timedelta(hours=2),
        "two_hours": new_york("2027-06-16T08:30"),
    }


def test_texts_are_listed_in_order_of_time() -> None:
    assert [text.step for text in plan(visit(), practice())] == ["booked", "prepare", "day_before", "two_hours"]


def test_the_id_names_appointment_step_and_start() -> None:
    assert steps(visit())["day_before"].id == "abcdefghijklmnopqrstuvwxyz/day_before/20270616T1400Z"


def test_a_client_who_did_not_agree_to_texts_gets_none() -> None:
    assert plan(visit(consented=False), practice()) == ()


def test_a_confirmation_at_night_waits_for_the_morning() -> None:
    assert when(visit(since=new_york("2027-06-09T23:30")))["booked"] == new_york("2027-06-10T08:30")


@pytest.mark.parametrize(
    ("notice", "expected"),
    [
        (
            timedelta(hours=73),
            {"booked": "booked", "prepare": "prepare", "day_before": "day_before", "two_hours": "two_hours"},
        ),
        (timedelta(hours=31), {"booked": "booked", "day_before": "day_before_prepare", "two_hours": "two_hours"}),
        (timedelta(hours=29), {"booked": "booked_prepare", "two_hours": "two_hours"}),
        (timedelta(hours=5), {"booked": "booked_prepare", "two_hours": "two_hours"}),
        (timedelta(hours=3), {"booked": "booked_prepare"}),
        (timedelta(minutes=45), {"booked": "booked_prepare"}),
        (timedelta(minutes=44), {"booked": "booked_today"}),
    ],
)
def test_short_notice_folds_the_texts_into_fewer(notice: timedelta, expected: dict[str, str]) -> None:
    afternoon = new_york("2027-06-16T18:00")

    assert words(visit(starts_at=afternoon, notice=notice)) == expected


def test_the_preparation_travels_with_the_day_before_when_its_own_time_had_passed() -> None:
    booked = visit(starts_at=new_york("2027-06-16T10:00"), since=new_york("2027-06-14T18:00"))

    assert words(booked) == {"booked": "booked", "day_before": "day_before_prepare", "two_hours": "two_hours"}


MINUTE = timedelta(minutes=1)
REMINDERS = {"prepare", "two_days", "day_before", "two_hours"}


@pytest.mark.parametrize(
    ("notice", "reminders", "booked"),
    [
        (timedelta(hours=72), REMINDERS, "booked"),
        (timedelta(hours=72) - MINUTE, REMINDERS - {"two_days"}, "booked"),
        (timedelta(hours=30), {"day_before", "two_hours"}, "booked"),
        (timedelta(hours=30) - MINUTE, {"two_hours"}, "booked_prepare"),
        (timedelta(hours=4), {"two_hours"}, "booked_prepare"),
        (timedelta(hours=4) - MINUTE, set(), "booked_prepare"),
        (timedelta(minutes=45), set(), "booked_prepare"),
        (timedelta(minutes=45) - MINUTE, set(), "booked_today"),
    ],
)
def test_on_either_side_of_each_bound_of_short_notice(notice: timedelta, reminders: set[str], booked: str) -> None:
    planned = words(visit(starts_at=new_york("2027-06-16T18:00"), notice=notice), practice(steps=FULL))

    assert planned.keys() - {"booked"} == reminders
    assert planned["booked"] == booked


def test_today_is_not_said_of_a_visit_after_midnight() -> None:
    awake = practice(quiet=Quiet(time(5), time(5)))
    after_midnight = visit(starts_at=new_york("2027-06-16T00:10"), notice=timedelta(minutes=30))

    assert words(after_midnight, awake) == {"booked": "booked_prepare"}


def test_a_practice_that_sends_no_preparation_never_folds_it_in() -> None:
    policy = practice(steps=frozenset({"two_hours", "aftercare"}))

    assert words(visit(notice=timedelta(hours=20)), policy)["booked"] == "booked"
    assert words(visit(notice=timedelta(minutes=30)), policy)["booked"] == "booked"


def test_a_gentle_practice_sends_three_texts_a_visit_and_the_day_before_says_what_to_wear() -> None:
    gentle = practice(steps=frozenset({"day_before", "aftercare"}))

    assert words(visit(), gentle) == {"booked": "booked", "day_before": "day_before_prepare"}
    assert words(visit(notice=timedelta(hours=20)), gentle) == {"booked": "booked_prepare"}
    assert list(words(attended(), gentle)) == ["aftercare"]


def attended(**changes: Any) -> Visit:
    return visit(**{"state": VisitState.ATTENDED, "since": STARTS + timedelta(hours=1)} | changes)


def test_a_request_is_answered_once_an_outcome_that_comes_at_once_would_have_come() -> None:
    asked = visit(state=VisitState.REQUESTED, since=new_york("2027-06-09T12:00"))
    text = steps(asked, practice(steps=FULL))["received"]

    assert (text.due, text.not_after) == (new_york("2027-06-09T12:03"), new_york("2027-06-10T00:00"))
    assert plan(replace(asked, check_until=STARTS), practice(steps=FULL))[0].step == "check"
    assert plan(replace(asked, seat=Seat("c" * 26, 1, 6)), practice(steps=FULL)) == ()
    assert plan(asked, practice(steps=FULL - {"received"})) == ()


def test_two_days_before_are_forty_eight_hours_and_never_at_night() -> None:
    policy = practice(steps=FULL)

    assert when(visit(), policy)["two_days"] == STARTS - timedelta(hours=48)
    early = visit(starts_at=new_york("2027-06-16T07:00"))
    assert when(early, policy)["two_days"] == new_york("2027-06-13T20:30")


def test_who_has_said_yes_to_this_time_is_not_asked_two_days_before() -> None:
    policy = practice(steps=FULL)

    assert "two_days" not in when(visit(yes_to=STARTS), policy)
    assert "two_days" in when(visit(yes_to=STARTS - timedelta(days=1)), policy)


def test_nobody_is_reminded_twice_within_twelve_hours() -> None:
    """Thirty-six hours before half past six in the morning is the evening to which the day-before text is pulled."""
    policy = practice(steps=FULL, timings={"two_days": Timing(hours=36)})
    early = visit(starts_at=new_york("2027-06-16T06:30"))

    assert "day_before" in when(early, practice(steps=FULL))
    assert "day_before" not in when(early, policy)
    assert "day_before" in when(replace(early, yes_to=early.starts_at), policy)


def test_the_check_in_comes_the_next_morning_and_the_offer_five_days_later() -> None:
    policy = practice(steps=FULL)
    texts = steps(attended(wants_offers=True), policy)

    assert {step: (text.due, text.not_after) for step, text in texts.items() if step != "aftercare"} == {
        "check_in": (new_york("2027-06-17T10:00"), new_york("2027-06-18T11:00")),
        "rebook": (new_york("2027-06-21T11:00"), new_york("2027-06-26T11:00")),
    }
    assert "rebook" not in when(attended(), policy)


def test_nobody_is_asked_how_they_are_within_six_hours_of_the_aftercare() -> None:
    policy = practice(steps=FULL)
    late = attended(starts_at=new_york("2027-06-16T21:45"), since=new_york("2027-06-16T23:00"))

    assert when(late, policy) == {"aftercare": new_york("2027-06-17T09:30")}
    assert when(late, practice(steps=FULL - {"aftercare"})) == {"check_in": new_york("2027-06-17T10:00")}


def test_each_step_comes_when_the_practice_wants_it() -> None:
    wanted = {
        "prepare": Timing(days=3, at=time(12)),
        "two_days": Timing(hours=60),
        "day_before": Timing(at=time(18)),
        "two_hours": Timing(hours=1),
        "aftercare": Timing(hours=1),
        "check_in": Timing(days=2),
        "rebook": Timing(days=10, at=time(15)),
    }
    policy = practice(steps=FULL, timings=wanted)

    assert when(visit(), policy) | when(attended(wants_offers=True), policy) == {
        "booked": STARTS - timedelta(days=7),
        "prepare": new_york("2027-06-13T12:00"),
        "two_days": new_york("2027-06-13T22:00") - timedelta(minutes=90),
        "day_before": new_york("2027-06-15T18:00"),
        "two_hours": new_york("2027-06-16T09:00"),
        "aftercare": new_york("2027-06-16T12:00"),
        "check_in": new_york("2027-06-18T10:00"),
        "rebook": new_york("2027-06-26T15:00"),
    }
    assert steps(visit(), policy)["two_hours"].not_after == new_york("2027-06-16T09:15")


@pytest.mark.parametrize(
    ("since", "due"),
    [
        ("2027-06-12T12:00", "2027-06-12T12:03"),
        ("2027-06-12T20:58", "2027-06-12T20:58"),
        ("2027-06-12T22:00", "2027-06-13T08:30"),
        ("2027-06-16T09:58", "2027-06-16T09:58"),
    ],
)
def test_the_text_of_a_move_waits_for_a_second_one_where_that_costs_neither_night_nor_visit(
    since: str, due: str
) -> None:
    assert when(visit(moved=True, since=new_york(since)))["moved"] == new_york(due)


@pytest.mark.parametrize("state", [VisitState.CONFIRMED, VisitState.CANCELLED])
def test_what_the_practice_changes_at_short_notice_is_told_at_night_if_it_wants_that(state: VisitState) -> None:
    policy, step = practice(wakes_for_changes=True), "moved" if state is VisitState.CONFIRMED else "cancelled"
    night = new_york("2027-06-16T04:00")
    changed = visit(state=state, moved=step == "moved", since=night, by_practice=True)

    text = steps(changed, policy)[step]
    assert text.due - night <= timedelta(minutes=3)
    assert text.wakes_until == STARTS
    for other in (steps(replace(changed, by_practice=False), policy), steps(changed)):
        assert (other[step].due, other[step].wakes_until) == (new_york("2027-06-16T08:30"), None)
    far = replace(changed, since=STARTS - timedelta(hours=12))
    assert steps(far, policy)[step].wakes_until is None
    assert steps(replace(far, since=far.since + MINUTE), policy)[step].wakes_until == STARTS


@pytest.mark.parametrize(
    ("starts", "due"),
    [
        ("2027-06-16T07:50", None),
        ("2027-06-16T08:00", None),
        ("2027-06-16T08:01", "2027-06-16T08:00"),
        ("2027-06-16T08:30", "2027-06-16T08:00"),
        ("2027-06-16T08:31", "2027-06-16T08:30"),
    ],
)
@pytest.mark.parametrize(
    ("state", "step"),
    [
        (VisitState.CONFIRMED, "booked"),
        (VisitState.CANCELLED, "cancelled"),
        (VisitState.IN_REVIEW, "call_us"),
        (VisitState.DECLINED, "not_confirmed"),
    ],
)
def test_what_became_true_at_night_is_told_before_an_early_visit_if_the_night_leaves_time(
    state: VisitState, step: str, starts: str, due: str | None
) -> None:
    told = when(visit(state=state, starts_at=new_york(starts), since=new_york("2027-06-15T22:00")))

    assert told.get(step) == (None if due is None else new_york(due))


def test_a_move_away_from_an_early_time_is_told_before_the_client_would_come() -> None:
    away = visit(moved=True, since=new_york("2027-06-09T22:00"), moved_from=new_york("2027-06-10T08:15"))

    assert when(away)["moved"] == new_york("2027-06-10T08:00")
    assert when(replace(away, moved_from=new_york("2027-06-10T07:15")))["moved"] == new_york("2027-06-10T08:30")
    assert when(replace(away, moved_from=away.since - MINUTE))["moved"] == new_york("2027-06-10T08:30")


@pytest.mark.parametrize("state", [VisitState.CONFIRMED, VisitState.CANCELLED])
def test_news_of_a_change_is_tried_until_the_visit_as_long_as_the_provider_tries(state: VisitState) -> None:
    """The table's last column; the provider tries for ten hours at most, and never past `not_after`."""
    step = "moved" if state is VisitState.CONFIRMED else "cancelled"
    text = steps(visit(state=state, moved=step == "moved"))[step]

    assert (text.validity, text.not_after) == (timedelta(hours=10), STARTS)


def test_a_visit_of_this_night_that_is_moved_far_away_is_told_of_this_night() -> None:
    policy, night = practice(wakes_for_changes=True), new_york("2027-06-09T04:00")
    moved = visit(moved=True, since=night, by_practice=True, moved_from=night + timedelta(hours=4))

    assert when(moved, policy)["moved"] == night + timedelta(minutes=3)
    assert when(replace(moved, moved_from=STARTS), policy)["moved"] == new_york("2027-06-09T08:30")


@pytest.mark.parametrize("step", sorted(ALL_STEPS - {"aftercare"}))
def test_a_step_that_the_practice_switched_off_is_not_sent(step: str) -> None:
    assert step not in when(visit(), practice(steps=ALL_STEPS - {step}))


def test_two_hours_before_an_early_visit_is_merged_into_the_day_before() -> None:
    early = visit(starts_at=new_york("2027-06-16T09:00"))

    assert words(early) == {"booked": "booked", "prepare": "prepare", "day_before": "day_before"}


def test_an_early_visit_without_a_day_before_text_is_remembered_the_evening_before() -> None:
    early = visit(starts_at=new_york("2027-06-16T09:00"), since=new_york("2027-06-15T11:00"))
    text = steps(early)["two_hours"]

    assert (text.due, text.template) == (new_york("2027-06-15T20:30"), "day_before")


def test_two_hours_before_a_late_visit_is_pulled_to_half_past_eight() -> None:
    assert when(visit(starts_at=new_york("2027-06-16T23:30")))["two_hours"] == new_york("2027-06-16T20:30")


def test_the_day_before_keeps_the_wall_time_over_a_clock_change() -> None:
    """New York springs forward in the night to 14 March 2027."""
    spring = visit(starts_at=new_york("2027-03-14T15:00"))

    assert when(spring)["day_before"] == new_york("2027-03-13T15:00")
    assert spring.starts_at - when(spring)["day_before"] == timedelta(hours=23)


def test_two_hours_are_elapsed_time_over_a_clock_change() -> None:
    """Both clock changes of 2027 in New York, with no quiet hours in the way."""
    awake = practice(quiet=Quiet(time(5), time(5)))
    for local in ("2027-03-14T03:30", "2027-11-07T02:30"):
        starts = new_york(local)
        assert when(visit(starts_at=starts), awake)["two_hours"] == starts - timedelta(hours=2)


def test_quiet_hours_are_those_of_the_clients_zone() -> None:
    abroad = visit(client_zone="Asia/Tokyo", since=datetime(2027, 6, 9, 14, tzinfo=UTC))

    assert when(abroad)["booked"] == resolved(datetime.fromisoformat("2027-06-10T08:30"), ZoneInfo("Asia/Tokyo"))


def test_a_moved_visit_announces_the_new_time_and_plans_its_reminders() -> None:
    moved = visit(version=5, moved=True, since=new_york("2027-06-12T12:00"))

    assert list(when(moved)) == ["moved", "prepare", "day_before", "two_hours"]
    assert steps(moved)["moved"].id.endswith("/moved/20270616T1400Z.5")


@pytest.mark.parametrize(
    ("moved", "cancelled", "template"),
    [
        ("2027-06-09T12:00", "2027-06-09T12:02", "cancelled_moved"),
        ("2027-06-09T12:00", "2027-06-09T12:32", "cancelled_moved"),
        ("2027-06-09T12:00", "2027-06-09T12:33", "cancelled"),
        ("2027-06-09T22:00", "2027-06-10T08:40", "cancelled_moved"),
        ("2027-06-09T22:00", "2027-06-10T09:00", "cancelled"),
    ],
)
def test_who_cannot_have_read_of_a_move_is_told_that_the_old_time_is_off_too(
    moved: str, cancelled: str, template: str
) -> None:
    off = visit(state=VisitState.CANCELLED, since=new_york(cancelled), moved_at=new_york(moved))

    assert words(off) == {"cancelled": template}


def test_a_visit_that_is_moved_in_review_says_so_and_does_not_ask_for_a_call_a_second_time() -> None:
    waits = visit(state=VisitState.IN_REVIEW, since=new_york("2027-06-09T22:00"))
    moved = replace(waits, version=4, moved=True, starts_at=STARTS + timedelta(days=1), since=waits.since + MINUTE)

    assert words(moved) == {"moved": "moved", "call_us": "call_us"}
    assert steps(moved)["call_us"].id == steps(waits)["call_us"].id
    assert steps(replace(waits, version=5, again=True))["call_us"].id != steps(waits)["call_us"].id


def test_a_cancelled_visit_gets_one_text_and_nothing_else() -> None:
    assert list(when(visit(state=VisitState.CANCELLED))) == ["cancelled"]


def test_review_refusal_and_lapse_read_the_same() -> None:
    states = (VisitState.IN_REVIEW, VisitState.DECLINED, VisitState.LAPSED)

    assert {text.template for state in states for text in plan(visit(state=state), practice())} == {"call_us"}
    assert [len(plan(visit(state=state), practice())) for state in states] == [1, 1, 1]


def test_nothing_is_said_about_a_missed_visit() -> None:
    assert plan(visit(state=VisitState.MISSED), practice()) == ()


@pytest.mark.parametrize(
    ("ends", "due"),
    [
        ("2027-06-16T11:00", "2027-06-16T14:00"),
        ("2027-06-16T17:30", "2027-06-16T20:30"),
        ("2027-06-16T20:15", "2027-06-16T20:30"),
        ("2027-06-16T20:45", "2027-06-17T09:30"),
        ("2027-06-16T23:45", "2027-06-17T09:30"),
        ("2027-06-16T04:00", "2027-06-16T09:30"),
    ],
)
def test_aftercare_comes_the_same_evening_or_the_next_morning(ends: str, due: str) -> None:
    attended = visit(state=VisitState.ATTENDED, starts_at=new_york(ends) - timedelta(hours=1), since=new_york(ends))

    assert when(attended) == {"aftercare": new_york(due)}


def test_aftercare_of_a_visit_marked_late_goes_at_once_and_never_after_twenty_hours() -> None:
    ended = new_york("2027-06-16T11:00")
    next_morning = visit(state=VisitState.ATTENDED, since=ended + timedelta(hours=22))
    evening = visit(state=VisitState.ATTENDED, since=ended + timedelta(hours=6))

    assert when(evening) == {"aftercare": ended + timedelta(hours=6)}
    assert when(next_morning) == {}


visits = st.builds(
    visit,
    state=st.sampled_from(VisitState),
    moved=st.booleans(),
    notice=st.timedeltas(timedelta(minutes=1), timedelta(days=90)),
    starts_at=st.datetimes(
        datetime.fromisoformat("2026-01-01"), datetime.fromisoformat("2030-01-01"), timezones=st.just(UTC)
    ).map(lambda at: at.replace(second=0, microsecond=0)),
    zone=st.sampled_from(ZONES),
    client_zone=st.sampled_from(ZONES),
)
policies = st.builds(practice, steps=st.frozensets(st.sampled_from(sorted(ALL_STEPS))))


@given(visits, policies)
def test_no_text_is_due_in_quiet_hours_before_the_news_or_once_useless(of: Visit, policy: Practice) -> None:
    for text in plan(of, policy):
        assert not policy.quiet.covers(text.due, ZoneInfo(of.client_zone))
        assert of.since <= text.due < text.not_after
        assert text.not_after <= (of.ends_at + timedelta(hours=20) if text.step == "aftercare" else of.starts_at)


@given(visits, policies)
def test_no_two_texts_of_a_plan_share_an_id_and_reminders_are_for_visits_that_stand(
    of: Visit, policy: Practice
) -> None:
    texts = plan(of, policy)

    assert len({text.id for text in texts}) == len(texts)
    if of.state is not VisitState.CONFIRMED:
        assert not {"booked", "prepare", "day_before", "two_hours"} & {text.step for text in texts}
    if of.state not in (VisitState.CONFIRMED, VisitState.REQUESTED, VisitState.IN_REVIEW):
        assert "moved" not in {text.step for text in texts}


@given(visits, policies)
def test_today_is_said_on_the_day_only(of: Visit, policy: Practice) -> None:
    there = ZoneInfo(of.zone)
    for text in plan(of, policy):
        if text.template == "two_hours":
            assert text.due.astimezone(there).date() == of.starts_at.astimezone(there).date()
