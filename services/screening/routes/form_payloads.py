"""The JSON of drafts and editions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from services.screening.overlays import OverlayTable
from services.screening.routes.payloads import Shown
from shared.httpkit import ANY_ID, Payload

VersionName = Annotated[str, Field(pattern=f"^{ANY_ID}$")]
Outcome = Literal["cleared", "needs_review", "declined"]


class DiffQuery(Payload):
    """Each an exact version, `draft`, or left out: from what counts now, to the draft."""

    from_: VersionName | None = Field(None, alias="from")
    to: VersionName | None = None


class ApproveIn(Payload):
    """`digest` is that of the draft that was read."""

    name: Annotated[str, Field(min_length=2, max_length=80, pattern=r"\S.*\S")]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class VersionOut(Shown):
    """Of the library, or of the practice: `published` is the one that counts, `retired` those before it."""

    questionnaire: str
    ruleset: str
    state: Literal["library", "published", "retired"]
    digest: str
    published_at: datetime | None = None
    published_by: str | None = None
    approved_by: list[str] | None = None
    forces_rescreen: bool


class DraftLineOut(Shown):
    form: str
    state: Literal["draft", "in_test"]
    release: str
    digest: str
    version: int


class FormsOut(Shown):
    """The oldest first."""

    forms: list[VersionOut]
    drafts: list[DraftLineOut]


class ApprovalOut(Shown):
    by: str
    at: datetime


class DraftOut(DraftLineOut):
    overlay: OverlayTable
    approvals: list[ApprovalOut]


class DifferenceOut(Shown):
    """`fields` are those that changed of what is in both."""

    what: Literal["question", "group", "rule", "clearance_question"]
    id: str
    how: Literal["added", "removed", "changed"]
    fields: list[str]


class ResultOut(Shown):
    outcome: Outcome
    urgent: bool
    clearance_required: bool
    codes: list[str]
    retry_after: date | None = None


class CaseChangeOut(Shown):
    """A result is absent where the answers of the case do not fit the form."""

    case: str
    before: ResultOut | None = None
    after: ResultOut | None = None


class ComparisonOut(Shown):
    """`step`: texts only, nothing softer, or something softer; then `softer` says what."""

    before: str
    after: str
    step: Literal["patch", "minor", "major"]
    differences: list[DifferenceOut]
    cases: list[CaseChangeOut]
    softer: list[str]


class TriedOut(Shown):
    """Without `troubles` the draft is in test. `release` is the version that it has to have to be published."""

    draft: DraftLineOut
    troubles: list[str]
    release: str
    comparison: ComparisonOut


class MovedOut(Shown):
    """`count` is absent for more than none and fewer than five."""

    before: Outcome
    after: Outcome
    count: int | None = None


class CodeCountOut(Shown):
    """`count` is absent for more than none and fewer than five."""

    code: str
    count: int | None = None


class TallyOut(Shown):
    """How many forms went from which outcome to which, and how many gained or lost a code."""

    judged: int
    outcomes: list[MovedOut]
    added: list[CodeCountOut]
    removed: list[CodeCountOut]


class SimulationOut(Shown):
    """`own` and `base` are test cases, all counted. `stored` are the newest forms of the practice.

    Of those, numbers below five are left out, and `judged` is rounded down to five. `left_out` were erased, or their
    answers do not fit; what the draft asks and they were not asked is taken as answered with nothing of note.
    """

    own: TallyOut
    base: TallyOut
    stored: TallyOut
    left_out: int
