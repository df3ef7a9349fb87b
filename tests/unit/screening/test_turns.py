"""Whatever is done to a case, in whatever order: nothing decided is edited, and what it says of itself is true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.screening import outbox
from services.screening.domain import standing, trail
from services.screening.domain.audit import CLIENT, Deed
from services.screening.domain.case import (
    COUNTS,
    WAITING,
    Added,
    Attachment,
    Case,
    FileKind,
    Reopening,
    Ruling,
    State,
    Submission,
    Verdict,
)
from services.screening.domain.round import MOST_ATTACHMENTS, MOST_ROUNDS, MOST_WORDS
from services.screening.domain.ruleset import Effect
from services.screening.domain.told import May, possible
from shared.errors import Refusal
from shared.events.screening import CaseDecided
from tests.support import screening as twin
from tests.support.screening import APPOINTMENT, PRACTICE, STARTS_AT

Turn = Callable[[Case, datetime], Case]
BEGAN: Final = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
REVIEW_FOR: Final = timedelta(hours=48)
VOIDING: Final = [one for one in Reopening if one is not Reopening.MORE_INFO]


def submission(outcome: Effect, at: datetime = BEGAN, *, urgent: bool = False, repeated: bool = False) -> Submission:
    return Submission(
        questionnaire=twin.FORM,
        ruleset=twin.FORM,
        messages="client@2026.1.0",
        submitted_at=at,
        as_of=at.date(),
        zone="Europe/Berlin",
        review_for=REVIEW_FOR,
        outcome=outcome,
        urgent=urgent,
        retry_after=None,
        sealed=b"answers",
        repeated=repeated,
    )


def ruling(verdict: Verdict, at: datetime = BEGAN, *, on: int = 0) -> Ruling:
    return Ruling(verdict=verdict, by="Ines", caller="operator", on=on, at=at, sealed=b"note")


def requested(case: Case, now: datetime) -> Case:
    return case.requested(twin.request(), starts_at=STARTS_AT, sequence=2, now=now)


def submitted(outcome: Effect, *, urgent: bool = False) -> Turn:
    return lambda case, now: case.submitted(submission(outcome, now, urgent=urgent), now=now)


def ruled(verdict: Verdict) -> Turn:
    def rule(case: Case, now: datetime) -> Case:
        case.check_rulable(verdict, version=case.version)
        return case.ruled(ruling(verdict, now, on=case.version), valid_for=timedelta(days=90))

    return rule


def voided(cause: Reopening) -> Turn:
    return lambda case, now: case.voided(cause, now=now)


def asked_again(behind: int) -> Turn:
    return lambda case, now: case.asked_again(checked=case.said - behind, now=now)


def appealed(case: Case, now: datetime) -> Case:
    return case.review_requested(b"why", review_for=REVIEW_FOR, now=now)


def explained(case: Case, now: datetime) -> Case:
    return case.explained(Added(at=now, sealed=b"words"))


def attached(case: Case, now: datetime) -> Case:
    return case.attached(Attachment(id=str(case.version), kind=FileKind.PDF, size=9, at=now, sealed=b"digest"))


def moved(case: Case, now: datetime) -> Case:
    return case.moved(starts_at=STARTS_AT + (now - BEGAN), sequence=case.heard + 1)


TURNS: Final[dict[str, Turn]] = {
    "requested": requested,
    "moved": moved,
    **{f"answered {one}": submitted(one) for one in (Effect.CLEARED, Effect.NEEDS_REVIEW, Effect.DECLINED)},
    "answered unsure of a sign": submitted(Effect.NEEDS_REVIEW, urgent=True),
    **{f"ruled {one}": ruled(one) for one in Verdict},
    **{f"voided {one}": voided(one) for one in VOIDING},
    "asked again": asked_again(0),
    "asked again too late": asked_again(1),
    "appealed": appealed,
    "explained": explained,
    "attached": attached,
    "reminded": lambda case, _: case.remind(),
    "attended": lambda case, _: case.came(attended=True),
    "closed": lambda case, _: case.closed(),
}


def check_kept(before: Case, after: Case) -> None:
    """One write is one version; rounds only grow, and what was decided in them stays as it was."""
    assert after.version == before.version + 1
    assert after.rounds[: len(before.rounds)] == before.rounds
    assert len(after.rounds) - len(before.rounds) in (0, 1)
    if len(after.rounds) > len(before.rounds):
        over = after.rounds[-1]
        assert (over.state, over.submission) == (before.state, before.submission)
        assert (over.words, over.attachments) == (before.words, before.attachments)
        assert (after.words, after.attachments, after.submission) == ((), (), None)
        asks_more = over.ended_by is Reopening.MORE_INFO
        assert over.ruling is before.ruling if not asks_more else (before.ruling is None and over.ruling is not None)
    elif before.ruling is not None:
        assert (after.ruling, after.submission) == (before.ruling, before.submission)
    if before.decided_at is not None and after.rounds == before.rounds:
        assert after.submission is before.submission
    assert after.said == before.said or (after.said == after.version > before.said)


def check_true(case: Case) -> None:
    """A deadline is there while a person is awaited, and a last day while something counts."""
    assert (case.deadline is not None) == (case.state in WAITING)
    if case.remind_at is not None:
        assert case.deadline is not None
        assert timedelta(0) < case.deadline - case.remind_at <= timedelta(hours=12)
    if case.state is not State.CLOSED:
        assert (case.valid_until is not None) == (case.state in COUNTS)
        assert (case.submission is not None and case.request is not None) or case.state is State.AWAITING
    assert len(case.words) <= MOST_WORDS
    assert len(case.attachments) <= MOST_ATTACHMENTS
    assert len(case.rounds) <= MOST_ROUNDS + 1
    urgent = case.submission is not None and case.submission.urgent
    assert not (case.state in COUNTS and urgent)
    for verdict in Verdict:
        assert can_be_ruled(case, verdict) == (verdict in standing.verdicts(case))


def can_be_ruled(case: Case, verdict: Verdict) -> bool:
    try:
        case.check_rulable(verdict, version=case.version)
    except Refusal:
        return False
    return True


def check_said(before: Case, after: Case, at: datetime) -> None:
    """Each decision of which booking has to know is said once, under the version that it has."""
    decided = [one for one in outbox.said(before, after, at) if isinstance(one.data, CaseDecided)]
    told = after.said > before.said and after.state is not State.INVITED
    assert len(decided) == (1 if told else 0)
    assert all(one.sequence == after.said for one in decided)
    deeds = [fact.deed for fact in trail.facts(before, after, CLIENT, at)]
    assert len(deeds) == len(set(deeds))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(sorted(TURNS)), max_size=40))
def test_any_sequence_of_turns_keeps_what_was_decided(names: list[str]) -> None:
    case, now = Case(id=APPOINTMENT, practice=PRACTICE), BEGAN
    for name in ["requested", *names]:
        now += timedelta(hours=1)
        try:
            after = TURNS[name](case, now)
        except Refusal:
            continue
        if after is case:
            continue
        check_kept(case, after)
        check_true(after)
        check_said(case, after, now)
        case = after


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(sorted(TURNS)), max_size=40))
def test_what_a_client_is_told_they_may_do_they_can(names: list[str]) -> None:
    case, now = requested(Case(id=APPOINTMENT, practice=PRACTICE), BEGAN), BEGAN
    means = {
        May.ANSWER: submitted(Effect.CLEARED),
        May.ADD: explained,
        May.ASK_FOR_REVIEW: appealed,
        May.CHANGE: voided(Reopening.CHANGED),
    }
    for name in names:
        now += timedelta(hours=1)
        try:
            case = TURNS[name](case, now)
        except Refusal:
            continue
        full = len(case.words) == MOST_WORDS or len(case.rounds) == MOST_ROUNDS
        for may, turn in means.items():
            if full:
                continue
            try:
                changed = turn(case, now) is not case
            except Refusal:
                changed = False
            repeated = case.state is State.AWAITING and case.reopened_by is Reopening.CHANGED
            assert (may in possible(case)) == changed or (may is May.CHANGE and repeated)


def through(*names: str) -> Case:
    case = Case(id=APPOINTMENT, practice=PRACTICE)
    for name in ("requested", *names):
        case = TURNS[name](case, BEGAN)
    return case


def test_words_alone_bring_a_case_back_with_the_answers_of_the_round_before_and_renew_its_deadline() -> None:
    asked = through("answered needs_review", "ruled more_info")
    later = BEGAN + timedelta(hours=5)
    again = explained(asked, later)
    assert (again.state, again.submission) == (State.IN_REVIEW, asked.rounds[0].submission)
    assert again.deadline == later + REVIEW_FOR
    assert again.said == again.version


def test_a_reminder_comes_when_a_quarter_of_the_time_is_left_and_never_earlier_than_twelve_hours_before() -> None:
    waiting = through("answered needs_review")
    assert waiting.deadline is not None
    assert waiting.remind_at == waiting.deadline - timedelta(hours=12)
    quick = replace(submission(Effect.NEEDS_REVIEW), review_for=timedelta(hours=4))
    short = through().submitted(quick, now=BEGAN)
    assert short.remind_at == BEGAN + timedelta(hours=3)


def test_a_case_that_leaves_a_review_with_other_answers_is_flagged_until_a_person_has_spoken() -> None:
    left = through("answered needs_review", "voided changed", "answered cleared")
    assert standing.flags(left) == (standing.Flag.LEFT_REVIEW,)
    asked = through("answered needs_review", "ruled more_info", "answered cleared")
    assert standing.flags(asked) == (standing.Flag.LEFT_REVIEW,)
    spoken = through("answered needs_review", "ruled approve", "asked again", "answered cleared")
    assert standing.flags(spoken) == ()
    repeated = through().submitted(submission(Effect.CLEARED, repeated=True), now=BEGAN)
    assert standing.flags(repeated) == (standing.Flag.REPEATED,)


@pytest.mark.parametrize(("days", "covers"), [(10, False), (11, True)])
def test_a_clearance_covers_a_visit_on_its_last_day_on_the_practices_calendar(days: int, covers: bool) -> None:
    late = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)  # already the 1st of December in Berlin
    case = through("answered needs_review").moved(starts_at=late, sequence=3)
    approved = case.ruled(ruling(Verdict.APPROVE), valid_for=timedelta(days=days))
    assert approved.valid_until == date(2026, 11, 20) + timedelta(days=days)
    assert standing.covers_visit(approved) is covers
    assert standing.covers_visit(case) is None


def test_words_are_noted_as_added_and_not_as_answers_handed_in() -> None:
    asked = through("answered needs_review", "ruled more_info")
    deeds = [fact.deed for fact in trail.facts(asked, explained(asked, BEGAN), CLIENT, BEGAN)]
    assert Deed.ATTACH in deeds
    assert Deed.SUBMIT not in deeds
