"""The life of one text under every outcome and every order of receipts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.delivery import AWAITED, FOLLOWS, ON_ITS_WAY, Attempt, Message, State, begin, turned
from services.notify.domain.errors import TREATMENTS
from services.notify.domain.notice import NoticeKind
from services.notify.domain.provider import Accepted, Found, NotCreated, Refused, Unknown
from services.notify.domain.steps import STEPS
from services.notify.domain.turns import STATUSES, Pace, after_look, after_post, after_receipt, lapsed
from tests.support.notify import message, steps, visit

OF = visit()
PLANNED = message(steps(OF)["day_before"], OF)
AT = PLANNED.planned_for
PACE = Pace()
ATTEMPT = "00" * 16


def sending(of: Message = PLANNED) -> Message:
    return begin(turned(of, State.CLAIMED, AT), attempt=ATTEMPT, body="See you", to=of.to, at=AT)


def unknown() -> Message:
    return after_post(sending(), Unknown("timeout"), AT, PACE)


def receipt(of: Message, status: str, *, sid: str = "SM1", attempt: str = ATTEMPT, code: int | None = None) -> Message:
    return after_receipt(of, attempt=attempt, sid=sid, status=status, error_code=code, at=AT, pace=PACE)


def test_an_accepted_text_waits_for_receipts_and_is_asked_about_when_they_do_not_come() -> None:
    accepted = after_post(sending(), Accepted("SM1"), AT, PACE)

    assert (accepted.state, accepted.sid, accepted.due) == (State.ACCEPTED, "SM1", AT + timedelta(minutes=10))
    assert after_look(accepted, Found("SM1", "delivered", None, AT), AT, PACE).state is State.DELIVERED
    assert receipt(accepted, "delivered").due is None


def test_the_asking_about_a_text_without_receipts_ends() -> None:
    text = after_post(sending(), Accepted("SM1"), AT, PACE)
    waits = []
    while text.due is not None:
        text = after_look(text, Found("SM1", "queued", None, AT), text.due, PACE)
        waits.append(text.due and text.due - AT)

    assert text.state is State.ACCEPTED
    assert waits == [timedelta(minutes=70), timedelta(minutes=430), None]


def test_what_was_not_created_is_tried_again_without_counting_as_a_try() -> None:
    again = after_post(sending(), NotCreated("refused"), AT, PACE)

    assert (again.state, again.tries, again.waits, again.attempts) == (State.PLANNED, 0, 1, ())
    assert again.due == AT + timedelta(seconds=5)


def test_the_provider_may_ask_for_a_longer_wait() -> None:
    assert after_post(sending(), NotCreated("429", timedelta(seconds=90)), AT, PACE).due == AT + timedelta(seconds=90)


def test_the_wait_grows_to_five_minutes() -> None:
    assert after_post(replace(sending(), waits=3000), NotCreated("refused"), AT, PACE).due == AT + timedelta(minutes=5)


def test_an_unknown_outcome_is_looked_up_after_a_minute_and_after_five() -> None:
    once = after_look(unknown(), None, AT + timedelta(seconds=60), PACE)

    assert (unknown().state, unknown().due) == (State.UNKNOWN, AT + timedelta(seconds=60))
    assert (once.state, once.due) == (State.UNKNOWN, AT + timedelta(seconds=300))


def test_two_empty_looks_allow_another_try() -> None:
    again = after_look(after_look(unknown(), None, AT, PACE), None, AT + timedelta(seconds=300), PACE)

    assert (again.state, again.due, again.tries) == (State.PLANNED, AT + timedelta(seconds=300), 1)


def test_the_third_unresolved_try_is_the_last() -> None:
    attempts = (*(Attempt(id=f"earlier{n}", at=AT) for n in range(2)), *unknown().attempts)
    third = replace(unknown(), attempts=attempts, tries=3, looks=1)

    assert after_look(third, None, AT, PACE).state is State.DEAD


def test_a_try_that_was_surely_refused_is_none_of_the_three() -> None:
    refused = after_post(sending(), Refused(21611), AT, PACE)

    assert (refused.state, refused.attempts) == (State.PLANNED, ())
    assert after_look(replace(unknown(), tries=9, looks=1), None, AT, PACE).state is State.PLANNED


def test_a_retry_by_the_desk_begins_its_three_tries_anew() -> None:
    before = tuple(Attempt(id=f"earlier{n}", at=AT) for n in range(3))
    retried = replace(unknown(), attempts=(*before, *unknown().attempts), tries=1, looks=1)

    assert after_look(retried, None, AT, PACE).state is State.PLANNED


def test_the_second_look_never_follows_right_on_the_first() -> None:
    late = AT + timedelta(hours=1)

    assert after_look(unknown(), None, late, PACE).due == late + timedelta(minutes=4)


def test_a_found_text_of_an_unheard_of_status_is_there_all_the_same() -> None:
    found = after_look(unknown(), Found("SM1", "partially_delivered", None, AT), AT, PACE)

    assert (found.state, found.sid) == (State.ACCEPTED, "SM1")


ONCE = {"auto", "help", "stopped", "unclear", "check_in", "rebook"}
REST = {step.name for step in STEPS} | {kind.value for kind in NoticeKind}


@pytest.mark.parametrize("step", sorted(ONCE | REST))
def test_what_is_better_missed_than_doubled_is_never_sent_on_suspicion(step: str) -> None:
    seen = after_look(replace(unknown(), step=step, looks=1), None, AT, PACE)

    assert (seen.state, seen.why) == ((State.DEAD, "unresolved") if step in ONCE else (State.PLANNED, "not_listed"))


@pytest.mark.parametrize("step", sorted(ONCE))
def test_what_surely_never_left_is_sent_again_whatever_it_is(step: str) -> None:
    assert after_post(replace(sending(), step=step), NotCreated("refused"), AT, PACE).state is State.PLANNED


def test_a_listed_text_is_adopted() -> None:
    found = after_look(unknown(), Found("SM1", "delivered", None, AT), AT, PACE)

    assert (found.state, found.sid) == (State.DELIVERED, "SM1")


@pytest.mark.parametrize("code", sorted(TREATMENTS))
def test_every_known_refusal_ends_in_a_state_that_is_listed(code: int) -> None:
    refused = after_post(sending(), Refused(code), AT, PACE)

    if TREATMENTS[code].after is not None:
        assert refused.state is State.PLANNED
        assert refused.due is not None
        assert refused.due >= AT + TREATMENTS[code].after
    else:
        assert refused.state in (State.FAILED, State.SKIPPED)
        assert refused.due is None


def test_an_unlisted_code_is_not_retried() -> None:
    assert after_post(sending(), Refused(99999), AT, PACE).state is State.FAILED


def test_an_opted_out_number_is_skipped() -> None:
    assert after_post(sending(), Refused(21610), AT, PACE).state is State.SKIPPED


def test_an_unreachable_handset_gets_one_more_try_if_it_is_still_of_use() -> None:
    accepted = after_post(sending(), Accepted("SM1"), AT, PACE)
    late = replace(accepted, not_after=AT + timedelta(minutes=10))

    assert receipt(accepted, "undelivered", code=30003).state is State.PLANNED
    assert receipt(replace(accepted, tries=2), "undelivered", code=30003).state is State.UNDELIVERED
    assert receipt(late, "undelivered", code=30003).state is State.UNDELIVERED


def test_a_receipt_of_the_failed_try_changes_nothing_once_another_is_planned() -> None:
    again = receipt(after_post(sending(), Accepted("SM1"), AT, PACE), "undelivered", code=30003)

    assert receipt(again, "undelivered", code=30003) == again
    assert receipt(again, "sent") == again


def test_a_receipt_may_come_before_the_answer_to_the_post() -> None:
    delivered = receipt(sending(), "delivered")

    assert delivered.state is State.DELIVERED
    assert after_post(delivered, Accepted("SM1"), AT, PACE) == delivered
    assert after_post(delivered, Unknown("timeout"), AT, PACE) == delivered
    assert after_look(delivered, None, AT, PACE) == delivered


@pytest.mark.parametrize("state", [State.PLANNED, State.CLAIMED, State.DEAD, State.CANCELLED])
def test_a_receipt_adopts_a_try_that_had_been_given_up(state: State) -> None:
    given_up = replace(unknown(), state=state)

    assert receipt(given_up, "delivered").state is State.DELIVERED


def second_try() -> Message:
    given_up = after_look(replace(unknown(), looks=1), None, AT, PACE)
    return begin(turned(given_up, State.CLAIMED, AT), attempt="ff" * 16, body="See you", to=OF.phone, at=AT)


def test_a_receipt_for_an_earlier_try_is_counted_as_a_duplicate() -> None:
    late = receipt(second_try(), "delivered")

    assert (late.state, late.duplicates) == (State.SENDING, 1)
    assert receipt(late, "delivered") == late


NO_NAMES = [NotCreated("held_up"), Unknown("timeout"), Refused(21211), Refused(30008)]


@pytest.mark.parametrize("outcome", NO_NAMES, ids=str)
def test_what_a_worker_that_slept_says_of_a_try_that_was_given_up_is_not_about_the_one_under_way(
    outcome: NotCreated | Unknown | Refused,
) -> None:
    assert after_post(second_try(), outcome, AT, PACE, attempt=ATTEMPT) == second_try()


def test_a_try_that_was_given_up_and_arrived_after_all_is_a_duplicate_under_its_own_name() -> None:
    late = after_post(second_try(), Accepted("SM1"), AT, PACE, attempt=ATTEMPT)
    both = after_post(late, Accepted("SM2"), AT, PACE, attempt="ff" * 16)

    assert (late.state, late.sid, late.duplicates) == (State.SENDING, None, 1)
    assert ([a.sid for a in both.attempts], both.state, both.sid) == (["SM1", "SM2"], State.ACCEPTED, "SM2")
    assert after_post(second_try(), Accepted("SM1"), AT, PACE, attempt="ee" * 16) == second_try()


@pytest.mark.parametrize("outcome", NO_NAMES, ids=str)
@pytest.mark.parametrize("state", [State.UNKNOWN, State.PLANNED, State.ACCEPTED, State.DELIVERED, State.DEAD])
def test_an_outcome_that_comes_after_its_text_has_gone_on_changes_nothing(
    state: State, outcome: NotCreated | Unknown | Refused
) -> None:
    gone_on = replace(sending(), state=state)

    assert after_post(gone_on, outcome, AT, PACE, attempt=ATTEMPT) == gone_on


def test_a_second_name_for_one_try_is_counted_as_a_duplicate() -> None:
    accepted = after_post(sending(), Accepted("SM1"), AT, PACE)

    again = replace(accepted, state=State.PLANNED, sid=None)
    assert receipt(accepted, "sent", sid="SM2").duplicates == 1
    assert receipt(again, "sent", sid="SM2") == replace(again, duplicates=1)
    assert after_post(accepted, Accepted("SM2"), AT, PACE) == replace(accepted, duplicates=1)


def test_a_text_that_has_its_name_is_not_moved_by_what_the_list_says_of_another() -> None:
    accepted = after_post(sending(), Accepted("SM1"), AT, PACE)

    looked = after_look(accepted, Found("SM2", "delivered", None, AT), AT, PACE)

    assert (looked.state, looked.sid, looked.looks) == (State.ACCEPTED, "SM1", 1)


def test_a_receipt_with_a_forged_attempt_changes_nothing() -> None:
    assert receipt(sending(), "delivered", attempt="guess") == sending()


def test_an_unheard_of_status_changes_nothing() -> None:
    assert receipt(sending(), "teleported") == sending()


def test_a_lapsed_lease_makes_the_unbegun_due_and_the_begun_unknown() -> None:
    claimed = turned(PLANNED, State.CLAIMED, AT)

    assert lapsed(claimed, AT, PACE).state is State.PLANNED
    assert lapsed(sending(), AT, PACE).state is State.UNKNOWN
    assert lapsed(PLANNED, AT, PACE) == PLANNED


RANK = {State.SENDING: 0, State.ACCEPTED: 1, State.SENT: 2, State.DELIVERED: 3, State.UNDELIVERED: 3, State.FAILED: 3}


@given(st.lists(st.sampled_from(sorted(STATUSES)), max_size=8))
def test_receipts_in_any_order_never_take_a_text_back(statuses: list[str]) -> None:
    text = sending()
    for status in statuses:
        after = receipt(text, status, code=30005)
        assert RANK[after.state] >= RANK[text.state]
        text = after


happenings = st.sampled_from(
    [
        lambda m: after_post(m, Accepted("SM1"), AT, PACE),
        lambda m: after_post(m, NotCreated("429"), AT, PACE),
        lambda m: after_post(m, Unknown("reset"), AT, PACE),
        lambda m: after_post(m, Refused(21211), AT, PACE),
        lambda m: after_look(m, None, AT, PACE),
        lambda m: after_look(m, Found("SM1", "sent", None, AT), AT, PACE),
        lambda m: receipt(m, "delivered"),
        lambda m: receipt(m, "undelivered", code=30008),
        lambda m: lapsed(m, AT, PACE),
        lambda m: turned(m, State.CANCELLED, AT),
        lambda m: turned(m, State.CLAIMED, AT),
        lambda m: sending(m) if m.state is State.CLAIMED else m,
    ]
)


@given(st.lists(happenings, max_size=15))
def test_every_turn_is_in_the_table_and_only_awaited_texts_are_due(turns: list) -> None:  # type: ignore[type-arg]  # lambdas
    text = sending()
    for turn in turns:
        after = turn(text)
        states = [text.state, *(t.state for t in after.turns[len(text.turns) :])]
        assert all(later in FOLLOWS[earlier] for earlier, later in pairwise(states))
        assert (after.due is None) or (after.state in AWAITED)
        assert (after.due is not None) or (after.state not in AWAITED - ON_ITS_WAY)
        text = after


def test_times_are_handed_in() -> None:
    assert all(isinstance(turn.at, datetime) and turn.at == AT for turn in unknown().turns)
