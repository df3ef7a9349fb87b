"""The routes of the audit: who changed a setting, and who took which turn of a visit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import BaseModel, Field

from services.booking.actions import Booking
from services.booking.domain.appointment import AppointmentId, By, Change, Deed
from services.booking.domain.refusals import NoSuchAppointment, NoSuchPractice
from services.booking.routes.appointments import APPOINTMENT
from services.booking.routes.practices import PRACTICE
from shared.httpkit import Answer, Ask, Payload, Route, Who


class AuditQuery(Payload):
    """`before` is the id of the last entry that was seen."""

    before: str | None = Field(None, max_length=200)
    limit: int = Field(50, ge=1, le=200)


class ChangeView(BaseModel):
    """The values of a setting are JSON; what is absent was nothing, or is nothing now."""

    field: str
    old: str | None = None
    new: str | None = None


class EntryView(BaseModel):
    """`subject` names what was changed, `deed` what was done with it; `who` is the operator or a key."""

    id: str
    subject: str
    deed: str
    who: str
    where: str | None = Field(None, description="the network address that the change came from")
    at: datetime
    changes: list[ChangeView]


class Entries(BaseModel):
    """The newest first."""

    entries: list[EntryView]


class TurnView(BaseModel):
    """`by` whose side it was, `who` by which hand: a client, a key, what was heard, or time."""

    version: int
    deed: Deed
    by: By
    who: str
    where: str | None = None
    at: datetime
    changes: list[ChangeView]


class Turns(BaseModel):
    """In the order in which they were taken."""

    turns: list[TurnView]


class AuditRoutes:
    def __init__(self, booking: Booking) -> None:
        self._booking = booking

    def routes(self) -> Sequence[Route]:
        return [
            Route(
                method="GET",
                path=f"{PRACTICE}/audit",
                handler=self.list_changes,
                summary="Every change of a setting: who, when, from where, and what it was before",
                query=AuditQuery,
                answers={200: Entries},
                refuses=(NoSuchPractice,),
                who=Who.OPERATOR,
                scope="practice:read",
            ),
            Route(
                method="GET",
                path=f"{APPOINTMENT}/audit",
                handler=self.list_turns,
                summary="Every turn of a visit: who, when, from where, and what it was before",
                answers={200: Turns},
                refuses=(NoSuchAppointment,),
                who=Who.OPERATOR,
                scope="visits:read",
            ),
        ]

    async def list_changes(self, ask: Ask[None, AuditQuery]) -> Answer:
        kept = await self._booking.profiles.get(ask.path["practice"])
        found = await self._booking.auditing.of_practice(
            kept.practice.id, before=ask.query.before, limit=ask.query.limit
        )
        entries = [
            EntryView(
                id=one.id,
                subject=one.subject,
                deed=one.deed,
                who=one.who,
                where=one.where,
                at=one.at,
                changes=_changes(one.changes),
            )
            for one in found
        ]
        return Answer(200, Entries(entries=entries))

    async def list_turns(self, ask: Ask[None, None]) -> Answer:
        appointment = await self._booking.visits.get(AppointmentId(ask.path["appointment"]))
        turns = [
            TurnView(
                version=one.version,
                deed=one.deed,
                by=one.by,
                who=one.who,
                where=one.where,
                at=one.at,
                changes=_changes(one.changes),
            )
            for one in appointment.history
        ]
        return Answer(200, Turns(turns=turns))


def _changes(changes: Iterable[Change]) -> list[ChangeView]:
    return [ChangeView(field=one.field, old=one.old, new=one.new) for one in changes]
