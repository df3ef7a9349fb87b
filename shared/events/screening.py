"""What screening says: the outcome of a case, and that it counts no longer; never a reason in a health answer."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import AwareDatetime

from shared.events import Event


class CaseDecided(Event):
    """Subject and `appointment` are the appointment; sequence is the version of the case.

    `cleared` and `declined` end the check, `needs_review` leaves it to a person, whose word comes as a further
    `cleared` or `declined`. `valid_until` is the last day on which a clearance counts, `retry_after` the first
    day on which the form may be filled in again; both are calendar dates in the practice's zone.
    """

    name: ClassVar[str] = "screening.case.decided.v1"

    appointment: str
    outcome: Literal["cleared", "needs_review", "declined"]
    decided_by: Literal["rules", "practitioner"]
    questionnaire: str
    ruleset: str
    valid_until: date | None = None
    retry_after: date | None = None


class CaseVoided(Event):
    """What was decided counts no longer, and nothing has been decided in its place; subject and sequence as above.

    `changed` and `withdrawn` are the client's word, `ruleset` a new rule set that everybody has to be asked anew for.
    """

    name: ClassVar[str] = "screening.case.voided.v1"

    appointment: str
    cause: Literal["changed", "withdrawn", "ruleset"]


class CaseReviewDue(Event):
    """A case waits for a person and its deadline comes near; said once for each deadline."""

    name: ClassVar[str] = "screening.case.review_due.v1"

    appointment: str
    due_at: AwareDatetime


class CaseMessageLeft(Event):
    """The practice has left a word for the client on the page of the visit; subject and sequence as above."""

    name: ClassVar[str] = "screening.case.message_left.v1"

    appointment: str


class ClientErased(Event):
    """Nothing is left of the client but what the law asks for; subject and `ask` are booking's ask."""

    name: ClassVar[str] = "screening.client.erased.v1"

    ask: str
    records: int


class ClientExported(Event):
    """The health checks of the client can be fetched under the ask; `records` says how many there are."""

    name: ClassVar[str] = "screening.client.exported.v1"

    ask: str
    records: int
