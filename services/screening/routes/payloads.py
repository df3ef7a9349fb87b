"""The JSON that goes in and out of screening."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from services.screening.tables import ConditionTable
from shared.httpkit import Payload

Locale = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Za-z0-9]{2,8})?$")]
FormName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}(@[0-9]+\.[0-9]+\.[0-9]+(\+[0-9]+\.[0-9]+\.[0-9]+)?)?$")]
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
    """Messages are to be shown in this order; there are none while nothing can be said yet.

    `asked_again_because` is there while answers are wanted once more, `message_from_practice` when a person has
    something to say. `may` is what the client can do next.
    """

    status: Literal["awaiting_answers", "awaiting_request", "decided", "review_requested", "invited", "closed"]
    messages: list[MessageOut]
    asked_again_because: Literal["more_info", "changed", "withdrawn", "ruleset", "expired"] | None = None
    message_from_practice: str | None = None
    may: list[Literal["answer", "add", "ask_for_review", "change"]]


class WordsIn(Payload):
    words: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class AppealIn(Payload):
    """`words`: why a person should look again, if the client wants to say so."""

    words: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""


class WithdrawIn(Payload):
    """What is taken back: one's own consent, or that of a child's guardian."""

    what: Literal["consent", "guardian"]


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


class AnsweredOut(Shown):
    """One question as it was put, with the answer in words; no words if there was no answer."""

    question: str
    text: str
    answer: list[str]


class FindingOut(Shown):
    """One fired rule: `inputs` are the normalised values it read, `band` its half-open window in days.

    `answers` are there for whoever reads a case.
    """

    rule: str
    code: str
    outcome: Literal["note", "cleared", "needs_review", "declined"]
    inputs: dict[str, str | int | bool | list[str]]
    band: tuple[int | None, int | None] | None
    sources: list[str]
    evidence: list[str]
    explanation: str
    answers: list[AnsweredOut] | None = None


class EvaluationOut(Shown):
    outcome: Literal["cleared", "needs_review", "declined"]
    urgent: bool
    reason_codes: list[str]
    note_codes: list[str]
    clearance_required: bool
    retry_after: date | None
    trace: list[FindingOut]


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
