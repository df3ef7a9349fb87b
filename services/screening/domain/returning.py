"""Which earlier health check of a client may be asked about with "has anything changed?", and how far it carries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from services.screening.domain.assessment import Assessment
from services.screening.domain.case import COUNTS, Case, Reopening, State, Submission
from services.screening.domain.catalogue import Form
from services.screening.domain.ruleset import Effect

RED_FLAGS: Final = "q_red_flags"
# What is asked anew of everybody: signs of these days, a consent, and words that were about another day.
NEVER_FILLED_IN: Final = frozenset({RED_FLAGS, "q_other_text", "guardian_consent"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """An earlier health check that stands until `until`. `approved` are the reasons that a person let pass then."""

    case: str
    until: date
    approved: frozenset[str]

    def carries(self, now: Assessment) -> date | None:
        """Until when today's result stands on it; None if it has to stand on its own feet."""
        if now.outcome is Effect.CLEARED:
            return self.until
        known = frozenset(now.reason_codes) <= self.approved
        return self.until if now.outcome is Effect.NEEDS_REVIEW and known and not now.urgent else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """One submission that was decided, with the last day that it still counts on; None if it counts no longer."""

    case: str
    submission: Submission
    counts_until: date | None

    @property
    def fingerprint(self) -> str:
        """Names it to nobody but whoever knows it."""
        named = f"{self.case}/{self.submission.submitted_at.isoformat()}"
        return hashlib.sha256(named.encode()).hexdigest()[:32]

    def may_be_shown(self, form: Form) -> bool:
        """It counted as long as it was to, and its questions are today's."""
        return self.counts_until is not None and self.submission.questionnaire == form.questionnaire.id

    def stands(self, form: Form, visit: date) -> bool:
        """For the same questions and rules as today's, and on the day of the visit."""
        same = (self.submission.questionnaire, self.submission.ruleset) == (form.questionnaire.id, form.ruleset.id)
        return same and self.counts_until is not None and self.counts_until >= visit

    def basis(self, reasons: Iterable[str]) -> Basis:
        """What was cleared needs no person's word; what needed one and stands has it."""
        return Basis(case=self.case, until=self.counts_until or date.min, approved=frozenset(reasons))


def earlier_of(cases: Iterable[Case]) -> list[Earlier]:
    """All decided submissions of these cases, the latest first.

    What was taken back of a visit that stood by another one's form was said of that form, and of all before.
    """
    cases = list(cases)
    rounds = [over for case in cases for over in case.rounds if over.submission is None]
    doubted = max((over.ended_at for over in rounds if over.ended_by is not Reopening.EXPIRED), default=None)
    found = [one for case in cases for one in _of(case)]
    if doubted is not None:
        found = [replace(one, counts_until=None) if one.submission.submitted_at <= doubted else one for one in found]
    return sorted(found, key=lambda one: (one.submission.submitted_at, one.case), reverse=True)


def _of(case: Case) -> Iterable[Earlier]:
    """A visit that took place leaves its case as it was decided, one that did not leaves it closed.

    What was cleared or approved before it was closed was no less so: closing says nothing about anybody's health.
    Neither does a clearance that ended before the visit; every other end of a round is a doubt about its answers.
    """
    if case.submission is not None and case.decided_at is not None:
        until = case.valid_until if case.state in COUNTS | {State.CLOSED} else None
        yield Earlier(case=case.id, submission=case.submission, counts_until=until)
    for over in case.rounds:
        if over.submission is not None and over.decided_at is not None:
            stood = over.state in COUNTS and over.ended_by is Reopening.EXPIRED
            yield Earlier(case=case.id, submission=over.submission, counts_until=over.valid_until if stood else None)
