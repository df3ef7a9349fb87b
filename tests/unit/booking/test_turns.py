"""The turns of an appointment: what may follow what, and what each leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain import turns
from services.booking.domain.appointment import OWNS_CELLS, Appointment, By, Deed, State
from services.booking.domain.calendar import minute_of
from services.booking.domain.clearance import Clearance
from services.booking.domain.footprint import Footprint
from services.booking.domain.practice import Buffers
from services.booking.domain.turns import STEPS
from shared.errors import Refusal
from tests.support.booking import HOUR, MINUTE, NOW, POLICY, TEN, a_client, a_hold, a_house, a_request, a_visit

AFTER = TEN + 2 * HOUR


def in_state(state: State) -> Appointment:
    until = NOW + 10 * MINUTE if state in {State.HELD, State.REQUESTED, State.IN_REVIEW} else None
    return replace(a_visit(), state=state, held_until=until)


DEEDS: dict[Deed, Callable[[Appointment], Appointment]] = {
    Deed.RENEWED: lambda was: turns.renew(was, now=NOW, policy=POLICY),
    Deed.REQUESTED: lambda was: turns.request(was, a_client(), asked="asked", now=NOW, policy=POLICY),
    Deed.REVIEWED: lambda was: turns.review(was, event="e", now=NOW),
    Deed.CONFIRMED: lambda was: turns.confirm(was, cleared_until=None, event="e", now=NOW),
    Deed.RECHECKED: lambda was: turns.recheck(was, cleared_until=None, event="e", now=NOW),
    Deed.VOIDED: lambda was: turns.void(was, event="e", now=NOW),
    Deed.POSTPONED: lambda was: turns.postpone(was, cleared_until=NOW.date(), event="e", now=NOW),
    Deed.CHECK_ASKED: lambda was: turns.ask_check(was, now=NOW),
    Deed.DECLINED: lambda was: turns.decline(was, event="e", now=NOW),
    Deed.LAPSED: lambda was: turns.lapse(was, now=NOW + HOUR),
    Deed.CANCELLED: lambda was: turns.cancel(was, by=By.PRACTICE, now=NOW),
    Deed.MOVED: lambda was: turns.move(was, offer=was.offer, starts_at=TEN + HOUR, by=By.PRACTICE, now=NOW),
    Deed.ATTENDED: lambda was: turns.attend(was, now=AFTER),
    Deed.MISSED: lambda was: turns.miss(was, now=AFTER),
}
# Written out here once more, by hand, so that a slip in the product's table is seen.
ALLOWED = {
    State.HELD: {Deed.RENEWED, Deed.REQUESTED, Deed.LAPSED, Deed.CANCELLED},
    State.REQUESTED: {
        Deed.REVIEWED, Deed.CONFIRMED, Deed.POSTPONED, Deed.CHECK_ASKED, Deed.DECLINED, Deed.LAPSED, Deed.CANCELLED,
        Deed.MOVED,
    },
    State.IN_REVIEW: {
        Deed.REVIEWED, Deed.CONFIRMED, Deed.POSTPONED, Deed.CHECK_ASKED, Deed.DECLINED, Deed.LAPSED, Deed.CANCELLED,
        Deed.MOVED,
    },
    State.CONFIRMED: {
        Deed.REVIEWED, Deed.RECHECKED, Deed.VOIDED, Deed.POSTPONED, Deed.CHECK_ASKED, Deed.DECLINED, Deed.CANCELLED,
        Deed.MOVED, Deed.ATTENDED, Deed.MISSED,
    },
    State.ATTENDED: {Deed.MISSED, Deed.RECHECKED, Deed.VOIDED},
    State.MISSED: {Deed.ATTENDED, Deed.RECHECKED, Deed.VOIDED},
    State.DECLINED: set(),
    State.LAPSED: {Deed.VOIDED},
    State.CANCELLED: {Deed.VOIDED},
}  # fmt: skip


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("deed", DEEDS)
def test_each_deed_is_possible_in_exactly_its_states(state: State, deed: Deed) -> None:
    was = in_state(state)
    if deed in ALLOWED[state]:
        turned = DEEDS[deed](was)
        assert (turned.version, turned.history[-1].deed) == (was.version + 1, deed)
        assert bool(turned.cells) == (turned.state in OWNS_CELLS)
    else:
        with pytest.raises(turns.WrongState):
            DEEDS[deed](was)


def test_the_states_that_gave_their_time_back_own_no_cells() -> None:
    assert {state for state in State if not in_state(state).cells} == {State.LAPSED, State.DECLINED, State.CANCELLED}


def test_a_hold_lasts_ten_minutes_and_never_beyond_its_own_start() -> None:
    assert a_hold().held_until == NOW + 10 * MINUTE
    assert a_hold(NOW + 5 * MINUTE).held_until == NOW + 5 * MINUTE


def test_a_hold_cannot_be_requested_in_the_minute_it_ends() -> None:
    last = NOW + 10 * MINUTE - timedelta(milliseconds=1)
    assert turns.request(a_hold(), a_client(), asked="a", now=last, policy=POLICY).state is State.REQUESTED
    with pytest.raises(turns.HoldExpired):
        turns.request(a_hold(), a_client(), asked="a", now=NOW + 10 * MINUTE, policy=POLICY)


def test_a_hold_is_renewed_once_for_the_whole_time_from_now() -> None:
    renewed = turns.renew(a_hold(), now=NOW + 9 * MINUTE, policy=POLICY)

    assert (renewed.state, renewed.held_until) == (State.HELD, NOW + 19 * MINUTE)
    assert (renewed.cells, renewed.due_at) == (a_hold().cells, NOW + 19 * MINUTE)
    with pytest.raises(turns.AlreadyRenewed):
        turns.renew(renewed, now=NOW + 10 * MINUTE, policy=POLICY)
    assert turns.request(renewed, a_client(), asked="a", now=NOW + 18 * MINUTE, policy=POLICY).state is State.REQUESTED


def test_a_hold_is_not_renewed_once_it_has_ended_nor_beyond_its_own_start() -> None:
    with pytest.raises(turns.HoldExpired):
        turns.renew(a_hold(), now=NOW + 10 * MINUTE, policy=POLICY)
    assert turns.renew(a_hold(NOW + 12 * MINUTE), now=NOW + 9 * MINUTE, policy=POLICY).held_until == NOW + 12 * MINUTE


def test_what_was_renewed_and_then_asked_for_is_no_hold_any_more() -> None:
    renewed = turns.renew(a_hold(), now=NOW, policy=POLICY)
    requested = turns.request(renewed, a_client(), asked="a", now=NOW, policy=POLICY)

    with pytest.raises(turns.WrongState):
        turns.renew(requested, now=NOW, policy=POLICY)


def test_a_reader_sees_an_expired_hold_as_lapsed_whether_it_was_swept_or_not() -> None:
    assert a_hold().state_at(NOW + 9 * MINUTE) is State.HELD
    assert a_hold().state_at(NOW + 10 * MINUTE) is State.LAPSED
    assert a_request().state_at(NOW + HOUR) is State.REQUESTED


def test_a_service_without_a_health_check_is_confirmed_by_the_request() -> None:
    held = a_hold(service="call")
    confirmed = turns.request(held, a_client(), asked="a", now=NOW, policy=POLICY)
    assert (confirmed.state, confirmed.version, confirmed.held_until) == (State.CONFIRMED, 2, None)
    with pytest.raises(turns.WrongState):
        turns.request(confirmed, a_client(), asked="b", now=NOW, policy=POLICY)


def test_a_request_waits_half_an_hour_for_answers_and_a_review_as_long_as_the_practice_allows() -> None:
    requested = a_request(starts_at=TEN + timedelta(days=9))
    assert requested.held_until == NOW + 30 * MINUTE
    assert turns.review(requested, event="e", now=NOW).held_until == NOW + timedelta(hours=48)
    assert turns.review(a_request(), event="e", now=NOW).held_until == TEN


def test_nothing_lapses_before_its_time() -> None:
    for appointment in (a_hold(), a_request(), turns.review(a_request(), event="e", now=NOW)):
        assert appointment.held_until is not None
        with pytest.raises(turns.WrongState):
            turns.lapse(appointment, now=appointment.held_until - MINUTE)
        assert turns.lapse(appointment, now=appointment.held_until).state is State.LAPSED


@pytest.mark.parametrize(
    ("before", "late"), [(timedelta(hours=24, minutes=1), False), (timedelta(hours=24), True), (MINUTE, True)]
)
def test_a_client_who_cancels_inside_the_window_is_marked_late(before: timedelta, late: bool) -> None:
    cancelled = turns.cancel(a_visit(), by=By.CLIENT, now=TEN - before)
    assert (cancelled.state, cancelled.history[-1].late, cancelled.history[-1].by) == (State.CANCELLED, late, By.CLIENT)


def test_giving_a_hold_back_is_never_late() -> None:
    soon = a_hold(NOW + HOUR)
    assert turns.cancel(soon, by=By.CLIENT, now=NOW).history[-1].late is False


def test_a_client_cannot_cancel_what_has_begun_and_the_practice_can() -> None:
    with pytest.raises(turns.TooLate):
        turns.cancel(a_visit(), by=By.CLIENT, now=TEN)
    assert turns.cancel(a_visit(), by=By.PRACTICE, now=TEN).state is State.CANCELLED


def test_a_client_moves_only_before_the_window_and_the_practice_at_any_time() -> None:
    visit, to = a_visit(), TEN + 5 * HOUR
    inside = TEN - timedelta(hours=24)
    with pytest.raises(turns.TooLate):
        turns.move(visit, offer=visit.offer, starts_at=to, by=By.CLIENT, now=inside)
    moved = turns.move(visit, offer=visit.offer, starts_at=to, by=By.PRACTICE, now=inside)
    assert (moved.starts_at, moved.ends_at, moved.history[-1].moved_from) == (to, to + HOUR, TEN)
    assert set(moved.cells).isdisjoint(visit.cells)


def test_nobody_comes_to_or_misses_a_visit_before_it_begins() -> None:
    for deed in (turns.attend, turns.miss):
        with pytest.raises(turns.TooEarly):
            deed(a_visit(), now=TEN - MINUTE)


def test_silence_half_an_hour_after_the_end_means_attended_and_can_be_corrected() -> None:
    assert turns.keep_time(a_visit(), now=TEN + 89 * MINUTE) is None
    assumed = turns.keep_time(a_visit(), now=TEN + 90 * MINUTE)
    assert assumed is not None
    assert (assumed.state, assumed.history[-1].assumed, assumed.due_at) == (State.ATTENDED, True, None)
    assert turns.miss(assumed, now=AFTER).state is State.MISSED


def test_a_reply_is_recorded_once_and_only_while_it_matters() -> None:
    heard = turns.reply(a_visit(), Deed.SAID_YES, event="yes", at=NOW)
    assert [turn.deed for turn in heard.history][-1:] == [Deed.SAID_YES]
    assert turns.reply(heard, Deed.SAID_YES, event="yes", at=NOW) is heard
    cancelled = turns.cancel(heard, by=By.CLIENT, now=NOW)
    assert turns.reply(cancelled, Deed.ASKED_TO_MOVE, event="move", at=NOW) is cancelled


def test_a_history_keeps_its_latest_turns() -> None:
    visit = a_visit()
    for number in range(turns.MOST_TURNS + 20):
        visit = turns.reply(visit, Deed.SAID_YES, event=f"yes {number}", at=NOW)
    assert len(visit.history) == turns.MOST_TURNS
    assert visit.history[-1].version == visit.version


@given(st.lists(st.sampled_from(list(DEEDS)), max_size=25))
def test_whatever_happens_versions_grow_by_one_and_ended_is_ended(story: list[Deed]) -> None:
    appointment = a_hold()
    for deed in story:
        was = appointment
        try:
            appointment = DEEDS[deed](was)
        except Refusal:
            continue
        assert appointment.version == was.version + 1
        assert was.state in STEPS[deed].of
        if was.state in {State.CANCELLED, State.LAPSED, State.DECLINED}:
            # Only what others rely on is noted; it stays ended, and takes no time.
            assert (deed, appointment.state, appointment.cells) == (Deed.VOIDED, was.state, ())


@pytest.mark.parametrize(
    ("refusal", "slug"),
    [
        (turns.WrongState, "wrong-state"),
        (turns.HoldExpired, "hold-expired"),
        (turns.AlreadyRenewed, "already-renewed"),
        (turns.TooLate, "too-late"),
        (turns.TooEarly, "too-early"),
    ],
)
def test_each_refusal_is_a_conflict_with_a_code_of_its_own(refusal: type[Refusal], slug: str) -> None:
    assert (refusal.slug, refusal.kind) == (slug, 409)


def test_what_was_asked_for_already_is_told_before_who_may_ask() -> None:
    child = replace(a_client(), born=date(2020, 1, 1))
    with pytest.raises(turns.WrongState):
        turns.request(a_request(), child, asked="again", now=NOW, policy=POLICY)


def test_that_a_visit_is_over_is_told_before_that_it_is_too_late_to_move_it() -> None:
    cancelled = turns.cancel(a_visit(), by=By.CLIENT, now=NOW)
    with pytest.raises(turns.WrongState):
        turns.check_move(cancelled, TEN + HOUR, by=By.CLIENT, now=TEN)


def test_time_takes_its_turns_and_no_others() -> None:
    assert turns.keep_time(a_hold(), now=NOW + 9 * MINUTE) is None
    lapsed, assumed = turns.keep_time(a_hold(), now=NOW + 10 * MINUTE), turns.keep_time(a_visit(), now=AFTER)

    assert lapsed is not None
    assert assumed is not None
    assert (lapsed.state, lapsed.history[-1].by) == (State.LAPSED, By.RULES)
    assert (assumed.state, assumed.history[-1].assumed) == (State.ATTENDED, True)
    assert turns.keep_time(a_visit(), now=TEN + 89 * MINUTE) is None
    assert turns.keep_time(assumed, now=AFTER) is None


def test_that_a_visit_is_over_is_told_before_that_it_has_not_begun() -> None:
    cancelled = turns.cancel(a_visit(), by=By.CLIENT, now=NOW)
    with pytest.raises(turns.WrongState):
        turns.attend(cancelled, now=NOW)


@pytest.mark.parametrize(("until", "state"), [(TEN.date(), State.CONFIRMED), (NOW.date(), State.REQUESTED)])
def test_a_clearance_that_reaches_the_day_confirms_the_request_itself(until: date, state: State) -> None:
    cleared = Clearance(until=until, event="decided:7")
    requested = turns.request(a_hold(), a_client(), asked="a", now=NOW, policy=POLICY, cleared=cleared)

    assert requested.state is state
    confirmed = state is State.CONFIRMED
    assert (requested.held_until is None, requested.cleared_until == until) == (confirmed, confirmed)
    assert requested.history[-1].event == ("decided:7" if confirmed else None)


def test_that_a_visit_is_over_is_told_before_that_it_is_too_late_to_cancel_it() -> None:
    with pytest.raises(turns.WrongState):
        turns.cancel(turns.cancel(a_visit(), by=By.CLIENT, now=NOW), by=By.CLIENT, now=TEN)


def test_a_client_makes_themselves_known_by_asking_or_by_being_confirmed_at_once() -> None:
    assert a_hold().asked_for_in is None
    assert (a_request().asked_for_in, a_visit().asked_for_in) == (2, 2)
    assert a_request(service="call").asked_for_in == 2


def test_a_visit_blocks_what_it_needs_before_and_after_it_under_the_policy_it_was_booked_with() -> None:
    house = a_house(buffers=Buffers.SUMMED)
    needy = replace(house.service("session"), buffer_before_minutes=10)
    held = a_hold(practice=replace(house, services=(needy,)))
    start = minute_of(TEN)
    assert held.footprint == Footprint(starts=start, ends=start + 60, before=10, after=15, buffers=Buffers.SUMMED)
