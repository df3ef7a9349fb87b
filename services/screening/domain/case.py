"""The case: the health check of one appointment, round by round, each from its two halves to a decision.

The request and the answers come in either order. When both are in, the case settles once; a person's ruling
may follow a review. What was decided is never edited: when it counts no longer, or more is to be known, the round
is put away and the next one begins. Every change is a new value with the next version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.screening.domain.refusals import (
    AlreadyAnswered,
    AlreadyDecided,
    CannotApprove,
    CaseChanged,
    CaseClosed,
    NotDeclined,
    NothingToVoid,
    NotInReview,
    OtherFormAsked,
    TooManyForms,
)
from services.screening.domain.ruleset import Effect

CLEARED_FOR = timedelta(days=180)
MOST_ROUNDS = 20
MOST_TRIES = 5


class State(StrEnum):
    """`awaiting` answers or the request; `review_requested` by a client whom the rules declined."""

    AWAITING = "awaiting"
    CLEARED = "cleared"
    IN_REVIEW = "in_review"
    DECLINED = "declined"
    APPROVED = "approved"
    REFUSED = "refused"
    REVIEW_REQUESTED = "review_requested"
    INVITED = "invited"
    CLOSED = "closed"


WAITING = frozenset({State.IN_REVIEW, State.REVIEW_REQUESTED})
COUNTS = frozenset({State.CLEARED, State.APPROVED})


class Verdict(StrEnum):
    """What a person can say: of a review the first three, of a decline that the client asked to look at the others."""

    APPROVE = "approve"
    REFUSE = "refuse"
    MORE_INFO = "more_info"
    CONFIRM_DECLINED = "confirm_declined"
    INVITE = "invite"


class Reopening(StrEnum):
    """Why a round ended and the next one began."""

    MORE_INFO = "more_info"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"
    RULESET = "ruleset"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The half that comes from booking. `form` names the questionnaire that the service asks for."""

    service: str
    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The half that comes from the client, judged when it came in. `sealed` holds the answers and the reasons.

    `as_of` is the date of `submitted_at` in the practice's zone and is never computed again. `based_on` is the
    earlier case whose answers the client said are still right; its clearance, until `based_until`, is not made longer,
    and goes on for what a person approved then. `repeated`: the client was declined on another appointment less than a
    day before. `lasting`, while it is not known whose the answers are: something of them is to be remembered of the
    client. `of_age` is the end of the year in which a child comes of age, None of an adult.
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
    based_on: str | None = None
    based_until: date | None = None
    repeated: bool = False
    lasting: bool = False
    of_age: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A person's word and whose it is. `sealed` holds the note, the words for the client and the clearance record."""

    verdict: Verdict
    by: str
    at: datetime
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What was answered and decided before the case was opened again, as it stood then; `ruling` ended it, or stood."""

    state: State
    ended_at: datetime
    ended_by: Reopening
    submission: Submission | None
    decided_at: datetime | None
    valid_until: date | None
    ruling: Ruling | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`heard` is the newest appointment version that was taken over; `valid_until` is the last day that counts.

    `client` is booking's reference of whoever comes; a record that was merged since goes by another one too.
    `deadline` is there while a person is awaited. `appeal` holds, sealed, why a declined client asks for a person.
    `reminded` is the deadline of which the practice has been reminded. `said` is the version of the last decision.
    `attended` when the visit took place; `last_visit` is the client's latest one, if this case is kept because of it.
    `tries` are the dates of birth that were shown to be recognised by and were not the right ones.
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
    reminded: datetime | None = None
    said: int = 0
    valid_until: date | None = None
    ruling: Ruling | None = None
    appeal: bytes | None = None
    rounds: tuple[Round, ...] = ()
    tries: int = 0
    attended: bool = False
    last_visit: date | None = None

    @property
    def is_empty(self) -> bool:
        """Closed before it began, or forgotten."""
        return self.request is None and self.submission is None and not self.rounds

    @property
    def reopened_by(self) -> Reopening | None:
        """Why answers are wanted again, None in the first round."""
        return self.rounds[-1].ended_by if self.rounds else None

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

    @property
    def may_try(self) -> bool:
        """Whether whoever comes may still show a date of birth instead of filling in the whole form."""
        awaited = self.state is State.AWAITING and self.submission is None
        return awaited and self.client is not None and self.tries < MOST_TRIES

    def tried(self, tries: int = 1) -> Case:
        """Counted before it is looked at, so that many at once are not too many; the right one is given back."""
        return replace(self, tries=self.tries + tries, version=self.version + 1)

    def asked_again(self, *, checked: int, now: datetime) -> Case:
        """Booking wants another health check; `checked` is the newest version of this case that it had heard of.

        A decision that it had not heard of yet is on the way to it, and may be all that it wants.
        """
        if self.state not in COUNTS or self.said > checked:
            return self
        return self._reopened(Reopening.EXPIRED, self.ruling, now)

    def check_voidable(self) -> None:
        """Raises `CaseClosed`, `NothingToVoid` or `TooManyForms`."""
        if self.state is State.CLOSED:
            raise CaseClosed("the appointment is no longer open")
        if self.state not in COUNTS | {State.IN_REVIEW}:
            raise NothingToVoid(f"the case is {self.state}")
        if len(self.rounds) >= MOST_ROUNDS:
            raise TooManyForms("this health check was opened again too often; please call the practice")

    def voided(self, cause: Reopening, *, now: datetime) -> Case:
        """What was decided, or waits for a person, counts no longer; answers are awaited. As `check_voidable`."""
        self.check_voidable()
        return self._reopened(cause, self.ruling, now)

    def review_requested(self, appeal: bytes, *, review_for: timedelta, now: datetime) -> Case:
        """A client whom the rules declined asks for a person. Raises `NotDeclined`."""
        if self.state is not State.DECLINED:
            raise NotDeclined(f"the case is {self.state}")
        return replace(
            self, state=State.REVIEW_REQUESTED, version=self.version + 1, appeal=appeal, deadline=now + review_for
        )

    def remind(self) -> Case:
        """The practice is told that the deadline comes near, once for each deadline."""
        if self.state not in WAITING or self.deadline is None or self.reminded == self.deadline:
            return self
        return replace(self, version=self.version + 1, reminded=self.deadline)

    def came(self, attended: bool) -> Case:
        """Whether the visit took place, as booking says now; nothing of what was forgotten."""
        if self.attended is attended or self.is_empty:
            return self
        return replace(self, attended=attended, version=self.version + 1)

    def kept_with(self, last_visit: date) -> Case:
        """The client has come again since; nothing of what was forgotten."""
        if self.last_visit == last_visit or self.is_empty:
            return self
        return replace(self, last_visit=last_visit, version=self.version + 1)

    def closed(self) -> Case:
        """Nothing more is decided; what was decided stays readable to the practice."""
        if self.state is State.CLOSED:
            return self
        return replace(self, state=State.CLOSED, version=self.version + 1, deadline=None)

    def forgotten(self) -> Case:
        """Nothing is left but that it is closed, so that nothing which comes late can begin it anew."""
        left = Case(id=self.id, practice=self.practice, version=self.version, state=State.CLOSED)
        return self if self == left else replace(left, version=self.version + 1)

    def check_rulable(self, verdict: Verdict, *, version: int) -> None:
        """`version` is the one that was read. Raises `CaseChanged`, `CannotApprove`, `NotInReview`, `TooManyForms`."""
        if version != self.version:
            raise self.changed()
        urgent = self.submission is not None and self.submission.urgent
        declined = self.state in {State.DECLINED, State.REVIEW_REQUESTED}
        if verdict is Verdict.APPROVE and (declined or (self.state is State.IN_REVIEW and urgent)):
            raise CannotApprove("this case cannot be approved; only a new health check can change it")
        if self.state is not _RULED_IN[verdict]:
            raise NotInReview(f"the case is {self.state}")
        if verdict is Verdict.MORE_INFO and len(self.rounds) >= MOST_ROUNDS:
            raise TooManyForms("this health check was opened again too often; please call the client")

    def ruled(self, ruling: Ruling, *, valid_for: timedelta) -> Case:
        """Take a person's decision, after `check_rulable`; only an approval has a last day."""
        if self.submission is None or self.state is not _RULED_IN[ruling.verdict]:
            raise NotInReview(f"the case is {self.state}")
        if ruling.verdict is Verdict.MORE_INFO:
            return replace(self._reopened(Reopening.MORE_INFO, ruling, ruling.at), deadline=None)
        last_day = ruling.at.astimezone(ZoneInfo(self.submission.zone)).date() + valid_for
        return replace(
            self,
            state=_STATE_AFTER[ruling.verdict],
            version=self.version + 1,
            said=self.version + 1,
            ruling=ruling,
            decided_at=ruling.at,
            deadline=None,
            valid_until=last_day if ruling.verdict is Verdict.APPROVE else None,
        )

    def changed(self) -> CaseChanged:
        return CaseChanged("the case was changed after it was read")

    def _heard(self, starts_at: datetime, sequence: int) -> Case:
        if sequence <= self.heard:
            return self
        return replace(self, starts_at=starts_at, heard=sequence)

    def _reopened(self, cause: Reopening, ruling: Ruling | None, now: datetime) -> Case:
        """Put the round away and begin the next one, without answers."""
        over = Round(
            state=self.state,
            ended_at=now,
            ended_by=cause,
            submission=self.submission,
            decided_at=self.decided_at,
            valid_until=self.valid_until,
            ruling=ruling,
        )
        return replace(
            self,
            state=State.AWAITING,
            version=self.version + 1,
            submission=None,
            decided_at=None,
            deadline=None,
            valid_until=None,
            ruling=None,
            rounds=(*self.rounds, over),
        )

    def _settled(self, now: datetime) -> Case:
        """Decide if both halves are in. Answers to another form than the one asked for are no answers."""
        if self.request is None or self.submission is None:
            return self
        if not _same_form(self.request.form, self.submission.questionnaire):
            return replace(self, submission=None)
        submission = self.submission
        until = submission.as_of + CLEARED_FOR
        if submission.based_until is not None:
            until = min(until, submission.based_until)
        state = _STATE_OF[submission.outcome]
        if state is State.IN_REVIEW and submission.based_until is not None:
            state = State.APPROVED  # by whoever approved the same before
        return replace(
            self,
            state=state,
            said=self.version,
            decided_at=now,
            deadline=now + submission.review_for if state is State.IN_REVIEW else None,
            valid_until=until if state in COUNTS else None,
        )


_STATE_OF: Mapping[Effect, State] = {
    Effect.CLEARED: State.CLEARED,
    Effect.NEEDS_REVIEW: State.IN_REVIEW,
    Effect.DECLINED: State.DECLINED,
}
_RULED_IN: Mapping[Verdict, State] = {
    Verdict.APPROVE: State.IN_REVIEW,
    Verdict.REFUSE: State.IN_REVIEW,
    Verdict.MORE_INFO: State.IN_REVIEW,
    Verdict.CONFIRM_DECLINED: State.REVIEW_REQUESTED,
    Verdict.INVITE: State.REVIEW_REQUESTED,
}
_STATE_AFTER: Mapping[Verdict, State] = {
    Verdict.APPROVE: State.APPROVED,
    Verdict.REFUSE: State.REFUSED,
    Verdict.CONFIRM_DECLINED: State.REFUSED,
    Verdict.INVITE: State.INVITED,
}


def _same_form(asked: str, answered: str) -> bool:
    """`asked` is a name, or a name with a version; versions differ only if one was asked for."""
    return answered == asked or answered.partition("@")[0] == asked
