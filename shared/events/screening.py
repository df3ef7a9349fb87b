"""What screening says: the outcome of a case, never a reason for it."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

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
