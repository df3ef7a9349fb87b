"""What screening says: an outcome, never a reason for it; how much was forgotten or handed out, never what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from services.screening.domain.case import Case, State
from services.screening.ports import Asked, AskKind
from shared import telemetry
from shared.events import Envelope, envelope
from shared.events.screening import CaseDecided, ClientErased, ClientExported

_OUTCOMES: Mapping[State, Literal["cleared", "needs_review", "declined"]] = {
    State.CLEARED: "cleared",
    State.IN_REVIEW: "needs_review",
    State.DECLINED: "declined",
    State.APPROVED: "cleared",
    State.REFUSED: "declined",
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
    """One event for each decision; every other change is silent."""
    outcome = _OUTCOMES.get(after.state)
    if outcome is None or after.state is before.state or after.submission is None:
        return ()
    fact = CaseDecided(
        appointment=after.id,
        outcome=outcome,
        decided_by="rules" if after.ruling is None else "practitioner",
        questionnaire=after.submission.questionnaire,
        ruleset=after.submission.ruleset,
        valid_until=after.valid_until,
        retry_after=after.submission.retry_after if after.state is State.DECLINED else None,
    )
    trace = telemetry.current_trace()
    return (
        envelope(fact, subject=after.id, practice=after.practice, sequence=after.version, at=at, traceparent=trace),
    )
