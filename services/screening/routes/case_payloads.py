"""The JSON of a case as the practice sees it: the queue, one case with all that is in it, and a decision."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from services.screening.routes.payloads import AccessOut, AnsweredOut, CaseState, EvaluationOut, RememberedOut, Shown
from shared.httpkit import Payload

PersonName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Decision = Literal["approve", "refuse", "more_info", "confirm_declined", "invite"]
Cursor = Annotated[str, Field(pattern=r"^[0-9]{1,13}\.[a-z2-7]{26}$")]


class QueueQuery(Payload):
    """`after` is the `next` of the page before."""

    after: Cursor | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 100


class ReviewOut(Shown):
    """A line of the queue; the answers are read case by case.

    `kind` says whether the rules want a person, or a client whom they declined does. `added_at` is when the client
    last added words or a file. `repeated`: declined elsewhere less than a day before.
    """

    appointment: str
    version: int
    kind: Literal["review", "appeal"]
    service: str | None
    starts_at: datetime | None
    submitted_at: datetime | None
    added_at: datetime | None
    deadline: datetime | None
    overdue: bool
    urgent: bool
    repeated: bool
    round: int


class FlaggedOut(Shown):
    """A coming visit whose health check counts, although.

    `repeated`: the client was declined elsewhere less than a day before; `left_review`: a person was to look at other
    answers, and these came in their place.
    """

    appointment: str
    version: int
    service: str | None
    starts_at: datetime | None
    submitted_at: datetime | None
    valid_until: date | None
    flags: list[Literal["repeated", "left_review"]]


class ReviewsOut(Shown):
    """The oldest deadline first; `next` is there if there are more. `flagged` come with the first page."""

    reviews: list[ReviewOut]
    next: str | None = None
    flagged: list[FlaggedOut]


class ClearanceIn(Payload):
    given_by: Annotated[str, Field(min_length=1, max_length=200)]
    profession: Annotated[str, Field(min_length=1, max_length=200)]
    given_on: date
    form: Literal["verbal", "document"]


class DecisionIn(Payload):
    """`version` is that of the case which the practitioner read; an approval counts `valid_days` from today.

    `approve`, `refuse` and `more_info` answer a review, `confirm_declined` and `invite` a client who asked for a
    person after a decline. The client reads `to_client`, never the note. `decided_by` is the name of who decides. The
    very same decision of the same person on the same version, sent again, changes nothing.
    """

    decision: Decision
    note: Annotated[str, Field(max_length=4000)]
    to_client: Annotated[str, Field(max_length=1000)] = ""
    decided_by: PersonName
    version: Annotated[int, Field(ge=1)]
    clearance: ClearanceIn | None = None
    valid_days: Annotated[int, Field(ge=1, le=180)] | None = None


class AddedOut(Shown):
    at: datetime
    text: str


class AttachmentOut(Shown):
    """A file that the client added; `kind` is told from its content."""

    id: str
    kind: Literal["application/pdf", "image/jpeg", "image/png"]
    size: int
    at: datetime


class ApprovalOut(Shown):
    """For how many days an approval counts if nothing is said, and at most."""

    default_days: int
    most_days: int


class RulingOut(Shown):
    decision: Decision
    decided_by: str
    decided_at: datetime
    note: str
    to_client: str | None
    clearance: ClearanceIn | None


class RoundOut(Shown):
    """What was answered and decided before the case was opened again, and why it was."""

    state: CaseState
    ended_at: datetime
    ended_by: Literal["more_info", "changed", "withdrawn", "guardian_withdrawn", "ruleset", "expired"]
    submitted_at: datetime | None
    decided_at: datetime | None
    valid_until: date | None
    evaluation: EvaluationOut | None
    answers: dict[str, JsonValue] | None
    answered: list[AnsweredOut]
    words: list[AddedOut]
    attachments: list[AttachmentOut]
    ruling: RulingOut | None


class CaseOut(Shown):
    """All that the practice may see of one case.

    `answered` are the answers in words. `covers_visit` is false of a clearance that ends before the visit: booking then
    asks for the health check again 14 days before it. `verdicts` are what can be decided now, `approval` for how long;
    `rounds` what was before, the first first. `repeated` as in the queue; `based_on` is the earlier one of which the
    client said that nothing has changed.
    """

    appointment: str
    practice: str
    version: int
    state: CaseState
    service: str | None
    starts_at: datetime | None
    submitted_at: datetime | None
    deadline: datetime | None
    decided_at: datetime | None
    valid_until: date | None
    questionnaire: str | None
    ruleset: str | None
    evaluation: EvaluationOut | None
    answers: dict[str, JsonValue] | None
    note: str | None
    clearance: ClearanceIn | None
    repeated: bool
    based_on: str | None
    kind: Literal["review", "appeal"]
    overdue: bool
    round: int
    added_at: datetime | None
    answered: list[AnsweredOut]
    words: list[AddedOut]
    attachments: list[AttachmentOut]
    appeal: str | None
    ruling: RulingOut | None
    rounds: list[RoundOut]
    clearance_required: bool
    covers_visit: bool | None
    verdicts: list[Decision]
    approval: ApprovalOut | None


class ExportOut(Shown):
    """All that screening holds of one client; `opened` says who has seen it, this time too."""

    ask: str
    cases: list[CaseOut]
    opened: list[AccessOut]
    remembered: list[RememberedOut]
