"""The case: the health check of one appointment, round by round, each from its two halves to a decision.

The request and the answers come in either order. When both are in, the case settles once; a person's ruling
may follow a review. What was decided is never edited: when it counts no longer, or more is to be known, the round
is put away and the next one begins. Every change is a new value with the next version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.screening.domain.refusals import (
    AlreadyAnswered,
    AlreadyDecided,
    CannotApprove,
    CaseChanged,
    CaseClosed,
    NobodyLooks,
    NotDeclined,
    NothingToVoid,
    NotInReview,
    OtherFormAsked,
    TooManyForms,
    TooMuchAdded,
)
from services.screening.domain.round import (
    CLEARED_FOR,
    COUNTS,
    MOST_ATTACHMENTS,
    MOST_FILES,
    MOST_ROUNDS,
    MOST_TRIES,
    MOST_WORDS,
    REMINDED_WITHIN,
    RULED_IN,
    WAITING,
    Added,
    Attachment,
    FileKind,
    Reopening,
    Request,
    Round,
    Ruling,
    State,
    Submission,
    Verdict,
)
from services.screening.domain.ruleset import Effect

__all__ = [
    "COUNTS",
    "MOST_TRIES",
    "WAITING",
    "Added",
    "Attachment",
    "Case",
    "FileKind",
    "Reopening",
    "Request",
    "Round",
    "Ruling",
    "State",
    "Submission",
    "Verdict",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`heard` is the newest appointment version that was taken over; `valid_until` is the last day that counts.

    `client` is booking's reference of whoever comes; a record that was merged since goes by another one too.
    `deadline` is there while a person is awaited. `appeal` holds, sealed, why a declined client asks for a person.
    `reminded` is the deadline of which the practice has been reminded, `remind_at` when it is to be the next time.
    `said` is the version of the last decision. `words` and `attachments` were added to the answers of this round.
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
    remind_at: datetime | None = None
    reminded: datetime | None = None
    said: int = 0
    valid_until: date | None = None
    ruling: Ruling | None = None
    appeal: bytes | None = None
    words: tuple[Added, ...] = ()
    attachments: tuple[Attachment, ...] = ()
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

    @property
    def was_never_asked(self) -> bool:
        """Neither by booking nor by the client: if the visit stands, it does by another one's health check."""
        halves = self.request is None and self.submission is None
        return self.state is State.AWAITING and halves and not self.rounds

    def check_voidable(self) -> None:
        """Raises `CaseClosed`, `NothingToVoid` or `TooManyForms`."""
        if self.state is State.CLOSED:
            raise CaseClosed("the appointment is no longer open")
        if self.state not in COUNTS | {State.IN_REVIEW} and not self.was_never_asked:
            raise NothingToVoid(f"the case is {self.state}")
        if len(self.rounds) >= MOST_ROUNDS:
            raise TooManyForms("this health check was opened again too often; please call the practice")

    def voided(self, cause: Reopening, *, now: datetime) -> Case:
        """What was decided, or waits for a person, counts no longer; answers are awaited. As `check_voidable`.

        Said again before there are new answers, it changes nothing.
        """
        if self.state is State.AWAITING and self.submission is None and self.reopened_by is cause:
            return self
        self.check_voidable()
        return self._reopened(cause, self.ruling, now)

    def check_appealable(self) -> None:
        """Raises `CaseClosed` or `NotDeclined`."""
        if self.state is State.CLOSED:
            raise CaseClosed("the appointment is no longer open")
        if self.state is not State.DECLINED:
            raise NotDeclined(f"the case is {self.state}")

    def review_requested(self, appeal: bytes, *, review_for: timedelta, now: datetime) -> Case:
        """A client whom the rules declined asks for a person. As `check_appealable`."""
        self.check_appealable()
        asked = replace(self, state=State.REVIEW_REQUESTED, version=self.version + 1, appeal=appeal)
        return asked._waiting(now, review_for)

    @property
    def was_asked_more(self) -> bool:
        """Whether the client owes a person an answer, which may be words or a file alone."""
        asked = self.state is State.AWAITING and self.submission is None
        return asked and self.reopened_by is Reopening.MORE_INFO

    @property
    def takes_more(self) -> bool:
        """Whether there is somebody who will read what the client adds."""
        return self.state in WAITING or self.was_asked_more

    @property
    def added_at(self) -> datetime | None:
        times = [*(one.at for one in self.words), *(one.at for one in self.attachments)]
        return max(times, default=None)

    def check_takes_more(self) -> None:
        """Raises `CaseClosed` or `NobodyLooks`."""
        if self.state is State.CLOSED:
            raise CaseClosed("the appointment is no longer open")
        if not self.takes_more:
            raise NobodyLooks(f"the case is {self.state}")

    def explained(self, words: Added) -> Case:
        """The client added words. Raises what `check_takes_more` raises, and `TooMuchAdded`."""
        self.check_takes_more()
        if len(self.words) >= MOST_WORDS:
            raise TooMuchAdded(f"there can be {MOST_WORDS} messages", most=MOST_WORDS)
        return replace(self, version=self.version + 1, words=(*self.words, words))._taken_up(words.at)

    def attached(self, attachment: Attachment) -> Case:
        """The client added a file. Raises what `check_takes_more` raises, and `TooMuchAdded`."""
        self.check_takes_more()
        if len(self.attachments) >= MOST_ATTACHMENTS:
            raise TooMuchAdded(f"there can be {MOST_ATTACHMENTS} files", most=MOST_ATTACHMENTS)
        if len(self.attachments) + sum(len(over.attachments) for over in self.rounds) >= MOST_FILES:
            raise TooMuchAdded(f"there can be {MOST_FILES} files in all", most=MOST_FILES)
        kept = (*self.attachments, attachment)
        return replace(self, version=self.version + 1, attachments=kept)._taken_up(attachment.at)

    def remind(self) -> Case:
        """The practice is told that the deadline comes near, once for each deadline."""
        if self.state not in WAITING or self.deadline is None or self.reminded == self.deadline:
            return self
        return replace(self, version=self.version + 1, reminded=self.deadline, remind_at=None)

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
        return replace(self, state=State.CLOSED, version=self.version + 1, deadline=None, remind_at=None)

    def declined_elsewhere(self) -> Case:
        """The visit was declined, with the first of its course: closed, unless it was this very check that did so."""
        own = {State.DECLINED, State.REFUSED, State.REVIEW_REQUESTED, State.INVITED}
        return self if self.state in own else self.closed()

    def forgotten(self) -> Case:
        """Nothing is left but that it is closed, so that nothing which comes late can begin it anew."""
        return self._emptied(State.CLOSED)

    def let_go(self) -> Case:
        """Kept long enough. Answers that nobody had asked for yet may be asked for later: then they are given anew."""
        unasked = self.request is None and self.state is State.AWAITING
        return self._emptied(State.AWAITING) if unasked else self.forgotten()

    def _emptied(self, state: State) -> Case:
        left = Case(id=self.id, practice=self.practice, version=self.version, state=state)
        return self if self == left else replace(left, version=self.version + 1)

    def check_rulable(self, verdict: Verdict, *, version: int) -> None:
        """`version` is the one that was read. Raises `CaseChanged`, `CannotApprove`, `NotInReview`, `TooManyForms`."""
        if version != self.version:
            raise self.changed()
        urgent = self.submission is not None and self.submission.urgent
        declined = self.state in {State.DECLINED, State.REVIEW_REQUESTED}
        if verdict is Verdict.APPROVE and (declined or (self.state is State.IN_REVIEW and urgent)):
            raise CannotApprove("this case cannot be approved; only a new health check can change it")
        if self.state is not RULED_IN[verdict]:
            raise NotInReview(f"the case is {self.state}")
        if verdict is Verdict.MORE_INFO and len(self.rounds) >= MOST_ROUNDS:
            raise TooManyForms("this health check was opened again too often; please call the client")

    def ruled(self, ruling: Ruling, *, valid_for: timedelta) -> Case:
        """Take a person's decision, after `check_rulable`; only an approval has a last day."""
        if self.submission is None or self.state is not RULED_IN[ruling.verdict]:
            raise NotInReview(f"the case is {self.state}")
        if ruling.verdict is Verdict.MORE_INFO:
            return self._reopened(Reopening.MORE_INFO, ruling, ruling.at)
        last_day = ruling.at.astimezone(ZoneInfo(self.submission.zone)).date() + valid_for
        return replace(
            self,
            state=_STATE_AFTER[ruling.verdict],
            version=self.version + 1,
            said=self.version + 1,
            ruling=ruling,
            decided_at=ruling.at,
            deadline=None,
            remind_at=None,
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
            words=self.words,
            attachments=self.attachments,
        )
        return replace(
            self,
            state=State.AWAITING,
            version=self.version + 1,
            submission=None,
            decided_at=None,
            deadline=None,
            remind_at=None,
            valid_until=None,
            ruling=None,
            words=(),
            attachments=(),
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
        valid_until = until if state in COUNTS else None
        settled = replace(self, state=state, said=self.version, decided_at=now, valid_until=valid_until)
        return settled._waiting(now, submission.review_for) if state is State.IN_REVIEW else settled

    def _taken_up(self, now: datetime) -> Case:
        """Words or a file answer the person who asked for more: back to them with the answers of the round before."""
        before = self.rounds[-1].submission if self.rounds else None
        if not self.was_asked_more or before is None:
            return self
        again = replace(self, state=State.IN_REVIEW, submission=before, said=self.version, decided_at=now)
        return again._waiting(now, before.review_for)

    def _waiting(self, now: datetime, review_for: timedelta) -> Case:
        """The last quarter of the time that a person has is theirs with a reminder."""
        deadline = now + review_for
        return replace(self, deadline=deadline, remind_at=deadline - min(review_for / 4, REMINDED_WITHIN))


_STATE_OF: Mapping[Effect, State] = {
    Effect.CLEARED: State.CLEARED,
    Effect.NEEDS_REVIEW: State.IN_REVIEW,
    Effect.DECLINED: State.DECLINED,
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
