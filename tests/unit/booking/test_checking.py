"""A health check that is decided again, voided, or ends before the visit: whatever was said last counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking import documents
from services.booking.domain import turns
from services.booking.domain.appointment import Appointment, By, Deed, State
from services.booking.domain.checking import Outcome, Word, obey
from services.booking.domain.clearance import Clearance, clearance
from services.booking.domain.policy import check_until
from services.booking.outbox import announce
from services.booking.routes import views
from shared.events.booking import AppointmentCheckAsked, AppointmentConfirmed, AppointmentInReview
from tests.support.booking import (
    CLIENT,
    HOUR,
    MINUTE,
    NOW,
    TEN,
    House,
    a_client,
    a_hold,
    a_request,
    a_visit,
    a_word,
    wants,
)

DAY = timedelta(days=1)
FAR = TEN + 60 * DAY
LONG, SHORT = date(2028, 1, 1), date(2027, 3, 29)
# What each word makes of a visit sixty days ahead, written out once more by hand.
BECOMES = {
    Outcome.CLEARED: State.CONFIRMED,
    Outcome.NEEDS_REVIEW: State.IN_REVIEW,
    Outcome.DECLINED: State.DECLINED,
    None: State.REQUESTED,
}
FINAL = (State.DECLINED, State.LAPSED, State.CANCELLED)


def far(state: State) -> Appointment:
    until = NOW + 30 * MINUTE if state in {State.HELD, State.REQUESTED, State.IN_REVIEW} else None
    return replace(a_visit(starts_at=FAR), state=state, held_until=until, cleared_until=SHORT)


def told(was: Appointment, outcome: Outcome | None, *, version: int = 1, until: date | None = LONG) -> Appointment:
    return obey(was, a_word(outcome, version=version, until=until), now=NOW)


def deeds(visit: Appointment) -> list[Deed]:
    return [turn.deed for turn in visit.history]


@pytest.mark.parametrize("state", [State.REQUESTED, State.IN_REVIEW, State.CONFIRMED, *FINAL])
@pytest.mark.parametrize("outcome", [*Outcome, None])
def test_each_word_leads_where_it_should_from_whatever_is_booked_and_from_nothing_else(
    state: State, outcome: Outcome | None
) -> None:
    was = far(state)
    obeyed = told(was, outcome, version=7)
    if state in FINAL:
        assert obeyed is was
    else:
        assert (obeyed.state, obeyed.checked, obeyed.version) == (BECOMES[outcome], 7, was.version + 1)
        assert obeyed.cleared_until == (LONG if outcome is Outcome.CLEARED else None)


@pytest.mark.parametrize("state", [State.REQUESTED, State.IN_REVIEW, State.CONFIRMED])
@pytest.mark.parametrize("outcome", [*Outcome, None])
def test_what_is_not_newer_than_what_was_obeyed_changes_nothing(state: State, outcome: Outcome | None) -> None:
    was = replace(far(state), checked=5)
    assert told(was, outcome, version=5) is was
    assert told(was, outcome, version=4) is was
    assert told(was, outcome, version=6) is not was


@pytest.mark.parametrize("state", [State.CONFIRMED, State.ATTENDED, State.MISSED])
@pytest.mark.parametrize("outcome", [*Outcome, None])
def test_a_visit_that_has_begun_takes_place_and_its_clearance_counts_for_others_only_if_it_stands(
    state: State, outcome: Outcome | None
) -> None:
    was = replace(a_visit(), state=state, cleared_until=SHORT)
    noted = obey(was, a_word(outcome, until=LONG), now=TEN)
    assert (noted.state, noted.cells, noted.checked, announce(noted)) == (state, was.cells, 1, ())
    assert clearance([noted], a_client(), screening="cst-core") == (
        Clearance(until=LONG, event="decided:1") if outcome is Outcome.CLEARED else None
    )
    if state is State.CONFIRMED:
        assert obey(was, a_word(outcome, until=LONG), now=TEN - MINUTE).state is BECOMES[outcome]


def test_nothing_is_said_of_a_hold_nor_of_a_client_who_was_forgotten() -> None:
    forgotten = replace(a_visit(), state=State.ATTENDED, client=None, pseudonym="somebody")
    for visit in (a_hold(), forgotten):
        assert told(visit, Outcome.CLEARED) is visit
        assert told(visit, None) is visit


def test_what_was_cleared_in_time_and_is_heard_late_still_confirms() -> None:
    assert obey(a_request(), a_word(Outcome.CLEARED, until=LONG), now=TEN + MINUTE).state is State.CONFIRMED
    waiting = a_request()
    assert obey(waiting, a_word(None), now=TEN) is waiting


def test_a_new_clearance_of_a_confirmed_visit_is_noted_and_told_to_nobody() -> None:
    rechecked = told(far(State.CONFIRMED), Outcome.CLEARED, version=3)
    assert (rechecked.state, rechecked.cleared_until, deeds(rechecked)[-1]) == (State.CONFIRMED, LONG, Deed.RECHECKED)
    assert announce(rechecked) == ()


def test_a_further_review_gets_the_whole_time_of_one_and_is_told() -> None:
    first = turns.review(a_request(starts_at=FAR), event="e", now=NOW)
    again = obey(first, a_word(Outcome.NEEDS_REVIEW, version=2), now=NOW + 20 * HOUR)
    assert (first.held_until, again.held_until) == (NOW + 48 * HOUR, NOW + 68 * HOUR)
    assert isinstance(announce(again)[0].data, AppointmentInReview)


@pytest.mark.parametrize("is_asked", [True, False])
def test_a_move_says_whether_the_check_is_still_awaited(*, is_asked: bool) -> None:
    was = told(far(State.CONFIRMED), None, version=4) if is_asked else far(State.CONFIRMED)
    moved = turns.move(was, offer=was.offer, starts_at=FAR + DAY, by=By.PRACTICE, now=NOW)
    assert announce(moved)[0].data.check_until == (was.held_until if is_asked else None)


@pytest.mark.parametrize("state", [State.REQUESTED, State.IN_REVIEW, State.CONFIRMED])
def test_a_voided_check_is_asked_for_again_in_the_write_that_says_so(state: State) -> None:
    asked = told(far(state), None, version=4)
    assert (asked.state, asked.held_until, asked.cleared_until) == (State.REQUESTED, FAR - 48 * HOUR, None)
    assert (asked.is_asked_again, asked.is_postponed, bool(asked.cells)) == (True, False, True)
    [said] = announce(asked)
    assert isinstance(said.data, AppointmentCheckAsked)
    assert (said.data.state, said.data.check_until, said.data.checked) == ("requested", FAR - 48 * HOUR, 4)


@pytest.mark.parametrize(
    ("before", "until"),
    [
        (timedelta(days=30), timedelta(days=28)),
        (timedelta(hours=97), timedelta(hours=49)),
        (timedelta(hours=96), timedelta(hours=48)),
        (timedelta(hours=60), timedelta(hours=48)),
        (timedelta(hours=48), timedelta(hours=48)),
        (timedelta(hours=5), timedelta(hours=5)),
    ],
)
def test_an_answer_has_until_two_days_before_but_two_days_at_least_and_never_beyond_the_start(
    before: timedelta, until: timedelta
) -> None:
    assert check_until(NOW, NOW + before) == NOW + until


@pytest.mark.parametrize("zoned", [(date(2027, 3, 6), State.CONFIRMED), (date(2027, 3, 5), State.REQUESTED)])
def test_a_clearance_confirms_up_to_its_last_day_at_the_place(zoned: tuple[date, State]) -> None:
    late = datetime(2027, 3, 5, 23, 30, tzinfo=UTC)  # already the 6th in Zurich
    until, state = zoned
    assert told(a_request(starts_at=late), Outcome.CLEARED, until=until).state is state


@pytest.mark.parametrize("state", [State.REQUESTED, State.IN_REVIEW, State.CONFIRMED])
def test_a_clearance_that_ends_before_the_visit_keeps_the_time_until_the_check_is_asked_again(state: State) -> None:
    kept = told(far(state), Outcome.CLEARED, until=SHORT)
    assert (kept.state, kept.held_until, kept.cleared_until) == (State.REQUESTED, None, SHORT)
    assert (kept.is_postponed, kept.is_overdue(FAR), bool(kept.cells)) == (True, False, True)
    assert (announce(kept), kept.due_at) == ((), FAR - 14 * DAY)

    assert turns.keep_time(kept, now=FAR - 14 * DAY - MINUTE) is None
    asked = turns.keep_time(kept, now=FAR - 14 * DAY)
    assert asked is not None
    assert (asked.is_asked_again, asked.held_until, asked.cleared_until) == (True, FAR - 2 * DAY, SHORT)
    assert isinstance(announce(asked)[0].data, AppointmentCheckAsked)
    assert turns.keep_time(asked, now=FAR - 2 * DAY - MINUTE) is None
    lapsed = turns.keep_time(asked, now=FAR - 2 * DAY)
    assert lapsed is not None
    assert lapsed.state is State.LAPSED


def test_nobody_is_asked_about_a_visit_that_has_begun_meanwhile() -> None:
    kept = told(far(State.REQUESTED), Outcome.CLEARED, until=SHORT)
    over = turns.keep_time(kept, now=FAR)
    assert over is not None
    assert (over.state, over.cells) == (State.LAPSED, ())


def test_a_visit_moved_beyond_its_clearance_is_confirmed_no_more_and_moved_back_it_is() -> None:
    visit = replace(a_visit(), cleared_until=SHORT)
    for to, state in ((TEN + 27 * DAY, State.CONFIRMED), (TEN + 28 * DAY, State.REQUESTED)):
        moved = turns.move(visit, offer=visit.offer, starts_at=to, by=By.CLIENT, now=NOW)
        assert (moved.state, moved.cleared_until, deeds(moved)[-1]) == (state, SHORT, Deed.MOVED)
        assert [said.data.state for said in announce(moved)] == [state.value]
    assert moved.is_postponed
    back = turns.move(moved, offer=visit.offer, starts_at=TEN + HOUR, by=By.CLIENT, now=NOW)
    assert (back.state, back.held_until) == (State.CONFIRMED, None)


def test_moving_what_waits_for_answers_does_not_confirm_it() -> None:
    asked = told(far(State.CONFIRMED), None)
    for visit in (a_request(starts_at=FAR), asked, turns.review(a_request(starts_at=FAR), event="e", now=NOW)):
        moved = turns.move(visit, offer=visit.offer, starts_at=TEN, by=By.PRACTICE, now=NOW)
        assert (moved.state, moved.held_until) == (visit.state, min(visit.held_until or TEN, TEN))
    assert turns.move(asked, offer=asked.offer, starts_at=TEN, by=By.PRACTICE, now=NOW).is_asked_again


WORDS = st.lists(
    st.sampled_from([(Outcome.CLEARED, LONG), (Outcome.CLEARED, SHORT), (Outcome.NEEDS_REVIEW, None), (None, None)]),
    min_size=1,
    max_size=6,
)


@st.composite
def heard(draw: st.DrawFn) -> tuple[list[Word], list[Word]]:
    """What a case came to in order, and how booking hears it: each at least once, in any order; a decline ends it."""
    said = draw(WORDS) + draw(st.just([]) | st.just([(Outcome.DECLINED, None)]))
    # The first version of a case that booking asked for is its request, of which nothing is told.
    words = [a_word(outcome, version=number, until=until) for number, (outcome, until) in enumerate(said, 2)]
    again = draw(st.lists(st.sampled_from(words), max_size=6))
    return words, draw(st.permutations(words + again))


@given(heard())
def test_however_words_come_a_visit_ends_as_the_newest_says(said: tuple[list[Word], list[Word]]) -> None:
    words, order = said
    straight = jumbled = a_request(starts_at=FAR)
    for word in words:
        straight = obey(straight, word, now=NOW)
    for word in order:
        jumbled = obey(jumbled, word, now=NOW)
    for one in (straight, jumbled):
        assert one == replace(straight, version=one.version, history=one.history)
    assert jumbled.checked == words[-1].version
    assert [turn.version for turn in jumbled.history] == list(range(1, jumbled.version + 1))


@given(heard())
def test_no_visit_is_ever_confirmed_on_a_day_that_no_clearance_reaches(said: tuple[list[Word], list[Word]]) -> None:
    visit = a_request(starts_at=FAR)
    for word in said[1]:
        visit = obey(visit, word, now=NOW)
        assert visit.state is not State.CONFIRMED or (visit.cleared_until or SHORT) >= FAR.date()


def test_a_confirmation_that_had_ceased_to_be_true_is_told_as_such() -> None:
    first = told(a_request(starts_at=FAR), Outcome.CLEARED)
    [said] = announce(first)
    assert isinstance(said.data, AppointmentConfirmed)
    assert said.data.again is None
    asked = told(first, None, version=2)
    reviewed = told(asked, Outcome.NEEDS_REVIEW, version=3)
    again = told(reviewed, Outcome.CLEARED, version=4)
    assert [announce(one)[0].data.again for one in (reviewed, again)] == [True, True]
    assert announce(turns.review(a_request(), event="e", now=NOW))[0].data.again is None


def test_what_was_obeyed_is_kept_and_was_nothing_before() -> None:
    visit = told(a_request(starts_at=FAR), Outcome.CLEARED, version=9)
    kept = documents.document(visit)
    assert documents.appointment(kept) == visit
    del kept["checked"]
    assert documents.appointment(kept).checked == 0
    assert "checked" not in documents.document(a_hold())


def test_a_client_reads_which_check_is_wanted_and_when() -> None:
    asked = told(far(State.CONFIRMED), None)
    later = told(far(State.CONFIRMED), Outcome.CLEARED, until=SHORT)
    view = views.appointment_view(asked, now=NOW)
    assert (view.state, view.next, view.check, view.held_until) == ("requested", "answer", "again", FAR - 2 * DAY)
    view = views.appointment_view(later, now=NOW)
    assert (view.state, view.next, view.check, view.check_from) == ("requested", "wait", "later", FAR - 14 * DAY)
    assert views.appointment_view(a_request(), now=NOW).check is None
    assert views.appointment_view(told(asked, Outcome.NEEDS_REVIEW, version=2), now=NOW).check is None


def test_a_voided_clearance_carries_over_to_nothing_and_one_that_is_asked_for_early_does() -> None:
    cleared = told(a_request(starts_at=FAR), Outcome.CLEARED, until=SHORT)
    until = Clearance(until=SHORT, event="decided:1")
    assert clearance([cleared], a_client(), screening="cst-core") == until
    asked = turns.ask_check(cleared, now=FAR - 14 * DAY)
    assert clearance([asked], a_client(), screening="cst-core") == until
    other = replace(a_visit(NOW + MINUTE, key="other"), cleared_until=LONG)
    assert clearance([cleared, other], a_client(), screening="cst-core") == Clearance(until=LONG, event="cleared")
    voided = obey(cleared, a_word(None, version=2), now=NOW + 2 * MINUTE)
    assert clearance([voided], a_client(), screening="cst-core") is None
    assert clearance([voided, other], a_client(), screening="cst-core") is None
    again = obey(voided, a_word(Outcome.CLEARED, version=3, until=LONG), now=NOW + HOUR)
    assert clearance([again, other], a_client(), screening="cst-core") == Clearance(until=LONG, event="decided:3")


async def test_a_visit_approved_for_too_short_a_time_is_asked_about_in_time_and_then_confirmed() -> None:
    house = House()
    requested = await house.request(wants(FAR))
    await house.decide(requested, Outcome.NEEDS_REVIEW)
    await house.decide(requested, Outcome.CLEARED, until=SHORT)
    for _ in range(45):
        house.time.pass_(DAY)
        await house.booking.visits.keep_time()
    assert house.said == ["requested", "in_review"]
    house.time.pass_(3 * DAY)
    await house.booking.visits.keep_time()
    await house.booking.visits.keep_time()
    assert house.said == ["requested", "in_review", "check_asked"]
    confirmed = await house.decide(requested, Outcome.CLEARED, until=LONG)
    assert (confirmed.state, confirmed.cleared_until) == (State.CONFIRMED, LONG)
    assert house.said[-1] == "confirmed"


async def test_a_visit_so_near_that_it_has_to_be_asked_about_is_asked_about_at_once() -> None:
    house = House()
    requested = await house.request()
    await house.decide(requested, Outcome.CLEARED, until=NOW.date())
    await house.booking.visits.keep_time()
    asked = await house.booking.visits.get(requested.id)
    assert (asked.is_asked_again, asked.held_until) == (True, TEN)
    house.time.at = TEN
    await house.booking.visits.keep_time()
    assert house.said == ["requested", "check_asked", "lapsed"]


async def test_what_the_client_said_changed_and_nobody_answered_is_given_back_two_days_before() -> None:
    house = House()
    visit = await house.book(wants(FAR))
    await house.void(visit)
    house.time.at = FAR - 2 * DAY - MINUTE
    await house.booking.visits.keep_time()
    assert house.said[-1] == "check_asked"
    house.time.pass_(MINUTE)
    await house.booking.visits.keep_time()
    assert (house.said[-1], (await house.booking.visits.get(visit.id)).cells) == ("lapsed", ())


async def test_a_move_beyond_the_clearance_is_said_as_not_confirmed_and_then_asked_about() -> None:
    house = House()
    requested = await house.request(wants(TEN + 5 * DAY))
    await house.decide(requested, Outcome.CLEARED, until=(TEN + 8 * DAY).date())
    moved = await house.booking.visits.move(requested.id, TEN + 9 * DAY, None, hand=CLIENT)
    assert (moved.state, moved.is_postponed) == (State.REQUESTED, True)
    await house.booking.visits.keep_time()
    said = [(one.type.split(".")[2], one.data.state) for one in house.appointments.said[-2:]]
    assert said == [("moved", "requested"), ("check_asked", "requested")]
