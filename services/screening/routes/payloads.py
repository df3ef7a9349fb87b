"""The JSON that goes in and out of screening."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from services.screening.tables import ConditionTable
from shared.httpkit import Payload

Locale = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Za-z0-9]{2,8})?$")]
FormName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}(@[0-9]+\.[0-9]+\.[0-9]+)?$")]
CaseState = Literal[
    "awaiting", "cleared", "in_review", "declined", "approved", "refused", "review_requested", "invited", "closed"
]
PersonName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Answers = Annotated[dict[str, JsonValue], Field(max_length=200)]

# Far enough from the ends of the calendar that a zone can be added without a thought.
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2200


def _within_reach(moment: datetime) -> datetime:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"is not in the years {FIRST_YEAR} to {LAST_YEAR}")
    return moment


Instant = Annotated[AwareDatetime, AfterValidator(_within_reach)]


class QuestionnaireQuery(Payload):
    locale: Locale | None = None
    service: Annotated[str, Field(max_length=80)] | None = None


class LocaleQuery(Payload):
    locale: Locale | None = None


class Shown(BaseModel):
    """Base of what goes out: should it not fit, the error does not repeat what was in it."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class OptionOut(Shown):
    """`urgent`: show the urgent text at once when this is chosen."""

    value: str
    text: str
    urgent: bool


class QuestionOut(Shown):
    """`shown_when` is absent for a question that is always asked; `age` in it is completed years today.

    `group` is the id of the group that the question is shown in.
    """

    id: str
    group: str
    type: Literal["tri", "choice", "fuzzy_date", "int", "multi", "text", "date", "bool"]
    text: str
    options: list[OptionOut]
    required: bool
    shown_when: ConditionTable | None = None
    least: int | None = None
    most: int | None = None
    longest: int | None = None


class GroupOut(Shown):
    """Questions to be shown together, under this title."""

    id: str
    title: str


class QuestionnaireOut(Shown):
    id: str
    digest: str
    locale: str
    title: str
    emergency_number: str
    urgent_text: str
    urgent_text_guardian: str
    groups: list[GroupOut]
    questions: list[QuestionOut]


class AnswersIn(Payload):
    questionnaire: FormName
    answers: Answers
    locale: Locale | None = None


class MessageOut(Shown):
    key: str
    text: str
    urgent: bool


class OutcomeOut(Shown):
    """Messages are to be shown in this order; there are none while nothing can be said yet."""

    status: Literal["awaiting_answers", "awaiting_request", "decided", "closed"]
    messages: list[MessageOut]


class PersonIn(Payload):
    dob: date


class EvaluateIn(Payload):
    """`prior_yes` are the questions answered yes in an earlier form of the same client."""

    questionnaire: FormName
    practice_tz: Annotated[str, Field(max_length=64)]
    submitted_at: Instant
    client: PersonIn
    respondent_role: Literal["self", "guardian", "unsure", "skip"]
    guardian_consent: bool | None = None
    prior_yes: Annotated[tuple[str, ...], Field(max_length=200)] = ()
    answers: Answers


class FindingOut(Shown):
    """One fired rule: `inputs` are the normalised values it read, `band` its half-open window in days."""

    rule: str
    code: str
    outcome: Literal["note", "cleared", "needs_review", "declined"]
    inputs: dict[str, str | int | bool | list[str]]
    band: tuple[int | None, int | None] | None
    sources: list[str]
    evidence: list[str]
    explanation: str


class EvaluationOut(Shown):
    outcome: Literal["cleared", "needs_review", "declined"]
    urgent: bool
    reason_codes: list[str]
    note_codes: list[str]
    clearance_required: bool
    retry_after: date | None
    trace: list[FindingOut]


class ReviewOut(Shown):
    """A line of the queue; the answers are read case by case. `repeated`: declined elsewhere less than a day before."""

    appointment: str
    version: int
    service: str | None
    starts_at: datetime | None
    submitted_at: datetime | None
    deadline: datetime | None
    urgent: bool
    repeated: bool


class ReviewsOut(Shown):
    reviews: list[ReviewOut]


class ClearanceIn(Payload):
    given_by: Annotated[str, Field(min_length=1, max_length=200)]
    profession: Annotated[str, Field(min_length=1, max_length=200)]
    given_on: date
    form: Literal["verbal", "document"]


class DecisionIn(Payload):
    """`version` is that of the case which the practitioner read; an approval counts `valid_days` from today.

    `approve`, `refuse` and `more_info` answer a review, `confirm_declined` and `invite` a client who asked for a
    person after a decline. The client reads `to_client`, never the note.
    """

    decision: Literal["approve", "refuse", "more_info", "confirm_declined", "invite"]
    note: Annotated[str, Field(max_length=4000)]
    to_client: Annotated[str, Field(max_length=1000)] = ""
    decided_by: PersonName
    version: Annotated[int, Field(ge=1)]
    clearance: ClearanceIn | None = None
    valid_days: Annotated[int, Field(ge=1, le=180)] | None = None


class CaseOut(Shown):
    """All that the practice may see of one case.

    `repeated` as in the queue; `based_on` is the earlier one of which the client said that nothing has changed.
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


class EarlierCaseOut(Shown):
    appointment: str
    state: CaseState
    starts_at: datetime | None
    decided_at: datetime | None
    valid_until: date | None


class EarlierOut(Shown):
    """The latest visit first."""

    cases: list[EarlierCaseOut]


class AccessOut(Shown):
    """`by` is the person as the practice named them, or `staff`; `what` they did, for which the answers were opened."""

    appointment: str
    at: datetime
    by: str
    what: str


class CorrectionOut(Shown):
    question: str
    note: str
    corrected_by: str
    at: datetime


class RememberedOut(Shown):
    """What outlasts one health check: which appointments' forms said yes for a lifetime, and what was corrected."""

    yes: dict[str, list[str]]
    corrections: list[CorrectionOut]


class ExportOut(Shown):
    """All that screening holds of one client; `opened` says who has seen it, this time too."""

    ask: str
    cases: list[CaseOut]
    opened: list[AccessOut]
    remembered: list[RememberedOut]
