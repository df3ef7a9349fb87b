"""What screening says: an outcome, never a reason for it; how much was forgotten or handed out, never what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from services.screening.domain.case import Case, Reopening, State
from services.screening.ports import Asked, AskKind
from shared import telemetry
from shared.events import Envelope, envelope
from shared.events.screening import (
    CaseDecided,
    CaseMessageLeft,
    CaseReviewDue,
    CaseVoided,
    ClientErased,
    ClientExported,
)

_OUTCOMES: Mapping[State, Literal["cleared", "needs_review", "declined"]] = {
    State.CLEARED: "cleared",
    State.IN_REVIEW: "needs_review",
    State.DECLINED: "declined",
    State.APPROVED: "cleared",
    State.REFUSED: "declined",
}
_TOLD: Mapping[Reopening | None, Literal["changed", "withdrawn", "ruleset"]] = {
    Reopening.CHANGED: "changed",
    Reopening.WITHDRAWN: "withdrawn",
    Reopening.GUARDIAN_WITHDRAWN: "withdrawn",
    Reopening.RULESET: "ruleset",
}


def answered(ask: Asked) -> tuple[Envelope[Any], ...]:
    """What was asked about a client is done: how much that was, never what."""
    fact: ClientErased | ClientExported
    if ask.kind is AskKind.ERASE:
        fact = ClientErased(ask=ask.id, records=ask.records)
    else:
        fact = ClientExported(ask=ask.id, records=ask.records)
    at, trace = ask.done_at or ask.begun_at, telemetry.current_trace()
    return (envelope(fact, subject=ask.id, practice=ask.practice, sequence=1, at=at, traceparent=trace),)


def said(before: Case, after: Case, at: datetime) -> tuple[Envelope[Any], ...]:
    """A decision, that it counts no longer, that the client has a word to read, that a deadline comes near.

    Every other change is silent.
    """
    facts = (_decided(before, after), _voided(before, after), _message_left(before, after), _review_due(before, after))
    trace = telemetry.current_trace()
    return tuple(
        envelope(fact, subject=after.id, practice=after.practice, sequence=after.version, at=at, traceparent=trace)
        for fact in facts
        if fact is not None
    )


def _decided(before: Case, after: Case) -> CaseDecided | None:
    outcome = _OUTCOMES.get(after.state)
    if outcome is None or after.said == before.said or after.submission is None:
        return None
    return CaseDecided(
        appointment=after.id,
        outcome=outcome,
        decided_by="rules" if after.ruling is None else "practitioner",
        questionnaire=after.submission.questionnaire,
        ruleset=after.submission.ruleset,
        valid_until=after.valid_until,
        retry_after=after.submission.retry_after if after.state is State.DECLINED else None,
    )


def _voided(before: Case, after: Case) -> CaseVoided | None:
    """What booking or the practice asked to be opened again is no news to them."""
    cause = after.reopened_by
    if len(after.rounds) == len(before.rounds) or cause not in _TOLD:
        return None
    return CaseVoided(appointment=after.id, cause=_TOLD[cause])


def _message_left(before: Case, after: Case) -> CaseMessageLeft | None:
    asked_more = len(after.rounds) > len(before.rounds) and after.reopened_by is Reopening.MORE_INFO
    answered = before.state is State.REVIEW_REQUESTED and after.ruling is not before.ruling
    return CaseMessageLeft(appointment=after.id) if asked_more or answered else None


def _review_due(before: Case, after: Case) -> CaseReviewDue | None:
    if after.reminded is None or after.reminded == before.reminded:
        return None
    return CaseReviewDue(appointment=after.id, due_at=after.reminded)
