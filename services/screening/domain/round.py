"""What a case is made of: its states, its two halves, what a person said of it, and the rounds that are over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from services.screening.domain.pins import Pins
from services.screening.domain.ruleset import Effect

CLEARED_FOR = timedelta(days=180)
MOST_ROUNDS = 20
MOST_TRIES = 5
MOST_WORDS = 10
MOST_ATTACHMENTS = 3
MOST_FILES = 12  # of all rounds together
REMINDED_WITHIN = timedelta(hours=12)


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
    GUARDIAN_WITHDRAWN = "guardian_withdrawn"
    RULESET = "ruleset"
    EXPIRED = "expired"


class FileKind(StrEnum):
    """What a file is by its content; a name is never trusted."""

    PDF = "application/pdf"
    JPEG = "image/jpeg"
    PNG = "image/png"


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
    client. `of_age` is the end of the year in which a child comes of age, None of an adult. `pins` are exactly what
    judged it.
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
    pins: Pins | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A person's word. `by` is their name, `caller` the key under which it came, `on` the version that they had read.

    `sealed` holds the note, the words for the client and the clearance record.
    """

    verdict: Verdict
    by: str
    at: datetime
    sealed: bytes
    caller: str = ""
    on: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What the client added to their answers, in words."""

    at: datetime
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that the client added; it lies elsewhere under this id. `sealed` holds the digest of what is in it."""

    id: str
    kind: FileKind
    size: int
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
    words: tuple[Added, ...] = ()
    attachments: tuple[Attachment, ...] = ()


RULED_IN: Mapping[Verdict, State] = {
    Verdict.APPROVE: State.IN_REVIEW,
    Verdict.REFUSE: State.IN_REVIEW,
    Verdict.MORE_INFO: State.IN_REVIEW,
    Verdict.CONFIRM_DECLINED: State.REVIEW_REQUESTED,
    Verdict.INVITE: State.REVIEW_REQUESTED,
}
