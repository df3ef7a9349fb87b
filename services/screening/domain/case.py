"""The case: the health check of one appointment, from its two halves to a decision.

The request and the answers come in either order. When both are in, the case settles once; a person's ruling
may follow a review. Every change is a new value with the next version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from zoneinfo import ZoneInfo

from services.screening.domain.ruleset import Effect
from shared.errors import Kind, Refusal

CLEARED_FOR = timedelta(days=180)
SHORTEST_NOTE = 10


class State(StrEnum):
    AWAITING = "awaiting"
    CLEARED = "cleared"
    IN_REVIEW = "in_review"
    DECLINED = "declined"
    APPROVED = "approved"
    REFUSED = "refused"
    CLOSED = "closed"


class AlreadyDecided(Refusal):
    """Other answers than those that were decided on; a correction is a new case."""

    slug: ClassVar[str] = "already-decided"
    kind: ClassVar[Kind] = Kind.CONFLICT


class AlreadyAnswered(Refusal):
    """Other answers than those that wait for the request: the first count, or whoever was told no would try again."""

    slug: ClassVar[str] = "already-answered"
    kind: ClassVar[Kind] = Kind.CONFLICT


class CaseClosed(Refusal):
    """The appointment was cancelled or lapsed, and with it its health check."""

    slug: ClassVar[str] = "case-closed"
    kind: ClassVar[Kind] = Kind.CONFLICT


class OtherFormAsked(Refusal):
    """The service asks for another questionnaire than the one that was filled in."""

    slug: ClassVar[str] = "other-questionnaire-asked"
    kind: ClassVar[Kind] = Kind.INVALID


class NotInReview(Refusal):
    """There is nothing for a person to decide."""

    slug: ClassVar[str] = "not-in-review"
    kind: ClassVar[Kind] = Kind.CONFLICT


class CaseChanged(Refusal):
    """Somebody else decided or changed the case after it was read."""

    slug: ClassVar[str] = "case-changed"
    kind: ClassVar[Kind] = Kind.CONFLICT


class CannotApprove(Refusal):
    """Declined by a rule, or urgent: only new answers can change that."""

    slug: ClassVar[str] = "cannot-approve"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NoteTooShort(Refusal):
    """A ruling without its reason."""

    slug: ClassVar[str] = "note-too-short"
    kind: ClassVar[Kind] = Kind.INVALID


class ClearanceMissing(Refusal):
    """A rule asks for a health professional's word, and none was recorded."""

    slug: ClassVar[str] = "clearance-missing"
    kind: ClassVar[Kind] = Kind.INVALID


class ApprovalTooShort(Refusal):
    """An approval that ends before the visit would clear nobody for it."""

    slug: ClassVar[str] = "approval-too-short"
    kind: ClassVar[Kind] = Kind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The half that comes from booking. `form` names the rule set that the service asks for."""

    service: str
    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The half that comes from the client, judged when it came in. `sealed` holds the answers and the reasons.

    `as_of` is the date of `submitted_at` in the practice's zone and is never computed again.
    """

    questionnaire: str
    ruleset: str
    messages: str
    submitted_at: datetime
    as_of: date
    zone: str
    review_for: timedelta
    outcome: Effect
    urgent: bool
    retry_after: date | None
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A practitioner's word. `sealed` holds the note and the clearance record."""

    approved: bool
    at: datetime
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`heard` is the newest appointment version that was taken over; `valid_until` is the last day that counts.

    `client` is booking's reference of whoever comes; a record that was merged since goes by another one too.
    """

    id: str
    practice: str
    version: int = 0
    state: State = State.AWAITING
    heard: int = 0
    starts_at: datetime | None = None
    client: str | None = None
    request: Request | None = None
    submission: Submission | None = None
    decided_at: datetime | None = None
    deadline: datetime | None = None
    valid_until: date | None = None
    ruling: Ruling | None = None

    @property
    def is_empty(self) -> bool:
        """Closed before it began, or forgotten."""
        return self.request is None and self.submission is None

    def requested(
        self, request: Request, *, starts_at: datetime, sequence: int, now: datetime, client: str | None = None
    ) -> Case:
        """Take the request, once."""
        if self.request is not None or self.state is State.CLOSED:
            return self
        heard = self._heard(starts_at, sequence)
        return replace(heard, request=request, client=client, version=self.version + 1)._settled(now)

    def moved(self, *, starts_at: datetime, sequence: int) -> Case:
        """Keep the newest time of the visit; the answers keep their own date."""
        if sequence <= self.heard or self.state is State.CLOSED:
            return self
        return replace(self._heard(starts_at, sequence), version=self.version + 1)

    def check_takes_answers(self, questionnaire: str) -> None:
        """Raises `CaseClosed`, `AlreadyDecided`, `AlreadyAnswered` or `OtherFormAsked`."""
        if self.state is State.CLOSED:
            raise CaseClosed("the appointment is no longer open")
        if self.state is not State.AWAITING:
            raise AlreadyDecided("a decision was made on other answers")
        if self.submission is not None:
            raise AlreadyAnswered("other answers are waiting for the request")
        if self.request is not None and not _same_form(self.request.form, questionnaire):
            raise OtherFormAsked(f"the service asks for {self.request.form}", questionnaire=self.request.form)

    def submitted(self, submission: Submission, *, now: datetime) -> Case:
        """Take the answers; raises what `check_takes_answers` raises."""
        self.check_takes_answers(submission.questionnaire)
        return replace(self, submission=submission, version=self.version + 1)._settled(now)

    def closed(self) -> Case:
        """Nothing more is decided; what was decided stays readable to the practice."""
        if self.state is State.CLOSED:
            return self
        return replace(self, state=State.CLOSED, version=self.version + 1)

    def forgotten(self) -> Case:
        """Nothing is left but that it is closed, so that nothing which comes late can begin it anew."""
        left = Case(id=self.id, practice=self.practice, version=self.version, state=State.CLOSED)
        return self if self == left else replace(left, version=self.version + 1)

    def check_ruling(
        self, *, approve: bool, note: str, version: int, clearance_needed: bool, clearance_given: bool
    ) -> None:
        """`version` is the one that was read. Raises `CaseChanged`, `CannotApprove`, `NotInReview`, `NoteTooShort`
        or `ClearanceMissing`."""
        if version != self.version:
            raise self.changed()
        urgent = self.submission is not None and self.submission.urgent
        if approve and (self.state is State.DECLINED or (self.state is State.IN_REVIEW and urgent)):
            raise CannotApprove("this case cannot be approved; only a new health check can change it")
        if self.state is not State.IN_REVIEW:
            raise NotInReview(f"the case is {self.state}")
        if len("".join(note.split())) < SHORTEST_NOTE:
            raise NoteTooShort(f"a note of at least {SHORTEST_NOTE} characters is needed")
        if approve and clearance_needed and not clearance_given:
            raise ClearanceMissing("a recorded clearance by a health professional is needed")

    def ruled(self, ruling: Ruling, *, valid_for: timedelta) -> Case:
        """Take a person's decision, after `check_ruling`; a refusal has no last day. Raises `ApprovalTooShort`."""
        if self.submission is None or self.state is not State.IN_REVIEW:
            raise NotInReview(f"the case is {self.state}")
        zone = ZoneInfo(self.submission.zone)
        last_day = ruling.at.astimezone(zone).date() + valid_for
        if ruling.approved and self.starts_at is not None and last_day < self.starts_at.astimezone(zone).date():
            raise ApprovalTooShort("the approval ends before the visit", until=str(last_day))
        return replace(
            self,
            state=State.APPROVED if ruling.approved else State.REFUSED,
            version=self.version + 1,
            ruling=ruling,
            decided_at=ruling.at,
            valid_until=last_day if ruling.approved else None,
        )

    def changed(self) -> CaseChanged:
        return CaseChanged("the case was changed after it was read")

    def _heard(self, starts_at: datetime, sequence: int) -> Case:
        if sequence <= self.heard:
            return self
        return replace(self, starts_at=starts_at, heard=sequence)

    def _settled(self, now: datetime) -> Case:
        """Decide if both halves are in. Answers to another form than the one asked for are no answers."""
        if self.request is None or self.submission is None:
            return self
        if not _same_form(self.request.form, self.submission.questionnaire):
            return replace(self, submission=None)
        outcome = self.submission.outcome
        return replace(
            self,
            state=_STATE_OF[outcome],
            decided_at=now,
            deadline=now + self.submission.review_for if outcome is Effect.NEEDS_REVIEW else None,
            valid_until=self.submission.as_of + CLEARED_FOR if outcome is Effect.CLEARED else None,
        )


_STATE_OF: Mapping[Effect, State] = {
    Effect.CLEARED: State.CLEARED,
    Effect.NEEDS_REVIEW: State.IN_REVIEW,
    Effect.DECLINED: State.DECLINED,
}


def _same_form(asked: str, answered: str) -> bool:
    """`asked` is a name, or a name with a version; versions differ only if one was asked for."""
    return answered == asked or answered.partition("@")[0] == asked
